import TestSupport
import Testing

@testable import DeclineRecovery

/// What the order of the stream makes of a decline that comes in two forms. Older workers judge all of it alike, whatever they tell of it.
@Suite struct OtherFormClaimTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let sale = reference(.sale, 0)
    private let rerun = reference(.rerun, 1)
    private let alone = ClaimVerdict<Int64>.granted(alone: true, corrects: nil)

    private static func reference(_ kind: RecoveryReference.Kind, _ sequence: Int) -> RecoveryReference {
        RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: kind, sequence: sequence)
    }

    /// The id of a claim is its place.
    private struct Stream {
        var book = ClaimBook()
        var place: Int64 = -1

        @discardableResult
        mutating func append(_ act: Claim.Act, _ reference: RecoveryReference) -> ClaimVerdict<Int64> {
            place += 1
            return book.take(
                Claim(
                    id: Claim.ID(place), merchantID: "acme", reference: reference,
                    debt: Fingerprint(of: Debt(merchantID: "acme", orderID: "A1", purchaseID: nil, billingCycle: nil, chargeID: nil)),
                    amount: Money(minorUnits: 4_999, currency: .usd), act: act, at: OtherFormClaimTests.now,
                    until: OtherFormClaimTests.now + .days(33), worker: "w", gateway: act.isSend ? OtherFormClaimTests.gateway : nil),
                at: place)
        }

        func standing(_ reference: RecoveryReference) -> ClaimBook.Standing? {
            book.standing(of: Fingerprint(of: reference, merchant: "acme"))
        }
    }

    private static let gateway = ClaimedGateway(merchantID: "acme", id: "42", account: "m-1")

    @Test func whetherFlexFactorHasTheOthersOrderIsSaid() {
        var stream = Stream()
        stream.append(.send(post: 1), sale)
        #expect(stream.append(.send(post: 1), rerun) == .otherForm(0, exists: false))
        stream.append(.exists(answering: 0), sale)
        #expect(stream.append(.send(post: 1), rerun) == .otherForm(0, exists: true))
        #expect(stream.append(.told(Claim.Told(.expired, .unsent)), rerun) == .otherForm(0, exists: true))
    }

    /// What is left to its other form ends when that one does, by its name.
    @Test func whatIsLeftIsUnderWayWithTheOther() {
        var stream = Stream()
        stream.append(.send(post: 1), sale)
        stream.append(.send(post: 1), rerun)
        #expect(stream.standing(sale)?.isUnderWay == true && stream.standing(rerun)?.isUnderWay == true)
        stream.append(.unsent(0), sale)
        #expect(stream.standing(sale)?.isUnderWay == true && stream.standing(rerun)?.isUnderWay == true)
        stream.append(.send(post: 1), sale)
        stream.append(.told(Claim.Told(.approved, .known)), sale)
        #expect(stream.standing(sale)?.isUnderWay == false && stream.standing(rerun)?.isUnderWay == false)
    }

    /// Workers of every version fold it alike: who says that nothing arrived is granted it though the other form is open. So that is asked
    /// before.
    @Test func whatOlderWorkersSayIsJudgedAsTheyJudgeIt() {
        var stream = Stream()
        stream.append(.send(post: 1), sale)
        stream.append(.unsent(0), sale)
        stream.append(.send(post: 1), rerun)
        #expect(stream.append(.told(Claim.Told(.skipped, .unsent, unlessPaid: true)), sale) == .otherForm(2, exists: false))
        #expect(stream.append(.told(Claim.Told(.skipped, .absent, seen: 0, unlessPaid: true)), sale) == alone)
    }

    /// Of two forms one alone may be out: whatever is repeated, withdrawn or refused between.
    @Test func nothingGoesOutBesideTheOtherForm() {
        var stream = Stream()
        #expect(stream.append(.send(post: 1), sale) == alone)
        #expect(stream.append(.send(post: 1), sale) == .granted(alone: false, corrects: nil))
        stream.append(.unsent(0), sale)
        #expect(stream.append(.send(post: 1), rerun) == .otherForm(0, exists: false))
        stream.append(.unsent(1), sale)
        #expect(stream.append(.send(post: 1), rerun) == alone)
        #expect(stream.append(.send(post: 1), sale) == .otherForm(5, exists: false))
        stream.append(.exists(answering: 5), rerun)
        #expect(stream.append(.send(post: 1), sale) == .otherForm(5, exists: true))
    }
}

extension Claim.Act {
    fileprivate var isSend: Bool { if case .send = self { true } else { false } }
}
