import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A challenge is told as declined though FlexFactor refused to cancel its order: the customer may solve it later, and the webhook be lost.
@Suite struct WatchedChallengeTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(now)
    private let claims = MemoryClaims()

    private let recovery = challenged()

    private static func challenged() -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: now)
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .sale, sequence: 0)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: sample.route, reference: reference, amount: sample.amount, declinedAt: now,
            order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge)
    }

    /// It waits for its customer when it is told.
    ///
    /// - Parameter later: what a look at it brings after that time.
    private func flexFactor(_ later: FlexFactorAnswer, after span: Moment.Span) -> ScriptedFlexFactor {
        let (clock, turn) = (clock, Self.now + span)
        return ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: .evaluated(.challenge, "g-1")
            case .cancel: .cancelRefused
            default: clock.now() < turn ? .order(.onHold) : later
            }
        }
    }

    private func cascade(_ flexFactor: ScriptedFlexFactor) -> CascadeStage {
        CascadeStage(in: .sample(clock, claims: claims), flexFactor: flexFactor)
    }

    private func outcomes(_ flexFactor: ScriptedFlexFactor) -> OutcomeStage {
        OutcomeStage(
            in: .sample(clock, claims: claims), flexFactor: flexFactor,
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: Cancels())
    }

    private func timeline(_ flexFactor: ScriptedFlexFactor) async throws -> StageTimeline {
        var timeline = StageTimeline(.cascade, clock)
        let (cascade, outcomes) = (cascade(flexFactor), outcomes(flexFactor))
        try await timeline.run(recovery) { message in
            if message.type == WebhookNews.type { return await outcomes.handle(message) }
            return await cascade.handle(message)
        }
        return timeline
    }

    private func message(redelivered: Bool = false) -> IncomingMessage {
        IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type, redelivered: redelivered)
    }

    @Test(arguments: [Moment.Span.seconds(1), .minutes(90), .minutes(1_200)])
    func whatIsSolvedLaterIsToldWithoutItsWebhook(after span: Moment.Span) async throws {
        let timeline = try await timeline(flexFactor(.order(.completed), after: span))
        #expect(timeline.reasons == ["challenge_impossible", "approved_on_poll"])
        #expect(timeline.results.last?["data"]?["corrects"] != nil)
        #expect(timeline.letters.map(\.reason) == [.toldOtherwise])
        // About twice as late as it can be known, and no look is more than six hours after the last.
        let latest = Self.now + .milliseconds(2 * span.milliseconds) + .minutes(3)
        #expect(clock.now() <= min(latest, Self.now + span + .minutes(361)))
        #expect(claims.standing(of: recovery.reference, merchant: "acme")?.told?.kind == .approved)
    }

    @Test func whatNobodySolvesIsLookedAtForADay() async throws {
        let flexFactor = flexFactor(.order(.onHold), after: .seconds(0))
        let timeline = try await timeline(flexFactor)
        #expect(timeline.reasons == ["challenge_impossible"] && timeline.letters.isEmpty)
        #expect(timeline.lines.last == "ignored unsolved: order.completed.watched")
        #expect(clock.now() >= Self.now + .days(1) && clock.now() < Self.now + .days(2))
        #expect(flexFactor.calls.count < 20 && flexFactor.calls.count { $0.charges } == 1)
    }

    /// Nothing is told of it, and no letter says that somebody forged a webhook.
    @Test(
        arguments: [
            (FlexFactorAnswer.order(.cancelled), 0), (.order(.captureRequired), 1), (.order(.unrecognised("Odd")), 1), (.noSuchOrder, 2),
            (.failed(.unknown(.timedOut)), 2), (.failed(.unknown(.otherAccount)), 2),
        ] as [(FlexFactorAnswer, Int64)])
    func whatIsNotPaidIsNoNews(answer: FlexFactorAnswer, days: Int64) async throws {
        let timeline = try await timeline(flexFactor(answer, after: .seconds(1)))
        #expect(timeline.reasons == ["challenge_impossible"] && timeline.letters.isEmpty)
        #expect(timeline.lines.last == "ignored unsolved: order.completed.watched")
        #expect(clock.now() >= Self.now + .days(days) && clock.now() < Self.now + .days(days + 1))
    }

    /// FlexFactor is away as the day ends: the next look that is answered tells.
    @Test func anOutageAtItsEndHidesNoPayment() async throws {
        let clock = clock
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: .evaluated(.challenge, "g-1")
            case .cancel: .cancelRefused
            default:
                switch (clock.now() - Self.now).milliseconds / 3_600_000 {
                case ..<18: .order(.onHold)
                case ..<30: .failed(.unknown(.timedOut))
                default: .order(.completed)
                }
            }
        }
        #expect(try await timeline(flexFactor).reasons == ["challenge_impossible", "approved_on_poll"])
    }

    /// Whichever comes first, it is one result and one letter.
    @Test(arguments: [true, false]) func besideItsWebhookItIsToldOnce(isWebhookFirst: Bool) async throws {
        let flexFactor = flexFactor(.order(.completed), after: .seconds(30))
        let told = await cascade(flexFactor).handle(message())
        let watch = try #require(told.publishing.first { $0.type == WebhookNews.type })
        guard case .delayed(.outcomes, let delay) = watch.destination else {
            Issue.record("\(watch.destination)")
            return
        }
        clock.pass(delay)
        let webhook = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .completed, reference: recovery.reference, orderID: "g-1", receivedAt: clock.now())
        var published: [[String]] = []
        for body in isWebhookFirst ? [webhook.encoded(), watch.body] : [watch.body, webhook.encoded()] {
            let handled = await outcomes(flexFactor).handle(IncomingMessage(body: body, type: WebhookNews.type))
            published.append(handled.publishing.map(\.messageID))
        }
        #expect(published[0] == published[1] && published[0].count == 2)
        #expect(watch.messageID != webhook.id, "the broker's trace tells them apart")
    }

    /// Whoever told it died before anything was published.
    @Test func itIsWatchedByWhoeverTellsItAgain() async throws {
        let flexFactor = flexFactor(.order(.onHold), after: .seconds(0))
        let (lost, again) = (await cascade(flexFactor).handle(message()), await cascade(flexFactor).handle(message(redelivered: true)))
        for handled in [lost, again] { #expect(handled.publishing.count { $0.type == WebhookNews.type } == 1) }
        #expect(Set((lost.publishing + again.publishing).map(\.messageID)).count == 2)
    }

    @Test func whatIsClosedIsNotWatched() async {
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: .evaluated(.challenge, "g-1")
            case .cancel: .cancelAccepted
            default: .order(.cancelled)
            }
        }
        let handled = await cascade(flexFactor).handle(message())
        #expect(handled.entry.fate == .told(.declined, reason: "challenge_impossible") && handled.publishing.count == 1)
    }

    /// It knows the event by no such name, and lets it be.
    @Test func anOlderWorkerLetsItBe() throws {
        let news = WebhookNews(watching: "g-1", of: recovery, since: Self.now)
        let text = String(decoding: news.encoded(), as: UTF8.self)
        #expect(text.contains(#""event":"order.completed.watched""#))
        #expect(WebhookNews.Event(word: "order.completed.watched") == .other("order.completed.watched"))
        #expect(try WebhookNews.decode(news.encoded()).get() == news)
    }
}
