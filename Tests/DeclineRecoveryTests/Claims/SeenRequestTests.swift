import TestSupport
import Testing

@testable import DeclineRecovery

/// What FlexFactor said before a request was claimed is not said of that request.
@Suite struct SeenRequestTests {
    private let declinedAt = Moment.in2026(0)

    private func recovery(_ route: RecoveryRoute?, _ phase: RecoveryPhase, _ order: OrderEvidence.Word) -> Recovery {
        let sample = Recovery.sample(declinedAt: declinedAt)
        return Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: route ?? sample.route, reference: sample.reference,
            amount: sample.amount, declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil, charge: nil,
            phase: phase, evidence: OrderEvidence(order: order, seen: 7))
    }

    @Test(arguments: [nil, .retry(.managed, until: .in2026(5)), .retry(.sync, until: .in2026(5))] as [RecoveryRoute?])
    func aDenialIsOfWhatWasSentBefore(route: RecoveryRoute?) {
        var recovery = recovery(route, .reconciling(nil, .cancel), .denied(since: .in2026(1)))
        let was = recovery
        // What is known of no request, or of the same, changes nothing: who reads the stream late knows less.
        recovery.noteRequest(nil)
        recovery.noteRequest(7)
        #expect(recovery == was && recovery.seen(by: .absent) == 7)
        recovery.noteRequest(9)
        #expect(recovery.evidence == OrderEvidence(seen: 9) && recovery.seen(by: .absent) == 9)
        #expect(recovery.seen(by: .unsent) == nil && recovery.seen(by: .pointer) == nil)
    }

    /// In sync mode each post has a key of its own, so one that comes later can be charged. Elsewhere it is answered as the first was, and an
    /// order that FlexFactor closed is not asked for twice.
    @Test(arguments: [MITMode.sync, .managed])
    func whatWasSeenClosedIsLookedAtAgainWhereAPostCameSince(mode: MITMode) {
        let isSync = mode == .sync
        var closed = recovery(.retry(mode, until: .in2026(5)), .closed("g-1"), .known)
        closed.noteRequest(9)
        #expect(closed.phase == (isSync ? .closing("g-1", .look) : .closed("g-1")))
        #expect(closed.seen(by: .known) == (isSync ? 9 : nil))
        var cancelled = recovery(.retry(mode, until: .in2026(5)), .closing(nil, .look), .cancelled(since: .in2026(1)))
        cancelled.noteRequest(9)
        #expect(cancelled.evidence.order == (isSync ? .known : .cancelled(since: .in2026(1))))
    }
}
