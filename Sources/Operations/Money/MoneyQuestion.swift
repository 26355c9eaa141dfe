package import DeclineRecovery

extension MoneyReport.Question {
    /// Why a question cannot be answered.
    package struct Fault: Error, Sendable, Equatable {
        package let what: String
        package let advice: String
    }

    /// What a question says.
    static let names = ["from", "through", "month", "days", "by", "merchant", "gateway", "currency"]

    /// The question in words, as an address or a command line has them: `from` and `through` (days, both included), or `month`, or `days`
    /// that end today; `by` (groups, with commas between); `merchant`, `gateway`, `currency`.
    package init(_ words: [String: String], now: Moment) throws(Fault) {
        let today = now.day
        let given = words.filter { !$0.value.isEmpty }
        let (first, last) = try Self.days(given, today)
        guard first <= last else {
            throw Fault(what: "The time ends before it begins.", advice: "Give a `from` that is no later than `through`.")
        }
        var groups: [MoneyReport.Group] = []
        for word in (given["by"] ?? "").split(separator: ",") {
            guard let group = MoneyReport.Group(rawValue: String(word)) else {
                throw Fault(
                    what: "There is no group \"\(word)\".",
                    advice: "There are: " + MoneyReport.Group.allCases.map(\.rawValue).joined(separator: ", ") + ".")
            }
            if !groups.contains(group) { groups.append(group) }
        }
        if let currency = given["currency"], Currency(currency.uppercased()) == nil {
            throw Fault(what: "\"\(currency)\" is no currency.", advice: "Give a code of ISO 4217, e.g. USD.")
        }
        self.init(
            from: first, through: last, groups: groups, merchant: given["merchant"].map(MerchantID.init(_:)),
            gateway: given["gateway"].map(GatewayID.init(_:)), currency: given["currency"]?.uppercased())
    }

    private static func days(_ words: [String: String], _ today: Int64) throws(Fault) -> (first: Int64, last: Int64) {
        func day(_ name: String) throws(Fault) -> Int64? {
            guard let text = words[name] else { return nil }
            guard let day = MoneyReport.day(text) else {
                throw Fault(what: "\"\(text)\" is no day.", advice: "Write it as 2026-11-26.")
            }
            return day
        }
        let (first, through) = (try day("from"), try day("through"))
        guard let count = Int64(words["days"] ?? "30"), (1...36_500).contains(count) else {
            throw Fault(what: "\"\(words["days"] ?? "")\" is no number of days.", advice: "Give a whole number of 1...36500.")
        }
        // Whoever names two times means one of them, and only he knows which.
        if words["month"] != nil && (first ?? through) != nil || (words["month"] ?? words["from"]) != nil && words["days"] != nil {
            throw Fault(what: "Two times are named.", advice: "Give a month, or from and through, or days.")
        }
        if let month = words["month"] {
            let parts = month.split(separator: "-").compactMap { Int($0) }
            guard month.utf8.count == 7, parts.count == 2, let begin = MoneyReport.day(month + "-01") else {
                throw Fault(what: "\"\(month)\" is no month.", advice: "Write it as 2026-11.")
            }
            let next = parts[1] == 12 ? (parts[0] + 1, 1) : (parts[0], parts[1] + 1)
            func padded(_ number: Int, _ width: Int) -> String {
                String(repeating: "0", count: max(width - String(number).utf8.count, 0)) + String(number)
            }
            let end = MoneyReport.day("\(padded(next.0, 4))-\(padded(next.1, 2))-01") ?? begin + 31
            return (begin, end - 1)
        }
        let last = through ?? today
        if let first { return (first, last) }
        return (last - count + 1, last)
    }
}

extension MoneyReport {
    /// How long before its days the journal is read: what goes back today is of a sale that may be as old as sales are remembered, and comes to
    /// what is left of it.
    package static let before = Int64(MoneyBook.daysOfSales)
}
