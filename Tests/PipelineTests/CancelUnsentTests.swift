import JSON
import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A command to cancel what nobody has sent yet, while FlexFactor is away.
@Suite struct CancelUnsentTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(Self.now)
    private let claims = MemoryClaims(now: Self.now)
    private let away = FlexFactorAnswer.failed(.notSent(.cannotConnect("away")))

    /// The commands that every pod has heard of, as the stream of cancels makes them known.
    private final class Heard: CancelDirectory {
        private let known = Mutex(CancelBook())

        func isCancelRequested(_ reference: RecoveryReference, of merchant: MerchantID, declinedAt: Moment?) -> Bool {
            known.withLock { $0.isCancelRequested(reference, of: merchant, declinedAt: declinedAt) }
        }

        func hear(_ notice: CancelNotice) { known.withLock { $0.take(notice) } }
    }

    /// - Parameter advice: of the network, when it is to be tried again.
    private func rebill(
        _ order: String, of merchant: MerchantID = "acme", declinedAt: Moment = now, advice: String? = nil,
        card: PaymentMethod.Card = .token(CardToken("tok_approve"))
    ) -> Recovery {
        let sample = Recovery.sample(order: order, declinedAt: declinedAt, card: card)
        let charge = sample.charge!
        let decline = Decline(
            gatewayID: "7", responseCodeSource: "iso8583", responseCode: "51", merchantAdviceCode: advice, transactionID: "T")
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: merchant, source: "crm", id: "d-\(order)-\(declinedAt.milliseconds)"), orderID: order,
            kind: .recurring, sequence: 7,
            subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
        return Recovery(
            merchantID: merchant, gatewayID: "42", route: .retry(.sync, until: Self.now + .days(5)), reference: reference,
            amount: sample.amount, declinedAt: declinedAt, order: RecoveredOrder(reference), verdict: sample.verdict, reply: nil,
            charge: Charge(
                reference: reference, isMerchantInitiated: true, isRecurring: true, expiry: nil, customerIP: nil, amount: charge.amount,
                declinedAt: declinedAt, decline: decline, payer: charge.payer, billing: charge.billing, shipping: nil,
                paymentMethod: charge.paymentMethod, items: []),
            origin: DeclineOrigin(eventID: "d-\(order)", trigger: .recycle, transactionID: "T"))
    }

    private func command(_ reference: RecoveryReference) -> Cancellation {
        Cancellation(merchantID: "acme", reference: reference, commandID: "c-1", others: [], gateways: ["42"], since: Self.now)
    }

    private func message(_ cancellation: Cancellation) -> IncomingMessage {
        IncomingMessage(body: cancellation.encoded(), type: Cancellation.type)
    }

    private func message(_ recovery: Recovery) -> IncomingMessage {
        IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type)
    }

    private func stage(
        _ flexFactor: ScriptedFlexFactor, _ heard: Heard, pauses: any PauseDirectory = NoPauses(), claims known: (any ClaimsPort)? = nil
    ) -> RetryStage {
        RetryStage(in: .sample(clock, claims: known ?? claims, pauses: pauses), flexFactor: flexFactor, cancels: heard)
    }

    /// Hands a message to the stage, and what it sends to itself at once or later, so many times; all that is announced is heard.
    private func carryOut(_ first: IncomingMessage, _ stage: RetryStage, _ heard: Heard, times: Int) async throws -> (
        kinds: [ResultKind], results: [JSONValue], notices: Int, last: IncomingMessage?
    ) {
        var (told, notices): ([ResultKind], Int) = ([], 0)
        var results: [JSONValue] = []
        var next: IncomingMessage? = first
        for _ in 0..<times {
            guard let message = next else { break }
            let outcome = await stage.handle(message)
            told += outcome.kinds
            results += try outcome.results()
            next = nil
            for sent in outcome.publishing {
                switch sent.destination {
                case .cancels:
                    heard.hear(try #require(CancelNotice.decode(sent.body)))
                    notices += 1
                case .stage: next = IncomingMessage(body: sent.body, type: sent.type)
                case .delayed(_, let span):
                    clock.pass(span)
                    next = IncomingMessage(body: sent.body, type: sent.type)
                case .deadLetters: Issue.record("a letter")
                default: break
                }
            }
        }
        return (told, results, notices, next)
    }

    private func reasons(_ results: [JSONValue]) -> [String] { results.compactMap { $0["data"]?["reason"]?["code"]?.string } }

    /// By its name, and by order, purchase and cycle.
    @Test(arguments: [true, false])
    func itEndsAsCancelledBeforeFlexFactorIsBack(isNamed: Bool) async throws {
        let recovery = rebill("A1")
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor(away)
        let stage = stage(flexFactor, heard)
        let tried = await stage.handle(message(recovery))
        guard case .delayed? = tried.publishing.last?.destination, let parked = tried.publishing.last else {
            Issue.record("\(tried.publishing)")
            return
        }
        let named = isNamed ? recovery.reference : recovery.reference.family
        let calls = flexFactor.calls.count
        let waiting = try await carryOut(message(command(named)), stage, heard, times: 4)
        #expect(waiting.kinds == (isNamed ? [.cancelled] : []) && waiting.notices == 1)
        #expect(isNamed == (flexFactor.calls.count == calls))

        // It knows of the command when its wait is over, and nothing has to be asked.
        let asked = flexFactor.calls.count
        let ended = await stage.handle(IncomingMessage(body: parked.body, type: parked.type))
        #expect(ended.kinds == [.cancelled] && flexFactor.calls.count == asked)

        // By its name the command was answered at once; the other is answered by that when FlexFactor has been asked.
        if isNamed {
            #expect(waiting.last == nil)
        } else {
            let last = try #require(waiting.last)
            let back = ScriptedFlexFactor { call, _ in if case .cancelByReference = call { .noSuchOrder } else { .notListed } }
            let answered = try await carryOut(last, self.stage(back, heard), heard, times: 10)
            #expect(answered.kinds == [.cancelled] && answered.last == nil)
            #expect(!back.calls.contains { $0.charges })
        }
    }

    /// A rerun's name says its number, and not the cycle that the command names.
    @Test(arguments: [RecoveryReference.Kind.recurringRerun, .rerun], [nil, "shipping"] as [String?])
    func aRerunIsMeantByOrderPurchaseAndCycle(kind: RecoveryReference.Kind, chargeID: String?) async throws {
        let rebill = rebill("A1")
        for (cycle, isMeant) in [(7, true), (8, false)] {
            let reference = RecoveryReference(
                DeclineIdentity(merchantID: "acme", source: "crm", id: "d-\(cycle)"), orderID: "A1", kind: kind, sequence: 2,
                subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
            let rerun = Recovery(
                merchantID: "acme", gatewayID: "42", route: rebill.route, reference: reference, amount: rebill.amount,
                declinedAt: Self.now,
                order: RecoveredOrder(
                    id: "A1", type: kind.orderType, trialCompletion: false, hasRecurringProducts: false, purchaseID: "88",
                    billingCycle: cycle, declinedGatewayID: "7", chargeID: chargeID), verdict: rebill.verdict, reply: nil,
                charge: rebill.charge)
            let heard = Heard()
            let flexFactor = ScriptedFlexFactor(away)
            _ = try await carryOut(message(command(rebill.reference.family)), stage(flexFactor, heard), heard, times: 3)
            let calls = flexFactor.calls.count
            let handled = await stage(flexFactor, heard).handle(message(rerun))
            #expect(handled.kinds == (isMeant ? [.cancelled] : []) && flexFactor.calls.count == calls + (isMeant ? 0 : 1))
        }
    }

    /// A command is kept for what it means, and the customer may come back: his next re-attempt is tried.
    @Test func whatWasDeclinedAfterTheCommandIsNotMeant() async throws {
        let heard = Heard()
        let nobody = ScriptedFlexFactor { call, _ in if case .cancelByReference = call { .noSuchOrder } else { .notListed } }
        let none = try await carryOut(message(command(rebill("A1").reference.family)), stage(nobody, heard), heard, times: 20)
        #expect(none.kinds == [.nothingToCancel])
        clock.pass(.days(1))
        for (declinedAfter, expected) in [(Moment.Span.seconds(30), [ResultKind.cancelled]), (.minutes(60), [.approved])] {
            let recovery = rebill("A1", declinedAt: Self.now + declinedAfter)
            let approving = ScriptedFlexFactor { call, _ in call.charges ? .evaluated(.approved, "g-1") : .notListed }
            #expect(await stage(approving, heard).handle(message(recovery)).kinds == expected)
        }
    }

    /// One that names the recovery means that one, whenever it was declined.
    @Test func aCommandByReferenceMeansThatRecovery() {
        let recovery = rebill("A1", declinedAt: Self.now + .days(3))
        var book = CancelBook()
        book.take(CancelNotice(merchantID: "acme", reference: recovery.reference, time: Self.now))
        #expect(book.isCancelRequested(recovery.reference, of: "acme", declinedAt: recovery.declinedAt))
        // Older workers do not say when a command was given; the last of several counts.
        let family = recovery.reference.family
        for (times, isMeant) in [([nil], true), ([Self.now], false), ([Self.now + .days(3), Self.now], true)] as [([Moment?], Bool)] {
            var named = CancelBook()
            for time in times { named.take(CancelNotice(merchantID: "acme", reference: family, time: time)) }
            #expect(named.isCancelRequested(recovery.reference, of: "acme", declinedAt: recovery.declinedAt) == isMeant)
        }
    }

    @Test func othersAreNotTouched() async throws {
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor(away)
        let stage = stage(flexFactor, heard)
        _ = try await carryOut(message(command(rebill("A1").reference.family)), stage, heard, times: 3)
        for other in [rebill("A2"), rebill("A1", of: "bold")] {
            let outcome = await stage.handle(message(other))
            #expect(outcome.kinds.isEmpty, "\(other.reference)")
        }
    }

    /// What was told before the command came is the answer, though nobody can be asked.
    @Test func whatWasToldAsPaidIsToldAgain() async throws {
        let recovery = rebill("A1")
        let told = ResultEvent(
            subject: .recovery(recovery.reference, recovery.order), merchantID: "acme", reason: .approved(.answered), gatewayID: "42",
            amount: recovery.amount, occurredAt: Self.now)
        claims.append(ClaimRequest(.told(Claim.Told(.approved, .known)), of: recovery, telling: told, at: Self.now), by: "w-2")
        let heard = Heard()
        let end = try await carryOut(message(command(recovery.reference)), stage(ScriptedFlexFactor(away), heard), heard, times: 10)
        #expect(end.kinds == [.approved] && end.last == nil)
    }

    /// Why a retry is put away before anything of it is with FlexFactor.
    enum Wait: CaseIterable {
        case throttled, notSent, paused, advised, cardNotExchanged
    }

    /// Each has an answer within seconds, and FlexFactor is not asked: its own message may lie in the delay ladder for weeks.
    @Test(arguments: Wait.allCases) func whatWaitsUnsentIsOverByTheCommand(wait: Wait) async throws {
        let (recovery, flexFactor, pauses) = waiting(wait)
        let heard = Heard()
        let stage = stage(flexFactor, heard, pauses: pauses)
        let tried = await stage.handle(message(recovery))
        let parked = try #require(tried.publishing.last)
        guard case .delayed(.retry, _) = parked.destination else {
            Issue.record("\(parked.destination)")
            return
        }
        let calls = flexFactor.calls.count
        let begun = clock.now()
        let end = try await carryOut(message(command(recovery.reference)), stage, heard, times: 20)
        #expect(end.kinds == [.cancelled] && end.notices == 1 && end.last == nil && clock.now() == begun)
        // It says of which decline, as the recovery itself would.
        let data = end.results.first?["data"]
        #expect(data?["eventId"]?.string == recovery.origin.eventID && data?["transactionId"]?.string == "T")
        #expect(data?["decline"]?["rule"]?.string == recovery.verdict.rule && data?["flexFactor"]?["gatewayId"]?.string == "42")
        #expect(data?["amount"]?["minorUnits"]?.int64 == recovery.amount.minorUnits)

        // When it wakes it tells the same again, also to a worker that has not heard of the command.
        clock.pass(.days(2))
        let woken = await self.stage(flexFactor, Heard()).handle(IncomingMessage(body: parked.body, type: parked.type))
        #expect(woken.kinds == [.cancelled] && woken.publishing.count == 1 && flexFactor.calls.count == calls)
        // So does the event where it comes again.
        #expect(await stage.handle(message(recovery)).kinds == [.cancelled] && flexFactor.calls.count == calls)
    }

    private func waiting(_ wait: Wait) -> (Recovery, ScriptedFlexFactor, any PauseDirectory) {
        let flexFactor = ScriptedFlexFactor { call, _ in
            guard call.charges else { return if case .cancelByReference = call { .noSuchOrder } else { .notListed } }
            return wait == .throttled ? .failed(.throttled(retryAfter: .minutes(60))) : .failed(.notSent(.cannotConnect("away")))
        }
        flexFactor.exchange = { _ in .failed(.notSent(.cannotConnect("away"))) }
        switch wait {
        case .throttled, .notSent: return (rebill("A1"), flexFactor, NoPauses())
        case .advised: return (rebill("A1", advice: "25"), flexFactor, NoPauses())
        case .cardNotExchanged: return (rebill("A1", card: .encrypted(SealedCard("AQID"))), flexFactor, NoPauses())
        case .paused:
            let pause = Pause(.merchant("acme"), since: Self.now, until: Self.now + .minutes(60), by: "ada", why: "")
            return (rebill("A1"), flexFactor, PausesAtHand(pause))
        }
    }

    /// FlexFactor does not say what became of the request, and shows no order. It is known here all the same: the CRM is not told that there is
    /// no such retry.
    @Test func whatHasNoAnswerIsLeftToItsRecovery() async throws {
        let recovery = rebill("A1")
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor { call, _ in
            if call.charges { return .failed(.unknown(.serverError(status: 503, retryAfter: .minutes(60)))) }
            return if case .cancelByReference = call { .noSuchOrder } else { .notListed }
        }
        let stage = stage(flexFactor, heard)
        let tried = await stage.handle(message(recovery))
        let parked = try #require(tried.publishing.last)
        let end = try await carryOut(message(command(recovery.reference)), stage, heard, times: 20)
        #expect(end.kinds == [.nothingToCancel] && reasons(end.results) == ["left_to_recovery"] && end.last == nil)

        clock.pass(.days(1))
        let charges = flexFactor.calls.filter(\.charges).count
        let woken = try await carryOut(IncomingMessage(body: parked.body, type: parked.type), stage, heard, times: 20)
        #expect(woken.kinds == [.cancelled] && flexFactor.calls.filter(\.charges).count == charges)
    }

    /// Another worker has sent it, which this one has not read: nothing is told that is not known.
    @Test func whatWasSentMeanwhileIsNotOver() async throws {
        let recovery = rebill("A1")
        let late = LateClaims(now: Self.now)
        late.appendRead(ClaimRequest(.waiting, of: recovery, telling: nil, at: Self.now))
        late.stream.append(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now), by: "w-2")
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor { call, _ in if case .cancelByReference = call { .noSuchOrder } else { .notListed } }
        let end = try await carryOut(message(command(recovery.reference)), stage(flexFactor, heard, claims: late), heard, times: 20)
        #expect(reasons(end.results) == ["left_to_recovery"] && end.last == nil)
    }

    /// The decline's other form tells it all the same while that runs. How that ended is no answer, unless it is one.
    @Test(
        arguments: [(nil, "left_to_recovery"), (.skipped(.paused), "nothing_to_cancel"), (.cancelled, "cancelled_by_crm")]
            as [(ResultReason?, String)])
    func itsOtherFormAnswersNoCommandByAnyEnd(ending: ResultReason?, answer: String) async throws {
        let waiting = rebill("A1")
        claims.append(ClaimRequest(.waiting, of: waiting, telling: nil, at: Self.now), by: "w-2")
        let form = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-A1-\(Self.now.milliseconds)"), orderID: "A1", kind: .rerun,
            sequence: 1)
        let told = ending.map {
            ResultEvent(
                subject: .recovery(form, RecoveredOrder(form)), merchantID: "acme", reason: $0, gatewayID: "42", occurredAt: Self.now)
        }
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: form, debt: nil, amount: nil,
                act: told.map { .told(Claim.Told($0.kind, .unsent)) } ?? .send(post: 1), until: Self.now + .days(40), result: told),
            by: "w-2")
        let heard = Heard()
        let nobody = ScriptedFlexFactor { call, _ in if case .cancelByReference = call { .noSuchOrder } else { .notListed } }
        let end = try await carryOut(message(command(waiting.reference)), stage(nobody, heard), heard, times: 20)
        #expect(reasons(end.results) == [answer] && end.last == nil)
    }

    /// What it is told of stands on the stream, and cannot be read: that is waited for, and not for ever.
    @Test(arguments: [0, 10, 2_880] as [Int64]) func aClaimThatCannotBeReadKeepsNoAnswer(minutesAgo: Int64) async throws {
        let waiting = rebill("A1")
        claims.append(ClaimRequest(.waiting, of: waiting, telling: nil, at: Self.now), by: "w-2")
        claims.showsFirst = false
        let given = Self.now + .minutes(-minutesAgo)
        let old = Cancellation(
            merchantID: "acme", reference: waiting.reference, commandID: "c-1", gateways: ["42"], since: given, isAnnounced: true)
        let heard = Heard()
        let begun = clock.now()
        let end = try await carryOut(message(old), stage(ScriptedFlexFactor(away), heard), heard, times: 60)
        #expect(end.kinds == [.cancelled] && end.last == nil)
        #expect((clock.now() - begun >= .minutes(5)) == (minutesAgo < 2_880))
    }

    /// It would have been told so when it woke, and the CRM must not take the debt for unpaid.
    @Test func ofADebtThatAnotherHasPaidThatIsTold() async throws {
        let (waiting, paid) = (rebill("A1"), rebill("A1", declinedAt: Self.now + .seconds(-60)))
        claims.append(ClaimRequest(.waiting, of: waiting, telling: nil, at: Self.now), by: "w-2")
        claims.append(ClaimRequest(.send(post: 1), of: paid, telling: nil, at: Self.now), by: "w-2")
        let told = ResultEvent(of: paid, .approved(.answered), flexFactorOrderID: "g-1", at: Self.now)
        claims.append(ClaimRequest(.told(Claim.Told(.approved, .known)), of: paid, telling: told, at: Self.now), by: "w-2")
        let heard = Heard()
        let end = try await carryOut(message(command(waiting.reference)), stage(ScriptedFlexFactor(away), heard), heard, times: 20)
        #expect(end.kinds == [.skipped] && reasons(end.results) == ["already_recovered"] && end.last == nil)
    }

    /// While nothing can be claimed nobody knows that nothing was sent.
    @Test func itIsNotOverBeforeThatIsClaimed() async throws {
        let recovery = rebill("A1")
        claims.append(ClaimRequest(.waiting, of: recovery, telling: nil, at: Self.now), by: "w-2")
        let heard = Heard()
        let stage = stage(ScriptedFlexFactor(away), heard)
        claims.isReachable = false
        let held = try await carryOut(message(command(recovery.reference)), stage, heard, times: 5)
        #expect(held.kinds.isEmpty)
        claims.isReachable = true
        let end = try await carryOut(try #require(held.last), stage, heard, times: 5)
        #expect(end.kinds == [.cancelled] && end.last == nil)
    }

    /// What FlexFactor refused is told as such, and waits for nobody.
    @Test func whatWasRefusedIsNotWaitedFor() async throws {
        let recovery = rebill("A1")
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor { call, _ in
            if call.charges { return .failed(.refused(status: 400, [FieldError(path: "zip", message: "is required")])) }
            return if case .cancelByReference = call { .noSuchOrder } else { .notListed }
        }
        let stage = stage(flexFactor, heard)
        #expect(await stage.handle(message(recovery)).kinds == [.rejected])
        let end = try await carryOut(message(command(recovery.reference)), stage, heard, times: 20)
        #expect(reasons(end.results) == ["nothing_to_cancel"] && end.last == nil)
    }

    @Test func whatDoesNotExistIsNothingToCancel() async throws {
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor { call, _ in if case .cancelByReference = call { .noSuchOrder } else { .notListed } }
        let end = try await carryOut(message(command(rebill("A9").reference)), stage(flexFactor, heard), heard, times: 20)
        #expect(end.kinds == [.nothingToCancel] && end.notices == 1 && end.last == nil)
    }
}
