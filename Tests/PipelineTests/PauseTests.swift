import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What a pause keeps from beginning, and what it does not.
@Suite struct PauseTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let until = now + .days(5)
    private let clock = ManualClock(now)
    private let claims = MemoryClaims()
    private let pauses = PausesAtHand()

    private func pause(_ target: Pause.Target = .merchant("acme"), for span: Moment.Span = .minutes(60)) {
        pauses.take(Pause(target, since: clock.now(), until: clock.now() + span, by: "ada", why: "charged twice"))
    }

    private var environment: StageEnvironment { .sample(clock, claims: claims, pauses: pauses) }

    private func recovery(_ route: RecoveryRoute? = nil, _ phase: RecoveryPhase = .due) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let isRetry = if case .retry? = route { true } else { false }
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: isRetry ? .rerun : .sale, sequence: 1)
        let charge = sample.charge!
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: route ?? sample.route, reference: reference, amount: charge.amount,
            declinedAt: Self.now, order: sample.order, verdict: sample.verdict,
            reply: isRetry ? nil : ReplyAddress(queue: "checkout", correlationID: "c"),
            charge: Charge(
                reference: reference, isMerchantInitiated: isRetry, isRecurring: false, expiry: nil, customerIP: charge.customerIP,
                amount: charge.amount, declinedAt: Self.now, decline: charge.decline, payer: charge.payer, billing: charge.billing,
                shipping: nil, paymentMethod: charge.paymentMethod, items: []),
            phase: phase)
    }

    private func handle(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor, cancels: Cancels = Cancels()) async -> StageOutcome {
        let message = IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type)
        if case .cascade = recovery.route { return await CascadeStage(in: environment, flexFactor: flexFactor).handle(message) }
        return await RetryStage(in: environment, flexFactor: flexFactor, cancels: cancels).handle(message)
    }

    private func waiting(_ outcome: StageOutcome) -> (recovery: Recovery, wait: Moment.Span)? {
        guard outcome.publishing.count == 1, case .delayed(.retry, let wait)? = outcome.publishing.first?.destination,
            case .recovery(let recovery)? = outcome.publishing.first.map({ WorkEnvelope.decode($0.body) })
        else { return nil }
        return (recovery, wait)
    }

    private let paid = ScriptedFlexFactor(.evaluated(.approved, "g-1"))

    @Test(arguments: [Pause.Target.merchant("acme"), .gateway("acme", "42")])
    func aCascadeIsToldAtOnceAndWhoWaitsIsAnswered(target: Pause.Target) async {
        pause(target)
        let outcome = await handle(recovery(), paid)
        #expect(outcome.entry.fate == .told(.skipped, reason: "paused") && paid.calls.isEmpty && claims.words == ["told"])
        #expect(outcome.publishing.map(\.destination) == [.results(.newSale, .skipped), .reply(queue: "checkout")])
        // What was told stays so when the pause is over.
        clock.pass(.minutes(61))
        #expect(await handle(recovery(), paid).entry.fate == .told(.skipped, reason: ToldMoney.again) && paid.calls.isEmpty)
    }

    @Test(arguments: [Pause.Target.merchant("bold"), .gateway("acme", "43"), .gateway("bold", "42"), .stage(.cascade)])
    func othersGoOn(target: Pause.Target) async {
        pause(target)
        #expect(await handle(recovery(), paid).entry.fate == .told(.approved, reason: "approved"))
    }

    /// Nobody may be told that nothing was charged while nobody knows.
    @Test func whatWasBegunIsBroughtToItsEnd() async {
        let lost = ScriptedFlexFactor(.failed(.unknown(.timedOut)))
        let first = await handle(recovery(), lost)
        guard case .recovery(let begun)? = first.publishing.first.map({ WorkEnvelope.decode($0.body) }) else {
            Issue.record("\(first)")
            return
        }
        #expect(begun.phase == .unanswered)
        pause()
        #expect(await handle(begun, paid).entry.fate == .told(.approved, reason: "approved"))
    }

    /// A copy of a decline that was sent by a pod that died: the claims know of it, the copy does not.
    @Test func whatAnotherSentIsBroughtToItsEnd() async {
        _ = await handle(recovery(), ScriptedFlexFactor(.failed(.unknown(.timedOut))))
        pause()
        #expect(await handle(recovery(), paid).entry.fate == .told(.approved, reason: "approved"))
    }

    @Test func aRetryThatAnotherSentIsLookedFor() async {
        let fresh = recovery(.retry(.managed, until: Self.until))
        _ = await handle(fresh, ScriptedFlexFactor(.failed(.unknown(.timedOut))))
        pause()
        #expect(await handle(fresh, ScriptedFlexFactor(.order(.completed))).entry.fate == .told(.approved, reason: "approved_on_look_up"))
    }

    @Test(arguments: MITMode.allCases)
    func aRetryWaitsAndNothingOfItIsUsedUp(mode: MITMode) async throws {
        pause()
        let fresh = recovery(.retry(mode, until: Self.until))
        let first = try #require(waiting(await handle(fresh, paid)))
        // It is claimed once that there is one.
        #expect(first.recovery == fresh && first.wait <= .seconds(10) && paid.calls.isEmpty && claims.words == ["unsent"])
        #expect(claims.standing(of: fresh.reference, merchant: "acme")?.isWaiting == true)
        // The longer it lasts the more seldom it is looked at.
        clock.pass(.minutes(40))
        let later = try #require(waiting(await handle(first.recovery, paid)))
        #expect(later.recovery == fresh && later.wait > .minutes(8) && later.wait < .minutes(12) && claims.words == ["unsent"])
        clock.pass(.minutes(21))
        #expect(await handle(later.recovery, paid).entry.fate == .told(.approved, reason: "approved"))
    }

    /// A command to cancel it would not find it.
    @Test func whileNoClaimCanBeMadeItIsTriedAgain() async throws {
        pause(for: .days(2))
        clock.pass(.days(1))
        let fresh = recovery(.retry(.managed, until: Self.until))
        claims.isReachable = false
        let held = try #require(waiting(await handle(fresh, paid)))
        #expect(held.recovery == fresh && held.wait == .seconds(5))
        claims.isReachable = true
        #expect(try #require(waiting(await handle(held.recovery, paid))).wait > .minutes(10) && claims.words == ["unsent"])
    }

    /// Each further post is a charge, too.
    @Test func aRetryThatWasDeclinedForNowIsNotPostedAgain() async throws {
        let resting = recovery(.retry(.sync, until: Self.until), .resting("g-1"))
        pause()
        let outcome = await handle(resting, paid)
        let kept = try #require(waiting(outcome)).recovery
        #expect(kept.phase == resting.phase && kept.post == resting.post && paid.calls.isEmpty)
        guard case .parked(_, because: "paused") = outcome.entry.fate else {
            Issue.record("\(outcome.entry.fate)")
            return
        }
    }

    /// A pod died behind the second post. Its answer is asked for while FlexFactor remembers it; later that would be an attempt of its own.
    @Test(arguments: [false, true]) func aPostBehindWhichAPodDiedIsAskedForAndNotMadeAnew(isForgotten: Bool) async throws {
        let resting = recovery(.retry(.sync, until: Self.until), .resting("g-1"))
        let first = await claims.claim(ClaimRequest(.send(post: 1), of: resting, telling: nil, at: Self.now))
        _ = await claims.claim(ClaimRequest(.exists(answering: first?.id), of: resting, telling: nil, at: Self.now))
        _ = await claims.claim(ClaimRequest(.send(post: 2), of: resting, telling: nil, at: Self.now))
        if isForgotten { clock.pass(.days(2)) }
        pause()
        let flexFactor = ScriptedFlexFactor { call, _ in call.charges ? .evaluated(.approved, "g-1") : .order(.cancelled) }
        let outcome = await handle(resting, flexFactor)
        #expect(flexFactor.calls.first == .lookUp("g-1") && flexFactor.calls.contains(where: \.charges) != isForgotten)
        if isForgotten {
            clock.pass(.minutes(61))
            let parked = try #require(waiting(outcome)).recovery
            #expect(await handle(parked, flexFactor).entry.fate == .told(.approved, reason: "approved"))
            // It was looked at again before.
            #expect(flexFactor.calls.count == 3 && flexFactor.calls.last?.charges == true)
        } else {
            #expect(outcome.entry.fate == .told(.approved, reason: "approved"))
        }
    }

    /// Closing it charges nothing.
    @Test func aRetryThatTheCRMCancelsOrWhoseDaysAreOverIsClosed() async {
        let resting = recovery(.retry(.sync, until: Self.until), .resting("g-1"))
        pause(for: .days(6))
        let cancelled = ScriptedFlexFactor(.order(.processing))
        _ = await handle(resting, cancelled, cancels: Cancels(requested: [resting.reference]))
        #expect(cancelled.calls.contains(.cancel("g-1")))
        clock.pass(.days(5))
        let expired = ScriptedFlexFactor(.order(.processing))
        _ = await handle(resting, expired)
        #expect(expired.calls.contains(.cancel("g-1")) && !expired.calls.contains(where: \.charges))
    }

    @Test func whatFlexFactorWorksOnIsWatched() async {
        pause()
        let watched = recovery(.retry(.managed, until: Self.until), .watching("g-1", polls: 0))
        let outcome = await handle(watched, ScriptedFlexFactor(.order(.completed)))
        #expect(outcome.entry.fate == .told(.approved, reason: "approved_on_poll"))
    }

    @Test func aRetryWhoseTimeIsOverMeanwhileIsToldSo() async throws {
        let short = recovery(.retry(.managed, until: Self.now + .minutes(30)))
        pause()
        let first = try #require(waiting(await handle(short, paid)))
        clock.pass(.minutes(30))
        #expect(await handle(first.recovery, paid).entry.fate == .told(.expired, reason: "never_arrived") && paid.calls.isEmpty)
    }
}
