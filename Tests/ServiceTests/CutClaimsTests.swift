import Testing

@testable import Broker
@testable import DeclineRecovery
@testable import Service

/// A stream of claims whose beginning a policy drove out.
@Suite struct CutClaimsTests {
    private func entry(_ offset: Int64, days: Int64) -> StreamEntry {
        let at = SystemClock().now() + .days(-days)
        let claim = Claim(
            id: 7, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1), debt: nil, amount: nil,
            act: .unsent(1), at: at, until: at, worker: "w")
        return StreamEntry(offset: offset, properties: MessageProperties(), routingKey: "", body: ClaimRecord(claim).encoded())
    }

    /// From 60 days on the stream lets go of them by itself, and after 33 nothing comes again.
    @Test(arguments: [(12, 3, true), (12, 59, false), (0, 3, false)] as [(Int64, Int64, Bool)])
    func thatClaimsAreGoneWhichAreToBeRememberedIsSaid(offset: Int64, days: Int64, isSaid: Bool) {
        let tail = ClaimTail(worker: "test")
        tail.take([entry(offset, days: days)])
        tail.take([entry(offset + 1, days: 0)])
        let said = tail.gap(TopologyNames())
        #expect((said?.contains("is gone from recovery.claims") ?? false) == isSaid)
    }
}
