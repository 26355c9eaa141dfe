package import DeclineRecovery

/// What the declines of the journal came to in money, by day and by what they have in common: the one source of `salvage report`, of the
/// console's page *Money* and of its tiles.
///
/// It is folded from the records in their order. What is told again changes nothing. The sums of a day are kept for over a year, what is
/// remembered of single recoveries only for as long as something may follow.
package struct MoneyBook: Sendable {
    /// A decline whose end is not known, and one that ended in a dead letter, which may be taken up again.
    struct Case {
        let facts: Int32
        let day: Int32
        let units: Int64
        /// When the charge was declined, or else taken in.
        let declinedAt: Moment
        var course: Course
    }

    enum Course {
        case open, ended
        /// A letter was written; of which nothing was sent, it was not offered.
        case fallen(unsent: String?)
        case paid(Int64)
    }

    struct Sale {
        let facts: Int32
        let day: Int32
        /// Of its amount; nothing goes back that is not there. `nil` where its amount is not known.
        var left: Int64?
    }

    /// By day since 1970, UTC, and by facts.
    var days: [Int32: [Int32: MoneySums]] = [:]
    private(set) var facts: [MoneyFacts] = []
    private var numbers: [MoneyFacts: Int32] = [:]
    var cases: [UInt64: Case] = [:]
    var sales: [UInt64: Sale] = [:]
    /// Results that took money back, by the day of their telling.
    var returns: [UInt64: Int32] = [:]
    /// The times of the oldest and of the newest record.
    package internal(set) var since: Moment?
    package internal(set) var until: Moment?
    /// Whether it began with the oldest record that the journal had: nobody can say more of the days before.
    var isWhole = false
    /// The newest day that it has seen.
    var newestDay = Int32.min

    /// Different facts that are kept apart; and of a day that is long past.
    static let mostFacts = 100_000
    static let mostFactsOfOldDay = 5_000
    /// For how many days the sums are kept; a sale, for a chargeback may take months; and a decline whose end is not known.
    static let (daysOfSums, daysOfSales, daysOfCases): (Int32, Int32, Int32) = (400, 90, 35)

    package init() {}

    /// - Parameter now: where it is known: whoever's clock is ahead of it must not make anything forgotten.
    package mutating func take(_ record: JournalRecord, now: Moment? = nil) {
        since = since ?? record.at
        until = max(until ?? record.at, record.at)
        pass(to: Self.day(now.map { min(record.at, $0 + .days(1)) } ?? record.at))
        let key = Self.mark(record.reference.text)
        switch record.fate {
        case .passed where record.stage == .intake && (record.rule != nil || record.declineCode != nil): begin(record, key)
        case .told: tell(record, key)
        case .deadLettered, .rejected:
            if record.stage != .intake, record.stage != .outcomes, !Self.ofCommands.contains(record.detail) { fall(record, key) }
        // It goes on.
        case .passed where record.stage != .intake: takeUp(key)
        // News and cancel commands wait as well, beside the recovery that they are about.
        case .parked where record.stage != .outcomes && record.detail != "cancelling": takeUp(key)
        case .passed, .parked, .ignored, .foreign: break
        }
    }

    // MARK: What declines came to

    private mutating func begin(_ record: JournalRecord, _ key: UInt64) {
        if sales[key] != nil { return }
        if cases[key] != nil { return takeUp(key) }
        let new = Case(
            facts: number(of: MoneyFacts(record)), day: Self.day(record.at), units: record.amount?.minorUnits ?? 0,
            declinedAt: record.declinedAt ?? record.at, course: .open)
        cases[key] = new
        change(new.day, new.facts) { $0.declines.add(new.units) }
        count(new, 1)
    }

    private mutating func fall(_ record: JournalRecord, _ key: UInt64) {
        let unsent = record.detail == DeadLetterReason.attemptsSpent.rawValue ? SkipReason.flexFactorUnavailable.rawValue : nil
        move(key) { if case .open = $0 { .fallen(unsent: unsent) } else { $0 } }
    }

    /// Letters of a command, beside the recovery that it is about.
    private static let ofCommands = [DeadLetterReason.cancelFailed.rawValue, DeadLetterReason.refundUnknown.rawValue]

    private mutating func takeUp(_ key: UInt64) { move(key) { if case .fallen = $0 { .open } else { $0 } } }

    /// From one standing to another.
    private mutating func move(_ key: UInt64, _ change: (Course) -> Course) {
        guard var found = cases[key] else { return }
        count(found, -1)
        found.course = change(found.course)
        count(found, 1)
        cases[key] = found
    }

    /// Counts a case as it stands, or takes it out again.
    private mutating func count(_ found: Case, _ sign: Int) {
        if case .fallen(let why?) = found.course {
            var other = facts[Int(found.facts)]
            other.why = why
            let number = sign < 0 ? counted(other, on: found.day) : number(of: other)
            return change(found.day, number) { $0.notOffered.add(found.units, times: sign) }
        }
        change(found.day, found.facts) { sums in
            sums.offered.add(found.units, times: sign)
            switch found.course {
            case .open: break
            case .ended, .fallen: sums.ended.add(found.units, times: sign)
            case .paid(let units):
                sums.ended.add(found.units, times: sign)
                sums.recovered.add(units, times: sign)
            }
        }
    }

    // MARK: What was told

    private mutating func tell(_ record: JournalRecord, _ key: UInt64) {
        let told = ResultKind(rawValue: record.detail)
        // Records of old do not say what a correction makes true; its reason does.
        let isCorrection = told == .correction
        let kind = isCorrection ? record.becomes ?? ResultReason.all.first { $0.code == record.reason }?.kind : told
        switch kind {
        case .approved: approve(record, key, isCorrection: isCorrection)
        case .refunded, .chargeback: giveBack(record, key, isChargeback: kind == .chargeback)
        case .declined, .expired, .cancelled:
            move(key) { _ in .ended }
            cases[key] = nil
        case .skipped: skip(record, key)
        case .submitted: takeUp(key)
        default: break
        }
    }

    private mutating func skip(_ record: JournalRecord, _ key: UInt64) {
        if let found = cases[key] {
            count(found, -1)
            change(found.day, number(of: facts[Int(found.facts)].skipped(record.reason))) { $0.notOffered.add(found.units) }
            cases[key] = nil
        } else if record.stage == .intake, record.reason != Self.toldAgain, sales[key] == nil {
            let (own, day, units) = (MoneyFacts(record), Self.day(record.at), record.amount?.minorUnits ?? 0)
            change(day, number(of: own)) { $0.declines.add(units) }
            change(day, number(of: own.skipped(record.reason))) { $0.notOffered.add(units) }
        }
    }

    private mutating func approve(_ record: JournalRecord, _ key: UInt64, isCorrection: Bool) {
        if sales[key] != nil { return }
        let known = cases[key]
        // Told before anything that is read here; or else who told it first died before it was journaled.
        if known == nil, record.reason == Self.toldAgain, record.declinedAt.map({ $0 < remembersSince ?? $0 }) ?? true { return }
        let knownUnits = known.flatMap { facts[Int($0.facts)].currency == nil ? nil : $0.units }
        let units = record.amount?.minorUnits ?? knownUnits
        var own = known.map { facts[Int($0.facts)] } ?? MoneyFacts(record)
        own.currency = record.amount?.currency ?? own.currency
        own.gatewayID = own.gatewayID ?? record.gatewayID
        // A row is of the decline's currency, whatever FlexFactor charged in.
        let paid = known.flatMap { facts[Int($0.facts)].currency == own.currency ? units : $0.units } ?? units
        if let paid { move(key) { _ in .paid(paid) } } else { move(key) { _ in .ended } }
        cases[key] = nil
        let (day, number) = (Self.day(record.at), number(of: own))
        sales[key] = Sale(facts: number, day: day, left: units)
        let declinedAt = record.declinedAt ?? known?.declinedAt
        change(day, number) { sums in
            sums.sales.add(units ?? 0)
            if units == nil { sums.unpriced += 1 }
            if let declinedAt { sums.times.note(record.at - declinedAt) }
        }
    }

    private mutating func giveBack(_ record: JournalRecord, _ key: UInt64, isChargeback: Bool) {
        let day = Self.day(record.at)
        if let id = record.resultID {
            let result = Self.mark(id)
            if returns.updateValue(day, forKey: result) != nil { return }
        } else if record.reason == Self.toldAgain {
            return
        }
        let sale = sales[key]
        // All of it is gone already: the same told twice.
        if sale?.left == 0 { return }
        let named = sale.map { facts[Int($0.facts)].currency == record.amount?.currency } ?? true ? record.amount?.minorUnits : nil
        let units = min(named ?? sale?.left ?? 0, sale?.left ?? .max)
        if let left = sale?.left { sales[key]?.left = left - units }
        let number = sale?.facts ?? number(of: MoneyFacts(record))
        change(day, number) { sums in if isChargeback { sums.chargedBack.add(units) } else { sums.refunded.add(units) } }
    }

    private static let toldAgain = "told_again"

    // MARK: Keeping

    private mutating func change(_ day: Int32, _ number: Int32, _ body: (inout MoneySums) -> Void) {
        body(&days[day, default: [:]][number, default: MoneySums()])
    }

    private mutating func number(of wanted: MoneyFacts) -> Int32 {
        if let number = numbers[wanted] { return number }
        let kept =
            facts.count < Self.mostFacts ? wanted : facts.count < Self.mostFacts * 2 ? wanted.withoutCampaign : wanted.withoutWords
        if let number = numbers[kept] { return number }
        facts.append(kept)
        numbers[kept] = Int32(facts.count - 1)
        return Int32(facts.count - 1)
    }

    /// Under what something was counted that was not offered: with as many words as there was room for then, which may have been less.
    private mutating func counted(_ wanted: MoneyFacts, on day: Int32) -> Int32 {
        for kept in [wanted, wanted.withoutCampaign, wanted.withoutWords] {
            if let number = numbers[kept], let sums = days[day]?[number], sums.notOffered.count > 0 { return number }
        }
        return number(of: wanted)
    }

    /// Since when it knows every decline.
    private var remembersSince: Moment? {
        since.map { max($0, Moment(milliseconds: Int64(newestDay.saturatingSubtract(Self.daysOfCases)) * 86_400_000)) }
    }

    /// Whether it can answer for all days from one on, and nobody could say more by reading the journal.
    package func covers(_ day: Int64) -> Bool {
        isWhole || since.map { $0 <= Moment(milliseconds: (day - MoneyReport.before) * 86_400_000) } ?? false
    }

    private mutating func pass(to day: Int32) {
        guard day > newestDay else { return }
        newestDay = day
        let (oldestCase, oldestSale) = (day.saturatingSubtract(Self.daysOfCases), day.saturatingSubtract(Self.daysOfSales))
        cases = cases.filter { $0.value.day >= oldestCase }
        sales = sales.filter { $0.value.day >= oldestSale }
        returns = returns.filter { $0.value >= oldestSale }
        let oldest = day.saturatingSubtract(Self.daysOfSums)
        for old in days.keys where old < oldestCase { if old < oldest { days[old] = nil } else { settle(old) } }
    }

    /// Nothing of a day changes any more. It is kept for long, so with no more rows than a person reads.
    private mutating func settle(_ day: Int32) {
        for isLast in [false, true] {
            guard let cells = days[day], cells.count > Self.mostFactsOfOldDay else { return }
            var fewer: [Int32: MoneySums] = [:]
            for (old, sums) in cells {
                let wanted = isLast ? facts[Int(old)].withoutWords : facts[Int(old)].withoutCampaign
                fewer[number(of: wanted), default: MoneySums()].add(sums)
            }
            days[day] = fewer
        }
    }

    /// The sums of one day, by currency; under "" what has none.
    package func sums(ofDay day: Int64) -> [String: MoneySums] {
        var sums: [String: MoneySums] = [:]
        for (number, cell) in days[Int32(clamping: day)] ?? [:] {
            sums[facts[Int(number)].currency?.code ?? "", default: MoneySums()].add(cell)
        }
        return sums
    }

    static func day(_ moment: Moment) -> Int32 { Int32(clamping: moment.milliseconds / 86_400_000) }

    /// Of a roll-up: facts that are read stand in their order, each once.
    mutating func restore(_ wanted: MoneyFacts) {
        numbers[wanted] = Int32(facts.count)
        facts.append(wanted)
    }

    private static func mark(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}

extension Int32 {
    fileprivate func saturatingSubtract(_ other: Int32) -> Int32 {
        let (difference, overflows) = subtractingReportingOverflow(other)
        return overflows ? .min : difference
    }
}
