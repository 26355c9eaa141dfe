import TestSupport
import Testing

@testable import DeclineRecovery

/// FlexFactor's list shows an order as a recovery's, and the order's own page does not say how it stands.
@Suite struct UnconfirmedOrderTests {
    private let declinedAt = Moment.in2026(0)
    private let timing = RecoveryTiming()
    private let shown = FlexFactorAnswer.failed(.unknown(.unconfirmed("FlexFactor answered 503")))
    private let silent = FlexFactorAnswer.failed(.unknown(.serverError(status: 503)))

    private func recovery(_ route: RecoveryRoute?, _ phase: RecoveryPhase, _ evidence: OrderEvidence) -> Recovery {
        let sample = Recovery.sample(declinedAt: declinedAt)
        return Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: route ?? sample.route, reference: sample.reference,
            amount: sample.amount, declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge,
            phase: phase, evidence: evidence)
    }

    /// Unlike beside a list that cannot be had: FlexFactor may have forgotten the key.
    @Test(arguments: [MITMode.managed, .sync]) func nothingIsChargedBesideIt(mode: MITMode) {
        let late = declinedAt + .days(2)
        for phase in [RecoveryPhase.due, .seeking(nil)] {
            var retry = recovery(.retry(mode, until: declinedAt + .days(21)), phase, OrderEvidence(sentAt: declinedAt))
            guard case .park? = retry.learned(shown, now: late, timing: timing) else {
                Issue.record("\(phase) goes on at once")
                continue
            }
            #expect(retry.phase == phase)
        }
    }

    /// While FlexFactor remembers the key a repeat is a look.
    @Test func itIsAskedForUnderTheSameKey() {
        var retry = recovery(
            .retry(.managed, until: declinedAt + .days(21)), .seeking(nil), OrderEvidence(sentAt: declinedAt))
        _ = retry.learned(shown, now: declinedAt + .minutes(5), timing: timing)
        #expect(retry.phase == .unanswered)
    }

    /// It may have been paid beside the cancel that FlexFactor accepted.
    @Test func anAcceptedCancelIsNotItsEnd() {
        let now = declinedAt + .minutes(10)
        let evidence = OrderEvidence(order: .cancelled(since: declinedAt + .minutes(2)))
        let over = RecoveryRoute.retry(.managed, until: declinedAt + .minutes(5))
        let cases: [(RecoveryRoute?, RecoveryPhase)] = [
            (nil, .reconciling(nil, .look)), (over, .closing(nil, .look)), (over, .closed(nil)),
        ]
        for (route, phase) in cases {
            var unseen = recovery(route, phase, evidence)
            var seen = unseen
            guard case .conclude? = unseen.learned(silent, now: now, timing: timing) else {
                Issue.record("\(phase) has no end")
                continue
            }
            guard case .park? = seen.learned(shown, now: now, timing: timing) else {
                Issue.record("\(phase) is told as its end")
                continue
            }
        }
    }
}
