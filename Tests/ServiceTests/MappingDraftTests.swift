import DeclineRecovery
import Operations
import Testing

@testable import Service

/// A mapping that somebody tries in the console.
@Suite struct MappingDraftTests {
    private let own = MappingRule(
        scope: .gateway("nmi"), match: .code("204"), declineClass: .hard, name: "ours", path: "merchants[0].declineMapping[0]")

    private func tried(_ yaml: String) throws(DraftFaults) -> Merchant {
        let merchant = Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")], gateways: [Gateway(id: "7", type: "nmi")], mappingRules: [own],
            policy: Policy(unknownDeclines: .soft))
        return try MappingDraft(yaml: yaml).tried(on: merchant)
    }

    @Test(arguments: [
        "- { gateway: nmi, text: \"expired card\", class: soft }", "  - gateway: nmi\n    text: expired card\n    class: soft\n",
    ])
    func aListIsRulesBesideTheMerchantsOwn(yaml: String) throws {
        let merchant = try tried(yaml)
        #expect(
            merchant.mappingRules.count == 2 && merchant.mappingRules[0].match == .text("expired card") && merchant.mappingRules[1] == own)
        #expect(merchant.policy == Policy(unknownDeclines: .soft) && merchant.gateways.count == 1 && merchant.flexFactorGateways.count == 1)
    }

    @Test func aMappingStandsInThePlaceOfTheMerchantsOwn() throws {
        let merchant = try tried("declineMapping:\n- { mid: \"7\", code: 223, class: soft }\npolicy: { correctableDeclines: soft }\n")
        #expect(merchant.mappingRules.count == 1 && merchant.mappingRules[0].scope == .mid("7"))
        // What the policy does not name stays.
        #expect(merchant.policy == Policy(unknownDeclines: .soft, correctableDeclines: .soft))
        #expect(try tried("policy: { limitDeclines: hard }").mappingRules == [own])
    }

    @Test(arguments: [
        ("nonsense", "the draft"), ("other: 1", "other"), ("- { gateway: nmi, class: soft }", "declineMapping[0].code"),
        ("- { mid: \"8\", code: 1, class: soft }", "declineMapping[0].mid"),
        ("policy: { unknownDeclines: maybe }", "policy.unknownDeclines"), ("- { gateway: nmi", "the draft"),
        ("declineMapping: 3", "declineMapping"),
    ])
    func aDraftThatCannotBeReadSaysWhere(yaml: String, path: String) {
        let error = #expect(throws: DraftFaults.self) { try tried(yaml) }
        #expect(error?.faults.contains { $0.path == path && !$0.message.isEmpty } == true, "\(String(describing: error))")
    }
}
