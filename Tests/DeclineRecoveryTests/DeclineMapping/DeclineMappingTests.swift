import Testing

@testable import DeclineRecovery

/// behaviour.md §3, authority by authority.
@Suite struct DeclineMappingTests {
    private func decline(
        _ source: String = "nmi", _ code: String = "201", text: String? = nil, advice: String? = nil, gateway: GatewayID = "7",
        crm: DeclineClass? = nil
    ) -> Decline {
        Decline(
            gatewayID: gateway, responseCodeSource: source, responseCode: code, responseText: text, merchantAdviceCode: advice,
            transactionID: "T",
            crmClass: crm)
    }

    private func classify(_ decline: Decline, _ orderType: OrderType = .newSale, rules: [MappingRule] = [], policy: Policy = Policy())
        -> Classification
    {
        let merchant = Merchant(
            id: "acme", flexFactorGateways: [], gateways: [Gateway(id: "7", type: "nmi"), Gateway(id: "8", type: "stripe")],
            mappingRules: rules, policy: policy)
        return DeclineMapping.classify(DeclineCase(decline, orderType: orderType), merchant: merchant)
    }

    @Test(arguments: [
        ("nmi", "201", DeclineClass.soft, "table:nmi/201"), ("NMI", "202", .soft, "table:nmi/202"),
        ("nmi", "252", .hard, "network_order:nmi/252"),
        ("nmi", "253", .hard, "table:nmi/253"), ("nmi", "223", .hard, "table:nmi/223"), ("nmi", "430", .hard, "table:nmi/430"),
        ("visa", "51", .soft, "table:visa/51"), ("mastercard", "05", .soft, "table:iso8583/05"),
        ("iso8583", "5", .soft, "table:iso8583/05"),
        ("visa", "R1", .hard, "network_order:visa/R1"), ("visa", "43", .hard, "network_order:visa/43"),
        ("visa", "05", .soft, "table:iso8583/05"),
        ("authorize.net", "2", .soft, "table:authorizenet/2"), ("stripe", "generic_decline", .soft, "table:stripe/generic_decline"),
        ("stripe", "lost_card", .hard, "network_order:stripe/lost_card"),
        ("stripe", "insufficient_funds", .soft, "table:stripe/insufficient_funds"),
        ("nobody", "1", .hard, "unknown"), ("nmi", "9999", .hard, "unknown"),
    ])
    func theTablesDecideByCode(source: String, code: String, declineClass: DeclineClass, rule: String) {
        let classification = classify(decline(source, code))
        #expect(classification.declineClass == declineClass && classification.rule == rule)
    }

    @Test func eachVoiceSpeaksBeforeTheNext() {
        let rule = MappingRule(scope: .gateway("nmi"), match: .code("253"), declineClass: .soft, path: "m[0]")
        // The merchant's rule before the CRM's class and the tables.
        #expect(classify(decline("nmi", "253", crm: .hard), rules: [rule]).rule == "merchant:m[0]")
        // A network order before the CRM's class.
        #expect(classify(decline("nmi", "252", crm: .soft)).rule == "network_order:nmi/252")
        // The CRM's class before the tables.
        #expect(classify(decline("nmi", "253", crm: .soft)).rule == "crm")
        // A specific code before the text, which sharpens a generic one, and decides where no table knows the code.
        #expect(classify(decline("nmi", "223", text: "Insufficient funds")).rule == "table:nmi/223")
        #expect(classify(decline("nmi", "200", text: "Expired card")).rule == "text:expired")
        #expect(classify(decline("nobody", "1", text: "INSUFFICIENT FUNDS today")).rule == "text:insufficient_funds")
        // At last the policy.
        #expect(classify(decline("nobody", "1"), policy: Policy(unknownDeclines: .soft)).declineClass == .soft)
        #expect(classify(decline("nobody", "1")).isUnknown)
    }

