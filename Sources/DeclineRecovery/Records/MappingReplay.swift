/// The declines of the journal, asked again: which would go another way under other rules, and which nobody decides well today.
package struct MappingReplay: Sendable {
    /// Declines of one code that would go another way.
    package struct Change: Sendable, Equatable {
        package let source: String
        package let code: String
        package let was: DeclineClass
        package let becomes: DeclineClass
        /// The rule that would decide.
        package let rule: String
        package internal(set) var count: Int
        /// Minor units, by currency.
        package internal(set) var amounts: [String: Int64]
    }

    /// Declines of one code or text that only a text decided, or nobody.
    package struct Gap: Sendable, Equatable {
        package let merchantID: MerchantID?
        package let source: String
        package let code: String
        package let text: String?
        package let rule: String
        package let declineClass: DeclineClass
        package internal(set) var count: Int
        package internal(set) var last: Moment

        /// A line for the merchant's `declineMapping` that decides it; the class is today's, to be changed.
        package var ruleToPaste: String {
            let scope = "gateway: \(Self.quoted(source.isEmpty ? "?" : source))"
            let match = text.map { "text: \(Self.quoted($0))" } ?? "code: \(Self.quoted(code))"
            return "- { \(scope), \(match), class: \(declineClass.rawValue) }"
        }

        private static func quoted(_ text: String) -> String {
            let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F }
            return isPlain ? text : "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
        }
    }

    package private(set) var asked = 0
    /// Records whose merchant the new configuration has not, or whose text was not kept.
    package private(set) var unanswerable = 0
    private var changed: [String: Change] = [:]
    private var gaps: [String: Gap] = [:]

    package init() {}

    /// Most first.
    package var changes: [Change] { changed.values.sorted { ($1.count, $0.source, $0.code) < ($0.count, $1.source, $1.code) } }

    /// Most frequent first.
    package var openGaps: [Gap] { gaps.values.sorted { ($1.count, $0.source, $0.code) < ($0.count, $1.source, $1.code) } }

    /// Asks a decline again.
    ///
    /// - Parameter merchants: by the new configuration.
    package mutating func ask(_ record: JournalRecord, again merchants: [MerchantID: Merchant]) {
        guard let decline = record.decline, let was = record.declineClass else { return }
        asked += 1
        guard let merchant = record.merchantID.flatMap({ merchants[$0] }) else {
            unanswerable += 1
            return
        }
        // A decision by a text that was not kept cannot be had again.
        if decline.textDigest != nil, record.rule?.hasPrefix("text:") == true {
            unanswerable += 1
            return
        }
        let now = DeclineMapping.classify(decline.question, merchant: merchant)
        if now.declineClass == was { return }
        let key = "\(decline.source)/\(decline.code)/\(was.rawValue)/\(now.rule)"
        var change =
            changed[key]
            ?? Change(
                source: decline.source, code: decline.code, was: was, becomes: now.declineClass, rule: now.rule, count: 0, amounts: [:])
        change.count += 1
        if let amount = record.amount { change.amounts[amount.currency.code, default: 0] += amount.minorUnits }
        changed[key] = change
    }

    /// Takes up a decline that nobody decided, or only its text.
    package mutating func note(_ record: JournalRecord) {
        guard let decline = record.decline, let declineClass = record.declineClass, let rule = record.rule else { return }
        guard rule == "unknown" || rule.hasPrefix("text:") || rule.hasPrefix("network_order:text/") else { return }
        let key = "\(record.merchantID?.text ?? "")/\(decline.source)/\(decline.code)/\(decline.text ?? decline.textDigest ?? "")"
        var gap =
            gaps[key]
            ?? Gap(
                merchantID: record.merchantID, source: decline.source, code: decline.code, text: decline.text, rule: rule,
                declineClass: declineClass, count: 0,
                last: record.at)
        gap.count += 1
        gap.last = max(gap.last, record.at)
        gaps[key] = gap
    }
}
