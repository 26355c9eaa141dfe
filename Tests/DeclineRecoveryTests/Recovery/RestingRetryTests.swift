import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct RestingRetryTests {
    /// A letter holds the message as it was taken up: the post that may be out stands not in it. `resting` posts at once.
    @Test func aRestingRetryIsLookedUpBeforeItIsPostedAgain() {
        let now = Moment.in2026(0)
        let sample = Recovery.sample(declinedAt: now)
        let recovery = Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(.sync, until: now + .days(9)), reference: sample.reference,
            amount: sample.amount,
            declinedAt: now, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge, phase: .resting("g-1"))
        guard case .handBack(var taken) = recovery.takenUp(now: now) else {
            Issue.record("not handed back")
            return
        }
        #expect(taken.next(now: now, timing: RecoveryTiming()) == .call(.lookUp("g-1")))
    }
}
