/// One decline as the mapping judges it: what was said, of which charge, and by which card's network.
package struct DeclineCase: Sendable {
    package let decline: Decline
    package let orderType: OrderType
    /// A sale that just failed goes to another acquirer at once; anything else is tried again later.
    package let isCascade: Bool
    package let network: CardNetwork?

    init(decline: Decline, orderType: OrderType, isCascade: Bool, network: CardNetwork?) {
        self.decline = decline
        self.orderType = orderType
        self.isCascade = isCascade
        self.network = network
    }

    /// A decline without its event. That of a sale is taken for one that just failed.
    package init(_ decline: Decline, orderType: OrderType) {
        self.init(
            decline: decline, orderType: orderType, isCascade: orderType == .newSale,
            network: decline.network.flatMap(CardNetwork.init(brand:)))
    }

    package init(_ event: DeclineEvent) {
        let isCascade = if case .initial = event.trigger { true } else { false }
        let method = event.paymentMethod
        let network =
            event.decline.network.flatMap(CardNetwork.init(brand:)) ?? method.brand.flatMap(CardNetwork.init(brand:))
            ?? method.bin.flatMap(CardNetwork.init(bin:))
        self.init(decline: event.decline, orderType: event.order.type, isCascade: isCascade, network: network)
    }
}

/// What each source of evidence says about a decline, before anybody weighs it.
struct Evidence {
    let words: [String]
    let code: DeclineTables.Finding?
    let network: DeclineTables.Finding?
    let advice: DeclineTables.Finding?
    let text: TextRules.Rule?
    /// No table claims the source of the code.
    let hasNoTable: Bool

    init(_ question: DeclineCase, _ merchant: Merchant) {
        let tables = DeclineTables.builtIn
        let decline = question.decline
        let heard = decline.responseText.map(tables.texts.heard)
        // A source that nobody claims is nobody's: only one that is not named at all is known by its gateway.
        let source =
            decline.responseCodeSource.utf8.contains { $0 > 0x20 }
            ? decline.responseCodeSource : merchant.gateways[decline.gatewayID]?.type ?? ""
        let table = tables.table(of: source)
        hasNoTable = table == nil
        let code = table.flatMap { tables.finding(decline.responseCode, in: $0) }
        self.code = code
        // The network of the card, or the one whose codes the gateway passes on.
        let brand = question.network ?? Self.network(of: table, decline.responseCodeSource)
        // Gateways write it into the text as well.
        var inTextAdvice = heard?.advice.flatMap { tables.advice($0, of: brand, from: table) }
        let networkTable = tables.table(named: brand?.table ?? "iso8583")
        var network: DeclineTables.Finding?
        // A lone 0 is a number that nobody filled in, and no approval.
        if let own = decline.networkCode, !own.isEmpty, own != "0" {
            network = networkTable.flatMap { codes in
                tables.finding(own, in: codes) ?? CodeKey.inText(own).flatMap { tables.finding($0, in: codes) }
            }
        } else if let inText = heard.flatMap({ tables.gravest(of: $0.codes, in: networkTable) })
            ?? heard?.bareCode.flatMap({ Self.isAnybodys($0, of: table, tables) ? $0 : nil }),
            code == nil || CodeKey.number(inText.lowercased()) != CodeKey.number(CodeKey.exact(decline.responseCode))
        {
            // A text that speaks Mastercard's advice has its code as well: `Refused | 24 : Retry after 1 hour`.
            if Self.speaksAdvice(heard?.words ?? []) {
                inTextAdvice = tables.advice(inText, of: .mastercard, from: nil)
            } else {
                // That it was approved a decline's text cannot mean: `Card Declined (00)`.
                network = networkTable.flatMap { tables.finding(inText, in: $0) }.flatMap { $0.row.category == .notADecline ? nil : $0 }
            }
        }
        words = heard?.words ?? []
        var text = heard?.rule
        // Some CRMs put words where a code belongs.
        if code == nil, Self.isWords(decline.responseCode), let said = tables.texts.rule(inPlaceOfCode: decline.responseCode, besides: text)
        {
            text = said.orGraver(text)
        }
        if network == nil, let own = decline.networkCode, Self.isWords(own), let said = tables.texts.rule(for: own) {
            text = said.orGraver(text)
        }
        // An advice may come with its words, "03 : Do not try again", or be nothing but words: `confirm_card_data`.
        if let words = decline.merchantAdviceCode, Self.isWords(words), let said = tables.texts.rule(for: words),
            said.category == .never || AdviceCode(words) == nil
        {
            text = said.orGraver(text)
        }
        self.text = text
        // A code that its source does not have is the network's where the source passes those on; some mean the same to everybody.
        if network == nil, code == nil, text?.isGeneric ?? true, let raw = CodeKey.inText(decline.responseCode),
            table?.passesNetworkCodes == true || Self.isEverybodys(raw, tables),
            let found = networkTable.flatMap({ tables.finding(raw, in: $0) }), found.row.category != .notADecline
        {
            network = found
        }
        self.network = network
        advice = decline.merchantAdviceCode.flatMap { tables.advice($0, of: brand, from: table) } ?? inTextAdvice
    }