    @Test func aMastercardAdviceForbidsOrOnlyDelays() {
        #expect(classify(decline("mastercard", "05", advice: "03")).rule == "network_order:merchant-advice/03")
        #expect(classify(decline("mastercard", "05", advice: "21")).rule == "network_order:merchant-advice/21")
        #expect(classify(decline("mastercard", "05", advice: "24")).rule == "table:iso8583/05")
        #expect(classify(decline("mastercard", "05", advice: "40")).declineClass == .soft)
        #expect(classify(decline("mastercard", "05", advice: "40"), .recurring).declineClass == .hard)
    }

    @Test func aNetworkOrderIsLiftedOnlyByARuleThatSaysSo() {
        let plain = MappingRule(scope: .gateway("nmi"), match: .code("252"), declineClass: .soft, path: "m[0]")
        let lifting = MappingRule(scope: .gateway("nmi"), match: .code("252"), declineClass: .soft, overrideNetwork: true, path: "m[1]")
        let refused = classify(decline("nmi", "252"), rules: [plain])
        #expect(refused.declineClass == .hard && refused.rule == "network_order:nmi/252" && refused.sentence.contains("m[0]"))
        let lifted = classify(decline("nmi", "252"), rules: [lifting])
        #expect(lifted.declineClass == .soft && lifted.rule == "merchant:m[1]" && lifted.sentence.contains("lifts the network's order"))
    }

    @Test func theStrongestRuleDecides() {
        func rule(
            _ scope: MappingRule.Scope, _ type: OrderType? = nil, _ match: MappingRule.Match, _ declineClass: DeclineClass, _ path: String
        ) -> MappingRule {
            MappingRule(scope: scope, orderType: type, match: match, declineClass: declineClass, path: path)
        }
        let all = [
            rule(.gateway("nmi"), nil, .text("honor"), .hard, "gateway, all, short"),
            rule(.gateway("nmi"), nil, .text("do not honor"), .soft, "gateway, all, long"),
            rule(.gateway("nmi"), .newSale, .text("honor"), .hard, "gateway, type"),
            rule(.mid("7"), nil, .text("honor"), .soft, "mid, all"),
            rule(.mid("7"), .newSale, .text("honor"), .hard, "mid, type, short"),
            rule(.mid("7"), .newSale, .text("Do Not"), .soft, "mid, type, long"),
            rule(.mid("7"), .newSale, .code("201"), .hard, "mid, type, code"),
            rule(.mid("8"), .newSale, .code("201"), .soft, "another gateway's"),
        ]
        let text = decline(text: "DO NOT HONOR")
        var rules = all
        for expected in [
            "mid, type, code", "mid, type, long", "mid, type, short", "mid, all", "gateway, type", "gateway, all, long",
            "gateway, all, short",
        ] {
            #expect(classify(text, rules: rules).rule == "merchant:\(expected)")
            #expect(classify(text, rules: rules.reversed()).rule == "merchant:\(expected)")
            rules.removeAll { $0.path == expected }
        }
        #expect(classify(text, rules: rules).rule == "table:nmi/201")
        #expect(classify(text, .recurring, rules: all).rule == "merchant:mid, all")
        // A gateway that the configuration does not list is known by the source of its codes.
        #expect(classify(decline(text: "honor", gateway: "99"), rules: [all[0]]).rule == "merchant:gateway, all, short")
        #expect(classify(decline("stripe", "x", text: "honor", gateway: "8"), rules: [all[0]]).rule == "unknown")
    }

    @Test func insufficientFundsIsToldByTheCodeOrTheText() {
        #expect(classify(decline("nmi", "202")).isInsufficientFunds)
        #expect(classify(decline("authorize.net", "2", text: "Insufficient funds")).isInsufficientFunds)
        #expect(!classify(decline("nmi", "201", text: "Do not honor")).isInsufficientFunds)
    }

    @Test func anExplanationAsksEveryVoiceAndOneDecides() {
        let merchant = Merchant(id: "acme", flexFactorGateways: [])
        let steps = DeclineMapping.explain(DeclineCase(decline("nmi", "252", crm: .soft), orderType: .newSale), merchant: merchant)
        #expect(steps.map(\.authority) == DeclineMapping.Authority.allCases)
        #expect(steps.filter(\.decides).map(\.authority) == [.networkOrders])
        #expect(steps.first { $0.authority == .crm }?.says?.declineClass == .soft)
    }
}
