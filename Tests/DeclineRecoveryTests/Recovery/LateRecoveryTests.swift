import TestSupport
import Testing

@testable import DeclineRecovery

/// What is taken up when its time and all patience are long over, because the fleet was down for weeks.
@Suite struct LateRecoveryTests {
    private let declinedAt = Moment.in2026(0)
    private let timing = RecoveryTiming()
    private var now: Moment { declinedAt + .days(23) }
    private var settled: Moment { now + timing.settle }

    private func late(_ phase: RecoveryPhase, _ route: RecoveryRoute? = nil) -> Recovery {
        let sample = Recovery.sample(declinedAt: declinedAt)
        var recovery = Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: route ?? sample.route, reference: sample.reference,
            amount: sample.amount, declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil,
            charge: sample.charge, phase: phase)
        recovery.pickUp(redelivered: false)
        return recovery
    }

    private func retry(_ mode: MITMode = .sync) -> Recovery {
        let phase: RecoveryPhase = mode == .sync ? .resting("g-1") : .watching("g-1", polls: 3)
        return late(phase, .retry(mode, until: declinedAt + .days(21)))
    }

    /// One delivery: what it asks of FlexFactor, and where it stops.
    private func deliver(
        _ recovery: inout Recovery, at now: Moment, _ answer: (FlexFactorCall) -> FlexFactorAnswer
    ) -> (calls: [FlexFactorCall], stop: RecoveryStop?) {
        recovery.pickUp(redelivered: false)
        var calls: [FlexFactorCall] = []
        while calls.count < 50 {
            switch recovery.next(now: now, timing: timing) {
            case .call(let call):
                calls.append(call)
                if let stop = recovery.learned(answer(call), now: now, timing: timing) { return (calls, stop) }
            case .stop(let stop): return (calls, stop)
            case .tokenize: return (calls, nil)
            }
        }
        return (calls, nil)
    }

    @Test(arguments: [MITMode.managed, .sync])
    func whatIsOpenIsCancelledAndTheEndIsTold(mode: MITMode) {
        var recovery = retry(mode)
        let first = deliver(&recovery, at: now) { if case .cancel = $0 { .cancelAccepted } else { .order(.processing) } }
        #expect(first.calls == [.lookUp("g-1"), .cancel("g-1")] && first.stop == .park(until: settled))
        let second = deliver(&recovery, at: settled) { _ in .order(.cancelled) }
        #expect(second.calls == [.lookUp("g-1")] && second.stop == .park(until: settled + timing.settle))
        let third = deliver(&recovery, at: settled + timing.settle) { _ in .order(.cancelled) }
        #expect(third.stop == .conclude(.expired(.atExpiry, "g-1")))
    }

    @Test func whatWasPaidAfterAllIsSeen() {
        var recovery = retry()
        var isAsked = false
        let end = deliver(&recovery, at: now) { call in
            if case .cancel = call {
                isAsked = true
                return .cancelRefused
            }
            return .order(isAsked ? .completed : .processing)
        }
        #expect(end.calls == [.lookUp("g-1"), .cancel("g-1"), .lookUp("g-1")])
        #expect(end.stop == .conclude(.approved(.reconciled, "g-1")))
    }

    @Test func whatStaysOpenIsAPersonsWhenItWasAskedFor() {
        var recovery = retry()
        let refused = deliver(&recovery, at: now) { if case .cancel = $0 { .cancelRefused } else { .order(.processing) } }
        #expect(refused.calls == [.lookUp("g-1"), .cancel("g-1"), .lookUp("g-1")] && refused.stop == .giveUp(.outcomeUnknown))
        // It says yes and does nothing.
        recovery = retry()
        _ = deliver(&recovery, at: now) { if case .cancel = $0 { .cancelAccepted } else { .order(.processing) } }
        let ignored = deliver(&recovery, at: settled) { if case .cancel = $0 { .cancelAccepted } else { .order(.processing) } }
        #expect(ignored.calls == [.lookUp("g-1"), .cancel("g-1"), .lookUp("g-1")] && ignored.stop == .giveUp(.outcomeUnknown))
    }

    /// An outage that is not over says nothing; one that lasts is a person's.
    @Test(arguments: [false, true])
    func whereNobodyAnswersItIsAskedAgainForAWhile(isCascade: Bool) {
        var recovery = isCascade ? late(.unanswered) : retry()
        var (time, calls, stops) = (now, [FlexFactorCall](), [RecoveryStop]())
        while stops.count < 100 {
            let next = deliver(&recovery, at: time) { _ in .failed(.unknown(.timedOut)) }
            calls += next.calls
            if let stop = next.stop { stops.append(stop) }
            guard case .park(let until)? = next.stop else { break }
            time = until
        }
        #expect(stops.last == .giveUp(.outcomeUnknown) && calls.count >= 20 && time >= now + .minutes(5) && time < now + .days(1))
        #expect(calls.allSatisfy { !$0.takesMoney })
    }

    @Test func anInstantChargeThatIsOpenIsCancelledToo() {
        var recovery = late(.unanswered)
        let first = deliver(&recovery, at: now) { if case .cancel = $0 { .cancelAccepted } else { .order(.processing) } }
        #expect(first.calls.last == .cancel("g-1") && first.calls.count == 2 && first.stop == .park(until: settled))
        let second = deliver(&recovery, at: settled) { _ in .order(.cancelled) }
        #expect(second.stop == .conclude(.declined(.reconciled, "g-1")))
    }
}
