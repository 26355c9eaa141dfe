import JSON

extension Merchant {
    /// A gateway of the merchant's before a gateway type; an order type before all; a code before a text; a longer text before a shorter;
    /// at last the rule that stands first.
    func strongestRule(for question: DeclineCase, words: [String]) -> MappingRule? {
        var strongest: (rule: MappingRule, strength: [Int])?
        for (position, rule) in mappingRules.enumerated() where applies(rule, question, words) {
            let strength = strength(of: rule, position)
            if strongest.map({ $0.strength.lexicographicallyPrecedes(strength) }) ?? true { strongest = (rule, strength) }
        }
        return strongest?.rule
    }

    private func strength(of rule: MappingRule, _ position: Int) -> [Int] {
        let scope = if case .mid = rule.scope { 1 } else { 0 }
        let length = if case .text(let text) = rule.match { text.utf8.count } else { Int.max }
        return [scope, rule.orderType == nil ? 0 : 1, length, -position]
    }

    private func applies(_ rule: MappingRule, _ question: DeclineCase, _ words: [String]) -> Bool {
        if let type = rule.orderType, type != question.orderType { return false }
        let decline = question.decline
        switch rule.scope {
        case .mid(let id): if id != decline.gatewayID { return false }
        case .gateway(let type):
            // A gateway that the configuration does not list is known by the source of its codes.
            let seen = gateways[decline.gatewayID]?.type ?? decline.responseCodeSource.lowercased()
            if seen != type {
                let tables = DeclineTables.builtIn
                guard let table = tables.table(of: seen), table.source == tables.table(of: type)?.source else { return false }
            }
        }
        switch rule.match {
        case .code(let code):
            let (said, wanted) = (CodeKey.exact(decline.responseCode), CodeKey.exact(code))
            return !wanted.isEmpty && (said == wanted || CodeKey.number(said) == CodeKey.number(wanted))
        case .text(let text):
            return rule.matchesWholeWords
                ? rule.words.isEmpty ? false : holds(words, rule.words)
                : decline.responseText.map { Array($0.lowercased().utf8).contains(text: text.lowercased()) } ?? false
        }
    }

    private func holds(_ words: [String], _ part: [String]) -> Bool {
        part.count <= words.count && (0...words.count - part.count).contains { words[$0..<$0 + part.count].elementsEqual(part) }
    }
}

extension MappingRule {
    /// Whether it can mean no decline at all: a text without a word, a code of blanks.
    package var matchesNothing: Bool {
        switch match {
        case .code(let code): CodeKey.exact(code).isEmpty
        case .text(let text): matchesWholeWords ? words.isEmpty : text.allSatisfy(\.isWhitespace)
        }
    }
}
