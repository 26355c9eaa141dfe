import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// News of a refund whose whole number may be of cents or of dollars: no amount is told that is not known.
@Suite struct TwoReadingsTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A", kind: .rerun, sequence: 1)

    /// The CRM was told of a sale in dollars.
    private func sale(of minorUnits: Int64) -> MemoryClaims {
        MemoryClaims(telling: .approved(.answered), of: Self.reference, minorUnits: minorUnits, at: Self.now)
    }

    /// What is told of a refund, or of what the list of orders shows.
    private func told(
        _ minorUnits: Int64?, _ distinction: String, _ state: FlexFactorOrder.State, _ claims: MemoryClaims
    ) async throws -> (id: String?, action: String?, amount: Int64?) {
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .refunded, reference: Self.reference, orderID: "g-1", minorUnits: minorUnits,
            currency: .usd, isBare: true, distinction: distinction, receivedAt: Self.now)
        let stage = OutcomeStage(
            in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
            flexFactor: ScriptedFlexFactor(.order(state)),
            merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])), cancels: Cancels())
        let handled = await stage.handle(IncomingMessage(body: news.encoded()))
        let result = try #require(try handled.results().first)
        return (
            result["id"]?.string, result["data"]?["action"]?["name"]?.string, result["data"]?["amount"]?["minorUnits"]?.int64
        )
    }

    private func areAllBack(_ claims: MemoryClaims) -> Bool? { claims.standing(of: Self.reference, merchant: "acme")?.back.isAll }

    /// Twenty cents, or twenty dollars: of 49.99 both are a part, of 20.00 one is all.
    @Test(arguments: [(4_999, "record_refund"), (2_000, "reverse_sale")] as [(Int64, String)])
    func whatIsLessThanTheSaleEitherWayIsAPart(minorUnits: Int64, action: String) async throws {
        let claims = sale(of: minorUnits)
        let first = try await told(20, "rf-1", .completed, claims)
        #expect(first.action == action && first.amount == nil && areAllBack(claims) == false)
    }

    /// How much went back in parts is not known; that all of it did is, as soon as FlexFactor shows the order as returned.
    @Test(arguments: [false, true]) func theEndOfSuchPartsIsToldWithoutAnAmount(isListed: Bool) async throws {
        let claims = sale(of: 99_900)
        let first = try await told(500, "rf-1", .completed, claims)
        let second = try await told(700, "rf-2", .completed, claims)
        #expect([first, second].allSatisfy { $0.action == "record_refund" && $0.amount == nil } && first.id != second.id)
        #expect(areAllBack(claims) == false)
        let last = try await told(isListed ? nil : 20, isListed ? WebhookNews.listed : "rf-3", .returned, claims)
        #expect(last.action == "reverse_sale" && last.amount == nil && areAllBack(claims) == true)
    }
}
