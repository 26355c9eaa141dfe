/// Decides whether a decline is soft or hard (behaviour.md §3): all evidence is heard, and weighed by who says it and how exactly.
package enum DeclineMapping {
    package static func classify(_ question: DeclineCase, merchant: Merchant) -> Classification {
        Evaluation(question, merchant).decision.says
    }

    /// The same decision with every authority asked, for a person who wants to know.
    package static func explain(_ question: DeclineCase, merchant: Merchant) -> [Step] {
        let evaluation = Evaluation(question, merchant)
        let decision = evaluation.decision
        return Authority.allCases.map { authority in
            authority == decision.authority
                ? Step(authority: authority, says: decision.says, decides: true)
                : Step(authority: authority, says: evaluation.ask(authority), decides: false)
        }
    }

    /// Who is asked. The first three decide before all others; of the tables, the network's code and the text, the most exact does.
    package enum Authority: String, Sendable, CaseIterable {
        case networkOrders = "network orders"
        case merchantRules = "merchant's mapping"
        case firstCharge = "first charge"
        case crm = "CRM's class"
        case tables = "code tables"
        case networkCode = "network's code and advice"
        case textPatterns = "response text"
        case policy = "policy for unknown declines"
    }

    package struct Step: Sendable, Equatable {
        package let authority: Authority
        /// `nil`: it says nothing about this decline.
        package let says: Classification?
        package let decides: Bool

        /// Why it says so. Who comes last speaks for what nobody knows, and is not asked where somebody did.
        package var why: String? {
            guard let says else { return nil }
            return says.isUnknown && !decides ? "Would say \(says.declineClass.rawValue) if nothing above knew it." : says.sentence
        }
    }
}

/// One decline before the authorities.
private struct Evaluation {
    private let question: DeclineCase
    private let merchant: Merchant
    private let evidence: Evidence
    private let rule: MappingRule?
    private let verdict: Evidence.Verdict?

    init(_ question: DeclineCase, _ merchant: Merchant) {
        self.question = question
        self.merchant = merchant
        let evidence = Evidence(question, merchant)
        self.evidence = evidence
        // A card that is hopeless for a rebill is so whatever the code says.
        let forbidsRebills = evidence.advice.flatMap {
            $0.row.isHardForRecurring && question.orderType == .recurring ? Evidence.Verdict.advice($0) : nil
        }
        verdict = forbidsRebills ?? evidence.verdict
        rule = merchant.mappingRules.isEmpty ? nil : merchant.strongestRule(for: question, words: evidence.words)
    }

    var decision: (authority: DeclineMapping.Authority, says: Classification) {
        if let order = evidence.order {
            guard let rule, rule.declineClass == .soft else { return (.networkOrders, ordered(order, overruling: nil)) }
            return rule.overrideNetwork
                ? (.merchantRules, classified(.soft, .merchantRule(rule, lifting: order), nil, .network))
                : (.networkOrders, ordered(order, overruling: rule))
        }
        if let rule { return (.merchantRules, byRule(rule)) }
        if let unsettled { return (.firstCharge, unsettled) }
        if let crm = ask(.crm) { return (.crm, crm) }
        guard let verdict else { return (.policy, policy) }
        return (authority(of: verdict), by(verdict))
    }

    func ask(_ authority: DeclineMapping.Authority) -> Classification? {
        switch authority {
        case .networkOrders: evidence.order.map { ordered($0, overruling: nil) }
        case .merchantRules: rule.map(byRule)
        case .firstCharge: unsettled
        case .crm: question.decline.crmClass.map { classified($0, .crmClass, nil, .network) }
        case .tables: evidence.code.map { by(.code($0)) }
        case .networkCode: evidence.network.map { by(.network($0)) } ?? evidence.advice.map { by(.advice($0)) }
        case .textPatterns: evidence.text.map { by(.text($0)) }
        case .policy: policy
        }
    }

    /// What became of the first charge decides before anybody's class.
    private var unsettled: Classification? {
        guard let verdict, verdict.category == .outcomeUnknown || verdict.category == .notADecline else { return nil }
        return by(verdict)
    }

    private var policy: Classification { classified(merchant.policy.unknownDeclines, .unknown, nil, .guess) }

    private func byRule(_ rule: MappingRule) -> Classification {
        classified(rule.declineClass, .merchantRule(rule, lifting: nil), nil, .network)
    }

    private func ordered(_ order: NetworkOrder, overruling rule: MappingRule?) -> Classification {
        classified(.hard, .networkOrder(order, overruling: rule), .never, order.source == "text" ? .text : .network)
    }

    private func authority(of verdict: Evidence.Verdict) -> DeclineMapping.Authority {
        switch verdict {
        case .code: .tables
        case .network, .advice: .networkCode
        case .text: .textPatterns
        }
    }

    private func by(_ verdict: Evidence.Verdict) -> Classification {
        let reason: Classification.Reason =
            switch verdict {
            case .code(let finding), .advice(let finding): .table(finding.table, finding.row)
            case .network(let finding): .networkCode(finding.table, finding.row)
            case .text(let rule): .text(rule)
            }
        return classified(declineClass(of: verdict), reason, verdict.category, verdict.confidence)
    }

    private func classified(
        _ declineClass: DeclineClass, _ reason: Classification.Reason, _ category: DeclineCategory?, _ confidence: DeclineConfidence
    ) -> Classification {
        Classification(
            declineClass: declineClass, reason: reason, isInsufficientFunds: evidence.isInsufficientFunds, category: category,
            confidence: confidence,
            hasNoTable: evidence.hasNoTable)
    }

    private func declineClass(of verdict: Evidence.Verdict) -> DeclineClass {
        if verdict.isHardForRecurring, question.orderType == .recurring { return .hard }
        let policy = merchant.policy
        switch verdict.category {
        case .softNow: return verdict.confidence == .guess ? policy.lowConfidenceDeclines ?? .soft : .soft
        case .softLater: return question.isCascade && !verdict.isInsufficientFunds ? policy.limitDeclines : .soft
        case .correctData: return policy.correctableDeclines
        case .accountWrong:
            switch policy.accountDeclines {
            case .cascade: return question.isCascade ? .soft : .hard
            case .soft: return .soft
            case .hard: return .hard
            }
        case .hard, .never, .requestWrong, .outcomeUnknown, .notADecline: return .hard
        }
    }
}
