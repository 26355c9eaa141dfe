package import DeclineRecovery

/// What goes on, folded from the journal: the flow of the last hour and every recovery that is under way. What came of them all is counted by
/// its `MoneyBook`, which also says when one is over.
///
/// It keeps nothing of a recovery that has ended.
package struct FlowBook: Sendable {
    /// A recovery whose end is not known.
    package struct Open: Sendable, Equatable {
        package let reference: RecoveryReference
        package let merchantID: MerchantID?
        /// On which it was heard of first.
        let day: Int64
        /// The phase in which it waits; empty while it is being worked on.
        package internal(set) var phase = ""
        package internal(set) var until: Moment?
        /// Since when a charge may or may not have happened.
        package internal(set) var unknownSince: Moment?
    }

    struct Minute: Sendable, Equatable {
        var counts: [Stage: [JournalRecord.Fate: Int]] = [:]
    }

    /// What all of it comes to.
    package internal(set) var money = MoneyBook()
    /// By the marks of their references.
    package internal(set) var open: [UInt64: Open] = [:]
    var minutes: [Int64: Minute] = [:]
    /// When a stage was done with a message last.
    var lastWork: [Stage: Moment] = [:]
    var oldestKept = Int64.min

    /// A retry lives for 21 days and its grace; what is older is of no use here.
    package static let days = Int64(MoneyBook.daysOfCases)
    /// The phases in which money may have moved without our knowing.
    private static let unknownPhases: Set<String> = ["unanswered", "capturing", "reconciling", "seeking"]

    package init() {}

    /// How many things it remembers beside its sums: what a roll-up of it costs.
    var entryCount: Int {
        money.cases.count + money.sales.count + open.count + money.ends.values.reduce(0) { $0 + $1.count }
    }

    /// The same with the last hour of another, which has read that and nothing else.
    func with(lastHourOf other: FlowBook) -> FlowBook {
        var book = self
        book.minutes = other.minutes
        book.lastWork.merge(other.lastWork) { max($0, $1) }
        return book
    }

    /// - Parameter now: where it is known: whoever's clock is ahead of it must not make anything forgotten.
    package mutating func take(_ record: JournalRecord, now: Moment? = nil) {
        let day = record.at.day
        forget(before: min(day, now.map { ($0 + .days(1)).day } ?? day) - Self.days)
        lastWork[record.stage] = max(lastWork[record.stage] ?? record.at, record.at)
        minutes[record.at.milliseconds / 60_000, default: Minute()].counts[record.stage, default: [:]][record.fate, default: 0] += 1
        let (step, key) = (record.step, MoneyBook.mark(record.reference.text))
        switch money.take(record, step, key, now: now) {
        case .goesOn:
            var entry = open[key] ?? Open(reference: record.reference, merchantID: record.merchantID, day: day)
            if case .goesOn(let wait?) = step {
                entry.phase = wait.phase
                entry.until = wait.until
                entry.unknownSince = Self.unknownPhases.contains(wait.phase) ? entry.unknownSince ?? record.at : nil
            }
            // Intake has held it, and is done with that.
            if step == .begun, entry.unknownSince == nil, entry.until.map({ $0 - record.at <= Self.lateness }) ?? true {
                (entry.phase, entry.until) = ("", nil)
            }
            open[key] = entry
        case .over: open[key] = nil
        case .unsaid: break
        }
    }

    private mutating func forget(before day: Int64) {
        if let oldest = minutes.keys.min(), minutes.count > 61 { minutes[oldest] = nil }
        guard day > oldestKept else { return }
        oldestKept = day
        open = open.filter { $0.value.day >= day }
    }

    // MARK: Looking

    /// What is due this minute may be on its way.
    static let lateness: Moment.Span = .minutes(1)

    /// Those whose time is over, and which nobody has taken up.
    func overdue(now: Moment) -> [(entry: Open, until: Moment)] {
        open.values.compactMap { entry in entry.until.flatMap { now - $0 > Self.lateness ? (entry, $0) : nil } }
    }

    /// Messages finished in each of the last 60 minutes, the oldest first.
    package func flow(now: Moment) -> [(minute: Moment, counts: [Stage: Int])] {
        let last = now.milliseconds / 60_000
        return (last - 59...last).map { minute in
            (Moment(milliseconds: minute * 60_000), (minutes[minute]?.counts ?? [:]).mapValues { $0.values.reduce(0, +) })
        }
    }

    /// What became of a stage's messages in the last hour.
    package func fates(of stage: Stage, now: Moment) -> [JournalRecord.Fate: Int] {
        let last = now.milliseconds / 60_000
        var fates: [JournalRecord.Fate: Int] = [:]
        for minute in last - 59...last { fates.merge(minutes[minute]?.counts[stage] ?? [:], uniquingKeysWith: +) }
        return fates
    }
}
