import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What the CRM is told of FlexFactor's webhooks, once the order was looked at.
@Suite struct OutcomeStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let merchants = Merchants(
        Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", account: "m-1")]),
        Merchant(id: "bold", flexFactorGateways: [FlexFactorGateway(id: "9", account: "m-1")]),
        Merchant(id: "cold", flexFactorGateways: [FlexFactorGateway(id: "8", account: "m-2")]))

    private func stage(_ flexFactor: ScriptedFlexFactor) -> OutcomeStage {
        OutcomeStage(
            in: .sample(ManualClock(Self.now), cards: Vault(hasKey: false), callLimit: .seconds(5)), flexFactor: flexFactor,
            merchants: merchants, cancels: Cancels())
    }

    private func handle(_ body: String, _ answers: FlexFactorAnswer..., receivedAt: Moment = now) async throws -> StageOutcome {
        let news = try #require(WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: receivedAt))
        return await stage(ScriptedFlexFactor { _, number in answers[min(number, answers.count - 1)] }).handle(
            IncomingMessage(body: news.encoded()))
    }

    private func body(_ event: String, _ reference: String = "A-R7-88-7", data: String = "null") -> String {
        #"{"Event":"\#(event)","TimeStamp":"2026-01-02T03:04:05Z","EventData":\#(data),"ExternalOrderId":"\#(reference)","OrderId":"g-1"}"#
    }

    private func result(_ handled: StageOutcome) throws -> JSONValue {
        let message = try #require(handled.publishing.first { if case .results = $0.destination { true } else { false } })
        return try JSONValue(parsing: message.body.span)
    }

    @Test func anOrderThatNobodyOpenedIsADeadLetter() async throws {
        let first = try await handle(body("order.completed"), .noSuchOrder)
        guard case .parked = first.entry.fate, let later = first.publishing.first else {
            Issue.record("\(first.entry.fate)")
            return
        }
        let second = await stage(ScriptedFlexFactor(.noSuchOrder)).handle(IncomingMessage(body: later.body))
        #expect(second.entry.fate == .deadLettered(.untrustedWebhook))
        #expect(!second.publishing.contains { if case .results = $0.destination { true } else { false } })
    }

    @Test func twoPartialRefundsAreTwoResultsAndReverseNothing() async throws {
        var ids: Set<String> = []
        for (number, amount) in [500, 700].enumerated() {
            let data = #"{"Amount":\#(amount),"Currency":"USD","RefundId":"rf-\#(number)"}"#
            let told = try result(try await handle(body("order.refunded", data: data), .order(.completed)))
            #expect(
                told["data"]?["action"]?["name"]?.string == "record_refund"
                    && told["data"]?["amount"]?["minorUnits"]?.int64 == Int64(amount))
            ids.insert(try #require(told["id"]?.string))
        }
        #expect(ids.count == 2 && ids.allSatisfy { $0.hasPrefix("A-R7-88-7/refunded/") })
        let whole = try result(try await handle(body("order.refunded"), .order(.returned)))
        #expect(whole["data"]?["action"]?["name"]?.string == "reverse_sale")
    }

    /// One account may serve several merchants: the reference says whose it is, and only one who has a gateway there is told.
    @Test func aSharedAccountTellsTheMerchantInTheReference() async throws {
        func reference(_ merchant: MerchantID) -> String {
            RecoveryReference(DeclineIdentity(merchantID: merchant, source: "s", id: "d"), orderID: "A", kind: .rerun, sequence: 1).text
        }
        let told = try result(try await handle(body("order.completed", reference("bold")), .order(.completed)))
        #expect(told["data"]?["merchantId"]?.string == "bold")
        let stranger = try await handle(body("order.completed", reference("cold")), .order(.completed))
        #expect(stranger.entry.fate == .deadLettered(.untrustedWebhook))
    }

    @Test func lateNewsOfFailureIsToldAsWhatTheOrderIs() async throws {
        let told = try result(try await handle(body("order.expired"), .order(.completed)))
        #expect(told["type"]?.string == "com.salvage.recovery.approved.v1")
    }
}
