import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A declined sale, charged again while the customer waits.
@Suite struct CascadeStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let deadline = now + .seconds(60)
    private let clock = ManualClock(now)
    private let claims = MemoryClaims()
    private let recovery = Recovery.sample(declinedAt: now)

    private func timeline(_ flexFactor: ScriptedFlexFactor, of recovery: Recovery? = nil) async throws -> StageTimeline {
        var timeline = StageTimeline(.cascade, clock)
        let stage = CascadeStage(in: .sample(clock, claims: claims), flexFactor: flexFactor)
        try await timeline.run(recovery ?? self.recovery) { await stage.handle($0) }
        return timeline
    }

    private func keys(_ flexFactor: ScriptedFlexFactor) -> [UUID5] {
        flexFactor.calls.compactMap { if case .evaluate(_, let key) = $0 { key } else { nil } }
    }

    @Test func anAnswerIsToldAtOnce() async throws {
        for (status, kind) in [(EvaluationStatus.approved, "approved"), (.declined, "declined")] {
            let flexFactor = ScriptedFlexFactor(.evaluated(status, "g-1"))
            let timeline = try await timeline(flexFactor, of: Recovery.sample(order: kind, declinedAt: Self.now))
            #expect(timeline.lines == ["told \(kind)"] && timeline.results.count == 1 && timeline.letters.isEmpty)
            #expect(flexFactor.calls.count == 1 && clock.now() == Self.now)
        }
    }

    /// The same key: FlexFactor charges once, however often it is asked.
    @Test func aLostAnswerIsAskedForAgainWithTheSameKey() async throws {
        let flexFactor = ScriptedFlexFactor { _, number in
            number < 3 ? .failed(.unknown(.timedOut)) : .evaluated(.approved, "g-1")
        }
        let timeline = try await timeline(flexFactor)
        #expect(timeline.lines.last == "told approved" && timeline.lines.dropLast().allSatisfy { $0 == "parked unanswered" })
        #expect(keys(flexFactor).count == 4 && Set(keys(flexFactor)).count == 1 && timeline.results.count == 1)
        #expect(clock.now() < Self.deadline)
    }

    /// From the deadline on FlexFactor is asked and nothing is charged, and what it knows is told.
    @Test func whatStaysUnansweredIsLookedForAfterTheDeadline() async throws {
        let flexFactor = ScriptedFlexFactor { call, _ in
            if case .find = call { .order(.completed) } else { .failed(.unknown(.serverError(status: 503))) }
        }
        let timeline = try await timeline(flexFactor)
        #expect(timeline.reasons == ["approved_on_look_up"] && timeline.lines.last == "told approved")
        #expect(flexFactor.asked.filter(\.call.charges).allSatisfy { $0.deadline <= Self.deadline })
        let first = try #require(flexFactor.calls.firstIndex { !$0.charges })
        #expect(flexFactor.calls[first...].allSatisfy { !$0.charges } && clock.now() >= Self.deadline)
    }

    /// One denial proves nothing: the request may still be on its way.
    @Test func whatNeverArrivedIsSkippedWhenItCanArriveNoMore() async throws {
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .find: .notListed
            case .cancelByReference: .noSuchOrder
            default: .failed(.unknown(.timedOut))
            }
        }
        let timeline = try await timeline(flexFactor)
        #expect(timeline.lines.last == "told skipped" && timeline.results.count == 1 && timeline.letters.isEmpty)
        #expect(clock.now() >= Self.deadline + RecoveryTiming().settle)
        #expect(flexFactor.calls.count { $0 == .cancelByReference(recovery.reference) } >= 2)
    }

    /// 409 to a cancel says nothing of a charge under our key: there may be no order.
    @Test func aConflictOfTheCancelIsNoOrder() async throws {
        let cancels = Atomic<Int>(0)
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .find: .notListed
            case .cancelByReference: cancels.add(1, ordering: .relaxed).oldValue == 0 ? .failed(.conflict) : .noSuchOrder
            default: .failed(.unknown(.timedOut))
            }
        }
        let timeline = try await timeline(flexFactor)
        #expect(timeline.lines.last == "told skipped" && timeline.results.count == 1 && timeline.letters.isEmpty)
        #expect(!claims.words.contains("exists"))
    }

    @Test func whatFlexFactorRefusesIsRejectedAndKeptAsALetter() async throws {
        let fault = FieldError(path: "Payer.Email", message: "no")
        let timeline = try await timeline(ScriptedFlexFactor(.failed(.refused(status: 400, [fault]))))
        #expect(timeline.lines == ["rejected refused_by_flexfactor"] && timeline.reasons == ["refused_by_flexfactor"])
        #expect(timeline.letters.map(\.reason) == [.refusedByFlexFactor] && timeline.letters.first?.faults == [fault])
    }

    /// A card that cannot be exchanged was not charged: that is known at once, and the debt is free.
    @Test(arguments: [CallFailure.unknown(.timedOut), .unknown(.serverError(status: 500)), .unknown(.barred(status: 403)), .conflict])
    func aCardThatCannotBeExchangedLeavesNothingUnknown(failure: CallFailure) async throws {
        let flexFactor = ScriptedFlexFactor(.failed(.unknown(.timedOut)))
        flexFactor.exchange = { _ in .failed(failure) }
        let sealed = Recovery.sample(declinedAt: Self.now, card: .encrypted(SealedCard("AQID")))
        let timeline = try await timeline(flexFactor, of: sealed)
        #expect(timeline.lines.last == "told skipped" && timeline.results.count == 1 && timeline.letters.isEmpty)
        #expect(flexFactor.calls.isEmpty && flexFactor.tokenizations > 1 && clock.now() < Self.deadline)
        #expect(claims.words.last == "told" && claims.standing(of: sealed.reference, merchant: "acme")?.mayBeCharged == false)
    }

    @Test func aCardThatIsExchangedInTheEndIsCharged() async throws {
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        flexFactor.exchange = { $0 < 2 ? .failed(.unknown(.timedOut)) : .tokenized(CardToken("tok_fresh")) }
        let timeline = try await timeline(flexFactor, of: Recovery.sample(declinedAt: Self.now, card: .encrypted(SealedCard("AQID"))))
        #expect(timeline.lines.last == "told approved" && timeline.results.count == 1 && flexFactor.calls.count == 1)
    }

    /// While nothing can be claimed nobody is charged, and nothing is told.
    @Test func withoutAClaimItWaits() async throws {
        claims.isReachable = false
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        let stage = CascadeStage(in: .sample(clock, claims: claims), flexFactor: flexFactor)
        let outcome = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type))
        #expect(outcome.publishing.map(\.destination) == [.delayed(.cascade, .seconds(5))] && flexFactor.calls.isEmpty)
        claims.isReachable = true
        #expect(try await timeline(flexFactor).lines == ["told approved"])
    }

    @Test func whatBelongsToAnotherStageIsALetter() async throws {
        let retry = recovery.at(.due, route: .retry(.managed, until: Self.now + .days(5)))
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        let timeline = try await timeline(flexFactor, of: retry)
        #expect(timeline.letters.map(\.reason) == [.unexpectedType] && flexFactor.calls.isEmpty && timeline.results.isEmpty)
    }

    @Test func whatANewerWorkerWroteWaitsAsItCame() async throws {
        let text = String(decoding: WorkEnvelope.encode(recovery), as: UTF8.self)
        let newer = Array(text.replacing(WorkEnvelope.type, with: "com.salvage.recovery.work.v9").utf8)
        let stage = CascadeStage(in: .sample(clock, claims: claims), flexFactor: ScriptedFlexFactor(.evaluated(.approved, "g-1")))
        let outcome = await stage.handle(IncomingMessage(body: newer, messageID: "m-1", type: "com.salvage.recovery.work.v9"))
        let later = try #require(outcome.publishing.first)
        #expect(outcome.publishing.count == 1 && later.destination == .delayed(.cascade, .seconds(30)))
        #expect(later.body == newer && later.messageID == "m-1" && later.type == "com.salvage.recovery.work.v9")
    }
}
