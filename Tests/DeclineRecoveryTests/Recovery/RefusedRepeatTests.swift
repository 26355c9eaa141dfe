import TestSupport
import Testing

@testable import DeclineRecovery

/// Whoever sent a retry first may have died before the answer, and FlexFactor refuses each repeat: whether it has the order is asked before that is told.
@Suite struct RefusedRepeatTests {
    private static let fault = FieldError(path: "ExpiryDateUtc", message: "The field is invalid.")
    private let declinedAt = Moment.in2026(0)
    private let timing = RecoveryTiming()

    private func unanswered(_ mode: MITMode = .managed) -> Recovery {
        Recovery.sample(declinedAt: declinedAt).at(.unanswered, route: .retry(mode, until: declinedAt + .days(5)))
    }

    /// One call and its answer, as a pod takes it up.
    private func step(
        _ recovery: inout Recovery, _ answer: FlexFactorAnswer, at now: Moment, is expected: (FlexFactorCall) -> Bool
    ) throws -> RecoveryStop? {
        guard case .recovery(let read) = WorkEnvelope.decode(WorkEnvelope.encode(recovery)) else { throw Unread() }
        #expect(read.evidence == recovery.evidence && read.phase == recovery.phase)
        recovery = read
        guard case .call(let call) = recovery.next(now: now, timing: timing), expected(call) else { throw Unread() }
        return recovery.learned(answer, now: now, timing: timing)
    }

    private struct Unread: Error {}
    private let refusal = FlexFactorAnswer.failed(.refused(status: 400, [Self.fault]))

    private func isEvaluate(_ call: FlexFactorCall) -> Bool { if case .evaluate = call { true } else { false } }
    private func isFind(_ call: FlexFactorCall) -> Bool { if case .find = call { true } else { false } }
    private func isCancel(_ call: FlexFactorCall) -> Bool { if case .cancelByReference = call { true } else { false } }
    private func isParked(_ stop: RecoveryStop?) -> Bool { if case .park? = stop { true } else { false } }

    /// Up to where FlexFactor is asked whether it has the order.
    private func refusedForLong(_ recovery: inout Recovery) throws -> Moment {
        var now = declinedAt + .seconds(5)
        #expect(isParked(try step(&recovery, refusal, at: now, is: isEvaluate)))
        now = now + .minutes(1)
        #expect(try step(&recovery, .notListed, at: now, is: isFind) == nil)
        #expect(isParked(try step(&recovery, refusal, at: now, is: isEvaluate)), "a request may be in progress for so long")
        now = now + .minutes(1)
        #expect(try step(&recovery, .notListed, at: now, is: isFind) == nil)
        #expect(try step(&recovery, refusal, at: now, is: isEvaluate) == nil)
        return now
    }

    @Test(arguments: [MITMode.managed, .sync]) func whatFlexFactorDoesNotHaveWasRefused(mode: MITMode) throws {
        var recovery = unanswered(mode)
        var now = try refusedForLong(&recovery)
        #expect(isParked(try step(&recovery, .noSuchOrder, at: now, is: isCancel)))
        now = now + timing.settle
        #expect(try step(&recovery, .notListed, at: now, is: isFind) == nil)
        #expect(
            try step(&recovery, .noSuchOrder, at: now, is: isCancel) == .refuse(.byFlexFactor(status: 400), [Self.fault]))
        #expect(
            recovery.sentAgain(isRefused: true).phase == .due && recovery.sentAgain().phase != .due,
            "a letter of another kind tells nothing of it")
    }

    /// The first request took the money; what FlexFactor says to its repeats is no word about it.
    @Test func whatFlexFactorHasIsNotTheRefusals() throws {
        var recovery = unanswered()
        var now = try refusedForLong(&recovery)
        #expect(isParked(try step(&recovery, .cancelRefused, at: now, is: isCancel)) && recovery.phase == .seeking(nil))
        for _ in 0..<3 {
            now = now + .minutes(10)
            #expect(try step(&recovery, .notListed, at: now, is: isFind) == nil)
            #expect(isParked(try step(&recovery, refusal, at: now, is: isEvaluate)) && recovery.phase == .seeking(nil))
        }
        var shown = recovery
        let paid = FlexFactorAnswer.found(FlexFactorOrder(id: "g-1", state: .completed))
        #expect(try step(&shown, paid, at: now, is: isFind) == .conclude(.approved(.reconciled, "g-1")))
    }

    /// Nobody wants it cancelled: it was closed to be asked for.
    @Test func anOrderThatIsShownMeanwhileGoesOn() throws {
        var recovery = unanswered()
        let now = try refusedForLong(&recovery)
        #expect(isParked(try step(&recovery, .noSuchOrder, at: now, is: isCancel)))
        let open = FlexFactorAnswer.found(FlexFactorOrder(id: "g-1", state: .processing))
        guard case .submitted("g-1", _)? = try step(&recovery, open, at: now + timing.settle, is: isFind) else {
            Issue.record("\(recovery.phase)")
            return
        }
        #expect(recovery.phase.orderID == "g-1")
    }

    /// 409 to one post is no conflict of the next.
    @Test func theNextPostBeginsAnew() {
        var recovery = unanswered(.sync)
        _ = recovery.next(now: declinedAt, timing: timing)
        _ = recovery.learned(.failed(.conflict), now: declinedAt, timing: timing)
        #expect(recovery.evidence.conflictSince == declinedAt)
        recovery.noteAsked(2)
        #expect(recovery.evidence.conflictSince == nil && recovery.post == 2)
    }
}
