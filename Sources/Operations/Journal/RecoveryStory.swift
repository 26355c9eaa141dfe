package import DeclineRecovery

/// An order's story, told from its journal records: what was decided, sent and told, and what comes next.
package struct RecoveryStory: Sendable {
    package let lines: [Line]
    /// How each recovery stands, by its reference.
    package let outlooks: [Outlook]

    package struct Outlook: Sendable {
        package let reference: RecoveryReference
        package let sentence: String
        /// When it goes on by itself.
        package let until: Moment?
        package let isOver: Bool
    }

    package struct Line: Sendable {
        package let record: JournalRecord
        package let sentence: String
        package let tone: Tone
        /// A result may be told by a webhook and by a look; the CRM drops the repeat by its id.
        package let isRepeat: Bool
    }

    package enum Tone: String, Sendable {
        case good, bad, plain
    }

    /// - Parameter records: the oldest first.
    package init(_ records: [JournalRecord]) {
        var told: Set<String> = []
        lines = records.map { record in
            Line(
                record: record, sentence: record.sentence, tone: record.tone,
                isRepeat: record.fate == .told && !told.insert(record.reference.text + record.detail).inserted)
        }
        let byReference = Dictionary(grouping: records, by: \.reference)
        outlooks = byReference.keys.sorted { $0.text < $1.text }.map { reference in
            let (sentence, until, isOver) = Self.outlook(byReference[reference] ?? [])
            return Outlook(reference: reference, sentence: sentence, until: until, isOver: isOver)
        }
    }

    private static func outlook(_ records: [JournalRecord]) -> (String, until: Moment?, isOver: Bool) {
        let finals = records.filter { $0.fate == .told && ResultKind(rawValue: $0.detail)?.isFinal == true }
        if let final = finals.first { return ("ended as \(final.detail); nothing more comes but refunds and chargebacks", nil, true) }
        guard let last = records.last else { return ("under way", nil, false) }
        if last.fate.isLetter { return ("ended in a dead letter", nil, true) }
        if let until = last.until { return ("put away; it goes on", until, false) }
        return ("under way", nil, false)
    }
}

extension JournalRecord {
    fileprivate var sentence: String {
        let what =
            switch fate {
            case .passed: "passed on to \(detail)"
            case .told: "told the CRM: \(detail)"
            case .parked: "put away (\(detail))"
            case .deadLettered: "dead letter (\(detail))"
            case .rejected: "rejected (\(detail)), dead letter written"
            case .ignored: "nothing to do (\(detail))"
            case .foreign(let word): "\(word) \(detail)"
            }
        return what + (reason.map { $0 == detail ? "" : ", \($0)" } ?? "") + (rule.map { ", by rule \($0)" } ?? "")
    }

    fileprivate var tone: RecoveryStory.Tone {
        switch fate {
        case .told: ResultKind(rawValue: detail)?.success.map { $0 ? .good : .bad } ?? .plain
        case .deadLettered, .rejected: .bad
        case .passed, .parked, .ignored, .foreign: .plain
        }
    }
}
