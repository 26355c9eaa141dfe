import TestSupport
import Testing

@testable import DeclineRecovery

/// An order whose page says that it is paid, and something else besides: it ends nothing, and nothing is done to it.
@Suite struct UnclearOrderTests {
    private let now = Moment.in2026(0)
    private let timing = RecoveryTiming()
    private var until: Moment { now + .days(9) }
    private let unclear = FlexFactorAnswer.failed(.unknown(.unclear("7, Cancelled")))

    /// At two moments, the second of which is behind all patience; then what is paid is told as that.
    private func isLookedAt(_ begun: Recovery, first: Moment, overdue: Moment) -> Bool {
        var recovery = begun
        for _ in 0..<3 {
            guard recovery.next(now: first, timing: timing) == .call(.lookUp("g-1")),
                case .park = recovery.learned(unclear, now: first, timing: timing)
            else { return false }
        }
        var paid = recovery
        guard recovery.next(now: overdue, timing: timing) == .call(.lookUp("g-1")),
            recovery.learned(unclear, now: overdue, timing: timing) == .giveUp(.outcomeUnknown),
            paid.next(now: first, timing: timing) == .call(.lookUp("g-1")),
            case .conclude(.approved(_, "g-1")) = paid.learned(.order(.completed), now: first, timing: timing)
        else { return false }
        return true
    }

    @Test(arguments: [MITMode.managed, .sync]) func aRetryIsNotCancelledAtItsEnd(mode: MITMode) {
        let phase: RecoveryPhase = mode == .sync ? .closing("g-1", .look) : .watching("g-1", polls: 3)
        let recovery = Recovery.sample(declinedAt: now).at(phase, route: .retry(mode, until: until))
        let end = until + timing.grace
        #expect(isLookedAt(recovery, first: end, overdue: end + timing.reconcileFor))
    }

    @Test func aCascadeIsNotCancelledBehindItsDeadline() {
        let recovery = Recovery.sample(declinedAt: now).at(.reconciling("g-1", .look))
        #expect(isLookedAt(recovery, first: now + .seconds(61), overdue: now + .seconds(60) + timing.reconcileFor))
    }

    /// It may be paid, and the next post has a key of its own.
    @Test func aSyncRetryIsNotPostedBesideIt() {
        var recovery = Recovery.sample(declinedAt: now).at(.seeking("g-1"), route: .retry(.sync, until: until))
        var moment = now
        while moment < until {
            guard recovery.next(now: moment, timing: timing) == .call(.lookUp("g-1")),
                case .park(let next) = recovery.learned(unclear, now: moment, timing: timing), next > moment
            else {
                Issue.record("\(recovery.phase)")
                return
            }
            moment = next
        }
        #expect(recovery.phase == .seeking("g-1"))
    }

    /// Nor where the list alone names it, when FlexFactor has forgotten the key.
    @Test func nothingIsPostedBesideWhatTheListNames() {
        var recovery = Recovery.sample(declinedAt: now).at(.seeking(nil), route: .retry(.sync, until: until))
        let late = recovery.keyDies(timing)
        guard case .park? = recovery.learned(unclear, now: late, timing: timing) else {
            Issue.record("it goes on at once")
            return
        }
        #expect(recovery.phase == .seeking(nil))
    }

    /// The answer to its charge was lost, and FlexFactor's cancel by our reference would void it.
    @Test(arguments: [MITMode.managed, .sync, nil]) func nothingIsCancelledThatTheListAloneNames(mode: MITMode?) {
        let begun = Recovery.sample(declinedAt: now)
        var recovery =
            if let mode { begun.at(.closing(nil, .look), route: .retry(mode, until: until)) } else { begun.at(.reconciling(nil, .look)) }
        let end = mode == nil ? now + .seconds(61) : until + timing.grace
        for _ in 0..<3 {
            guard case .call(.find) = recovery.next(now: end, timing: timing),
                case .park? = recovery.learned(unclear, now: end, timing: timing)
            else {
                Issue.record("\(recovery.phase)")
                return
            }
        }
        let overdue = end + timing.reconcileFor
        guard case .call(.find) = recovery.next(now: overdue, timing: timing) else {
            Issue.record("\(recovery.phase)")
            return
        }
        #expect(recovery.learned(unclear, now: overdue, timing: timing) == .giveUp(.outcomeUnknown))
    }
}
