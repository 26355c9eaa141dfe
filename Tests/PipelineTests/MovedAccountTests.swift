import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What was sent at one account, when its gateway points to another: the other knows nothing of it, and is not asked.
@Suite struct MovedAccountTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(Self.now)
    private let claims = MemoryClaims(now: Self.now)
    private let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1)
    private let amount = Money(minorUnits: 4_999, currency: .usd)

    /// An account that has no such order.
    private func stranger() -> ScriptedFlexFactor {
        let flexFactor = ScriptedFlexFactor(.noSuchOrder)
        flexFactor.accounts = ["42": "m-2"]
        return flexFactor
    }

    private func claim(_ act: Claim.Act, telling result: ResultEvent? = nil) {
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: reference, debt: nil, amount: amount, act: act, until: Self.now + .days(40), result: result,
                gateway: act.isSend ? ClaimedGateway(merchantID: "acme", id: "42", account: "m-1") : nil), by: "w-2")
    }

    private func claimApproved() {
        claim(.send(post: 1))
        claim(
            .told(Claim.Told(.approved, .known)),
            telling: ResultEvent(
                subject: .recovery(reference, RecoveredOrder(reference)), merchantID: "acme", reason: .approved(.answered),
                gatewayID: "42", flexFactorOrderID: "g-1", amount: amount, occurredAt: Self.now))
    }

    private func handle(_ body: [UInt8], _ type: String, _ flexFactor: ScriptedFlexFactor) async -> StageOutcome {
        await RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels()).handle(
            IncomingMessage(body: body, type: type))
    }

    /// The message in the stage's own words, when its wait is over.
    private func later(_ outcome: StageOutcome) throws -> [UInt8] {
        for message in outcome.publishing {
            switch message.destination {
            case .stage: return message.body
            case .delayed(_, let span):
                clock.pass(span)
                return message.body
            default: continue
            }
        }
        Issue.record("nothing waits: \(outcome.entry.fate)")
        throw Ended()
    }

    private struct Ended: Error {}

    private func cancellation(_ gateways: [GatewayID] = ["42"]) -> Cancellation {
        Cancellation(merchantID: "acme", reference: reference, commandID: "c-1", gateways: gateways, since: Self.now)
    }

    @Test func aCancelWaitsUntilTheGatewayIsPointedBack() async throws {
        claim(.send(post: 1))
        claim(.exists(answering: 1))
        let elsewhere = stranger()
        // The other gateway never had it either: only the first is looked at.
        var body = cancellation(["41", "42"]).encoded()
        for _ in 0..<6 {
            let outcome = await handle(body, Cancellation.type, elsewhere)
            #expect(outcome.kinds.isEmpty)
            body = try later(outcome)
        }
        #expect(elsewhere.calls.isEmpty && elsewhere.notedMisdirected == 5)

        let isCancelled = Mutex(false)
        let back = ScriptedFlexFactor { call, _ in
            if case .cancelByReference = call {
                isCancelled.withLock { $0 = true }
                return .cancelAccepted
            }
            return .order(isCancelled.withLock { $0 } ? .cancelled : .processing)
        }
        back.accounts = ["42": "m-1"]
        var told: [ResultKind] = []
        for _ in 0..<4 where told.isEmpty {
            let outcome = await handle(body, Cancellation.type, back)
            told = outcome.kinds
            if told.isEmpty { body = try later(outcome) }
        }
        #expect(told == [.cancelled] && back.asked.allSatisfy { $0.gateway == "42" })
    }

    @Test func aCancelThatNobodyCanCarryOutBecomesALetter() async throws {
        claim(.send(post: 1))
        claim(.exists(answering: 1))
        let flexFactor = stranger()
        let body = try later(await handle(cancellation().encoded(), Cancellation.type, flexFactor))
        let timing = RecoveryTiming()
        clock.pass(.milliseconds(timing.grace.milliseconds + timing.reconcileFor.milliseconds + 1))
        let outcome = await handle(body, Cancellation.type, flexFactor)
        #expect(outcome.entry.fate == .deadLettered(.cancelFailed) && outcome.kinds.isEmpty && flexFactor.calls.isEmpty)
        let letter = try DeadLetter.decode(try #require(outcome.publishing.last).body).get()
        #expect(letter.explanation.contains("the gateway points to another FlexFactor account"), "\(letter.explanation)")
    }

    /// The old account may be kept as a gateway of its own.
    @Test func whatHasTheAccountIsAskedInItsPlace() async throws {
        claim(.send(post: 1))
        claim(.exists(answering: 1))
        let flexFactor = ScriptedFlexFactor(.order(.processing))
        flexFactor.accounts = ["42": "m-2", "43": "m-1"]
        let begun = try later(await handle(cancellation(["42", "43"]).encoded(), Cancellation.type, flexFactor))
        _ = await handle(begun, Cancellation.type, flexFactor)
        #expect(flexFactor.asked.map(\.gateway) == ["43"])
    }

    /// What was sent nowhere is nobody's, whatever account the gateway has.
    @Test func aWithdrawnRequestBindsToNoAccount() {
        claim(.send(post: 1))
        #expect(claims.sentBy(reference, merchant: "acme")?.account == "m-1")
        claim(.unsent(1))
        #expect(claims.sentBy(reference, merchant: "acme") == nil)
    }

    @Test func aRefundIsNotAnsweredByAnAccountThatNeverHadTheOrder() async throws {
        claimApproved()
        let elsewhere = stranger()
        let command = RefundCommand(id: "r-1", merchantID: "acme", reference: reference, orderID: nil, amount: nil, reason: nil)
        var body = Refund(command, gateways: ["42"], since: Self.now).encoded()
        for _ in 0..<5 {
            let outcome = await handle(body, Refund.type, elsewhere)
            #expect(outcome.kinds.isEmpty)
            body = try later(outcome)
        }
        #expect(elsewhere.calls.isEmpty && elsewhere.notedMisdirected == 5)

        let back = ScriptedFlexFactor { call, _ in if case .refund = call { .refunded } else { .order(.completed) } }
        back.accounts = ["42": "m-1"]
        var told: [ResultKind] = []
        for _ in 0..<4 where told.isEmpty {
            let outcome = await handle(body, Refund.type, back)
            told = outcome.kinds
            if told.isEmpty { body = try later(outcome) }
        }
        #expect(told == [.refunded])
    }

    @Test(arguments: ["m-1", "m-2"]) func newsOfItAreLookedAtWhereItWasSent(account: String) async throws {
        claim(.send(post: 1))
        claim(.exists(answering: 1))
        let flexFactor = ScriptedFlexFactor(.order(.completed))
        flexFactor.accounts = ["42": account]
        let merchant = Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", account: account)])
        let stage = OutcomeStage(
            in: .sample(clock, claims: claims), flexFactor: flexFactor, merchants: Merchants(merchant), cancels: Cancels())
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .completed, reference: reference, orderID: "g-1", receivedAt: Self.now)
        let outcome = await stage.handle(IncomingMessage(body: news.encoded(), type: WebhookNews.type))
        let isMoved = account == "m-2"
        let expected: [ResultKind] = isMoved ? [] : [.approved]
        #expect(outcome.kinds == expected)
        #expect(flexFactor.calls.count == (isMoved ? 0 : 1) && flexFactor.notedMisdirected == (isMoved ? 1 : 0))
    }
}
