/// What decline mapping decided, and why.
package struct Classification: Sendable, Equatable {
    package let declineClass: DeclineClass
    package let reason: Reason
    package let isInsufficientFunds: Bool
    /// What kind of decline it is; `nil` where a rule, the CRM or nobody but the policy speaks.
    package let category: DeclineCategory?
    package let confidence: DeclineConfidence
    /// No table claims the source of the code.
    package let hasNoTable: Bool

    init(
        declineClass: DeclineClass, reason: Reason, isInsufficientFunds: Bool, category: DeclineCategory? = nil,
        confidence: DeclineConfidence = .network,
        hasNoTable: Bool = false
    ) {
        self.declineClass = declineClass
        self.reason = reason
        self.isInsufficientFunds = isInsufficientFunds
        self.category = category
        self.confidence = confidence
        self.hasNoTable = hasNoTable
    }

    package enum Reason: Sendable, Equatable {
        /// A rule of the merchant's; with the network order it lifted, if it lifted one.
        case merchantRule(MappingRule, lifting: NetworkOrder?)
        /// The network forbids to try again. With the merchant's rule that wanted otherwise and may not.
        case networkOrder(NetworkOrder, overruling: MappingRule?)
        /// The class the CRM sent with the event.
        case crmClass
        case table(String, DeclineTable.Row)
        /// The network's own code, where the gateway's says little or nothing.
        case networkCode(String, DeclineTable.Row)
        case text(TextRules.Rule)
        /// Nobody knows the code: the merchant's policy decides.
        case unknown
    }

    /// The rule in one word, stable, as results tell it.
    package var rule: String {
        switch reason {
        case .merchantRule(let rule, _): "merchant:\(rule.name ?? rule.path)"
        case .networkOrder(let order, _): "network_order:\(order.name)"
        case .crmClass: "crm"
        case .table(let table, let row): "table:\(table)/\(row.code)"
        case .networkCode(let table, let row): "network:\(table)/\(row.code)"
        case .text(let rule): "text:\(rule.name)"
        case .unknown: "unknown"
        }
    }

    package var sentence: String {
        switch reason {
        case .merchantRule(let rule, nil): "The merchant's rule \(rule.title) says \(rule.declineClass.rawValue)."
        case .merchantRule(let rule, let order?):
            "The merchant's rule \(rule.title) says \(rule.declineClass.rawValue) and lifts the network's order (\(order.description))."
        case .networkOrder(let order, nil): "\(words(of: order)): the network forbids to try again."
        case .networkOrder(let order, let rule?):
            "\(words(of: order)): the network forbids to try again. The merchant's rule \(rule.title) says soft, but lacks overrideNetwork."
        case .crmClass: "The CRM says \(declineClass.rawValue)."
        case .table(let table, let row), .networkCode(let table, let row):
            "Table \(table), code \(row.code) (\(row.description)) is \(row.category.words), so \(declineClass.rawValue)."
        case .text(let rule): "The response text says \(rule.description), which is \(rule.category.words), so \(declineClass.rawValue)."
        case .unknown: "No rule and no table knows this decline; the merchant's policy for unknown declines says \(declineClass.rawValue)."
        }
    }

    private func words(of order: NetworkOrder) -> String {
        order.source == "text"
            ? "The response text says: \(order.description)" : "Table \(order.source), code \(order.code) (\(order.description))"
    }

    package var isUnknown: Bool { reason == .unknown }
    /// The first charge may stand: nobody may charge again before somebody has looked.
    package var isOutcomeUnknown: Bool { declineClass == .hard && category == .outcomeUnknown }
    /// The first charge went through: the event is no decline.
    package var isNoDecline: Bool { declineClass == .hard && category == .notADecline }
    /// Nothing but the response text decided it.
    var isByTextOnly: Bool { textRule != nil }

    /// The rule for texts that decided alone; one of the built-in ones, so their number is bounded.
    package var textRule: String? {
        switch reason {
        case .text(let rule): rule.name
        case .networkOrder(let order, _): order.source == "text" ? order.code : nil
        case .merchantRule, .crmClass, .table, .networkCode, .unknown: nil
        }
    }
}
