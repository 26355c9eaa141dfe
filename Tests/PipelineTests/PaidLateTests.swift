import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A recovery that was told as not paid turns out paid, while the next of the debt runs.
@Suite struct PaidLateTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let claims = MemoryClaims()
    private let clock = ManualClock(Self.now)

    private static func recovery(_ id: String, _ route: RecoveryRoute? = nil, _ phase: RecoveryPhase = .due) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: now)
        let kind = if case .retry? = route { RecoveryReference.Kind.rerun } else { RecoveryReference.Kind.sale }
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: kind, sequence: kind == .rerun ? 1 : 0)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: route ?? sample.route, reference: reference, amount: sample.amount, declinedAt: now,
            order: sample.order, verdict: sample.verdict, reply: nil, charge: phase == .due ? sample.charge : nil, phase: phase)
    }

    private let first = recovery("d-1")

    private static func approval(of recovery: Recovery) -> ClaimRequest {
        let result = ResultEvent(of: recovery, .approved(.notified), flexFactorOrderID: "g-1", at: now)
        return ClaimRequest(.told(.init(.approved, .known)), of: recovery, telling: result, at: now)
    }

    private func told(_ handled: StageOutcome) throws -> JSONValue? {
        try handled.publishing.first { if case .results = $0.destination { true } else { false } }.map {
            try JSONValue(parsing: $0.body.span)
        }
    }

    /// It is declined after the first turned out paid: nobody is to decline the order, nor to charge it elsewhere.
    @Test func whatComesToNothingBesideAPaymentPointsToIt() async throws {
        let (claims, first) = (claims, first)
        let flexFactor = ScriptedFlexFactor { _, _ in
            claims.append(Self.approval(of: first), by: "w-2")
            return .evaluated(.declined, "g-2")
        }
        let second = Self.recovery("d-2")
        let handled = await CascadeStage(in: .sample(clock, claims: claims), flexFactor: flexFactor).handle(
            IncomingMessage(body: WorkEnvelope.encode(second), type: WorkEnvelope.type))
        let result = try told(handled)
        #expect(result?["data"]?["reason"]?["code"]?.string == "already_recovered")
        #expect(result?["data"]?["action"]?["name"]?.string == "leave_order")
        #expect(result?["data"]?["otherRecovery"]?.string == first.reference.text)
        #expect(claims.standing(of: second.reference, merchant: "acme")?.told?.kind == .skipped)
    }

    /// FlexFactor's webhook of the end says no more than the recovery itself would.
    @Test func aWebhookOfTheEndPointsToThePaymentToo() async throws {
        let second = Self.recovery("d-2", .retry(.managed, until: Self.now + .days(5)))
        let sent = claims.append(ClaimRequest(.send(post: 1), of: second, telling: nil, at: Self.now), by: "w-2")
        claims.append(ClaimRequest(.exists(answering: sent.id), of: second, telling: nil, at: Self.now), by: "w-2")
        claims.append(Self.approval(of: first), by: "w-2")
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .cancelled, reference: second.reference, orderID: "g-2", receivedAt: Self.now,
            hasWaited: true)
        let handled = await OutcomeStage(
            in: .sample(clock, claims: claims, cards: Vault(hasKey: false)), flexFactor: ScriptedFlexFactor(.order(.cancelled, "g-2")),
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: Cancels()
        ).handle(IncomingMessage(body: news.encoded(), type: WebhookNews.type))
        #expect(try told(handled)?["data"]?["reason"]?["code"]?.string == "already_recovered")
    }
}
