import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What the journal keeps of money: whose it is, how much, and by what it is known when it is told again.
@Suite struct JournaledMoneyTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "bold", source: "crm", id: "d-1"), orderID: "A", kind: .rerun, sequence: 1)
    private let claims = MemoryClaims(now: now)
    private let merchants = Merchants(
        Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", account: "m-1")]),
        Merchant(id: "bold", flexFactorGateways: [FlexFactorGateway(id: "9", includeChargebacks: true, account: "m-1")]))

    /// News as it comes by the other merchant's gateway of the same account.
    private func journal(_ event: String, _ data: String, _ answer: FlexFactorAnswer) async throws -> JournalRecord {
        let body =
            #"{"Event":"\#(event)","TimeStamp":"2026-01-02T03:04:05Z","EventData":\#(data),"#
            + #""ExternalOrderId":"\#(Self.reference.text)","OrderId":"g-1"}"#
        let news = try #require(WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        let stage = OutcomeStage(
            in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
            flexFactor: ScriptedFlexFactor(answer), merchants: merchants, cancels: Cancels())
        let sent = await stage.handle(IncomingMessage(body: news.encoded())).publishing(
            from: .outcomes, at: Self.now, worker: "w", traceparent: nil)
        let written = try #require(sent.first { $0.destination == .journal })
        return try #require(JournalRecord.decode(written.body))
    }

    private func sends(_ amount: Money) {
        claims.append(
            ClaimRequest(
                merchantID: "bold", reference: Self.reference, debt: nil, amount: amount, act: .send(post: 1), until: Self.now + .days(9)),
            by: "w-2")
    }

    @Test func anApprovalOfWhichFlexFactorNamesNoAmountHasThatOfItsClaim() async throws {
        sends(Money(minorUnits: 4_999, currency: .usd))
        let record = try await journal("order.completed", "null", .order(.completed))
        #expect(record.detail == "approved" && record.amount == Money(minorUnits: 4_999, currency: .usd))
        #expect(record.merchantID == "bold" && record.flexFactorOrderID == "g-1" && record.trigger == .rerun && record.route == "retry")
        #expect(record.resultID == nil)
        // The same told again.
        let again = try await journal("order.completed", "null", .order(.completed))
        #expect(again.reason == ToldMoney.again && again.detail == "approved")
    }

    @Test func eachPartThatGoesBackIsKnownByItsResult() async throws {
        sends(Money(minorUnits: 4_999, currency: .usd))
        _ = try await journal("order.completed", "null", .order(.completed))
        let parts = [500, 700].map { #"{"Amount":\#($0),"Currency":"USD","RefundId":"rf-\#($0)"}"# }
        let first = try await journal("order.refunded", parts[0], .order(.completed))
        let second = try await journal("order.refunded", parts[1], .order(.completed))
        #expect(first.amount?.minorUnits == 500 && second.amount?.minorUnits == 700 && first.merchantID == "bold")
        #expect(first.resultID != nil && second.resultID != nil && first.resultID != second.resultID)
        let again = try await journal("order.refunded", parts[0], .order(.completed))
        #expect(again.resultID == first.resultID)
        let chargeback = try await journal("payment.chargeback.received", #"{"Amount":4999,"Currency":"USD"}"#, .order(.chargeback))
        #expect(chargeback.detail == "chargeback" && chargeback.amount?.minorUnits == 4_999 && chargeback.resultID != nil)
    }

    @Test func whatIsToldOtherwiseAfterAllSaysWhatIsTrueNow() async throws {
        claims.append(
            ClaimRequest(
                merchantID: "bold", reference: Self.reference, debt: nil, amount: Money(minorUnits: 4_999, currency: .usd),
                act: .told(Claim.Told(.expired, .known)), until: Self.now + .days(9)), by: "w-2")
        let record = try await journal("order.completed", "null", .order(.completed))
        #expect(record.detail == "correction" && record.becomes == .approved && record.amount?.minorUnits == 4_999)
    }
}
