import TestSupport
import Testing

@testable import DeclineRecovery

/// The packed book and the plain one say the same of everything.
@Suite struct ClaimTableTests {
    private static let begin = Moment(milliseconds: 1_800_000_000_000)

    /// Few recoveries and debts, so that they meet; entries leave and their places are used again.
    @Test(arguments: 0..<40)
    func everyVerdictIsThatOfThePlainBook(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var (book, plain) = (ClaimBook(), PlainClaimBook())
        var story = RandomClaims(&random)
        for offset in 0..<Int64(4_000) {
            let claim = story.next(&random)
            let (verdict, expected) = (book.take(claim, at: offset), plain.take(claim, at: offset))
            #expect(verdict == expected, "seed \(seed), \(offset): \(claim.act)")
            let key = Fingerprint(of: claim.reference, merchant: "acme")
            #expect(book.standing(of: key) == plain.standing(of: key))
            if case .told(let at, _) = verdict { #expect(book.corrected(by: at, key) == plain.corrected(by: at, key)) }
            if let debt = claim.debt { #expect(book.openRecovery(of: debt) == plain.openRecovery(of: debt)) }
            let rebill = RandomClaims.rebill(of: claim)
            #expect(Set(book.claims(of: rebill).map(\.place)) == plain.claims(of: rebill))
            let debt = story.debt(&random)
            #expect(Set(book.claims(of: debt).map(\.place)) == plain.claims(of: debt))
            if Int.random(in: 0..<200, using: &random) == 0 {
                for _ in 0..<2 { book.forget(before: story.now) }
                plain.forget(before: story.now)
            }
            if offset % 50 == 0 { #expect(book.count == plain.count && book.openCount == plain.openCount, "seed \(seed), \(offset)") }
            if verdict != expected { return }
        }
    }

    /// Else a fleet that is never idle would look at new ones only, and remember all others for ever.
    @Test func whatIsOldIsForgottenWhileNewOnesCome() {
        var book = ClaimBook()
        func take(_ number: Int, until: Moment) {
            let reference = RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: "\(number)"), orderID: "\(number)", kind: .sale, sequence: 0)
            _ = book.take(
                Claim(
                    id: 1, merchantID: "acme", reference: reference, debt: Fingerprint("\(number)"), amount: nil, act: .send(post: 1),
                    at: Self.begin, until: until, worker: "w"), at: Int64(number))
        }
        for number in 0..<100 { take(number, until: Self.begin + .seconds(10)) }
        for number in 100..<103 {
            book.forget(before: Self.begin, atMost: 1_000)
            take(number, until: Self.begin + .days(1))
        }
        book.forget(before: Self.begin + .seconds(100), atMost: 1_000)
        take(103, until: Self.begin + .days(1))
        book.forget(before: Self.begin + .seconds(100), atMost: 1_000)
        #expect(book.count == 4)
    }

    /// What was looked at a part at a time is forgotten all the same.
    @Test func forgettingGoesOnWhereItStopped() {
        var book = ClaimBook()
        for number in 0..<10_000 {
            let reference = RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: "\(number)"), orderID: "\(number)", kind: .sale, sequence: 0)
            _ = book.take(
                Claim(
                    id: 1, merchantID: "acme", reference: reference, debt: Fingerprint("\(number)"), amount: nil, act: .send(post: 1),
                    at: Self.begin,
                    until: Self.begin + .seconds(number % 2 == 0 ? 10 : 10_000), worker: "w"), at: Int64(number))
        }
        for _ in 0..<11 { book.forget(before: Self.begin + .seconds(100), atMost: 1_000) }
        #expect(book.count == 5_000 && book.openCount == 5_000)
        for number in 0..<10_000 { #expect((book.openRecovery(of: Fingerprint("\(number)")) == nil) == (number % 2 == 0)) }
    }
}
