import DeclineRecovery
import Operations
import Yams

/// A mapping that somebody wants to try, written as it would stand beneath a merchant: `declineMapping` in the place of the merchant's rules, the
/// named parts of `policy` in the place of its own. A list alone are rules to add, such as a line that `salvage mapping gaps` offers.
struct MappingDraft {
    let yaml: String

    /// More than any merchant's rules take; it is read while somebody waits, once for each merchant.
    static let mostBytes = 256 << 10

    /// The merchant as the draft would have it.
    func tried(on merchant: Merchant) throws(DraftFaults) -> Merchant {
        try checkSize()
        let faults = ConfigurationFaults()
        var rules = merchant.mappingRules
        var policy = merchant.policy
        // A list is one wherever it stands; beneath a key it needs no other indentation.
        let isList = yaml.first { !$0.isWhitespace } == "-"
        do {
            let root = ConfigurationNode(try Yams.compose(yaml: isList ? "declineMapping:\n" + yaml : yaml) ?? Node(""), path: "", faults)
            let reader = MerchantReader(root, SecretSources(besides: ""))
            if !root.has("declineMapping"), !root.has("policy") { root.fault("", "expected a list of rules, or declineMapping, or policy") }
            let gateways = Set(merchant.gateways.keys).union(merchant.flexFactorGateways.keys)
            let drafted = root.objects("declineMapping").compactMap { reader.rule($0, gateways) }
            // The first of two equal rules counts.
            if isList { rules = drafted + rules } else if root.has("declineMapping") { rules = drafted }
            policy = reader.policy(over: policy)
            root.end()
        } catch let error as YamlError {
            faults.add("", error.line, "not YAML: \(error.problem)")
        } catch {
            faults.add("", nil, "not YAML")
        }
        if !faults.all.isEmpty {
            throw DraftFaults(
                faults.all.map { fault in
                    // The line as whoever wrote the draft counts.
                    let line = fault.line.map { "line \(max(isList ? $0 - 1 : $0, 1)): " } ?? ""
                    return FieldError(path: fault.path.isEmpty ? "the draft" : fault.path, message: line + fault.message)
                })
        }
        return merchant.mapping(by: rules, policy)
    }

    /// Refuses what costs more to read than its text says, before it is read.
    private func checkSize() throws(DraftFaults) {
        if yaml.utf8.count > Self.mostBytes {
            throw DraftFaults([FieldError(path: "the draft", message: "longer than 256 kB; try fewer rules at a time")])
        }
        if FoldedYAML.isFolded(yaml) {
            throw DraftFaults([
                FieldError(path: "the draft", message: "holds anchors with aliases (&name, *name), or a key after `?`; write each rule out")
            ])
        }
    }
}
