import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// News that a managed order waits for its capture, while its recovery is parked for hours.
@Suite struct CaptureNewsTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(now)
    private let recovery = Recovery.sample(declinedAt: now).at(
        .watching("g-1", polls: 0), route: .retry(.managed, until: now + .days(21)))

    /// FlexFactor has the order, and somebody has heard so.
    private func claims(telling kind: ResultKind? = nil) -> MemoryClaims {
        let claims = MemoryClaims(now: Self.now)
        func claim(_ act: Claim.Act) -> Claimed {
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: recovery.reference, debt: nil,
                    amount: Money(minorUnits: 4_999, currency: .usd), act: act, until: Self.now + .days(40)), by: "w-2")
        }
        let sent = claim(.send(post: 1))
        _ = claim(.exists(answering: sent.id))
        if let kind { _ = claim(.told(Claim.Told(kind, .known))) }
        return claims
    }

    private func flexFactor(_ answers: FlexFactorAnswer...) -> ScriptedFlexFactor {
        let captures = Mutex(0)
        return ScriptedFlexFactor { call, _ in
            captures.withLock { captures in
                guard case .capture = call else { return .order(captures < answers.count ? .captureRequired : .completed) }
                captures += 1
                return answers[min(captures, answers.count) - 1]
            }
        }
    }

    private func hear(
        _ flexFactor: ScriptedFlexFactor, _ claims: MemoryClaims, mode: MITMode = .managed, cancels: Cancels = Cancels()
    ) async throws -> StageTimeline {
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .captureRequired, reference: recovery.reference, orderID: "g-1",
            receivedAt: Self.now)
        let stage = OutcomeStage(
            in: .sample(clock, claims: claims), flexFactor: flexFactor,
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", mitMode: mode)])), cancels: cancels)
        var timeline = StageTimeline(.outcomes, clock)
        try await timeline.run(IncomingMessage(body: news.encoded(), type: WebhookNews.type)) { await stage.handle($0) }
        return timeline
    }

    @Test func itIsCapturedSoonAndOnce() async throws {
        let (flexFactor, claims) = (flexFactor(.captured), claims())
        let timeline = try await hear(flexFactor, claims)
        #expect(timeline.reasons == ["captured"] && clock.now() <= Self.now + .seconds(30), "\(timeline.lines)")
        let capture = FlexFactorCall.capture(
            "g-1", Money(minorUnits: 4_999, currency: .usd), idempotencyKey: recovery.idempotencyKey(of: .capture(post: 1)))
        #expect(flexFactor.calls.filter { $0.charges } == [capture])
        // A pod that was frozen must not send it by a claim of long ago.
        #expect(flexFactor.asked.allSatisfy { $0.call.charges == ($0.writtenBy != nil) })

        // The news again, and the recovery when it is taken up: both tell what was told.
        let again = try await hear(flexFactor, claims)
        let retry = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        var parked = StageTimeline(.retry, clock)
        try await parked.run(recovery) { await retry.handle($0) }
        #expect(again.results == timeline.results && parked.results == timeline.results)
        #expect(flexFactor.calls.filter { $0.charges }.count == 1)
    }

    /// Each repeat has the same key; and where the answer was lost, the order tells.
    @Test func itIsAskedForAgainWhereNothingIsKnown() async throws {
        let failures: [CallFailure] = [.unknown(.timedOut), .notSent(.cannotConnect("refused")), .refused(status: 409, [])]
        for first in failures.map(FlexFactorAnswer.failed) {
            let flexFactor = flexFactor(first, .captured)
            let timeline = try await hear(flexFactor, claims())
            #expect(timeline.results.count == 1 && timeline.lines.last?.hasPrefix("told approved") == true, "\(timeline.lines)")
            let keys = flexFactor.calls.compactMap { if case .capture(_, _, let key) = $0 { key } else { nil } }
            #expect(keys.count == 2 && Set(keys).count == 1)
        }
        let lost = flexFactor(.failed(.unknown(.timedOut)))
        let timeline = try await hear(lost, claims())
        #expect(timeline.reasons == ["approved_on_poll"] && lost.calls.count(where: { $0.charges }) == 1)
    }

    /// What was told, cancelled, opened elsewhere or is posted by Salvage itself is left alone, and is no letter.
    @Test func nothingElseIsCaptured() async throws {
        let requested = Cancels(requested: [recovery.reference])
        let none = flexFactor(.captured)
        let ends = [
            try await hear(none, claims(telling: .expired)), try await hear(none, claims(), cancels: requested),
            try await hear(none, MemoryClaims(now: Self.now)), try await hear(none, claims(), mode: .sync),
        ]
        #expect(ends.allSatisfy { $0.results.isEmpty && $0.letters.isEmpty } && none.calls.allSatisfy { !$0.charges })
    }

    private struct Heard: CancelDirectory {
        var book = CancelBook()

        func isCancelRequested(_ reference: RecoveryReference, of merchant: MerchantID, declinedAt: Moment?) -> Bool {
            book.isCancelRequested(reference, of: merchant, declinedAt: declinedAt)
        }
    }

    /// A rebill that a command names by order, purchase and cycle was sent long after both, when the queue was read.
    @Test(arguments: [(-25, true), (-5, false)] as [(Int64, Bool)])
    func whetherACancelMeansItIsJudgedByItsDecline(minutes: Int64, isMeant: Bool) async {
        let rebill = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A", kind: .recurring, sequence: 7,
            subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
        var cancels = Heard()
        cancels.book.take(CancelNotice(merchantID: "acme", reference: rebill.family, time: Self.now + .minutes(-20)))
        let claims = MemoryClaims(now: Self.now)
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: rebill, debt: nil, amount: nil, act: .send(post: 1), until: Self.now + .days(40),
                declinedAt: Self.now + .minutes(minutes)), by: "w-2")
        let stage = OutcomeStage(
            in: .sample(clock, claims: claims), flexFactor: ScriptedFlexFactor(.notListed),
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: cancels)
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .captureRequired, reference: rebill, orderID: "g-1", receivedAt: Self.now)
        let isRequested = await stage.isCancelRequested(news, nil)
        #expect(isRequested == isMeant)
    }

    @Test func withoutTheClaimsItWaits() async throws {
        let claims = claims()
        let flexFactor = flexFactor(.captured)
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .captureRequired, reference: recovery.reference, orderID: "g-1",
            receivedAt: Self.now, looks: 1)
        claims.isReachable = false
        let handled = await OutcomeStage(
            in: .sample(clock, claims: claims), flexFactor: flexFactor,
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: Cancels()
        ).handle(IncomingMessage(body: news.encoded()))
        guard case .parked = handled.entry.fate else {
            Issue.record("\(handled.entry.fate)")
            return
        }
        #expect(flexFactor.calls.allSatisfy { !$0.charges })
    }
}
