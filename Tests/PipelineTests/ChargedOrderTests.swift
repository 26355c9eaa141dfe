import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// Which charge of an order was paid, told by whoever has only the reference at hand: the same that the recovery itself would tell.
@Suite struct ChargedOrderTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(Self.now)
    private let claims = MemoryClaims(now: Self.now)

    /// What a reference does not say of an order.
    struct Case: Sendable {
        let kind: RecoveryReference.Kind
        var purchaseID: String?
        var billingCycle: Int?
        var chargeID: String?
    }

    static let cases = [
        Case(kind: .rerun, chargeID: "upsell"), Case(kind: .rerun, purchaseID: "88"),
        Case(kind: .recurringRerun, purchaseID: "88", billingCycle: 7),
        Case(kind: .recurring, purchaseID: "88", billingCycle: 7, chargeID: "shipping"),
    ]

    private func recovery(_ test: Case) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let isSubscribed = test.kind.orderType == .recurring || test.billingCycle != nil
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: test.kind,
            sequence: test.kind == .recurring ? 7 : 2,
            subscription: isSubscribed ? RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7") : nil)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(.managed, until: Self.now + .days(5)), reference: reference,
            amount: sample.amount, declinedAt: Self.now,
            order: RecoveredOrder(
                id: "A1", type: test.kind.orderType, trialCompletion: false, hasRecurringProducts: false, purchaseID: test.purchaseID,
                billingCycle: test.billingCycle, declinedGatewayID: "7", chargeID: test.chargeID),
            verdict: sample.verdict, reply: nil, charge: sample.charge)
    }

    /// The order that a result of a kind names.
    private func order(_ handled: StageOutcome, _ kind: ResultKind) throws -> JSONValue {
        let message = try #require(
            handled.publishing.first { if case .results(_, kind) = $0.destination { true } else { false } }, "\(handled.entry.fate)")
        return try #require(try JSONValue(parsing: message.body.span)["data"]?["order"])
    }

    private func retryStage(_ shown: FlexFactorOrder.State) -> RetryStage {
        let flexFactor = ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: .evaluated(.submitted, "g-1")
            case .cancelByReference: .cancelAccepted
            case .refund: .refunded
            case .lookUp: .found(FlexFactorOrder(id: "g-1", state: shown, minorUnits: 4_999, currency: .usd))
            default: .notListed
            }
        }
        return RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
    }

    /// The order as the recovery tells it when FlexFactor has taken it on.
    private func submit(_ recovery: Recovery) async throws -> JSONValue {
        let taken = await retryStage(.processing).handle(
            IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type))
        return try order(taken, .submitted)
    }

    private func heard(_ event: WebhookNews.Event, _ recovery: Recovery) async -> StageOutcome {
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: event, reference: recovery.reference, orderID: "g-1",
            minorUnits: event == .refunded ? 500 : nil, currency: .usd, distinction: "n-1", receivedAt: Self.now)
        let stage = OutcomeStage(
            in: .sample(clock, claims: claims), flexFactor: ScriptedFlexFactor(.order(.completed)),
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: Cancels())
        return await stage.handle(IncomingMessage(body: news.encoded()))
    }

    /// Hands a command to the stage, and what it sends to itself, until it has told a result of the kind.
    private func carryOut(_ command: [UInt8], _ type: String, _ stage: RetryStage, until kind: ResultKind) async throws -> JSONValue {
        var next = command
        for _ in 0..<20 {
            let handled = await stage.handle(IncomingMessage(body: next, type: type))
            guard let later = handled.publishing.first(where: { $0.type == type }) else { return try order(handled, kind) }
            if case .delayed(_, let span) = later.destination { clock.pass(span) }
            next = later.body
        }
        throw CancellationError()
    }

    @Test(arguments: cases) func aWebhookTellsItAsTheRecoveryWould(test: Case) async throws {
        let recovery = recovery(test)
        let known = try await submit(recovery)
        #expect(known["purchaseId"]?.string == test.purchaseID && known["billingCycle"]?.int64 == test.billingCycle.map { Int64($0) })
        #expect(known["chargeId"]?.string == test.chargeID)
        #expect(try order(await heard(.completed, recovery), .approved) == known)
        #expect(try order(await heard(.refunded, recovery), .refunded) == known)
    }

    @Test(arguments: cases) func soDoesACommandToCancel(test: Case) async throws {
        let recovery = recovery(test)
        let known = try await submit(recovery)
        let command = Cancellation(merchantID: "acme", reference: recovery.reference, commandID: "c-1", gateways: ["42"], since: Self.now)
        #expect(try await carryOut(command.encoded(), Cancellation.type, retryStage(.cancelled), until: .cancelled) == known)
    }

    @Test(arguments: cases) func soDoesACommandToRefund(test: Case) async throws {
        let recovery = recovery(test)
        let known = try await submit(recovery)
        _ = await heard(.completed, recovery)
        let command = Refund(
            RefundCommand(
                id: "c-1", merchantID: "acme", reference: recovery.reference, orderID: "g-1",
                amount: Money(minorUnits: 500, currency: .usd), reason: nil), gateways: ["42"], since: Self.now)
        #expect(try await carryOut(command.encoded(), Refund.type, retryStage(.completed), until: .refunded) == known)
    }

    /// The CRM has cancelled by order, purchase and cycle, which a rerun's name does not say.
    @Test(arguments: [false, true], [RecoveryReference.Kind.recurringRerun, .rerun, .trialCompletionRerun])
    func aRerunOfACycleThatIsCancelledIsNotCaptured(isCancelled: Bool, kind: RecoveryReference.Kind) async throws {
        let recovery = recovery(Case(kind: kind, purchaseID: "88", billingCycle: 7))
        _ = try await submit(recovery)
        let flexFactor = ScriptedFlexFactor { call, _ in
            if case .capture = call {
                .captured
            } else {
                .found(FlexFactorOrder(id: "g-1", state: .captureRequired, minorUnits: 4_999, currency: .usd))
            }
        }
        let cancels = Cancels(requested: isCancelled ? [try #require(recovery.rebill)] : [])
        let stage = OutcomeStage(
            in: .sample(clock, claims: claims), flexFactor: flexFactor,
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: cancels)
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .captureRequired, reference: recovery.reference, orderID: "g-1",
            receivedAt: Self.now)
        var timeline = StageTimeline(.outcomes, clock)
        try await timeline.run(IncomingMessage(body: news.encoded(), type: WebhookNews.type)) { await stage.handle($0) }
        #expect(flexFactor.calls.contains { $0.charges } != isCancelled)
    }

    /// A claim of an older worker says nothing of it, and the reference counts.
    @Test func withoutItTheReferenceCounts() async throws {
        let recovery = recovery(Self.cases[3])
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: recovery.reference, debt: nil, amount: recovery.amount, act: .send(post: 1),
                until: Self.now + .days(40)), by: "older")
        let told = try order(await heard(.completed, recovery), .approved)
        #expect(told["purchaseId"]?.string == "88" && told["billingCycle"]?.int64 == 7 && told["chargeId"] == nil)
    }
}
