import TestSupport
import Testing

@testable import DeclineRecovery

/// FlexFactor accepted to cancel, by our reference, an order whose id nobody knows.
@Suite struct AcceptedCancelTests {
    private let now = Moment.in2026(0) + .days(1)
    private let timing = RecoveryTiming()

    /// It is known to exist, so "there is none" cannot be said; that it was cancelled can, and nobody asks for ever.
    @Test(arguments: [MITMode.managed, .sync]) func itIsToldAsCancelled(mode: MITMode) {
        let sample = Recovery.sample(declinedAt: .in2026(0))
        var cancelled = Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: .retry(mode, until: now + .days(5)),
            reference: sample.reference, amount: sample.amount, declinedAt: .in2026(0), order: sample.order, verdict: sample.verdict,
            reply: nil, charge: nil, phase: .closing(nil, .look),
            evidence: OrderEvidence(order: .cancelled(since: now + .seconds(-300)), seen: 1))
        cancelled.pickUp(redelivered: false, isCancelRequested: true)
        var book = ClaimBook()
        func claim(_ id: Claim.ID, _ act: Claim.Act) -> ClaimVerdict<Int64> {
            book.take(
                Claim(
                    id: id, merchantID: "acme", reference: sample.reference, debt: nil, amount: sample.amount, act: act, at: now,
                    until: now + .days(33), worker: "w"), at: Int64(id))
        }
        _ = claim(1, .send(post: 1))
        _ = claim(2, .exists(answering: nil))
        let standing = book.standing(of: Fingerprint(of: sample.reference, merchant: "acme"))
        var recovery = ClaimedRecovery(cancelled, standing: standing)
        guard case .call = recovery.next(now: now, timing: timing) else {
            Issue.record("it looks for the order")
            return
        }
        recovery.learned(.notListed, now: now, timing: timing)
        guard case .claim(let act, telling: let draft?) = recovery.next(now: now, timing: timing) else {
            Issue.record("nothing is told")
            return
        }
        #expect(draft.reason == .cancelled)
        #expect(claim(3, act) == .granted(alone: true, corrects: nil))
    }
}
