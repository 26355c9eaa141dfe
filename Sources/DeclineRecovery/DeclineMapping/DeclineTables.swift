/// All built-in tables and text rules.
package final class DeclineTables: Sendable {
    /// Gateways, processors and networks.
    package let gateways: [DeclineTable]
    /// Mastercard's advice codes.
    let merchantAdvice: DeclineTable
    /// Visa's decline categories, where they come as an advice.
    let visaAdvice: DeclineTable
    package let texts: TextRules
    private let byKey: [String: Int]
    private let bySource: [String: Int]

    /// The tables that this build carries. A file that cannot be read is a broken build, which a test would have caught.
    package static let builtIn: DeclineTables = {
        func load(_ file: (name: String, bytes: [UInt8])) -> DeclineTable {
            guard let table = DeclineTable(file: file.bytes) else {
                fatalError("DeclineTables.builtIn: \(file.name) is not a decline table")
            }
            return table
        }
        guard let texts = TextRules(file: DeclineTableFiles.textRules) else {
            fatalError("DeclineTables.builtIn: text-rules.json is not readable")
        }
        return DeclineTables(
            gateways: DeclineTableFiles.gateways.map(load), merchantAdvice: load(("merchant-advice", DeclineTableFiles.merchantAdvice)),
            visaAdvice: load(("visa-advice", DeclineTableFiles.visaAdvice)), texts: texts)
    }()

    /// Names this build's tables: other rows, another version. A letter tells by it which mapping its message met.
    package static let version: String = {
        let files =
            DeclineTableFiles.gateways.map(\.bytes) + [
                DeclineTableFiles.merchantAdvice, DeclineTableFiles.visaAdvice, DeclineTableFiles.textRules,
            ]
        let namespace = UUID5(high: 0x2e4b_8a17_50c3_5f96, low: 0xa1d7_3c08_6be2_94f5)
        return String(UUID5(namespace: namespace, name: files.map { String(decoding: $0, as: UTF8.self) }.joined()).description.prefix(8))
    }()

    init(gateways: [DeclineTable], merchantAdvice: DeclineTable, visaAdvice: DeclineTable, texts: TextRules) {
        self.gateways = gateways
        self.merchantAdvice = merchantAdvice
        self.visaAdvice = visaAdvice
        self.texts = texts
        bySource = Dictionary(gateways.enumerated().map { ($1.source, $0) }, uniquingKeysWith: { first, _ in first })
        byKey = Dictionary(
            gateways.enumerated().flatMap { index, table in ([table.source] + table.aliases).map { (SourceName.key($0), index) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The table of a code source as people write it (`nmi`, `Authorize Net`, `Stripe Payment Intents`, `visa`, ...).
    package func table(of source: String) -> DeclineTable? {
        // Most sources are written as an alias is.
        if let index = byKey[source] ?? byKey[SourceName.key(source)] { return gateways[index] }
        return SourceName.keys(of: source).lazy.compactMap { self.byKey[$0] }.first.map { gateways[$0] }
    }

    /// The table of this very name.
    func table(named source: String) -> DeclineTable? { bySource[source].map { gateways[$0] } }

    /// Of several codes that one text names the gravest, or else the first.
    func gravest(of codes: [String], in table: DeclineTable?) -> String? {
        guard codes.count > 1, let table else { return codes.first }
        func gravity(_ code: String) -> Int { finding(code, in: table)?.row.gravity ?? -1 }
        return codes.max { gravity($0) < gravity($1) }
    }

    /// The row of a code in a table or in those it builds upon, and whose row it is.
    func finding(_ code: String, in table: DeclineTable) -> Finding? {
        let exact = CodeKey.exact(code)
        if exact.isEmpty { return nil }
        if let found = look(exact, table) { return found }
        // Of several codes in one field the gravest counts, and that a part of them means "approved" says nothing.
        let parts = CodeKey.parts(exact)
        let found = parts.compactMap { look($0, table) }
        if parts.count > 1 { return found.filter { $0.row.category != .notADecline }.max { $0.row.gravity < $1.row.gravity } }
        return found.first ?? CodeKey.leading(exact).flatMap { look($0, table) }
    }

    private func look(_ exact: String, _ table: DeclineTable) -> Finding? {
        look(from: table) { $0.exactly(exact) } ?? look(from: table) { $0.loosely(exact) }
    }

    /// The first row that is found in a table or in those it builds upon, four of them at most.
    private func look(from table: DeclineTable, _ find: (DeclineTable) -> DeclineTable.Row?) -> Finding? {
        var next: DeclineTable? = table
        for _ in 0..<4 {
            guard let one = next else { return nil }
            if let row = find(one) { return Finding(table: one.source, row: row) }
            next = one.base.flatMap { self.table(named: $0) }
        }
        return nil
    }

    /// A row, and the table that it was found in.
    package struct Finding: Sendable, Equatable {
        package let table: String
        package let row: DeclineTable.Row
    }

    /// What an advice code says, read by the network that it names, or else by whoever sent it, where that one has numbers of its own, or by the
    /// brand of the card: Mastercard's are two digits, Visa's one.
    func advice(_ text: String, of network: CardNetwork?, from table: DeclineTable?) -> Finding? {
        AdviceCode(text).flatMap { advice($0, of: network, from: table) }
    }

    func advice(_ code: AdviceCode, of network: CardNetwork?, from table: DeclineTable?) -> Finding? {
        if code.network == nil, let table, let row = table.advice[code.number] { return Finding(table: table.source, row: row) }
        switch code.network ?? network {
        case .visa: return find(code.number, visaAdvice)
        // Who does not know the brand can still tell by the form: a bare digit is Visa's.
        case nil where code.isBareDigit: return find(code.number, visaAdvice)
        default: return find(code.number, merchantAdvice)
        }
    }

    private func find(_ number: String, _ table: DeclineTable) -> Finding? {
        table.loosely(number).map { Finding(table: table.source, row: $0) }
    }

    /// The name of a known source nearest to a spelling that no table claims; `nil` where none is near.
    package func nearestSource(to spelling: String) -> String? {
        let key = SourceName.key(spelling)
        let candidates = gateways.flatMap { table in
            ([table.source] + table.aliases).map { (source: table.source, key: SourceName.key($0)) }
        }
        let ranked = candidates.map { (source: $0.source, distance: EditDistance.between(key, $0.key), length: $0.key.utf8.count) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance * 3 <= max(best.length, 3) else {
            // A long name of which a known one is a part.
            return candidates.filter { $0.key.utf8.count >= 5 && key.contains($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?
                .source
        }
        return best.source
    }
}
