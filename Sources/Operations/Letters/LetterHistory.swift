package import DeclineRecovery

/// What happened to a letter, the oldest first: its writings by workers, and what people did.
///
/// Of a letter that was written more than once the first time and the last are known, and how often in all.
package struct LetterHistory: Sendable {
    package enum Entry: Sendable {
        /// - Parameter by: the worker; of the first writing of several nobody knows it any more.
        case written(at: Moment, by: String?, sentence: String)
        case record(LetterRecord)

        package var at: Moment {
            switch self {
            case .written(let at, _, _): at
            case .record(let record): record.at
            }
        }
    }

    package let entries: [Entry]

    package init(_ summary: LetterSummary, _ letter: DeadLetter, _ records: [LetterRecord]) {
        func written(_ at: Moment, by worker: String?, _ how: String) -> Entry {
            .written(at: at, by: worker, sentence: "\(how): \(letter.reason.rawValue)")
        }
        var all = [written(summary.firstAt, by: summary.occurrences == 1 ? letter.worker.id : nil, "written as a dead letter")]
        if summary.occurrences > 1 {
            let wasReplayed = records.contains { record in if case .selected = record.act { record.at <= letter.writtenAt } else { false } }
            let again =
                (wasReplayed ? "failed again" : "written again")
                + (summary.occurrences > 2 ? ", seen \(summary.occurrences) times in all" : "")
            all.append(written(letter.writtenAt, by: letter.worker.id, again))
        }
        all += records.map(Entry.record)
        entries = all.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}
