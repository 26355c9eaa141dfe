import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A rerun or a rebill, handed to FlexFactor and looked after until it ends.
@Suite struct RetryStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let until = now + .days(5)
    private let clock = ManualClock(now)

    private func retry(_ mode: MITMode = .managed) -> Recovery {
        Recovery.sample(declinedAt: Self.now).at(.due, route: .retry(mode, until: Self.until))
    }

    private func timeline(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor, cancels: Cancels = Cancels()) async throws
        -> StageTimeline
    {
        var timeline = StageTimeline(.retry, clock)
        let stage = RetryStage(in: .sample(clock), flexFactor: flexFactor, cancels: cancels)
        try await timeline.run(recovery) { await stage.handle($0) }
        return timeline
    }

    /// A FlexFactor that has the order once it was posted, works on it for so many looks, and cancels it when asked.
    private func flexFactor(paidAfter looks: Int) -> ScriptedFlexFactor {
        let state = Mutex((isPosted: false, isCancelled: false, looks: 0))
        return ScriptedFlexFactor { call, _ in
            state.withLock { state in
                switch call {
                case .evaluate:
                    state.isPosted = true
                    return .evaluated(.submitted, "g-1")
                case .find, .lookUp:
                    guard state.isPosted else { return .notListed }
                    if state.isCancelled { return .order(.cancelled) }
                    state.looks += 1
                    return .order(state.looks > looks ? .completed : .processing)
                case .cancel, .cancelByReference:
                    state.isCancelled = true
                    return .cancelAccepted
                default: return .noSuchOrder
                }
            }
        }
    }

    @Test func aManagedRetryIsSubmittedAndWatchedUntilItIsPaid() async throws {
        let flexFactor = flexFactor(paidAfter: 3)
        let timeline = try await timeline(retry(), flexFactor)
        #expect(timeline.lines == ["told submitted", "parked watching", "parked watching", "parked watching", "told approved"])
        #expect(timeline.results.count == 2 && flexFactor.calls.count(where: \.charges) == 1 && clock.now() < Self.until)
    }

    /// An order that is left open could be paid after the CRM was told otherwise.
    @Test func whatIsNotPaidInItsTimeIsCancelledBeforeItsEndIsTold() async throws {
        let flexFactor = flexFactor(paidAfter: .max)
        let timeline = try await timeline(retry(), flexFactor)
        #expect(timeline.lines.first == "told submitted" && timeline.lines.last == "told expired" && timeline.results.count == 2)
        #expect(flexFactor.calls.contains(.cancel("g-1")) && flexFactor.calls.count(where: \.charges) == 1)
        #expect(clock.now() >= Self.until + RecoveryTiming().grace)
    }

    @Test func whatTheCRMCancelsEndsAsCancelled() async throws {
        let recovery = retry()
        let flexFactor = flexFactor(paidAfter: .max)
        let stage = RetryStage(in: .sample(clock), flexFactor: flexFactor, cancels: Cancels())
        let submitted = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type))
        guard case .recovery(let watched)? = submitted.publishing.last.map({ WorkEnvelope.decode($0.body) }) else {
            Issue.record("\(submitted.publishing)")
            return
        }
        let timeline = try await timeline(watched, flexFactor, cancels: Cancels(requested: [recovery.reference]))
        #expect(timeline.lines.last == "told cancelled" && flexFactor.calls.contains(.cancel("g-1")) && clock.now() < Self.until)
    }

    /// FlexFactor charges a sync post at once or not at all; each post is one of its own.
    @Test func aSyncRetryIsPostedUntilItIsPaid() async throws {
        let posts = Mutex(0)
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard case .evaluate = call else { return .notListed }
            let number = posts.withLock { posts in
                posts += 1
                return posts
            }
            return .evaluated(number < 3 ? .declined : .approved, "g-1")
        }
        let timeline = try await timeline(retry(.sync), flexFactor)
        #expect(timeline.lines.last == "told approved" && timeline.results.count == 2 && timeline.reasons.last == "approved")
        let keys = flexFactor.calls.compactMap { if case .evaluate(_, let key) = $0 { key } else { nil } }
        #expect(keys.count == 3 && Set(keys).count == 3 && clock.now() >= Self.now + .minutes(300))
    }

    /// The decline was published again later than FlexFactor remembers keys.
    @Test func whereAnOrderStandsNothingIsPosted() async throws {
        let flexFactor = ScriptedFlexFactor(.order(.completed))
        let timeline = try await timeline(retry(), flexFactor)
        #expect(timeline.lines == ["told approved"] && !flexFactor.calls.contains(where: \.charges))
    }
}
