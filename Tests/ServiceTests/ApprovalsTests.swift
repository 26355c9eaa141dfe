import DeclineRecovery
import Pipeline
import TestSupport
import Testing

@testable import Service

/// What the stream of claims says of orders that FlexFactor lists.
@Suite struct ApprovalsTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .sale, sequence: 0)

    private func body(
        _ act: Claim.Act, declinedAt: Moment? = nil, of name: RecoveryReference? = nil, _ merchant: MerchantID = "acme",
        result: ResultEvent? = nil
    ) -> [UInt8] {
        let request = ClaimRequest(
            merchantID: merchant, reference: name ?? reference, debt: nil, amount: nil, act: act, until: Self.now + .days(33),
            result: result, declinedAt: declinedAt)
        return request.record(id: 7, at: Self.now, worker: "w-1").encoded()
    }

    private var approved: [UInt8] {
        body(
            .told(Claim.Told(.approved, .known)),
            result: ResultEvent(
                subject: .recovery(reference, RecoveredOrder(reference)), merchantID: "acme", reason: .approved(.answered),
                gatewayID: "42", flexFactorOrderID: "G-1", occurredAt: Self.now))
    }

    private func read(_ bodies: [[UInt8]]) -> Approvals {
        var approvals = Approvals()
        for (offset, body) in bodies.enumerated() { approvals.take(body, at: Int64(offset), wanted: ["g-1"]) }
        return approvals
    }

    /// A fleet that begins knows of each chargeback that it told, and its first list comes minutes after its first sale.
    @Test func chargebacksAreKnownFromTheFirstSaleOn() {
        let approvals = read([body(.send(post: 1), declinedAt: Self.now), approved])
        #expect(approvals.claimsDisputesFrom == 0 && approvals["g-1"].map(\.offset) == [1])
    }

    /// Workers of long ago claimed no chargebacks: nobody knows what they told of what they had approved.
    @Test func whatOlderWorkersToldIsNotKnownBeforeTheFirstList() {
        let day = RecoveryReference(orderID: Approvals.listName + "1.a", kind: .rerun, sequence: 0)
        let list = body(.moneyBack(MoneyBackClaim(Fingerprint("a"), .send(round: 1))), of: day, "")
        let approvals = read([body(.send(post: 1)), approved, list, approved, list])
        #expect(approvals.claimsDisputesFrom == 2 && approvals["G-1"].map(\.offset) == [1, 3])
        #expect(read([body(.send(post: 1)), approved]).claimsDisputesFrom == .max)
    }
}
