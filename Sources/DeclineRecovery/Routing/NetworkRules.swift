import JSON

/// What the card networks say about trying again. The figures and their sources stand in `merchant-advice.json` and
/// `network-ceilings.json` (facts/crm-and-declines.md §§8, 10).
package enum NetworkRules {
    /// How long the network's advice asks to wait before the next attempt.
    package static func wait(after decline: Decline, brand: String? = nil) -> Moment.Span? {
        guard let advice = decline.merchantAdviceCode else { return nil }
        let tables = DeclineTables.builtIn
        let table = tables.table(of: decline.responseCodeSource)
        return tables.advice(advice, of: brand.flatMap(CardNetwork.init(brand:)), from: table)?.row.wait
    }

    /// Attempts of one declined charge that a card's network takes; `nil` where it is not known to count.
    package static func ceiling(ofBrand brand: String?) -> Int? {
        brand.flatMap(CardNetwork.init(brand:)).flatMap { ceilings[$0.rawValue] }
    }

    /// A file that cannot be read is a broken build, which a test would have caught.
    private static let ceilings: [String: Int] = {
        let bytes = DeclineTableFiles.networkCeilings
        guard let rows = (try? JSONValue(parsing: bytes.span))?["ceilings"]?.array else {
            fatalError("NetworkRules: network-ceilings.json is not readable")
        }
        let pairs = rows.compactMap { row in row["brand"]?.string.flatMap { brand in row["attempts"]?.int64.map { (brand, Int($0)) } } }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }()
}
