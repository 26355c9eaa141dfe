import TestSupport
import Testing

@testable import DeclineRecovery

/// FlexFactor gave the money back, and its order is not shown: how much of the sale that was, the sale tells, and nobody waits for the order.
@Suite struct RefundExtentTests {
    private let now = Moment.in2026(0)
    private let timing = RecoveryTiming()

    private func usd(_ units: Int64) -> Money { Money(minorUnits: units, currency: .usd) }

    /// - Parameter asked: by the command; `nil` for all that is left.
    private func told(asked: Int64?, of sale: Int64?, before: Int64 = 0) throws -> Refund.Stop? {
        let reference = try #require(RecoveryReference("A-S0"))
        let command = RefundCommand(
            id: "r-1", merchantID: "acme", reference: reference, orderID: "g-1", amount: asked.map(usd), reason: nil)
        let amount = usd(asked ?? (sale ?? 4_999) - before)
        var refund = Refund(command, gateways: ["42"], since: now, phase: .refunded("g-1", amount))
        refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: sale.map(usd), refunded: before)
        let first = refund.learned(.failed(.unknown(.timedOut)), now: now + .minutes(1), timing: timing)
        if sale != nil { return first }
        guard case .park? = first else { return nil }
        return refund.learned(.failed(.unknown(.timedOut)), now: now + timing.grace, timing: timing)
    }

    @Test func aPartIsToldAsAPart() throws {
        #expect(try told(asked: 500, of: 4_999) == .tell(.refunded, amount: usd(500), .part, "g-1", []))
        #expect(try told(asked: 500, of: 4_999, before: 1_000) == .tell(.refunded, amount: usd(500), .part, "g-1", []))
        #expect(try told(asked: 500, of: nil) == .tell(.refunded, amount: usd(500), .part, "g-1", []), "so much was said")
    }

    @Test func whatReachesTheSaleIsAllOfIt() throws {
        #expect(try told(asked: 4_999, of: 4_999) == .tell(.refunded, amount: usd(4_999), .whole, "g-1", []))
        #expect(try told(asked: nil, of: 4_999) == .tell(.refunded, amount: usd(4_999), .whole, "g-1", []))
        #expect(try told(asked: nil, of: 4_999, before: 1_000) == .tell(.refunded, amount: usd(3_999), .rest, "g-1", []))
        #expect(try told(asked: nil, of: nil) == .tell(.refunded, amount: usd(4_999), .unknown, "g-1", []))
    }

    /// What was told before is what a command had asked for, and less may have gone back: FlexFactor gave what was named, and the order says the
    /// rest, or nobody.
    @Test(arguments: [.completed, .returned, nil] as [FlexFactorOrder.State?])
    func whatWasOnlyAskedForBeforeMakesNoWhole(state: FlexFactorOrder.State?) throws {
        let reference = try #require(RecoveryReference("A-S0"))
        let command = RefundCommand(id: "r-2", merchantID: "acme", reference: reference, orderID: "g-1", amount: nil, reason: nil)
        for isAsked in [false, true] {
            var refund = Refund(command, gateways: ["42"], since: now, phase: .refunded("g-1", usd(1_999)))
            refund.sale = Refund.Sale(isApproved: true, orderID: "g-1", amount: usd(4_999), refunded: 3_000)
            refund.back = Refund.Back(isRefundedAsked: isAsked)
            let answer = state.map { FlexFactorAnswer.found(FlexFactorOrder(id: "g-1", state: $0)) }
            let stop = refund.learned(answer ?? .failed(.unknown(.timedOut)), now: now + .minutes(1), timing: timing)
            #expect(stop == .tell(.refunded, amount: usd(1_999), isAsked && state != .returned ? .part : .rest, "g-1", []))
        }
    }
}
