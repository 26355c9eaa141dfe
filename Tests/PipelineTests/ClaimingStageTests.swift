import DeclineRecovery
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Pipeline

/// What the stages make of the claims.
@Suite struct ClaimingStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let claims = MemoryClaims()
    private let clock = ManualClock(Self.now)

    private func recovery(_ id: String = "d-1", charge: String? = nil, at gateway: GatewayID = "42") -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: .sale, sequence: 0)
        let was = sample.charge!
        return Recovery(
            merchantID: "acme", gatewayID: gateway, route: sample.route,
            charge: Charge(
                reference: reference, isMerchantInitiated: false, isRecurring: false, expiry: nil, customerIP: was.customerIP,
                amount: was.amount,
                declinedAt: Self.now, decline: was.decline, payer: was.payer, billing: was.billing, shipping: nil,
                paymentMethod: was.paymentMethod, items: []),
            order: RecoveredOrder(
                id: "A1", type: .newSale, trialCompletion: false, hasRecurringProducts: false, purchaseID: nil, billingCycle: nil,
                declinedGatewayID: "7",
                chargeID: charge), verdict: sample.verdict, reply: nil)
    }

    private func cascade(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor) async -> StageOutcome {
        await CascadeStage(in: .sample(clock, claims: claims), flexFactor: flexFactor).handle(
            IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type))
    }

    private let paid = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
    private let away = ScriptedFlexFactor(.failed(.notSent(.circuitOpen(until: Self.now + .seconds(30)))))

    @Test func whatWasToldIsToldAgainAsItWasAndNothingIsCharged() async throws {
        let first = try await cascade(recovery(), away).results()
        #expect(first.first?["data"]?["reason"]?["code"]?.string == "flexfactor_unavailable" && claims.words == ["send", "told"])
        clock.pass(.seconds(20))
        #expect(try await cascade(recovery(), paid).results() == first)
        #expect(paid.calls.isEmpty)
    }

    @Test func nothingIsChargedNorToldWhileNoClaimCanBeMade() async throws {
        claims.isReachable = false
        let held = await cascade(recovery(), paid)
        #expect(try held.results().isEmpty && paid.calls.isEmpty && held.publishing.count == 1)
        guard case .delayed(.cascade, _)? = held.publishing.first?.destination,
            case .recovery(let kept)? = held.publishing.first.map({ WorkEnvelope.decode($0.body) })
        else {
            Issue.record("\(held.publishing.map(\.destination))")
            return
        }
        #expect(kept == recovery())
        claims.isReachable = true
        #expect(try await cascade(kept, paid).results().first?["data"]?["result"]?.string == "success")
    }

    /// A pod died between its claim and the answer: whether it had sent the charge nobody knows, so nobody says that it did not.
    @Test func whereAnothersRequestStandsItIsRepeatedAndNotGivenUp() async throws {
        claims.append(ClaimRequest(.send(post: 1), of: recovery(), telling: nil, at: Self.now), by: "dead")
        let handled = await cascade(recovery(), away)
        #expect(try handled.results().isEmpty, "nobody knows yet")
        guard case .recovery(let parked)? = handled.publishing.first.map({ WorkEnvelope.decode($0.body) }) else { return }
        #expect(parked.phase == .unanswered)
        #expect(try await cascade(parked, paid).results().first?["data"]?["result"]?.string == "success")
    }

    @Test func aSecondDeclineOfTheDebtWaitsForTheFirst() async throws {
        claims.append(ClaimRequest(.send(post: 1), of: recovery("d-1"), telling: nil, at: Self.now), by: "w-2")
        let handled = await cascade(recovery("d-2"), paid)
        let second = try handled.results()
        // The journal says what was told, also of what is told once more.
        for (handled, reason) in [(handled, "in_recovery"), (await cascade(recovery("d-2"), paid), "told_again")] {
            let record = handled.publishing(from: .cascade, at: Self.now, worker: "w-1", traceparent: nil).lazy
                .compactMap { JournalRecord.decode($0.body) }.first
            #expect(record?.reason == reason && record?.action == .awaitResult && record?.otherRecovery == recovery("d-1").reference)
        }
        #expect(
            second.first?["data"]?["reason"]?["code"]?.string == "in_recovery"
                && second.first?["data"]?["action"]?["name"]?.string == "await_result")
        #expect(second.first?["data"]?["otherRecovery"]?.string == recovery("d-1").reference.text && paid.calls.isEmpty)
        // Another charge of the order is another debt.
        #expect(try await cascade(recovery("d-3", charge: "upsell"), paid).results().first?["data"]?["result"]?.string == "success")
    }

    @Test func whatIsTooLateAndWasNotSentIsAnsweredWithoutACall() async throws {
        clock.pass(.seconds(61))
        #expect(try await cascade(recovery(), paid).results().first?["data"]?["reason"]?["code"]?.string == "deadline_passed")
        #expect(paid.calls.isEmpty)
    }

    /// A pod may be frozen after its claim for as long as it takes others to tell that nothing was charged.
    @Test func aChargeIsWrittenWhileItsClaimIsGoodAndItsTimeIsNotOver() async throws {
        _ = await cascade(recovery(), paid)
        let first = try #require(paid.asked.last?.writtenBy)
        #expect(first <= ContinuousClock.now.advanced(by: .milliseconds(Claim.validity.milliseconds)))
        clock.pass(.seconds(57))
        _ = await cascade(recovery("d-2", charge: "upsell"), paid)
        let second = try #require(paid.asked.last?.writtenBy)
        #expect(paid.asked.count == 2 && second <= ContinuousClock.now.advanced(by: .seconds(3)))
    }

    /// Because its time was over, or because our own rate had no turn in it: the journal says which.
    @Test(arguments: [(CallFailure.NotSent.deadline, "too_late"), (.rateLimited, "rate_limited")])
    func whatCouldNotBeWrittenWhileItsClaimWasGoodIsClaimedAnew(why: CallFailure.NotSent, word: String) async throws {
        let slow = ScriptedFlexFactor(.failed(.notSent(why)), .evaluated(.approved, "g-1"))
        let parked = await cascade(recovery(), slow)
        let line = parked.journal(from: .cascade, at: clock.now(), worker: "w-1", traceparent: nil)
        let record = try #require(line.flatMap { JournalRecord.decode($0.body) })
        #expect(record.fate == .parked && record.detail == "due" && record.reason == word)
        #expect(try parked.results().isEmpty && claims.words == ["send", "unsent"])
        guard case .recovery(let kept)? = parked.publishing.first.map({ WorkEnvelope.decode($0.body) }) else {
            Issue.record("\(parked.publishing.map(\.destination))")
            return
        }
        #expect(try await cascade(kept, slow).results().first?["data"]?["result"]?.string == "success")
        #expect(claims.words == ["send", "unsent", "send", "told"])
    }

    /// It is known that nothing was sent, so it is told at once, and the request is withdrawn with it.
    @Test func whatCouldNotBeWrittenInTimeIsTooLate() async throws {
        let frozen = ScriptedFlexFactor { [clock] _, _ in
            clock.pass(.seconds(61))
            return .failed(.notSent(.deadline))
        }
        #expect(try await cascade(recovery(), frozen).results().first?["data"]?["reason"]?["code"]?.string == "deadline_passed")
        #expect(frozen.calls.count == 1 && claims.words == ["send", "told"])
        #expect(claims.standing(of: recovery().reference, merchant: "acme")?.mayBeCharged == false)
    }

    /// A pod whose clock is ten minutes behind claims a charge beside another that asks FlexFactor for the order: after its first word, or
    /// after its last. Both times FlexFactor is asked anew before anybody is told that nothing was charged.
    @Test(arguments: [1, 2]) func whatWasSentWhileFlexFactorWasAskedIsAskedForAsWell(denial: Int) async throws {
        let (claims, now, first) = (claims, Self.now, recovery())
        let denials = Mutex(0)
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .find: return .notListed
            case .cancelByReference:
                let count = denials.withLock { denials in
                    denials += 1
                    return denials
                }
                if count == denial { claims.append(ClaimRequest(.send(post: 1), of: first, telling: nil, at: now), by: "behind") }
                return .noSuchOrder
            default: return .failed(.unknown(.timedOut))
            }
        }
        var (next, told): (Recovery, [JSONValue]) = (first, [])
        for _ in 0..<60 where told.isEmpty {
            let handled = await cascade(next, flexFactor)
            told = try handled.results()
            guard case .delayed(_, let delay)? = handled.publishing.first?.destination,
                case .recovery(let parked)? = handled.publishing.first.map({ WorkEnvelope.decode($0.body) })
            else { break }
            next = parked
            clock.pass(delay)
        }
        #expect(told.first?["data"]?["reason"]?["code"]?.string == "deadline_passed")
        let count = denials.withLock { $0 }
        #expect(count == denial + 2, "two denials after the last request was known")
    }

    @Test func whatFlexFactorRefusesIsThePostBeforeTheNext() async throws {
        let refused = ScriptedFlexFactor(.failed(.refused(status: 400, [FieldError(path: "OrderId", message: "no")])))
        let first = try await cascade(recovery(), refused).results()
        #expect(first.first?["id"]?.string == recovery().reference.text + "/rejected/post-1" && claims.words == ["send", "refused"])
        _ = try await cascade(recovery(), paid).results()
        guard case .evaluate(_, let key)? = paid.calls.first else {
            Issue.record("\(paid.calls)")
            return
        }
        #expect(key != recovery().idempotencyKey(of: .evaluate(post: 1)) && key == recovery().idempotencyKey(of: .evaluate(post: 2)))
    }

    private func retry(_ mode: MITMode = .managed, declined age: Moment.Span = .seconds(0), at gateway: GatewayID = "42") -> Recovery {
        let was = recovery()
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1)
        return Recovery(
            merchantID: "acme", gatewayID: gateway, route: .retry(mode, until: Self.now + .days(5)), reference: reference,
            amount: was.amount, declinedAt: Self.now + .milliseconds(-age.milliseconds), order: was.order, verdict: was.verdict, reply: nil,
            charge: was.charge)
    }

    private func retried(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor) async -> Recovery? {
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        let handled = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type))
        guard let next = handled.publishing.first(where: { $0.type == WorkEnvelope.type }).map({ WorkEnvelope.decode($0.body) }),
            case .recovery(let parked) = next
        else { return nil }
        return parked
    }

    /// A key is as old as the first request, and not as the decline: a rebill that was declined days ago is asked for under it.
    @Test func aRetryOfAnOldDeclineIsAskedForUnderItsKeyWhenItsPodDied() async throws {
        let recovery = retry(declined: .days(3))
        claims.append(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now), by: "dead")
        let flexFactor = ScriptedFlexFactor(.notListed, .notListed, .evaluated(.submitted, "g-1"))
        let parked = await retried(recovery, flexFactor)
        #expect(parked?.phase == .watching("g-1", polls: 0) && parked?.charge == nil)
        guard case .evaluate(_, let key)? = flexFactor.calls.last else {
            Issue.record("\(flexFactor.calls)")
            return
        }
        #expect(key == recovery.idempotencyKey(of: .evaluate(post: 1)))
    }

    /// The other content under our key is that of another copy, which tells the end.
    @Test func aCopyOfARetryThatFlexFactorHasWaitsForTheOther() async throws {
        let other = claims.append(ClaimRequest(.send(post: 1), of: retry(), telling: nil, at: Self.now), by: "w-2")
        claims.append(ClaimRequest(.exists(answering: other.id), of: retry(), telling: nil, at: Self.now), by: "w-2")
        let flexFactor = ScriptedFlexFactor(.notListed, .failed(.conflict))
        var copy = try #require(await retried(retry(), flexFactor))
        for _ in 0..<4 {
            clock.pass(.seconds(200))
            copy = try #require(await retried(copy, flexFactor), "it gave up")
        }
        #expect(claims.words.contains("told") == false)
    }

    /// Another account knows neither the key nor the order: nothing is sent there, and nothing it denies is believed.
    @Test func whatMayBeAtOneAccountIsNotSentToAnother() async throws {
        for (isCascade, gateway) in [(true, "42"), (true, "43"), (false, "42"), (false, "43")] as [(Bool, GatewayID)] {
            let claims = MemoryClaims()
            let sent = isCascade ? recovery() : retry()
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: sent.reference, debt: nil, amount: sent.amount, act: .send(post: 1),
                    until: Self.now + .days(40), gateway: ClaimedGateway(merchantID: "acme", id: "42", account: "m-1")), by: "dead")
            let flexFactor = Moved()
            let environment = StageEnvironment.sample(clock, claims: claims)
            let copy = isCascade ? recovery(at: gateway) : retry(at: gateway)
            let message = IncomingMessage(body: WorkEnvelope.encode(copy), type: WorkEnvelope.type)
            let handled =
                isCascade
                ? await CascadeStage(in: environment, flexFactor: flexFactor).handle(message)
                : await RetryStage(in: environment, flexFactor: flexFactor, cancels: Cancels()).handle(message)
            #expect(try handled.results().isEmpty && flexFactor.calls.withLock { $0 } == 0, "\(gateway)")
        }
    }

    /// Every gateway points to another account now.
    private final class Moved: FlexFactorPort {
        let calls = Mutex(0)

        func account(of merchant: MerchantID, gateway: GatewayID) -> String? { "m-2" }

        func perform(
            _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
            writtenBy: ContinuousClock.Instant?
        ) async -> FlexFactorAnswer {
            calls.withLock { $0 += 1 }
            return .evaluated(.approved, "g-2")
        }

        func tokenize(
            _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
        ) async -> FlexFactorAnswer { .failed(.notSent(.cannotConnect("none"))) }
    }

    /// A corrected event may be refused as well: that is told, as the end of this publication, and nothing waits for its expiry.
    @Test(arguments: [MITMode.managed, .sync])
    func eachRefusalOfARetryIsTold(mode: MITMode) async throws {
        let was = recovery()
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1)
        let retry = Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(mode, until: Self.now + .days(5)), reference: reference, amount: was.amount,
            declinedAt: Self.now,
            order: was.order, verdict: was.verdict, reply: nil, charge: was.charge)
        let refusing = ScriptedFlexFactor(.failed(.refused(status: 400, [FieldError(path: "Payer.Email", message: "no")])))
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: refusing, cancels: Cancels())
        for post in 1...3 {
            let handled = await stage.handle(IncomingMessage(body: WorkEnvelope.encode(retry), type: WorkEnvelope.type))
            #expect(try handled.results().first?["id"]?.string == reference.text + "/rejected/post-\(post)")
        }
        #expect(
            Set(refusing.calls.compactMap { if case .evaluate(_, let key) = $0 { key } else { nil } }).count == 3,
            "each with a key of its own")
    }

    /// While FlexFactor was asked for the last time somebody else came to know.
    @Test func whoGivesUpLooksOnceMore() async throws {
        let told = ResultEvent(
            subject: .recovery(recovery().reference, RecoveredOrder(recovery().reference)), merchantID: "acme",
            reason: .approved(.notified), gatewayID: "42",
            amount: recovery().amount, occurredAt: Self.now)
        let lost = Recovery(
            merchantID: "acme", gatewayID: "42", route: recovery().route, reference: recovery().reference, amount: recovery().amount,
            declinedAt: Self.now,
            order: recovery().order, verdict: recovery().verdict, reply: nil, charge: nil, phase: .reconciling(nil, .cancel), failures: 20)
        claims.append(ClaimRequest(.send(post: 1), of: lost, telling: nil, at: Self.now), by: "w-2")
        clock.pass(.days(2))
        let alone = await cascade(lost, ScriptedFlexFactor(.failed(.unknown(.timedOut))))
        #expect(
            try alone.results().first?["data"]?["action"]?["name"]?.string == "await_result"
                && alone.publishing.contains { $0.destination == .deadLetters })
        let (claims, now) = (claims, Self.now)
        let second = await cascade(
            lost,
            ScriptedFlexFactor { _, _ in
                claims.append(ClaimRequest(.told(.init(.approved, .known)), of: lost, telling: told, at: now), by: "w-2")
                return .failed(.unknown(.timedOut))
            })
        #expect(try second.results().map { $0["id"]?.string } == [told.id] && second.publishing.count == 1)
        claims.isReachable = false
        let held = await cascade(lost, ScriptedFlexFactor(.failed(.unknown(.timedOut))))
        #expect(try held.results().isEmpty && held.publishing.count == 1 && !held.hasLetter)
    }

    /// The webhook of a charge whose order was told as not charged: the money stands against what was told.
    @Test func moneyAgainstWhatWasToldIsCorrectedAndALetter() async throws {
        _ = await cascade(recovery(), ScriptedFlexFactor(.evaluated(.declined, "g-1")))
        let gateway = FlexFactorGateway(id: "42")
        let stage = OutcomeStage(
            in: .sample(clock, claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
            flexFactor: ScriptedFlexFactor(.order(.completed)),
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [gateway])), cancels: Cancels())
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .completed, reference: recovery().reference, orderID: "g-1", receivedAt: Self.now)
        let handled = await stage.handle(IncomingMessage(body: news.encoded(), type: WebhookNews.type))
        let correction = try #require(try handled.results().first)
        #expect(
            correction["type"]?.string == "com.salvage.recovery.correction.v1"
                && correction["data"]?["corrects"]?.string == recovery().reference.text + "/declined")
        let letter = try #require(handled.publishing.first { $0.destination == .deadLetters })
        #expect(try DeadLetter.decode(letter.body).get().reason == .toldOtherwise)
        // And the same again, when it is reported again.
        let again = await stage.handle(IncomingMessage(body: news.encoded(), type: WebhookNews.type))
        #expect(try again.results() == [correction] && again.publishing.count == 2)
        #expect(again.publishing.last?.destination == .deadLetters && again.publishing.last?.messageID == letter.messageID)
    }
}
