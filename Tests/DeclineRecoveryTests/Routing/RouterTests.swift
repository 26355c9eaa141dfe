import TestSupport
import Testing

@testable import DeclineRecovery

/// behaviour.md §4, rule by rule.
@Suite struct RouterTests {
    private let merchant = RouterTests.merchant()

    private static func merchant(cascadeAll: Bool = false, policy: Policy = Policy()) -> Merchant {
        Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42"), FlexFactorGateway(id: "43", cascadeAll: cascadeAll)],
            gateways: [
                Gateway(id: "7", type: "nmi", directCascade: "salvage"), Gateway(id: "8", type: "nmi"),
                Gateway(id: "9", type: "nmi", directCascade: "others"),
            ],
            gatewayProfiles: [GatewayProfile(id: "p", members: ["7", "8"], cascade: "salvage"), GatewayProfile(id: "q", members: ["7"])],
            cascadeProfiles: [CascadeProfile(id: "salvage", members: ["8", "42"]), CascadeProfile(id: "others", members: ["8"])],
            campaigns: [Campaign(id: "single", singleTransaction: true), Campaign(id: "plain")],
            recycleBilling: RecycleBilling(reattempts1To3: "7", reattempts4To6: "42", reattempts7To9: "8"), policy: policy)
    }

    private func route(
        _ trigger: Trigger = .initial, soft: Bool = true, gateway: GatewayID = "7", profile: GatewayProfileID? = nil,
        campaign: CampaignID? = nil,
        ip: String? = "203.0.113.7", insufficientFunds: Bool = false, merchant: Merchant? = nil, age: Moment.Span? = nil,
        type: OrderType = .newSale, endsTrial: Bool = false
    ) -> String {
        let declinedAt = Moment(milliseconds: 1_000_000)
        let address = Address(firstName: "A", lastName: "B", countryCode: "US", addressLine1: "1", state: "NY", city: "T", zipCode: "1")
        let event = DeclineEvent(
            id: "d", source: "crm", declinedAt: declinedAt, merchantID: "acme", trigger: trigger,
            order: Order(id: "A", type: type, trialCompletion: endsTrial, campaignID: campaign, ipAddress: ip),
            decline: Decline(
                gatewayID: gateway, gatewayProfileID: profile, responseCodeSource: "nmi", responseCode: "201", transactionID: "T"),
            amount: Money(minorUnits: 1, currency: .usd), payer: Payer(), billing: address,
            paymentMethod: PaymentMethod(card: .token(CardToken("t"))))
        let classification = Classification(declineClass: soft ? .soft : .hard, reason: .crmClass, isInsufficientFunds: insufficientFunds)
        return switch Router.route(event, classification, merchant: merchant ?? self.merchant, now: age.map { declinedAt + $0 }) {
        case .cascade(let gateway): "cascade \(gateway.id)"
        case .retry(let gateway): "retry \(gateway.id)"
        case .skip(let reason): reason.rawValue
        }
    }

    @Test func anInitialDeclineCascadesByItsProfileOrItsGateway() {
        #expect(route() == "cascade 42")
        #expect(route(gateway: "8", profile: "p") == "cascade 42")
        #expect(route(campaign: "plain") == "cascade 42")
        // Of a profile without a cascade the gateway's own is taken.
        #expect(route(profile: "q") == "cascade 42")
        #expect(route(gateway: "8", profile: "q") == "no_cascade")
        #expect(route(gateway: "8") == "no_cascade")
        #expect(route(gateway: "9") == "no_cascade")
        #expect(route(gateway: "99") == "no_cascade")
    }

    /// The end of a trial is billed without the customer.
    @Test func theEndOfATrialNeedsNoAddress() {
        #expect(route(ip: nil, endsTrial: true) == "cascade 42")
        #expect(route(ip: nil) == "ip_address_required")
    }

    /// Cascades are for initial sales; a declined rebill must not end its subscription before its first re-attempt.
    @Test func aRebillDoesNotCascade() {
        #expect(route(type: .recurring) == "not_an_initial_sale")
        #expect(route(soft: false, type: .recurring) == "not_an_initial_sale")
        #expect(route(merchant: Self.merchant(cascadeAll: true), type: .recurring) == "not_an_initial_sale")
    }

    @Test func aRetiredGatewayTakesNothingNew() {
        let retired = Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", cascadeAll: true, isRetired: true), FlexFactorGateway(id: "43")],
            gateways: [Gateway(id: "7", type: "nmi", directCascade: "salvage")],
            cascadeProfiles: [CascadeProfile(id: "salvage", members: ["42", "43"])],
            recycleBilling: RecycleBilling(reattempts4To6: "42", reattempts7To9: "43"))
        #expect(route(merchant: retired) == "cascade 43")
        #expect(
            route(.rerun(.gateway("42")), merchant: retired) == "not_flexfactor"
                && route(.rerun(.gateway("43")), merchant: retired) == "retry 43")
        #expect(
            route(.recycle(reattempt: 4), merchant: retired) == "not_recycled_here"
                && route(.recycle(reattempt: 7), merchant: retired) == "retry 43")
    }

    @Test func cascadeAllOverridesEveryCascadeProfile() {
        let all = Self.merchant(cascadeAll: true)
        for (gateway, profile) in [("7", nil), ("8", "q"), ("9", nil), ("99", nil)] as [(GatewayID, GatewayProfileID?)] {
            #expect(route(gateway: gateway, profile: profile, merchant: all) == "cascade 43")
        }
        #expect(route(ip: nil, merchant: all) == "ip_address_required")
        #expect(route(soft: false, merchant: all) == "hard_decline")
        #expect(route(campaign: "single", merchant: all) == "single_transaction")
    }

    @Test func insufficientFundsGoesByTheRouteUnlessThePolicySaysOtherwise() {
        #expect(route(insufficientFunds: true) == "insufficient_funds")
        #expect(route(insufficientFunds: true, merchant: Self.merchant(cascadeAll: true)) == "cascade 43")
        #expect(route(insufficientFunds: true, merchant: Self.merchant(policy: Policy(insufficientFunds: .include))) == "cascade 42")
        #expect(
            route(insufficientFunds: true, merchant: Self.merchant(cascadeAll: true, policy: Policy(insufficientFunds: .exclude)))
                == "insufficient_funds")
    }

    @Test func theRulesSpeakInTheirOrder() {
        #expect(route(soft: false, gateway: "8", campaign: "single", ip: nil, insufficientFunds: true, age: .days(1)) == "hard_decline")
        #expect(route(gateway: "8", campaign: "single", ip: nil, insufficientFunds: true, age: .days(1)) == "single_transaction")
        #expect(route(gateway: "8", ip: nil, insufficientFunds: true, age: .days(1)) == "no_cascade")
        #expect(route(ip: nil, insufficientFunds: true, age: .days(1)) == "insufficient_funds")
        #expect(route(ip: nil, age: .days(1)) == "ip_address_required")
        #expect(route(age: .seconds(60)) == "deadline_passed")
        #expect(route(age: .milliseconds(59_999)) == "cascade 42")
        #expect(route(merchant: Self.merchant(policy: Policy(cascadeDeadline: .seconds(5)))) == "cascade 42")
        #expect(route(merchant: Self.merchant(policy: Policy(cascadeDeadline: .seconds(5))), age: .seconds(5)) == "deadline_passed")
    }

    @Test func aRerunMustBeStartedOnAFlexFactorGateway() {
        #expect(route(.rerun(.gateway("42"))) == "retry 42")
        #expect(route(.rerun(.gateway("7"))) == "not_flexfactor")
        #expect(route(.rerun(.gatewayProfile("p"))) == "rerun_on_profile")
        #expect(route(.rerun(.gateway("42")), soft: false) == "hard_decline")
        #expect(route(.rerun(.gateway("42")), ip: nil, insufficientFunds: true, age: .days(3)) == "retry 42")
    }

    @Test(arguments: [
        (1, "not_recycled_here"), (3, "not_recycled_here"), (4, "retry 42"), (6, "retry 42"), (7, "not_recycled_here"),
        (10, "not_recycled_here"),
    ])
    func aRecycleGoesWhereItsGroupSays(reattempt: Int, expected: String) {
        #expect(route(.recycle(reattempt: reattempt)) == expected)
    }

    @Test func aHardRecycleIsNotRetried() {
        #expect(route(.recycle(reattempt: 4), soft: false) == "hard_decline")
        #expect(route(.recycle(reattempt: 1), soft: false) == "not_recycled_here")
    }

    @Test(arguments: [
        "1.2.3.4", "255.255.255.255", "::1", "2001:db8::1", "::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "fe80::", "1::8", "ABCD::ef01",
    ])
    func anAddressIsValid(text: String) { #expect(IPAddress.isValid(text)) }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.-4", ":", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "12345::", "g::",
        "1:2:3:4:5:6:7:",
        "fe80::1%eth0", "::1.2.3", "1.2.3.4::", " 1.2.3.4", "1:2:3:4:5:6:7:8::",
    ])
    func anAddressIsNotValid(text: String) { #expect(!IPAddress.isValid(text)) }
}
