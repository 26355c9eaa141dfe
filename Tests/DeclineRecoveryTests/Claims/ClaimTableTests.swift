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
        let recoveries = Int.random(in: 2...400, using: &random)
        let debts = Int.random(in: 1...max(1, recoveries / 2), using: &random)
        var now = Self.begin
        var ids: [[Claim.ID]] = Array(repeating: [], count: recoveries)
        for offset in 0..<4_000 {
            let number = Int.random(in: 0..<recoveries, using: &random)
            let reference = RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: "d-\(number)"), orderID: "A\(number)", kind: .rerun, sequence: 1)
            let act = Self.act(&ids[number], UInt64(offset + 1), &random)
            // A webhook knows no debt and no amount.
            let isBare = Int.random(in: 0..<6, using: &random) == 0
            let claim = Claim(
                id: UInt64(offset + 1), merchantID: "acme", reference: reference,
                debt: isBare
                    ? nil
                    : Fingerprint(
                        of: Debt(merchantID: "acme", orderID: "D\(number % debts)", purchaseID: nil, billingCycle: nil, chargeID: nil)),
                amount: isBare ? nil : Money(minorUnits: Int64.random(in: 1...2, using: &random), currency: .usd), act: act, at: now,
                until: Moment(milliseconds: now.milliseconds / 1_000 * 1_000 + Int64.random(in: 1...5_000, using: &random) * 1_000),
                worker: "w")
            let (verdict, expected) = (book.take(claim, at: Int64(offset)), plain.take(claim, at: Int64(offset)))
            #expect(verdict == expected, "seed \(seed), \(offset): \(act)")
            let key = Fingerprint(of: reference, merchant: "acme")
            #expect(book.standing(of: key) == plain.standing(of: key))
            if case .told(let at, _) = verdict { #expect(book.corrected(by: at, key) == plain.corrected(by: at, key)) }
            if let debt = claim.debt { #expect(book.openRecovery(of: debt) == plain.openRecovery(of: debt)) }
            now = now + .milliseconds(Int64.random(in: 0...6_000, using: &random))
            if Int.random(in: 0..<200, using: &random) == 0 {
                // Whole seconds are kept.
                let moment = Moment(milliseconds: now.milliseconds / 1_000 * 1_000)
                for _ in 0..<2 { book.forget(before: moment) }
                plain.forget(before: moment)
            }
            if offset % 50 == 0 { #expect(book.count == plain.count && book.openCount == plain.openCount, "seed \(seed), \(offset)") }
            if verdict != expected { return }
        }
    }

    private static func act(_ own: inout [Claim.ID], _ id: Claim.ID, _ random: inout SeededRandom) -> Claim.Act {
        let one = own.randomElement(using: &random)
        switch Int.random(in: 0..<14, using: &random) {
        case 0...3:
            own.append(id)
            return .send(post: Int.random(in: 1...3, using: &random))
        case 4: return .unsent(one ?? 0)
        case 5: return .exists(answering: Bool.random(using: &random) ? one : nil)
        case 6: return .refused(one ?? 0)
        case 7: return .reopened(.paidBack)
        case 8: return .reopened(.byOperator(who: "Ada", why: "they agree"))
        case 9:
            let steps: [RefundClaim.Step] = [
                .send(round: 1), .send(round: 2), .unsent(round: 1), .told(.refunded, round: 1, isWhole: Bool.random(using: &random)),
                .news(isWhole: Bool.random(using: &random), isLate: false),
            ]
            return .refund(RefundClaim(Fingerprint("r-\(Int.random(in: 0..<2, using: &random))"), steps.randomElement(using: &random)!))
        default:
            let kind = [ResultKind.approved, .declined, .skipped, .expired].randomElement(using: &random)!
            return .told(
                Claim.Told(kind, Claim.Basis.allCases.randomElement(using: &random)!, withdrawing: Bool.random(using: &random) ? one : nil))
        }
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
