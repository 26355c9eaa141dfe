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

    /// The keys of a sync retry's posts to a FlexFactor that approves the third that it answers; the first `lost` answers are lost.
    private func keys(losing lost: Int, looks: FlexFactorAnswer, isKnown: Bool = false, in claims: MemoryClaims) async throws -> (
        keys: [UUID5], StageTimeline
    ) {
        let posts = Mutex((made: 0, keys: Set<UUID5>()))
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard case .evaluate(_, let key) = call else { return isKnown || posts.withLock { $0.made > 0 } ? looks : .notListed }
            return posts.withLock { posts in
                posts.made += 1
                if posts.made > lost { posts.keys.insert(key) }
                return posts.made <= lost ? .failed(.unknown(.timedOut)) : .evaluated(posts.keys.count < 3 ? .declined : .approved, "g-1")
            }
        }
        var timeline = StageTimeline(.retry, clock)
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        try await timeline.run(retry(.sync)) { await stage.handle($0) }
        return (flexFactor.calls.compactMap { if case .evaluate(_, let key) = $0 { key } else { nil } }, timeline)
    }

    /// The list shows an order that is not paid, and whether our post is what it shows nobody can tell: the post is made again as it was, and
    /// the next is made when it was answered.
    @Test(arguments: [FlexFactorOrder.State.cancelled, .processing], [1, 4])
    func aPostWhoseAnswerWasLostIsMadeAgainAndTheNextOnesFollow(state: FlexFactorOrder.State, lost: Int) async throws {
        let (keys, timeline) = try await keys(losing: lost, looks: .order(state), in: MemoryClaims(now: Self.now))
        #expect(timeline.lines.last == "told approved", "\(timeline.lines)")
        #expect(keys.count == lost + 3 && Set(keys.prefix(lost + 1)).count == 1 && Set(keys).count == 3)
    }

    /// A pod was killed behind its second post, days after the decline: the next posts must not wait for it for ever.
    @Test(arguments: [1, 2]) func whatAPodThatDiedHadPostedIsAskedForUnderItsKey(post: Int) async throws {
        let claims = MemoryClaims(now: Self.now)
        let recovery = retry(.sync)
        if post > 1 {
            let id = await claims.claim(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now))?.id
            _ = await claims.claim(ClaimRequest(.exists(answering: id), of: recovery, telling: nil, at: Self.now))
        }
        _ = await claims.claim(ClaimRequest(.send(post: post), of: recovery, telling: nil, at: Self.now))
        clock.pass(.days(2))
        let (keys, timeline) = try await keys(losing: 0, looks: .order(.cancelled), isKnown: true, in: claims)
        #expect(timeline.lines.last == "told approved", "\(timeline.lines)")
        #expect(keys.count == 3 && keys.first == recovery.idempotencyKey(of: .evaluate(post: post)))
    }

    /// FlexFactor takes no second post for now: that is no end, and none to be made every few minutes.
    @Test func aPostThatIsRefusedIsFollowedByAnotherLater() async throws {
        let posts = Mutex(0)
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard case .evaluate = call else { return posts.withLock { $0 > 0 } ? .order(.cancelled) : .notListed }
            return
                switch posts.withLock({ posts in
                    posts += 1
                    return posts
                })
            {
            case 1: .evaluated(.declined, "g-1")
            case 2: .failed(.refused(status: 422, []))
            default: .evaluated(.approved, "g-1")
            }
        }
        let timeline = try await timeline(retry(.sync), flexFactor)
        let keys = flexFactor.calls.compactMap { if case .evaluate(_, let key) = $0 { key } else { nil } }
        #expect(timeline.lines.last == "told approved" && Set(keys).count == 3 && keys.count == 3, "\(timeline.lines)")
        #expect(clock.now() >= Self.now + .minutes(600))
    }

    /// A copy of the event, whose card is sealed yet: another token under a key that was sent would be another content.
    @Test func aCopyWithASealedCardLeavesThePostToWhoSentIt() async throws {
        let claims = MemoryClaims(now: Self.now)
        let sealed = Recovery.sample(declinedAt: Self.now, card: .encrypted(SealedCard("AQID"))).at(
            .due, route: .retry(.sync, until: Self.until))
        _ = await claims.claim(ClaimRequest(.send(post: 1), of: sealed, telling: nil, at: Self.now))
        let flexFactor = ScriptedFlexFactor(.order(.cancelled))
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        _ = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(sealed), type: WorkEnvelope.type))
        #expect(flexFactor.tokenizations == 0 && !flexFactor.calls.contains(where: \.charges))
    }

    /// Somebody who claims nothing had sent it.
    @Test func anOrderThatNobodyClaimedIsAskedForByItsFirstPost() async throws {
        let (keys, timeline) = try await keys(losing: 0, looks: .order(.cancelled), isKnown: true, in: MemoryClaims(now: Self.now))
        #expect(timeline.lines.last == "told approved", "\(timeline.lines)")
        #expect(keys.count == 3 && keys.first == retry(.sync).idempotencyKey(of: .evaluate(post: 1)))
    }

    /// The decline was published again later than FlexFactor remembers keys.
    @Test func whereAnOrderStandsNothingIsPosted() async throws {
        let flexFactor = ScriptedFlexFactor(.order(.completed))
        let timeline = try await timeline(retry(), flexFactor)
        #expect(timeline.lines == ["told approved"] && !flexFactor.calls.contains(where: \.charges))
    }
}
