import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A gateway that was retired while recoveries were on their way: nothing new is sent there, and what was sent is brought to its end.
@Suite struct RetiredGatewayTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let until = now + .days(5)
    private let clock = ManualClock(now)
    private let claims = MemoryClaims()

    private func recovery(_ route: RecoveryRoute, _ kind: RecoveryReference.Kind, _ phase: RecoveryPhase = .due) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: kind, sequence: 1)
        let charge = sample.charge!
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: route, reference: reference, amount: charge.amount, declinedAt: Self.now,
            order: sample.order, verdict: sample.verdict, reply: nil,
            charge: Charge(
                reference: reference, isMerchantInitiated: kind.isRetry, isRecurring: false, expiry: nil, customerIP: charge.customerIP,
                amount: charge.amount, declinedAt: Self.now, decline: charge.decline, payer: charge.payer, billing: charge.billing,
                shipping: nil, paymentMethod: charge.paymentMethod, items: []),
            phase: phase)
    }

    private func handle(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor, _ other: MemoryClaims? = nil) async -> StageOutcome {
        flexFactor.retired = ["42"]
        let environment = StageEnvironment.sample(clock, claims: other ?? claims)
        let message = IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type)
        if case .cascade = recovery.route { return await CascadeStage(in: environment, flexFactor: flexFactor).handle(message) }
        return await RetryStage(in: environment, flexFactor: flexFactor, cancels: Cancels()).handle(message)
    }

    private func parked(_ outcome: StageOutcome) -> Recovery? {
        guard case .parked = outcome.entry.fate,
            case .recovery(let recovery)? = outcome.publishing.first.map({ WorkEnvelope.decode($0.body) })
        else { return nil }
        return recovery
    }

    private let paying = ScriptedFlexFactor(.evaluated(.approved, "g-1"))

    /// It waited while FlexFactor was away, or came just before the reload.
    @Test(
        arguments: [
            (RecoveryReference.Kind.sale, MITMode.managed, "no_cascade"), (.rerun, .managed, "not_flexfactor"),
            (.recurringRerun, .sync, "not_flexfactor"), (.recurring, .managed, "not_recycled_here"),
        ])
    func whatNobodyHasSentIsSkipped(kind: RecoveryReference.Kind, mode: MITMode, reason: String) async {
        let way = kind.isRetry ? RecoveryRoute.retry(mode, until: Self.until) : .cascade(deadline: Self.now + .seconds(60))
        for phase in kind.isRetry ? [RecoveryPhase.due, .ready] : [.due] {
            let claims = MemoryClaims()
            let outcome = await handle(recovery(way, kind, phase), paying, claims)
            #expect(outcome.entry.fate == .told(.skipped, reason: reason) && paying.calls.isEmpty && claims.words == ["told"])
        }
    }

    /// FlexFactor answered the first post: "declined for now".
    private func posted(_ phase: RecoveryPhase) async -> Recovery {
        let recovery = recovery(.retry(.sync, until: Self.until), .rerun, phase)
        let first = await claims.claim(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now))
        _ = await claims.claim(ClaimRequest(.exists(answering: first?.id), of: recovery, telling: nil, at: Self.now))
        return recovery
    }

    /// Its next post is new, whether it is due now or could not be sent before. What the first may have left open is cancelled.
    @Test(arguments: [RecoveryPhase.resting("g-1"), .ready]) func aSyncRetryIsNotPostedAgain(phase: RecoveryPhase) async throws {
        var begun = await posted(phase)
        if phase == .ready { begun.post = 2 }
        let open = ScriptedFlexFactor { call, _ in if case .cancel = call { .cancelAccepted } else { .order(.processing) } }
        _ = await handle(begun, open)
        #expect(open.calls.contains(.cancel("g-1")) && !open.calls.contains { $0.charges })
        let closed = ScriptedFlexFactor(.order(.cancelled))
        let waiting = try #require(parked(await handle(begun, closed)))
        clock.pass(.minutes(3))
        #expect(await handle(waiting, closed).entry.fate == .told(.expired, reason: "order_closed"))
        #expect(!closed.calls.contains { $0.charges })
    }

    /// A pod died behind the second post: it is asked for while FlexFactor remembers its key; later it would be a charge of its own.
    @Test(arguments: [false, true]) func aPostThatNobodyHeardOfIsAskedForAndNotMadeAnew(isForgotten: Bool) async throws {
        let resting = await posted(.resting("g-1"))
        _ = await claims.claim(ClaimRequest(.send(post: 2), of: resting, telling: nil, at: Self.now))
        if isForgotten { clock.pass(.days(2)) }
        let flexFactor = ScriptedFlexFactor { call, _ in call.charges ? .evaluated(.approved, "g-1") : .order(.cancelled) }
        let outcome = await handle(resting, flexFactor)
        #expect(flexFactor.calls.first == .lookUp("g-1") && flexFactor.calls.contains { $0.charges } != isForgotten)
        guard isForgotten else {
            #expect(outcome.entry.fate == .told(.approved, reason: "approved"))
            return
        }
        let waiting = try #require(parked(outcome))
        clock.pass(.minutes(3))
        #expect(await handle(waiting, flexFactor).entry.fate == .told(.expired, reason: "order_closed"))
        #expect(!flexFactor.calls.contains { $0.charges })
    }

    @Test func whatFlexFactorIsAtWorkOnIsLookedAt() async throws {
        let open = ScriptedFlexFactor(.order(.processing))
        let watching = recovery(.retry(.managed, until: Self.until), .rerun, .watching("g-1", polls: 0))
        let waiting = try #require(parked(await handle(watching, open)))
        #expect(open.calls == [.lookUp("g-1")])
        #expect(await handle(waiting, ScriptedFlexFactor(.order(.completed))).entry.fate == .told(.approved, reason: "approved_on_poll"))
    }

    /// A request that may have arrived is repeated under its key for its answer: nobody may be told that nothing was charged while nobody knows.
    @Test func aChargeWhoseAnswerWasLostIsAskedFor() async {
        let unanswered = recovery(.cascade(deadline: Self.now + .seconds(60)), .sale, .unanswered)
        _ = await claims.claim(ClaimRequest(.send(post: 1), of: unanswered, telling: nil, at: Self.now))
        #expect(await handle(unanswered, paying).entry.fate == .told(.approved, reason: "approved"))
    }
}
