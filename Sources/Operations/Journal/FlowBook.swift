package import DeclineRecovery

/// What goes on and what came of it, folded from the journal: the flow of the last hour, what was recovered by day and by decline code,
/// and every recovery that is under way.
///
/// It keeps nothing of a recovery that has ended but a number by which a repeat is known.
package struct FlowBook: Sendable {
    /// Taken in on one day, or declined with one code: how many were handed to FlexFactor, how many have ended, how many with money.
    package struct Tally: Sendable, Equatable {
        package var offered = 0
        package var ended = 0
        package var recovered = 0
        /// By currency, in minor units.
        var offeredAmounts: [String: Int64] = [:]
        var recoveredAmounts: [String: Int64] = [:]
    }

    /// A recovery whose end is not known.
    package struct Open: Sendable, Equatable {
        package let reference: RecoveryReference
        package let merchantID: MerchantID?
        package let since: Moment
        package internal(set) var day: Int64
        package internal(set) var code: String?
        package internal(set) var amount: Money?
        /// The phase in which it waits; empty while it is being worked on.
        package internal(set) var phase = ""
        package internal(set) var until: Moment?
        /// Since when a charge may or may not have happened.
        package internal(set) var unknownSince: Moment?
    }

    struct Minute: Sendable, Equatable {
        var counts: [Stage: [JournalRecord.Fate: Int]] = [:]
    }

    /// By day since 1970, UTC.
    package internal(set) var days: [Int64: Tally] = [:]
    package internal(set) var codes: [String: Tally] = [:]
    package internal(set) var open: [String: Open] = [:]
    /// What all of it comes to in money.
    package internal(set) var money = MoneyBook()
    var minutes: [Int64: Minute] = [:]
    /// When a stage was done with a message last.
    var lastWork: [Stage: Moment] = [:]
    /// References that have ended, as numbers, by the day of their end.
    var ended: [Int64: Set<UInt64>] = [:]
    /// Recoveries that became dead letters, and may be taken up again.
    var fallen: [String: Open] = [:]
    var oldestKept = Int64.min

    /// A retry lives for 21 days and its grace; what is older is of no use here.
    package static let days: Int64 = 35
    /// The phases in which money may have moved without our knowing.
    private static let unknownPhases: Set<String> = ["unanswered", "capturing", "reconciling", "seeking"]

    package init() {}

    /// How many things it remembers beside its sums: what a roll-up of it costs.
    var entryCount: Int {
        money.cases.count + money.sales.count + open.count + fallen.count + ended.values.reduce(0) { $0 + $1.count }
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
        let day = record.at.milliseconds / 86_400_000
        forget(before: min(day, now.map { ($0 + .days(1)).milliseconds / 86_400_000 } ?? day) - Self.days)
        lastWork[record.stage] = max(lastWork[record.stage] ?? record.at, record.at)
        minutes[record.at.milliseconds / 60_000, default: Minute()].counts[record.stage, default: [:]][record.fate, default: 0] += 1
        let key = record.reference.text
        let mark = Self.mark(of: key)
        money.take(record, now: now)
        if ended.values.contains(where: { $0.contains(mark) }) { return }
        switch record.fate {
        // A command passes intake with its recovery's reference, and is no decline.
        case .passed where record.stage == .intake && (record.rule != nil || record.declineCode != nil):
            takeUp(key)
            if open[key] == nil { begin(record, key, day) }
        case .told:
            if ResultKind(rawValue: record.detail)?.isFinal == true {
                takeUp(key)
                end(record, key, mark, day)
            } else if let until = record.until {
                takeUp(key)
                wait(record, key, day, until, phase: "submitted")
            }
        // News and cancel commands wait as well, beside the recovery that they are about.
        case .parked where record.stage != .outcomes && record.detail != "cancelling":
            takeUp(key)
            wait(record, key, day, record.until, phase: record.detail)
        case .deadLettered, .rejected: fall(key)
        case .passed, .parked, .ignored, .foreign: break
        }
    }

    private mutating func begin(_ record: JournalRecord, _ key: String, _ day: Int64) {
        open[key] = Open(
            reference: record.reference, merchantID: record.merchantID, since: record.at, day: day, code: record.declineCode,
            amount: record.amount)
        change(day, record.declineCode) { tally in
            tally.offered += 1
            if let amount = record.amount { tally.offeredAmounts[amount.currency.code, default: 0] += amount.minorUnits }
        }
    }

    private mutating func wait(_ record: JournalRecord, _ key: String, _ day: Int64, _ until: Moment?, phase: String) {
        var entry =
            open[key]
            ?? Open(
                reference: record.reference, merchantID: record.merchantID, since: record.at, day: day, code: nil, amount: record.amount)
        entry.phase = phase
        entry.until = until
        entry.unknownSince = Self.unknownPhases.contains(phase) ? entry.unknownSince ?? record.at : nil
        open[key] = entry
    }

    /// It became a dead letter, which is an end until somebody replays or reconciles it.
    private mutating func fall(_ key: String) {
        guard let entry = open.removeValue(forKey: key) else { return }
        fallen[key] = entry
        change(entry.day, entry.code) { $0.ended += 1 }
    }

    private mutating func takeUp(_ key: String) {
        guard let entry = fallen.removeValue(forKey: key) else { return }
        open[key] = entry
        change(entry.day, entry.code) { $0.ended -= 1 }
    }

    private mutating func end(_ record: JournalRecord, _ key: String, _ mark: UInt64, _ day: Int64) {
        // What was skipped at once was never handed to FlexFactor; under another mapping it may be.
        if record.stage == .intake, open[key] == nil { return }
        ended[day, default: []].insert(mark)
        guard
            let entry = open.removeValue(forKey: key)
                ?? (record.stage == .intake
                    ? nil
                    : Open(
                        reference: record.reference, merchantID: record.merchantID, since: record.at, day: day, code: nil,
                        amount: record.amount))
        else { return }
        let isRecovered = record.fate == .told && record.detail == ResultKind.approved.rawValue
        change(entry.day, entry.code) { tally in
            tally.ended += 1
            guard isRecovered else { return }
            tally.recovered += 1
            if let amount = entry.amount ?? record.amount { tally.recoveredAmounts[amount.currency.code, default: 0] += amount.minorUnits }
        }
    }

    private mutating func change(_ day: Int64, _ code: String?, _ body: (inout Tally) -> Void) {
        body(&days[day, default: Tally()])
        // Codes are the CRM's words: their number is bounded here.
        if let code, codes[code] != nil || codes.count < 2_000 { body(&codes[code, default: Tally()]) }
    }

    private mutating func forget(before day: Int64) {
        if let oldest = minutes.keys.min(), minutes.count > 61 { minutes[oldest] = nil }
        guard day > oldestKept else { return }
        oldestKept = day
        fallen = fallen.filter { $0.value.day >= day }
        ended = ended.filter { $0.key >= day }
        days = days.filter { $0.key >= day }
        open = open.filter { $0.value.day >= day }
    }

    private static func mark(of text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    // MARK: Looking

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
