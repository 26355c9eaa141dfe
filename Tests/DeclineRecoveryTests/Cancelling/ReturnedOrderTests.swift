import TestSupport
import Testing

@testable import DeclineRecovery

/// The answer to a refund was lost, and FlexFactor shows that nothing is left of the order: by whom it does not say.
@Suite struct ReturnedOrderTests {
    private let now = Moment.in2026(0)
    private let timing = RecoveryTiming()

    private func usd(_ units: Int64) -> Money { Money(minorUnits: units, currency: .usd) }

    /// What becomes of a command for 7.00 of a sale of 49.99, so much of which others were told to have given back.
    ///
    /// - Parameter askers: the commands that asked for some of it and were not told yet.
    private func learned(
        toldOfOthers refunded: Int64, isAll: Bool = false, askers: Int = 1, after span: Moment.Span = .seconds(120)
    ) throws -> Refund.Stop? {
        let reference = try #require(RecoveryReference("A-S0"))
        let command = RefundCommand(id: "r-1", merchantID: "acme", reference: reference, orderID: "g-1", amount: usd(700), reason: nil)
        var refund = Refund(command, gateways: ["42"], since: now, phase: .checking("g-1", usd(700)))
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: usd(4_999), refunded: refunded)
        refund.back = Refund.Back(isAll: isAll, askers: askers, asked: 700 * Int64(askers))
        return refund.learned(.order(.returned), now: now + span, timing: timing)
    }

    private func isParked(_ stop: Refund.Stop?) -> Bool { if case .park? = stop { true } else { false } }

    @Test func itDidWhatIsMissingOfWhatOthersDid() throws {
        #expect(try learned(toldOfOthers: 4_299) == .tell(.refunded, amount: usd(700), .rest, "g-1", []))
    }

    /// Another command asked for as much, and its answer may have been lost as well.
    @Test func whatAnotherCommandMayHaveDoneIsNotTold() throws {
        #expect(isParked(try learned(toldOfOthers: 4_299, askers: 2)))
        #expect(try learned(toldOfOthers: 4_299, askers: 2, after: .days(1)) == .giveUp)
    }

    @Test func whatOthersGaveBackItDidNot() throws {
        for isAll in [true, false] {
            guard case .tell(.refundFailed, _, _, "g-1", _)? = try learned(toldOfOthers: 4_999, isAll: isAll) else {
                Issue.record("it is told as refunded besides")
                continue
            }
        }
    }

    /// Nothing is given back of an order that is not known to be paid; nor is it said that it is not.
    @Test(arguments: [
        (FlexFactorOrder.State.unrecognised("2, COMPLETED"), "is in a state that is not known: 2, COMPLETED."),
        (.chargeback, "as disputed."), (.processing, "is not paid: its state is processing."),
    ])
    func anOrderThatIsNotUnderstoodIsNotSaidToBeUnpaid(state: FlexFactorOrder.State, words: String) throws {
        let reference = try #require(RecoveryReference("A-S0"))
        let command = RefundCommand(id: "r-1", merchantID: "acme", reference: reference, orderID: "g-1", amount: usd(700), reason: nil)
        var refund = Refund(command, gateways: ["42"], since: now)
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: usd(4_999))
        guard case .tell(.refundFailed, _, _, "g-1", let faults)? = refund.learned(.order(state), now: now, timing: timing) else {
            Issue.record("it was given back")
            return
        }
        #expect(faults.map(\.message).joined().hasSuffix(words))
    }

    /// News of the others may come yet; until then, and for ever where none comes, nobody knows.
    @Test func whatIsNotKnownIsNotTold() throws {
        #expect(isParked(try learned(toldOfOthers: 0)))
        #expect(try learned(toldOfOthers: 0, after: .days(1)) == .giveUp)
    }
}
