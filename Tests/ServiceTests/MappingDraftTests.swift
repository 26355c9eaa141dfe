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

    /// By the line of the draft, also where a list alone was put beneath its key to be read.
    @Test(arguments: [
        ("- { gateway: nmi, code: 1, class: soft }\n- { gateway: nmi, class: soft }", "line 2: expected either code or text"),
        ("declineMapping:\n- { gateway: nmi, class: soft }", "line 2: expected either code or text"),
        ("declineMapping: []\npolicy:\n  unknownDeclines: maybe\n", "line 3: expected one of"),
    ])
    func aFaultSaysItsLine(yaml: String, message: String) {
        let error = #expect(throws: DraftFaults.self) { try tried(yaml) }
        #expect(error?.faults.first?.message.hasPrefix(message) == true, "\(String(describing: error))")
    }

    /// A key that is folded a million millionfold, and the same in other places: none is handed to the parser, which would not come back.
    @Test(arguments: [
        "? *a11\n: 1\n", "*a11 : 1\n", "{? [*a11] : 1}\n", "{\"k\":*a11}\n", "k: [x,*a11]\n", "- *a11\n", "--- *a11\n", "k: !!seq *a11\n",
        "k: 'it''s'\n*a11 : 1\n", "k: it\n  'y\n*a11 : 1\n", "k: \"a #\"\n*a11 : 1\n", "k: |\n  'x\n*a11 : 1\n", "k: x\u{2028}*a11 : 1\n",
    ])
    func whatIsFoldedIsNotRead(end: String) {
        let folds = (1..<12).map { "a\($0): &a\($0) [\(Array(repeating: "*a\($0 - 1)", count: 10).joined(separator: ","))]\n" }
        let bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + folds.joined() + end + "declineMapping: []\n"
        let error = #expect(throws: DraftFaults.self) { try tried(bomb) }
        #expect(error?.faults.map(\.path) == ["the draft"] && error?.faults.first?.message.contains("anchors") == true)
        // The last place alone is seen as well.
        #expect(FoldedYAML.isFolded("a: &a11 x\n" + end))
    }

    @Test(arguments: [
        "&a [*a]", "\u{FEFF}&a [*a]", "[&a x, *a]", "{k:&a x, l:*a}", "!t &a [*a]", "-\t&a x\r- *a", "? [x]\n: 1", "{?{?{?x}}}",
        "k:\n- ? x",
    ])
    func itsAnchorOrKeyIsSeenWhereverItStands(yaml: String) { #expect(FoldedYAML.isFolded(yaml)) }

    @Test(arguments: [
        "- { gateway: nmi, text: \"AT&T *declined*\", class: soft }",
        "- { gateway: nmi, text: \"refused: *limit, **\", class: soft } # this & *that",
        "- gateway: nmi\n  text: 'why? *x, R&D - fees & charges'\n  class: soft",
    ])
    func signsWithinTextsAreTexts(yaml: String) throws { #expect(try tried(yaml).mappingRules.count == 2) }

    @Test func aDraftHasALongestLength() throws {
        let rule = "- { gateway: nmi, text: \"expired card\", class: soft }\n"
        let long = String(repeating: rule, count: MappingDraft.mostBytes / rule.utf8.count)
        #expect(try tried(long).mappingRules.last == own)
        let error = #expect(throws: DraftFaults.self) { try tried(long + rule) }
        #expect(error?.faults.first?.message.contains("256 kB") == true)
    }
}
