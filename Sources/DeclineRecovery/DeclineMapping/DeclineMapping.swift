/// Decides whether a decline is soft or hard (behaviour.md §3): the first voice that says something decides.
public enum DeclineMapping {
    public static func classify(
        _ decline: Decline, orderType: OrderType, merchant: Merchant, tables: DeclineTables = .builtIn
    ) -> Classification {
        let hearing = Hearing(decline, orderType, merchant, tables)
        for voice in Voice.allCases.dropLast() {
            if let classification = hearing.ask(voice) { return classification }
        }
        return hearing.policyForUnknown()
    }

    /// The same decision with every voice asked, for a person who wants to know.
    public static func explain(
        _ decline: Decline, orderType: OrderType, merchant: Merchant, tables: DeclineTables = .builtIn
    ) -> [Step] {
        let hearing = Hearing(decline, orderType, merchant, tables)
        var isDecided = false
        return Voice.allCases.map { voice in
            let says = hearing.ask(voice)
            defer { isDecided = isDecided || says != nil }
            return Step(voice: voice, says: says, decides: says != nil && !isDecided)
        }
    }

    /// Who is asked, in this order.
    public enum Voice: String, Sendable, CaseIterable {
        case merchantRules = "merchant's mapping"
        case networkOrders = "network orders"
        case crm = "CRM's class"
        case tables = "code tables"
        case textPatterns = "text patterns"
        case policy = "policy for unknown declines"
    }

    public struct Step: Sendable, Equatable {
        public let voice: Voice
        /// `nil`: it says nothing about this decline.
        public let says: Classification?
        public let decides: Bool

        /// Why it says so. Who comes last speaks for what nobody knows, and is not asked where somebody did.
        public var why: String? {
            guard let says else { return nil }
            return says.isUnknown && !decides ? "Would say \(says.declineClass.rawValue) if nothing above knew it." : says.sentence
        }
    }
}

/// One decline before the voices.
private struct Hearing {
    private let decline: Decline
    private let orderType: OrderType
    private let merchant: Merchant
    private let tables: DeclineTables
    private let table: DeclineTable?
    private let row: DeclineTable.Row?
    private let advice: DeclineTable.Row?

    init(_ decline: Decline, _ orderType: OrderType, _ merchant: Merchant, _ tables: DeclineTables) {
        self.decline = decline
        self.orderType = orderType
        self.merchant = merchant
        self.tables = tables
        table = tables.table(of: decline.responseCodeSource)
        row = table?.row(decline.responseCode)
        advice = decline.merchantAdviceCode.flatMap { tables.merchantAdvice.row($0) }
    }

    func ask(_ voice: DeclineMapping.Voice) -> Classification? {
        switch voice {
        case .merchantRules: merchantRule()
        case .networkOrders: networkOrder.map { decided(.hard, .networkOrder(table: $0.table, $0.row, overruling: nil)) }
        case .crm: decline.crmClass.map { decided($0, .crmClass) }
        case .tables: tableRow()
        case .textPatterns: textPattern()
        case .policy: policyForUnknown()
        }
    }

    func policyForUnknown() -> Classification { decided(merchant.policy.unknownDeclines, .unknown) }

    private func decided(_ declineClass: DeclineClass, _ reason: Classification.Reason) -> Classification {
        Classification(declineClass: declineClass, reason: reason, isInsufficientFunds: isInsufficientFunds)
    }

    /// Told by the code, or by the text: some gateways have one code for every decline.
    private var isInsufficientFunds: Bool {
        row?.isInsufficientFunds == true || pattern()?.isInsufficientFunds == true
    }

    private var networkOrder: (table: String, row: DeclineTable.Row)? {
        if let table, let row, row.isNetworkOrder { return (table.source, row) }
        if let advice, advice.isNetworkOrder { return (tables.merchantAdvice.source, advice) }
        return nil
    }

    private func merchantRule() -> Classification? {
        guard let rule = merchant.mappingRules.filter(applies).max(by: isWeaker) else { return nil }
        guard rule.declineClass == .soft, let order = networkOrder else { return decided(rule.declineClass, .merchantRule(rule, lifting: nil)) }
        return rule.overrideNetwork
            ? decided(.soft, .merchantRule(rule, lifting: order.row))
            : decided(.hard, .networkOrder(table: order.table, order.row, overruling: rule))
    }

    private func applies(_ rule: MappingRule) -> Bool {
        if let type = rule.orderType, type != orderType { return false }
        switch rule.scope {
        case .mid(let id): if id != decline.gatewayID { return false }
        case .gateway(let type):
            // A gateway that the configuration does not list is known by the source of its codes.
            let seen = merchant.gateways[decline.gatewayID]?.type ?? decline.responseCodeSource.lowercased()
            if seen != type { return false }
        }
        switch rule.match {
        case .code(let code): return decline.responseCode.lowercased() == code.lowercased()
        case .text(let text): return decline.responseText.map { contains($0, text) } ?? false
        }
    }

    /// A gateway of the merchant's before a gateway type; an order type before all; a code before a text; a longer text before a shorter;
    /// at last the rule that stands first.
    private func isWeaker(_ left: MappingRule, than right: MappingRule) -> Bool {
        let (left, right) = (strength(left), strength(right))
        return left.lexicographicallyPrecedes(right)
    }

    private func strength(_ rule: MappingRule) -> [Int] {
        let scope = if case .mid = rule.scope { 1 } else { 0 }
        let length = if case .text(let text) = rule.match { text.utf8.count } else { Int.max }
        let position = merchant.mappingRules.firstIndex(of: rule) ?? 0
        return [scope, rule.orderType == nil ? 0 : 1, length, -position]
    }

    private func tableRow() -> Classification? {
        // An advice that forbids or corrects is more exact than the code it comes with; one that says "later" only adds to it.
        if let advice, category(of: advice) != .soft || row == nil {
            return decided(declineClass(of: category(of: advice)), .table(tables.merchantAdvice.source, advice))
        }
        guard let table, let row else { return nil }
        return decided(declineClass(of: category(of: row)), .table(table.source, row))
    }

    private func textPattern() -> Classification? {
        pattern().map { decided(declineClass(of: category(of: $0)), .textPattern($0)) }
    }

    private func pattern() -> DeclineTable.Row? {
        guard let text = decline.responseText?.lowercased() else { return nil }
        return tables.textPatterns.rows.first { contains(lowercased: text, $0.code) }
    }

    private func category(of row: DeclineTable.Row) -> DeclineCategory {
        row.isHardForRecurring && orderType == .recurring ? .hard : row.category
    }

    private func declineClass(of category: DeclineCategory) -> DeclineClass {
        switch category {
        case .soft: .soft
        case .hard, .merchantFault: .hard
        case .correctable: merchant.policy.correctableDeclines
        }
    }

    private func contains(_ text: String, _ part: String) -> Bool {
        contains(lowercased: text.lowercased(), part.lowercased())
    }

    private func contains(lowercased text: String, _ part: String) -> Bool {
        let text = Array(text.utf8)
        let part = Array(part.utf8)
        if part.isEmpty || part.count > text.count { return false }
        return (0...text.count - part.count).contains { text[$0..<$0 + part.count].elementsEqual(part) }
    }
}
