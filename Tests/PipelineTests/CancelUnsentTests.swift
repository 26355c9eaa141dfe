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

    private func rebill(_ order: String, of merchant: MerchantID = "acme", declinedAt: Moment = now) -> Recovery {
        let sample = Recovery.sample(order: order, declinedAt: declinedAt)
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: merchant, source: "crm", id: "d-\(order)-\(declinedAt.milliseconds)"), orderID: order,
            kind: .recurring, sequence: 7,
            subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
        return Recovery(
            merchantID: merchant, gatewayID: "42", route: .retry(.sync, until: Self.now + .days(5)), reference: reference,
            amount: sample.amount, declinedAt: declinedAt, order: RecoveredOrder(reference), verdict: sample.verdict, reply: nil,
            charge: sample.charge)
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

    private func stage(_ flexFactor: ScriptedFlexFactor, _ heard: Heard) -> RetryStage {
        RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: heard)
    }

    /// Hands a message to the stage, and what it sends to itself at once or later, so many times; all that is announced is heard.
    private func carryOut(_ first: IncomingMessage, _ stage: RetryStage, _ heard: Heard, times: Int) async throws -> (
        kinds: [ResultKind], reasons: [String], notices: Int, last: IncomingMessage?
    ) {
        var (told, notices): ([ResultKind], Int) = ([], 0)
        var reasons: [String] = []
        var next: IncomingMessage? = first
        for _ in 0..<times {
            guard let message = next else { break }
            let outcome = await stage.handle(message)
            told += outcome.kinds
            reasons += try outcome.results().compactMap { $0["data"]?["reason"]?["code"]?.string }
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
        return (told, reasons, notices, next)
    }

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
        let waiting = try await carryOut(message(command(named)), stage, heard, times: 4)
        #expect(waiting.kinds.isEmpty && waiting.notices == 1)

        // It knows of the command when its wait is over, and nothing has to be asked.
        let calls = flexFactor.calls.count
        let ended = await stage.handle(IncomingMessage(body: parked.body, type: parked.type))
        #expect(ended.kinds == [.cancelled] && flexFactor.calls.count == calls)

        // The command is answered by that: by name also while FlexFactor is away, the other when it has been asked.
        let last = try #require(waiting.last)
        if isNamed {
            let answered = try await carryOut(last, stage, heard, times: 10)
            #expect(answered.kinds == [.cancelled] && answered.notices == 0 && answered.last == nil)
        } else {
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

    /// FlexFactor asks for an hour, or does not say what became of the request, and shows no order: it is known here all the same, and the CRM is
    /// not told that there is no such retry.
    @Test(arguments: [
        CallFailure.throttled(retryAfter: .minutes(60)), .unknown(.serverError(status: 503, retryAfter: .minutes(60))),
        .notSent(.cannotConnect("away")),
    ])
    func whatWaitsIsLeftToItsRecovery(failure: CallFailure) async throws {
        let recovery = rebill("A1")
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor { call, _ in
            if call.charges { return .failed(failure) }
            return if case .cancelByReference = call { .noSuchOrder } else { .notListed }
        }
        let stage = stage(flexFactor, heard)
        let tried = await stage.handle(message(recovery))
        let parked = try #require(tried.publishing.last)
        let end = try await carryOut(message(command(recovery.reference)), stage, heard, times: 20)
        #expect(end.kinds == [.nothingToCancel] && end.reasons == ["left_to_recovery"] && end.last == nil)

        clock.pass(.days(1))
        let charges = flexFactor.calls.filter(\.charges).count
        let woken = try await carryOut(IncomingMessage(body: parked.body, type: parked.type), stage, heard, times: 20)
        #expect(woken.kinds == [.cancelled] && flexFactor.calls.filter(\.charges).count == charges)
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
        #expect(end.reasons == ["nothing_to_cancel"] && end.last == nil)
    }

    @Test func whatDoesNotExistIsNothingToCancel() async throws {
        let heard = Heard()
        let flexFactor = ScriptedFlexFactor { call, _ in if case .cancelByReference = call { .noSuchOrder } else { .notListed } }
        let end = try await carryOut(message(command(rebill("A9").reference)), stage(flexFactor, heard), heard, times: 20)
        #expect(end.kinds == [.nothingToCancel] && end.notices == 1 && end.last == nil)
    }
}
