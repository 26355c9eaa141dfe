import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// Who waits for the answer to a rerun hears at once that nothing is tried, and nothing else.
@Suite struct RetryReplyTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let claims = MemoryClaims(now: now)
    private let merchant = Merchant(
        id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", mitMode: .sync)], gateways: [Gateway(id: "7", type: "nmi")])

    private var environment: StageEnvironment { .sample(ManualClock(Self.now), claims: claims) }

    /// What the retry stage makes of a rerun's event.
    private func handle(_ flexFactor: ScriptedFlexFactor) async throws -> StageOutcome {
        let event =
            #"{"specversion":"1.0","id":"d-1","source":"crm","type":"com.salvage.decline.v1","time":"2027-01-15T08:00:00Z","data":{"#
            + #""merchantId":"acme","trigger":"rerun","order":{"id":"A1","type":"new_sale","rerunNumber":1},"recovery":{"gatewayId":"42"},"#
            + #""decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"202","transactionId":"T-1"},"#
            + #""amount":{"minorUnits":4999,"currency":"USD"},"billing":{"firstName":"Ada","lastName":"B","countryCode":"DE","#
            + #""addressLine1":"1","city":"X","zipCode":"1"},"paymentMethod":{"token":"t"}}}"#
        let taken = await IntakeStage(in: environment, merchants: Merchants(merchant)).handle(
            IncomingMessage(
                body: Array(event.utf8), messageID: "d-1", correlationID: "c-1", replyTo: "amq.gen-1", exchange: "declines",
                routingKey: "decline.rerun"))
        let passed = try #require(taken.publishing.first { $0.destination == .stage(.retry) })
        return await RetryStage(in: environment, flexFactor: flexFactor, cancels: Cancels()).handle(
            IncomingMessage(body: passed.body, type: passed.type))
    }

    private func replies(_ handled: StageOutcome) throws -> [String?] {
        var codes: [String?] = []
        for message in handled.publishing {
            guard case .reply = message.destination else { continue }
            #expect(message.destination == .reply(queue: "amq.gen-1") && message.correlationID == "c-1")
            codes.append(try JSONValue(parsing: message.body.span)["data"]?["reason"]?["code"]?.string)
        }
        return codes
    }

    private func parked(_ handled: StageOutcome) throws -> Recovery? {
        let message = try #require(handled.publishing.first { if case .delayed(.retry, _) = $0.destination { true } else { false } })
        guard case .recovery(let recovery) = WorkEnvelope.decode(message.body) else { return nil }
        return recovery
    }

    @Test(arguments: [false, true]) func thatAnotherRecoveryIsInTheWayIsAnswered(isPaid: Bool) async throws {
        let other = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-0"), orderID: "A1", kind: .sale, sequence: 0)
        let debt = Debt(merchantID: "acme", orderID: "A1", purchaseID: nil, billingCycle: nil, chargeID: nil)
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: other, debt: Fingerprint(of: debt), amount: Money(minorUnits: 4_999, currency: .usd),
                act: isPaid ? .told(Claim.Told(.approved, .known)) : .send(post: 1), until: Self.now + .days(40)), by: "w-2")
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        let handled = try await handle(flexFactor)
        #expect(try replies(handled) == [isPaid ? "already_recovered" : "in_recovery"] && flexFactor.calls.isEmpty)
    }

    @Test func whatComesOfItIsToldOnTheExchangeAlone() async throws {
        let paid = try await handle(ScriptedFlexFactor(.evaluated(.approved, "g-1")))
        #expect(paid.entry.fate == .told(.approved, reason: "approved"))
        #expect(try replies(paid).isEmpty)
    }

    @Test(arguments: [FlexFactorAnswer.failed(.notSent(.cannotConnect("away"))), .evaluated(.declined, "g-1")])
    func nobodyWaitsForOneThatIsPutAway(answer: FlexFactorAnswer) async throws {
        let handled = try await handle(ScriptedFlexFactor(answer))
        let kept = try #require(try parked(handled))
        #expect(kept.reply == nil)
        #expect(try replies(handled).isEmpty)
    }
}
