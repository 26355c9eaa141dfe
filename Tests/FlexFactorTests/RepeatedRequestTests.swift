import DeclineRecovery
import TestSupport
import Testing

@testable import FlexFactor

/// A repeat is the same bytes, though the configuration was read anew between the two.
@Suite struct RepeatedRequestTests {
    private func body(_ site: GatewaySite?, configured: String?) throws -> String {
        let sample = Recovery.sample(declinedAt: .in2026(0))
        let was = try #require(sample.charge)
        let charge = Charge(
            reference: was.reference, isMerchantInitiated: false, isRecurring: false, expiry: nil, customerIP: was.customerIP,
            amount: was.amount, declinedAt: was.declinedAt, decline: was.decline, payer: was.payer, billing: was.billing, shipping: nil,
            paymentMethod: was.paymentMethod, items: [], site: site)
        let credentials = GatewayCredentials(
            appKey: Secret("k"), appSecret: Secret("s"), mid: "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11", siteID: configured, origin: .sandbox)
        let key = sample.idempotencyKey(of: .evaluate(post: 1))
        return String(decoding: EvaluateRequest.body(charge, idempotencyKey: key, credentials: credentials), as: UTF8.self)
    }

    @Test(arguments: [nil, "s-1"]) func aSiteThatIsConfiguredAnewChangesNoRepeat(site: String?) throws {
        let first = try body(GatewaySite(id: site), configured: site)
        for configured in [nil, "s-1", "s-2"] { #expect(try body(GatewaySite(id: site), configured: configured) == first) }
        #expect(first.contains("\"siteId\"") == (site != nil))
    }

    @Test func whereNoSiteTravelsTheConfiguredOneIsTold() throws {
        #expect(try body(nil, configured: "s-2").contains(#""siteId":"s-2""#))
        #expect(try !body(nil, configured: nil).contains("siteId"))
    }
}
