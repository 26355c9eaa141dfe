package import DeclineRecovery

/// The answer to a question about money: rows by what was asked for, and their sum, each currency for itself.
package struct MoneyReport: Sendable {
    /// What rows are made by.
    package enum Group: String, Sendable, CaseIterable {
        case day, month, merchant, gateway
        case declinedGateway = "declined-gateway"
        case code, rule, brand, campaign, trigger, route, reason
    }

    /// The days, both of them included, UTC; and whose.
    package struct Question: Sendable {
        package var from: Int64
        package var through: Int64
        package var groups: [Group]
        package var merchant: MerchantID?
        package var gateway: GatewayID?
        package var currency: String?

        package init(
            from: Int64, through: Int64, groups: [Group] = [], merchant: MerchantID? = nil, gateway: GatewayID? = nil,
            currency: String? = nil
        ) {
            self.from = from
            self.through = through
            self.groups = groups
            self.merchant = merchant
            self.gateway = gateway
            self.currency = currency
        }

        fileprivate func wants(_ facts: MoneyFacts) -> Bool {
            (merchant == nil || facts.merchantID == merchant) && (gateway == nil || facts.gatewayID == gateway)
                && (currency == nil || facts.currency?.code == currency)
        }
    }

    package struct Row: Sendable, Equatable {
        /// Of each group; "" where it is not known.
        package let keys: [String]
        /// "" where no amount is known.
        package let currency: String
        package let sums: MoneySums
        /// FlexFactor's; `nil` where it is not known of all sales.
        package let fee: Int64?

        /// What is left of the net.
        package var gain: Int64? { fee.map { sums.net.adding(-$0) } }
    }

    /// A gateway of a merchant; "" where it is not known.
    package struct SellingGateway: Sendable, Hashable {
        package let merchant: String
        package let gateway: String
    }

    /// Declines that were not offered for one reason.
    package struct Reason: Sendable, Equatable {
        package let word: String
        package let currency: String
        package let part: MoneySums.Part

        /// What it means, for a person.
        package var sentence: String {
            if word == MoneyFacts.unknownCode { return "No rule and no table knows the code, and unknown declines count as hard here." }
            return SkipReason(rawValue: word)?.sentence ?? word
        }
    }

    package let question: Question
    package let rows: [Row]
    /// By currency.
    package let totals: [Row]
    /// Most first.
    package let reasons: [Reason]
    /// The codes that nobody knows, as far as they were not offered; most first.
    package let unknownCodes: [Reason]
    /// Whether any fee is configured: rows may have theirs.
    package let hasFees: Bool
    /// Where some are: gateways of these sales that have none.
    package let withoutFee: [SellingGateway]

    package init(_ book: MoneyBook, _ question: Question, fees: MoneyFees = MoneyFees()) {
        // A day has a cell for each kind of decline. What rows are told apart by is worked out once for each day and once for each kind, of
        // which there are far fewer than cells.
        let kinds = Kinds(book.facts, question, fees)
        let times = Times(question.groups)
        var cells: [Cell: ChargedSums] = [:]
        var feeless: Set<Int32> = []
        var notOffered: [Int32: MoneySums.Part] = [:]
        for (day, sumsOfDay) in book.days where Int64(day) >= question.from && Int64(day) <= question.through {
            let time = times.number(of: Int64(day))
            for (number, sums) in sumsOfDay {
                let kind = kinds.numbers[Int(number)]
                if kind < 0 { continue }
                let fee = kinds.fees[Int(number)]
                cells[Cell(time: time, kind: kind), default: ChargedSums()].add(sums, fee)
                if fee == nil, sums.priced > 0, !fees.isEmpty { feeless.insert(number) }
                if kinds.isSkipped[Int(number)], sums.notOffered.count != 0 {
                    notOffered[number, default: MoneySums.Part()].add(sums.notOffered)
                }
            }
        }
        var rows: [Key: ChargedSums] = [:]
        var totals: [Key: ChargedSums] = [:]
        for (cell, sums) in cells {
            let kind = kinds.keys[Int(cell.kind)]
            var keys = kind.keys
            for (place, text) in times.texts(of: cell.time) { keys[place] = text }
            rows[Key(keys: keys, currency: kind.currency), default: ChargedSums()].add(sums)
            totals[Key(keys: [], currency: kind.currency), default: ChargedSums()].add(sums)
        }
        var reasons: [Key: MoneySums.Part] = [:]
        var unknown: [Key: MoneySums.Part] = [:]
        for (number, part) in notOffered {
            let facts = book.facts[Int(number)]
            guard let why = facts.why else { continue }
            let currency = facts.currency?.code ?? ""
            reasons[Key(keys: [why], currency: currency), default: MoneySums.Part()].add(part)
            if why == MoneyFacts.unknownCode {
                unknown[Key(keys: [facts.code ?? ""], currency: currency), default: MoneySums.Part()].add(part)
            }
        }
        self.question = question
        let isByTime = question.groups.first == .day || question.groups.first == .month
        func row(_ key: Key, _ charged: ChargedSums) -> Row {
            Row(keys: key.keys, currency: key.currency, sums: charged.sums, fee: fees.isEmpty ? nil : charged.fee)
        }
        self.rows = rows.filter { $0.value.sums != MoneySums() }.map { row($0.key, $0.value) }
            .sorted { one, other in
                if isByTime, one.keys[0] != other.keys[0] { return one.keys[0] < other.keys[0] }
                let (left, right) = (one.sums, other.sums)
                return (right.sales.units, right.sales.count, right.declines.count, Key(keys: one.keys, currency: one.currency).text)
                    < (left.sales.units, left.sales.count, left.declines.count, Key(keys: other.keys, currency: other.currency).text)
            }
        self.totals = totals.map { row($0.key, $0.value) }.sorted { $0.currency < $1.currency }
        self.reasons = Self.sorted(reasons)
        unknownCodes = Self.sorted(unknown)
        hasFees = !fees.isEmpty
        let sellers = feeless.map { book.facts[Int($0)] }.map {
            SellingGateway(merchant: $0.merchantID?.text ?? "", gateway: $0.gatewayID?.text ?? "")
        }
        withoutFee = Set(sellers).sorted { ($0.merchant, $0.gateway) < ($1.merchant, $1.gateway) }
    }

    private static func sorted(_ parts: [Key: MoneySums.Part]) -> [Reason] {
        parts.filter { $0.value.count != 0 }.map { Reason(word: $0.key.keys[0], currency: $0.key.currency, part: $0.value) }.sorted {
            ($1.part.count, $1.part.units, $0.word, $0.currency) < ($0.part.count, $0.part.units, $1.word, $1.currency)
        }
    }

    /// What the declines with unknown codes might have brought in, had they been offered and gone as the others of their currency did: an
    /// estimate. `nil` where nothing was offered.
    package func estimate(ofUnknown currency: String) -> Int64? {
        guard let sums = totals.first(where: { $0.currency == currency })?.sums, sums.offered.units > 0 else { return nil }
        let units = unknownCodes.reduce(Int64(0)) { $0 + ($1.currency == currency ? $1.part.units : 0) }
        let estimate = (Double(units) * Double(sums.recovered.units) / Double(sums.offered.units)).rounded(.down)
        return Int64(exactly: estimate)
    }

    private struct Cell: Hashable {
        let time: Int64
        let kind: Int32
    }

    /// What the rows are told apart by besides their time; places of times are left open.
    private struct Kinds {
        private(set) var keys: [Key] = []
        /// By the number of the facts; -1 for what was not asked for.
        private(set) var numbers: [Int32] = []
        private(set) var isSkipped: [Bool] = []
        private(set) var fees: [FlexFactorFee?] = []

        init(_ facts: [MoneyFacts], _ question: Question, _ configured: MoneyFees) {
            var known: [Key: Int32] = [:]
            numbers.reserveCapacity(facts.count)
            isSkipped.reserveCapacity(facts.count)
            fees.reserveCapacity(facts.count)
            for facts in facts {
                fees.append(configured.fee(of: facts))
                isSkipped.append(facts.why != nil)
                guard question.wants(facts) else {
                    numbers.append(-1)
                    continue
                }
                let key = Key(keys: question.groups.map { $0.key(of: facts) }, currency: facts.currency?.code ?? "")
                if known[key] == nil {
                    known[key] = Int32(keys.count)
                    keys.append(key)
                }
                numbers.append(known[key] ?? -1)
            }
        }
    }

    /// The times of rows, as far as they are told apart by them.
    private struct Times {
        private let places: [(place: Int, isMonth: Bool)]
        private let isByDay: Bool

        init(_ groups: [Group]) {
            places = groups.enumerated().filter { $0.element.isTime }.map { ($0.offset, $0.element == .month) }
            isByDay = groups.contains(.day)
        }

        /// The first day of those that are told together.
        func number(of day: Int64) -> Int64 {
            if isByDay { return day }
            return places.isEmpty ? 0 : MoneyReport.day(MoneyReport.text(ofDay: day).prefix(7) + "-01") ?? day
        }

        func texts(of day: Int64) -> [(place: Int, text: String)] {
            places.map { ($0.place, $0.isMonth ? String(MoneyReport.text(ofDay: day).prefix(7)) : MoneyReport.text(ofDay: day)) }
        }
    }

    private struct Key: Hashable {
        let keys: [String]
        let currency: String

        var text: String { keys.joined(separator: "\u{0}") + "\u{0}" + currency }
    }

    /// `2026-11-26` of a day since 1970.
    package static func text(ofDay day: Int64) -> String { String(Moment(day: day).rfc3339.prefix(10)) }

    /// The day since 1970 of `2026-11-26`.
    package static func day(_ text: String) -> Int64? {
        guard text.utf8.count == 10 else { return nil }
        return Moment(rfc3339: text + "T00:00:00Z").map(\.day)
    }
}

extension MoneyReport.Group {
    fileprivate var isTime: Bool { self == .day || self == .month }

    fileprivate func key(of facts: MoneyFacts) -> String {
        switch self {
        // A time is the cell's.
        case .day, .month: ""
        case .merchant: facts.merchantID?.text ?? ""
        case .gateway: facts.gatewayID?.text ?? ""
        case .declinedGateway: facts.declinedGatewayID?.text ?? ""
        case .code: facts.code ?? ""
        case .rule: facts.rule ?? ""
        case .brand: facts.brand ?? ""
        case .campaign: facts.campaign ?? ""
        case .trigger: facts.trigger.rawValue
        case .route: facts.isRetry ? "retry" : "cascade"
        case .reason: facts.why ?? ""
        }
    }
}

extension Money {
    /// The amount as people write it, exact: `49.99`.
    package static func decimal(_ units: Int64, _ currency: String) -> String {
        let digits = Currency(currency)?.fractionDigits ?? 2
        let text = String(units.magnitude)
        let padded = String(repeating: "0", count: max(digits + 1 - text.utf8.count, 0)) + text
        let sign = units < 0 ? "-" : ""
        return digits == 0 ? sign + text : sign + padded.dropLast(digits) + "." + padded.suffix(digits)
    }
}
