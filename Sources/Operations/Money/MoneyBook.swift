package import DeclineRecovery

/// What the declines of the journal came to in money, by day and by what they have in common: the one source of `salvage report`, of the
/// console's page *Money* and of its tiles.
///
/// It is folded from the records in their order. What is told again changes nothing.
package struct MoneyBook: Sendable {
    /// A decline whose end is not known, and one that ended in a dead letter, which may be taken up again.
    private struct Case {
        let facts: Int32
        let day: Int32
        let units: Int64
        /// When the charge was declined, or else taken in.
        let declinedAt: Moment
        var course: Course
    }

    private enum Course {
        case open, ended
        /// A letter was written; of which nothing was sent, it was not offered.
        case fallen(unsent: String?)
        case paid(Int64)
    }

    private struct Sale {
        let facts: Int32
        let day: Int32
        /// Of its amount; nothing goes back that is not there. `nil` where its amount is not known.
        var left: Int64?
    }

    /// By day since 1970, UTC, and by facts.
    private(set) var days: [Int32: [Int32: MoneySums]] = [:]
    private(set) var facts: [MoneyFacts] = []
    private var numbers: [MoneyFacts: Int32] = [:]
    private var cases: [UInt64: Case] = [:]
    private var sales: [UInt64: Sale] = [:]
    /// Results that took money back, by the day of their telling.
    private var returns: [UInt64: Int32] = [:]
    /// The times of the oldest and of the newest record.
    private var since: Moment?
    package private(set) var until: Moment?

    /// Different facts that are kept apart.
    static let mostFacts = 100_000

    package init() {}

    package mutating func take(_ record: JournalRecord) {
        since = since ?? record.at
        until = max(until ?? record.at, record.at)
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
            return change(found.day, number(of: other)) { $0.notOffered.add(found.units, times: sign) }
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
        if known == nil, record.reason == Self.toldAgain, record.declinedAt.map({ $0 < since ?? $0 }) ?? true { return }
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

    package mutating func forget(before day: Int64) {
        since = max(since ?? .init(milliseconds: day * 86_400_000), Moment(milliseconds: day * 86_400_000))
        let day = Int32(clamping: day)
        days = days.filter { $0.key >= day }
        cases = cases.filter { $0.value.day >= day }
        sales = sales.filter { $0.value.day >= day }
        returns = returns.filter { $0.value >= day }
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

    private static func mark(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}
