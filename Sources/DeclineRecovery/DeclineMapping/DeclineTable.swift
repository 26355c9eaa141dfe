import JSON

/// One family of decline codes, as its data file tells it (`Tables/*.json`; README.md says how to add one).
package final class DeclineTable: Sendable {
    /// The name in a decision's rule: `table:nmi/202`.
    package let source: String
    package let title: String
    /// Where the rows come from, and when they were last looked at.
    package let origin: String
    package let date: String
    /// The table that answers for codes this one does not list.
    let base: String?
    package let rows: [Row]
    let aliases: [String]
    /// The source has no codes of two characters, so that one is the network's, which it passed on.
    let passesNetworkCodes: Bool
    /// Advice codes that the source numbers in its own way, by their number.
    let advice: [String: Row]
    private let byCode: [String: Int]
    private let byNumber: [String: Int]

    /// An object that never changes: decisions hand it around.
    package final class Row: Sendable, Equatable {
        package let code: String
        package let category: DeclineCategory
        package let description: String
        /// The code says little: a network's code or the text, where they say more, decide.
        let isGeneric: Bool
        package let isInsufficientFunds: Bool
        /// Soft for a first sale, hopeless for a rebill.
        let isHardForRecurring: Bool
        /// Means the same in every list that has such a code.
        let isEverybodys: Bool
        /// How long the network asks to wait before the next attempt.
        package let wait: Moment.Span?

        init(
            code: String, category: DeclineCategory, description: String, isGeneric: Bool, isInsufficientFunds: Bool,
            isHardForRecurring: Bool, isEverybodys: Bool, wait: Moment.Span?
        ) {
            self.code = code
            self.category = category
            self.description = description
            self.isGeneric = isGeneric
            self.isInsufficientFunds = isInsufficientFunds
            self.isHardForRecurring = isHardForRecurring
            self.isEverybodys = isEverybodys
            self.wait = wait
        }

        package static func == (one: Row, other: Row) -> Bool {
            one === other
                || one.code == other.code && one.category == other.category && one.description == other.description
                    && one.isGeneric == other.isGeneric && one.isInsufficientFunds == other.isInsufficientFunds
                    && one.isHardForRecurring == other.isHardForRecurring && one.isEverybodys == other.isEverybodys
                    && one.wait == other.wait
        }

        /// The network forbids to try again, whatever anybody's mapping says (behaviour.md §3.1).
        var isNetworkOrder: Bool { category == .never }

        /// Which of several codes counts: the one that says more, and of those the one that forbids more.
        var gravity: Int {
            let order: [DeclineCategory] = [
                .notADecline, .softNow, .softLater, .accountWrong, .correctData, .requestWrong, .hard, .outcomeUnknown, .never,
            ]
            return (order.firstIndex(of: category) ?? 0) + (isGeneric ? 0 : order.count)
        }

        var isSoft: Bool { category == .softNow || category == .softLater }
    }

    /// The row of a code, as people write codes: case, blanks, leading zeros and a decimal point of a number do not matter, and `05: text` is 05.
    package func row(_ code: String) -> Row? {
        let code = CodeKey.exact(code)
        return exactly(code) ?? loosely(code) ?? CodeKey.leading(code).flatMap { exactly($0) ?? loosely($0) }
    }

    func exactly(_ exact: String) -> Row? { byCode[exact].map { rows[$0] } }

    /// A number means one code only: where the table has both 3 and 03, they are two, and each must be written as it is.
    func loosely(_ exact: String) -> Row? { byNumber[CodeKey.number(exact)].map { rows[$0] } }

    init?(file bytes: [UInt8]) {
        guard let file = try? JSONValue(parsing: bytes.span), let source = file["source"]?.string, let title = file["title"]?.string,
            let origin = file["origin"]?.string, let date = file["date"]?.string, let aliases = file["aliases"]?.array,
            let entries = file["codes"]?.array, let rows = DeclineTable.read(entries),
            let advice = DeclineTable.read(file["advice"]?.array ?? [])
        else { return nil }
        self.source = source
        self.title = title
        self.origin = origin
        self.date = date
        self.base = file["base"]?.string
        self.passesNetworkCodes = file["networkCodes"]?.bool ?? false
        self.rows = rows
        self.aliases = aliases.compactMap(\.string)
        self.advice = Dictionary(advice.map { (CodeKey.number($0.code), $0) }, uniquingKeysWith: { first, _ in first })
        byCode = Dictionary(rows.enumerated().map { ($1.code.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        var byNumber: [String: Int?] = [:]
        for (index, row) in rows.enumerated() {
            let key = CodeKey.number(row.code.lowercased())
            byNumber.updateValue(byNumber[key] == nil ? index : nil, forKey: key)
        }
        self.byNumber = byNumber.compactMapValues { $0 }
    }

    /// `nil` where an entry lacks what it needs, or has a category that nobody knows.
    private static func read(_ entries: [JSONValue]) -> [Row]? {
        var rows: [Row] = []
        for entry in entries {
            guard let codes = entry["code"]?.string, let category = entry["category"]?.string.flatMap(DeclineCategory.init(rawValue:)),
                let description = entry["description"]?.string
            else { return nil }
            // One line for codes of one meaning: "19 20 21".
            for code in codes.split(separator: " ") {
                rows.append(
                    Row(
                        code: String(code), category: category, description: description, isGeneric: entry["generic"]?.bool ?? false,
                        isInsufficientFunds: entry["insufficientFunds"]?.bool ?? false,
                        isHardForRecurring: entry["hardForRecurring"]?.bool ?? false,
                        isEverybodys: entry["everybodys"]?.bool ?? false,
                        wait: entry["waitHours"]?.int64.map { .minutes(60 * $0) }))
            }
        }
        return rows
    }
}