    /// A response code of nobody's is the network's where it means the same to everybody, and the source has no such codes of its own.
    private static func isAnybodys(_ code: String, of table: DeclineTable?, _ tables: DeclineTables) -> Bool {
        (table?.passesNetworkCodes ?? true) && isEverybodys(code, tables)
    }

    private static func isEverybodys(_ code: String, _ tables: DeclineTables) -> Bool {
        tables.table(named: "iso8583")?.row(code)?.isEverybodys == true
    }

    /// The network that a source of codes is, where it is one: a gateway's table is nobody's network.
    private static func network(of table: DeclineTable?, _ source: String) -> CardNetwork? {
        guard let table else { return CardNetwork(brand: source) }
        return CardNetwork(rawValue: table.source) ?? (table.source == "iso8583" ? CardNetwork(brand: source) : nil)
    }

    private static func speaksAdvice(_ words: [String]) -> Bool {
        let text = words.joined(separator: " ")
        return ["retry after", "new account information", "payment cancellation", "token requirements"].contains { text.contains($0) }
    }

    private static func isWords(_ text: String) -> Bool {
        text.utf8.lazy.filter { (0x61...0x7A).contains($0 | 0x20) }.prefix(4).count == 4
    }

    /// Whoever says "never", the network's own word first.
    var order: NetworkOrder? {
        for finding in [code, advice, network] {
            if let finding, finding.row.isNetworkOrder {
                return NetworkOrder(source: finding.table, code: finding.row.code, description: finding.row.description)
            }
        }
        if let text, text.category == .never { return NetworkOrder(source: "text", code: text.name, description: text.description) }
        return nil
    }

    var isInsufficientFunds: Bool {
        code?.row.isInsufficientFunds == true || network?.row.isInsufficientFunds == true || text?.isInsufficientFunds == true
    }

    /// Who is believed, where neither a network order nor the merchant nor the CRM speaks.
    var verdict: Verdict? {
        if let code, !code.row.isGeneric {
            // An advice that forbids or corrects is more exact than the code it comes with; one that says "later" only adds to it.
            if let advice, !advice.row.isGeneric, !advice.row.isSoft { return .advice(advice) }
            return .code(code)
        }
        if let network, !network.row.isGeneric { return .network(network) }
        // "Later" says nothing new of a code that is soft already.
        if let advice, !advice.row.isGeneric, !advice.row.isHardForRecurring, !(advice.row.isSoft && code?.row.isSoft == true) {
            return .advice(advice)
        }
        if let text, !text.isGeneric, code == nil || !text.isVague { return .text(text) }
        if let code { return .code(code) }
        if let network { return .network(network) }
        if let text { return .text(text) }
        return advice.map(Verdict.advice)
    }

    enum Verdict: Equatable {
        case code(DeclineTables.Finding)
        case network(DeclineTables.Finding)
        case advice(DeclineTables.Finding)
        case text(TextRules.Rule)

        var category: DeclineCategory {
            switch self {
            case .code(let finding), .network(let finding), .advice(let finding): finding.row.category
            case .text(let rule): rule.category
            }
        }

        var isHardForRecurring: Bool {
            switch self {
            case .code(let finding), .network(let finding), .advice(let finding): finding.row.isHardForRecurring
            case .text: false
            }
        }

        var isInsufficientFunds: Bool {
            switch self {
            case .code(let finding), .network(let finding), .advice(let finding): finding.row.isInsufficientFunds
            case .text(let rule): rule.isInsufficientFunds
            }
        }

        var confidence: DeclineConfidence {
            switch self {
            case .code: .code
            case .network, .advice: .network
            case .text(let rule): rule.isGeneric || rule.isVague ? .guess : .text
            }
        }
    }
}

/// A "never again", and whose it is.
package struct NetworkOrder: Sendable, Equatable {
    /// The table, or `text`.
    package let source: String
    package let code: String
    package let description: String

    package var name: String { "\(source)/\(code)" }
}
