/// What decline mapping decided, and why.
public struct Classification: Sendable, Equatable {
    public let declineClass: DeclineClass
    public let reason: Reason
    public let isInsufficientFunds: Bool

    public enum Reason: Sendable, Equatable {
        /// A rule of the merchant's; with the network order it lifted, if it lifted one.
        case merchantRule(MappingRule, lifting: DeclineTable.Row?)
        /// The network forbids to try again. With the merchant's rule that wanted otherwise and may not.
        case networkOrder(table: String, DeclineTable.Row, overruling: MappingRule?)
        /// The class the CRM sent with the event.
        case crmClass
        case table(String, DeclineTable.Row)
        case textPattern(DeclineTable.Row)
        /// Nobody knows the code: the merchant's policy decides.
        case unknown
    }

    /// The rule in one word, stable, as results tell it.
    public var rule: String {
        switch reason {
        case .merchantRule(let rule, _): "merchant:\(rule.path)"
        case .networkOrder(let table, let row, _): "network_order:\(table)/\(row.code)"
        case .crmClass: "crm"
        case .table(let table, let row): "table:\(table)/\(row.code)"
        case .textPattern(let row): "text:\(row.code)"
        case .unknown: "unknown"
        }
    }

    public var sentence: String {
        switch reason {
        case .merchantRule(let rule, nil): "The merchant's rule \(rule.path) says \(rule.declineClass.rawValue)."
        case .merchantRule(let rule, let row?):
            "The merchant's rule \(rule.path) says \(rule.declineClass.rawValue) and lifts the network's order (\(row.description))."
        case .networkOrder(let table, let row, nil):
            "Table \(table), code \(row.code) (\(row.description)): the network forbids to try again."
        case .networkOrder(let table, let row, let rule?):
            "Table \(table), code \(row.code) (\(row.description)): the network forbids to try again. The merchant's rule \(rule.path) says soft, but lacks overrideNetwork."
        case .crmClass: "The CRM says \(declineClass.rawValue)."
        case .table(let table, let row):
            "Table \(table), code \(row.code) (\(row.description)) is \(row.category.words), so \(declineClass.rawValue)."
        case .textPattern(let row): "The response text contains \"\(row.code)\" (\(row.description)), which is \(row.category.words)."
        case .unknown: "No rule and no table knows this decline; the merchant's policy for unknown declines says \(declineClass.rawValue)."
        }
    }

    public var isUnknown: Bool { reason == .unknown }
}

extension DeclineCategory {
    var words: String {
        switch self {
        case .soft: "soft"
        case .hard: "hard"
        case .correctable: "correctable with other data"
        case .merchantFault: "the merchant's own fault"
        }
    }
}
