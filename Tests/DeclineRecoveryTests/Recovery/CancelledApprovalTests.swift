import TestSupport
import Testing

@testable import DeclineRecovery

/// FlexFactor accepted to cancel the order, and then answers that it is approved: what it says of a request of then is no news of the order.
@Suite struct CancelledApprovalTests {
    private let declinedAt = Moment.in2026(0)
    private let timing = RecoveryTiming()
    private var now: Moment { declinedAt + .seconds(61) }

    /// A recovery whose answer was lost, behind its time: FlexFactor accepts its cancel, and is asked for the lost answer.
    private func recalled(_ mode: MITMode?) -> Recovery {
        let until = declinedAt + .seconds(60)
        let sample = Recovery.sample(declinedAt: declinedAt)
        let retry = mode.map { sample.at(.closing(nil, .cancel), route: .retry($0, until: until)) }
        var recovery = retry ?? sample.at(.reconciling(nil, .cancel))
        #expect(recovery.next(now: now, timing: timing) == .call(.cancelByReference(recovery.reference)))
        #expect(recovery.learned(.cancelAccepted, now: now, timing: timing) == nil)
        guard case .call(.recall) = recovery.next(now: now, timing: timing) else {
            Issue.record("\(recovery.phase)")
            return recovery
        }
        return recovery
    }

    @Test(arguments: [nil, MITMode.managed, .sync]) func itIsToldAsItsOrderIs(mode: MITMode?) {
        for isPaid in [true, false] {
            var recovery = recalled(mode)
            #expect(recovery.learned(.evaluated(.approved, "g-1"), now: now, timing: timing) == nil)
            #expect(recovery.next(now: now, timing: timing) == .call(.lookUp("g-1")))
            var stop = recovery.learned(.order(isPaid ? .completed : .cancelled), now: now, timing: timing)
            if !isPaid, mode != nil {
                // A retry looks once more.
                #expect(stop == .park(until: now + timing.settle) && recovery.phase == .closed("g-1"))
                stop = recovery.learned(.order(.cancelled), now: now + timing.settle, timing: timing)
            }
            let unpaid: RecoveryOutcome = mode == nil ? .declined(.reconciled, "g-1") : .expired(.atExpiry, "g-1")
            let end: RecoveryOutcome = isPaid ? .approved(.reconciled, "g-1") : unpaid
            #expect(stop == .conclude(end))
        }
    }

    /// Neither is known then: it is not told as approved, nor as cancelled, however long it is asked for.
    @Test(arguments: [nil, MITMode.managed, .sync]) func whereNoOrderIsNamedNobodyKnows(mode: MITMode?) {
        var recovery = recalled(mode)
        var time = now
        while time < now + .days(3) {
            guard case .call(let call) = recovery.next(now: time, timing: timing) else {
                Issue.record("no call at \(time)")
                return
            }
            let answer: FlexFactorAnswer =
                switch call {
                case .recall: .evaluated(.approved, nil)
                case .cancelByReference: .cancelAccepted
                default: .notListed
                }
            switch recovery.learned(answer, now: time, timing: timing) {
            case nil: break
            case .park(let until)?:
                time = until
                // The next delivery knows what the envelope keeps.
                guard case .recovery(let read) = WorkEnvelope.decode(WorkEnvelope.encode(recovery)) else {
                    Issue.record("unreadable")
                    return
                }
                recovery = read
            case let stop?:
                #expect(stop == .giveUp(.outcomeUnknown))
                return
            }
        }
        Issue.record("it never ends")
    }

    /// The CRM's cancel command is another message's, and so is what FlexFactor said to it.
    @Test func aCancelCommandStandsAgainstItAsWell() {
        var recovery = Recovery.sample(declinedAt: declinedAt).at(
            .closing(nil, .recall), route: .retry(.sync, until: declinedAt + .days(9)))
        recovery.pickUp(redelivered: false, isCancelRequested: true)
        guard case .park = recovery.learned(.evaluated(.approved, nil), now: now, timing: timing) else {
            Issue.record("\(recovery.phase)")
            return
        }
        #expect(recovery.phase == .closing(nil, .look))
    }

    /// A refused cancel is what a paid order answers.
    @Test func whatRefusedToBeCancelledIsBelievedWithoutAnOrder() {
        var recovery = Recovery.sample(declinedAt: declinedAt).at(.reconciling(nil, .cancel))
        #expect(recovery.learned(.cancelRefused, now: now, timing: timing) == nil)
        #expect(recovery.learned(.evaluated(.approved, nil), now: now, timing: timing) == .conclude(.approved(.answered, nil)))
    }
}
