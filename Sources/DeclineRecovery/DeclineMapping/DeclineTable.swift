/// One family of decline codes, as its data file tells it (`Tables/*.json`).
public struct DeclineTable: Sendable, Equatable {
    /// The name in a decision's rule: `table:nmi/202`.
    public let source: String
    public let title: String
    /// Where the rows come from, and when they were last looked at.
    public let origin: String
    public let date: String
    public let rows: [Row]
    let aliases: [String]
    private let byCode: [String: Int]

    public struct Row: Sendable, Equatable {
        public let code: String
        public let category: DeclineCategory
        public let description: String
        public let isInsufficientFunds: Bool
        /// The network forbids to try again, whatever anybody's mapping says (behaviour.md §3.2).
        public let isNetworkOrder: Bool
        /// Soft for a first sale, hopeless for a rebill.
        public let isHardForRecurring: Bool
        /// How long the network asks to wait before the next attempt.
        public let wait: Moment.Span?
    }

    init(source: String, aliases: [String], title: String, origin: String, date: String, rows: [Row]) {
        self.source = source
        self.aliases = aliases
        self.title = title
        self.origin = origin
        self.date = date
        self.rows = rows
        byCode = Dictionary(rows.enumerated().map { ($1.code.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The row of a code. ASCII case does not matter, nor does the leading zero of a two-digit code.
    public func row(_ code: String) -> Row? {
        let code = code.lowercased()
        if let index = byCode[code] { return rows[index] }
        return code.utf8.count == 1 ? byCode["0" + code].map { rows[$0] } : nil
    }
}

/// What a code means for a new attempt.
public enum DeclineCategory: String, Sendable, CaseIterable {
    /// May succeed later or elsewhere.
    case soft
    /// Will not succeed with this card.
    case hard
    /// Needs other data or a challenge first; a merchant may have it tried all the same.
    case correctable
    /// The merchant's own request or set-up is at fault; another attempt fails in the same way.
    case merchantFault = "merchant_fault"
}

/// All built-in tables.
public struct DeclineTables: Sendable {
    public let gateways: [DeclineTable]
    public let merchantAdvice: DeclineTable
    /// Its "codes" are patterns, and the first contained in the response text decides.
    public let textPatterns: DeclineTable
    private let bySource: [String: Int]

    /// The tables that this build carries. A file that cannot be read is a broken build, which a test would have caught.
    public static let builtIn: DeclineTables = {
        func load(_ bytes: [UInt8], _ file: String) -> DeclineTable {
            guard let table = DeclineTable(file: bytes) else { fatalError("DeclineTables.builtIn: \(file) is not a decline table") }
            return table
        }
        return DeclineTables(
            gateways: [
                load(PackageResources.iso8583_json, "iso8583.json"), load(PackageResources.nmi_json, "nmi.json"),
                load(PackageResources.authorizenet_json, "authorizenet.json"), load(PackageResources.stripe_json, "stripe.json"),
            ],
            merchantAdvice: load(PackageResources.merchant_advice_json, "merchant-advice.json"),
            textPatterns: load(PackageResources.text_patterns_json, "text-patterns.json"))
    }()

    /// Names this build's tables: other rows, another version. A letter tells by it which mapping its message met.
    public static let version: String = {
        let files = [
            PackageResources.iso8583_json, PackageResources.nmi_json, PackageResources.authorizenet_json, PackageResources.stripe_json,
            PackageResources.merchant_advice_json, PackageResources.text_patterns_json,
        ]
        let namespace = UUID5(high: 0x2e4b_8a17_50c3_5f96, low: 0xa1d7_3c08_6be2_94f5)
        return String(UUID5(namespace: namespace, name: files.map { String(decoding: $0, as: UTF8.self) }.joined()).description.prefix(8))
    }()

    init(gateways: [DeclineTable], merchantAdvice: DeclineTable, textPatterns: DeclineTable) {
        self.gateways = gateways
        self.merchantAdvice = merchantAdvice
        self.textPatterns = textPatterns
        bySource = Dictionary(
            gateways.enumerated().flatMap { index, table in table.aliases.map { ($0, index) } }, uniquingKeysWith: { first, _ in first })
    }

    /// The table of a code source (`nmi`, `Authorize.Net`, `visa`, ...); case does not matter.
    public func table(of source: String) -> DeclineTable? {
        bySource[source.lowercased()].map { gateways[$0] }
    }
}

extension DeclineTable {
    init?(file bytes: [UInt8]) {
        do throws(JSONError) {
            self.init(try JSONValue(parsing: bytes.span))
        } catch {
            return nil
        }
    }

    private init?(_ file: JSONValue) {
        guard let source = file["source"]?.string, let title = file["title"]?.string, let origin = file["origin"]?.string,
            let date = file["date"]?.string, let aliases = file["aliases"]?.array, let codes = file["codes"]?.array
        else { return nil }
        var rows: [Row] = []
        for code in codes {
            guard let name = code["code"]?.string, let category = code["category"]?.string.flatMap(DeclineCategory.init(rawValue:)),
                let description = code["description"]?.string
            else { return nil }
            rows.append(
                Row(
                    code: name, category: category, description: description, isInsufficientFunds: code["insufficientFunds"]?.bool ?? false,
                    isNetworkOrder: code["networkOrder"]?.bool ?? false, isHardForRecurring: code["hardForRecurring"]?.bool ?? false,
                    wait: code["waitHours"]?.int64.map { .minutes(60 * $0) }))
        }
        self.init(source: source, aliases: aliases.compactMap(\.string), title: title, origin: origin, date: date, rows: rows)
    }
}
