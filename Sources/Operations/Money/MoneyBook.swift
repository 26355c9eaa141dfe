package import DeclineRecovery

/// What the declines of the journal came to in money, by day and by what they have in common: the one source of `salvage report`, of the
/// console's page *Money*, of its overview and of its tiles.
///
/// It is folded from the records in their order. What is told again changes nothing, and an end that is heard of before its decline counts like
/// any other. The sums of a day are kept for over a year, what is remembered of single recoveries only for as long as something may follow.
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

    enum Course: UInt8 {
        case open
        /// A letter was written; of what was not sent, it was not offered.
        case fallen, unsent
    }

    /// A recovery that has ended: whose repeats are known by it, and which a correction changes. A sale is one only while its decline was not heard
    /// of.
    struct End {
        /// Those that it is counted by; -1 while its decline was not heard of.
        let facts: Int32
        let day: Int32
        /// Of the decline; of a sale whose decline was not heard of, what was paid.
        let units: Int64

        var isOfUnheard: Bool { facts < 0 }
    }

    struct Sale {
        let facts: Int32
        let day: Int32
        /// Of its amount; nothing goes back that is not there. `nil` where its amount is not known.
        var left: Int64?
    }

    /// What a record means for who lists the recoveries that go on.
    enum Outlook { case goesOn, over, unsaid }

    /// By day since 1970, UTC, and by facts.
    var days: [Int32: [Int32: MoneySums]] = [:]
    private(set) var facts: [MoneyFacts] = []
    private var numbers: [MoneyFacts: Int32] = [:]
    var cases: [UInt64: Case] = [:]
    /// By the day of their telling.
    var ends: [Int32: [UInt64: End]] = [:]
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
    /// For how many days the sums are kept; a sale, for a chargeback may take months; and a decline whose end is not known, or an end.
    static let (daysOfSums, daysOfSales, daysOfCases): (Int32, Int32, Int32) = (400, 90, 35)

    package init() {}

    /// - Parameter now: where it is known: whoever's clock is ahead of it must not make anything forgotten.
    package mutating func take(_ record: JournalRecord, now: Moment? = nil) {
        _ = take(record, record.step, Self.mark(record.reference.text), now: now)
    }

    /// - Parameter key: the mark of its reference.
    mutating func take(_ record: JournalRecord, _ step: JournalStep, _ key: UInt64, now: Moment?) -> Outlook {
        since = since ?? record.at
        until = max(until ?? record.at, record.at)
        pass(to: Self.day(now.map { min(record.at, $0 + .days(1)) } ?? record.at))
        switch step {
        case .begun: begin(record, key)
        case .goesOn(let wait):
            if cases[key] == nil { return isOver(key) ? .over : wait == nil ? .unsaid : .goesOn }
            takeUp(key)
        case .fallen(let isUnsent):
            stand(key) { if $0 == .open { isUnsent ? .unsent : .fallen } else { $0 } }
            return .over
        case .told(let told): return tell(record, told, key)
        case .nothing: return .unsaid
        }
        return cases[key] == nil ? .over : .goesOn
    }

    private func isOver(_ key: UInt64) -> Bool { sales[key] != nil || dayOfEnd(key) != nil }

    private func dayOfEnd(_ key: UInt64) -> Int32? { ends.first { $0.value[key] != nil }?.key }

    // MARK: What declines came to

    private mutating func begin(_ record: JournalRecord, _ key: UInt64) {
        if cases[key] != nil { return takeUp(key) }
        let endedOn = dayOfEnd(key)
        let early = endedOn.flatMap { ends[$0]?[key] }
        if let early { if !early.isOfUnheard { return } } else if sales[key] != nil { return }
        let new = Case(
            facts: number(of: MoneyFacts(record)), day: Self.day(record.at), units: record.amount?.minorUnits ?? 0,
            declinedAt: record.declinedAt ?? record.at, course: .open)
        cases[key] = new
        change(new.day, new.facts) { $0.declines.add(new.units) }
        count(new, as: .open, 1)
        guard let endedOn, let early else { return }
        ends[endedOn]?[key] = nil
        guard let sale = sales[key] else { return conclude(key, as: .ended, on: endedOn) }
        let isSameCurrency = facts[Int(sale.facts)].currency == facts[Int(new.facts)].currency
        conclude(key, as: .paid(isSameCurrency ? early.units : new.units), on: endedOn)
    }

    private mutating func takeUp(_ key: UInt64) { stand(key) { _ in .open } }

    /// From one standing to another.
    private mutating func stand(_ key: UInt64, _ change: (Course) -> Course) {
        guard var found = cases[key] else { return }
        let course = change(found.course)
        if course == found.course { return }
        count(found, as: .init(found.course), -1)
        found.course = course
        count(found, as: .init(course), 1)
        cases[key] = found
    }

    /// What a decline is counted as.
    private enum Count {
        case open, ended
        case notOffered(String)
        case paid(Int64)

        init(_ course: Course) {
            switch course {
            case .open: self = .open
            case .fallen: self = .ended
            case .unsent: self = .notOffered(SkipReason.flexFactorUnavailable.rawValue)
            }
        }
    }

    /// Counts a decline as something, or takes it out again.
    ///
    /// - Returns: the facts that it is counted by.
    @discardableResult
    private mutating func count(_ found: Case, as what: Count, _ sign: Int) -> Int32 {
        if case .notOffered(let why) = what {
            var other = facts[Int(found.facts)]
            other.why = why
            let number = sign < 0 ? counted(other, on: found.day) : number(of: other)
            change(found.day, number) { $0.notOffered.add(found.units, times: sign) }
            return number
        }
        change(found.day, found.facts) { sums in
            sums.offered.add(found.units, times: sign)
            switch what {
            case .open, .notOffered: break
            case .ended: sums.ended.add(found.units, times: sign)
            case .paid(let units):
                sums.ended.add(found.units, times: sign)
                sums.recovered.add(units, times: sign)
            }
        }
        return found.facts
    }

    /// What is known of a decline whatever it is counted as.
    private mutating func known(_ key: UInt64) -> (decline: Case, as: Count, endedOn: Int32?)? {
        if let found = cases[key] { return (found, .init(found.course), nil) }
        guard let day = dayOfEnd(key), let end = ends[day]?[key], !end.isOfUnheard else { return nil }
        var own = facts[Int(end.facts)]
        let why = own.why
        own.why = nil
        let decline = Case(
            facts: why == nil ? end.facts : number(of: own), day: end.day, units: end.units, declinedAt: Moment(milliseconds: 0),
            course: .open)
        return (decline, why.map(Count.notOffered) ?? .ended, day)
    }

    /// It is told how it ended: counted as that from now on, whatever it was counted as before. What is paid is remembered as a sale.
    private mutating func conclude(_ key: UInt64, as what: Count, on day: Int32) {
        guard let (decline, before, endedOn) = known(key) else { return }
        cases[key] = nil
        if let endedOn { ends[endedOn]?[key] = nil }
        count(decline, as: before, -1)
        let number = count(decline, as: what, 1)
        if case .paid = what { return }
        ends[day, default: [:]][key] = End(facts: number, day: decline.day, units: decline.units)
    }

    // MARK: What was told

    private mutating func tell(_ record: JournalRecord, _ told: ToldMoney, _ key: UInt64) -> Outlook {
        switch told.makesTrue {
        case .approved: approve(record, told, key)
        case .refunded, .chargeback:
            giveBack(record, told, key)
            return .unsaid
        case .skipped: skip(record, told, key)
        default: end(record, told, key, as: .ended)
        }
        return .over
    }

    /// Told without money. What is told otherwise and corrects nothing is a repeat.
    private mutating func end(_ record: JournalRecord, _ told: ToldMoney, _ key: UInt64, as what: Count) {
        let day = Self.day(record.at)
        if cases[key] != nil || told.isCorrection && sales[key] == nil && known(key) != nil { return conclude(key, as: what, on: day) }
        if !isOver(key) { ends[day, default: [:]][key] = End(facts: -1, day: day, units: 0) }
    }

    private mutating func skip(_ record: JournalRecord, _ told: ToldMoney, _ key: UInt64) {
        let known = known(key)
        if told.isAgain, let known {
            // A repeat says that it is one, and not why. What went to FlexFactor is skipped for one reason alone.
            if case .notOffered = known.as { return }
            let why: SkipReason = record.otherForm == nil ? .flexFactorUnavailable : .inRecovery
            return end(record, told, key, as: .notOffered(why.rawValue))
        }
        let own = known.map { facts[Int($0.decline.facts)] } ?? MoneyFacts(record)
        let skipped = own.skipped(record.otherForm == nil ? record.reason : SkipReason.inRecovery.rawValue)
        if known != nil || record.stage != .intake {
            end(record, told, key, as: .notOffered(skipped.why ?? ""))
        } else if !told.isAgain, !isOver(key) {
            // Nothing more comes of it, unless it is offered under another mapping.
            let (day, units) = (Self.day(record.at), record.amount?.minorUnits ?? 0)
            change(day, number(of: own)) { $0.declines.add(units) }
            change(day, number(of: skipped)) { $0.notOffered.add(units) }
        }
    }

    private mutating func approve(_ record: JournalRecord, _ told: ToldMoney, _ key: UInt64) {
        if sales[key] != nil { return }
        let declinedAt = record.declinedAt ?? cases[key]?.declinedAt
        let known = known(key)?.decline
        // Told before anything that is read here; or else who told it first died before it was journaled.
        if known == nil, told.isAgain, record.declinedAt.map({ $0 < remembersSince ?? $0 }) ?? true { return }
        let knownUnits = known.flatMap { facts[Int($0.facts)].currency == nil ? nil : $0.units }
        let units = record.amount?.minorUnits ?? knownUnits
        var own = known.map { facts[Int($0.facts)] } ?? MoneyFacts(record)
        own.currency = record.amount?.currency ?? own.currency
        own.gatewayID = own.gatewayID ?? record.gatewayID
        // A row is of the decline's currency, whatever FlexFactor charged in.
        let paid = known.flatMap { facts[Int($0.facts)].currency == own.currency ? units : $0.units } ?? units ?? 0
        let (day, number) = (Self.day(record.at), number(of: own))
        if known != nil {
            conclude(key, as: .paid(paid), on: day)
        } else {
            if let endedOn = dayOfEnd(key) { ends[endedOn]?[key] = nil }
            ends[day, default: [:]][key] = End(facts: -1, day: day, units: paid)
        }
        sales[key] = Sale(facts: number, day: day, left: units)
        change(day, number) { sums in
            sums.sales.add(units ?? 0)
            if units == nil { sums.unpriced += 1 }
            if let declinedAt { sums.times.note(record.at - declinedAt) }
        }
    }

    private mutating func giveBack(_ record: JournalRecord, _ told: ToldMoney, _ key: UInt64) {
        let day = Self.day(record.at)
        if let id = record.resultID {
            let result = Self.mark(id)
            if returns.updateValue(day, forKey: result) != nil { return }
        } else if told.isAgain {
            return
        }
        let sale = sales[key]
        // All of it is gone already: the same told twice.
        if sale?.left == 0 { return }
        let named = sale.map { facts[Int($0.facts)].currency == record.amount?.currency } ?? true ? record.amount?.minorUnits : nil
        // Of a part whose amount nobody knows no more is known than that it is none of all.
        let unnamed = record.action == .recordRefund ? 0 : sale?.left ?? 0
        let units = min(named ?? unnamed, sale?.left ?? .max)
        if let left = sale?.left { sales[key]?.left = left - units }
        let number = sale?.facts ?? number(of: MoneyFacts(record))
        change(day, number) { sums in
            if told.makesTrue == .chargeback { sums.chargedBack.add(units) } else { sums.refunded.add(units) }
        }
    }

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
        since.map { max($0, Moment(day: Int64(newestDay.saturatingSubtract(Self.daysOfCases)))) }
    }

    /// Whether it can answer for all days from one on, and nobody could say more by reading the journal.
    package func covers(_ day: Int64) -> Bool {
        isWhole || since.map { $0 <= Moment(day: day - MoneyReport.before) } ?? false
    }

    /// From when on its sums are whole: what was before, it has not read or has forgotten.
    package var knownSince: Moment? {
        since.map { max($0, Moment(day: Int64(newestDay.saturatingSubtract(Self.daysOfSums)))) }
    }

    private mutating func pass(to day: Int32) {
        guard day > newestDay else { return }
        newestDay = day
        let (oldestCase, oldestSale) = (day.saturatingSubtract(Self.daysOfCases), day.saturatingSubtract(Self.daysOfSales))
        cases = cases.filter { $0.value.day >= oldestCase }
        ends = ends.filter { $0.key >= oldestCase }
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

    static func day(_ moment: Moment) -> Int32 { Int32(clamping: moment.day) }

    /// Of a roll-up: facts that are read stand in their order, each once.
    mutating func restore(_ wanted: MoneyFacts) {
        numbers[wanted] = Int32(facts.count)
        facts.append(wanted)
    }

    /// What a name is remembered by.
    static func mark(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}

extension Int32 {
    fileprivate func saturatingSubtract(_ other: Int32) -> Int32 {
        let (difference, overflows) = subtractingReportingOverflow(other)
        return overflows ? .min : difference
    }
}
