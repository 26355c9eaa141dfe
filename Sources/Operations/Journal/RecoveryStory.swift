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
                isRepeat: record.fate == .told && !told.insert(record.resultID ?? record.reference.text + record.detail).inserted)
        }
        let byReference = Dictionary(grouping: records, by: \.reference)
        outlooks = byReference.keys.sorted { $0.text < $1.text }.map { reference in
            let (sentence, until, isOver) = Self.outlook(byReference[reference] ?? [])
            return Outlook(reference: reference, sentence: sentence, until: until, isOver: isOver)
        }
    }

    private static func outlook(_ records: [JournalRecord]) -> (String, until: Moment?, isOver: Bool) {
        var end: ResultKind?
        var corrected: ResultKind?
        var why: String?
        var (hasBegun, isFallen, until): (Bool, Bool, Moment?) = (false, false, nil)
        for record in records {
            switch record.step {
            case .begun:
                // What intake had skipped is offered under another mapping.
                if end == .skipped { end = nil }
                (hasBegun, isFallen, until) = (true, false, nil)
            case .goesOn(let wait): (hasBegun, isFallen, until) = (true, false, wait?.until ?? until)
            case .fallen: isFallen = true
            case .told(let told):
                why = record.skipped ?? why
                guard let kind = told.makesTrue, !kind.isMoneyBack else { continue }
                if end == nil { end = kind } else if told.isCorrection { corrected = kind }
            case .nothing: break
            }
        }
        if let end, let corrected, corrected != end {
            return ("ended as \(end.rawValue), corrected to \(corrected.rawValue); \(rest(after: corrected))", nil, true)
        }
        if let end { return ("ended as \(end.rawValue); \(rest(after: end))" + (why.map { ". " + $0 } ?? ""), nil, true) }
        if isFallen || !hasBegun && records.contains(where: \.fate.isLetter) { return ("ended in a dead letter", nil, true) }
        if let until { return ("put away; it goes on", until, false) }
        return ("under way", nil, false)
    }
}

extension RecoveryStory {
    /// What may still be told of a recovery that has ended.
    private static func rest(after end: ResultKind) -> String {
        end == .approved
            ? "nothing more comes but refunds, chargebacks and corrections"
            : "nothing more comes but a correction, should it turn out otherwise"
    }
}

extension JournalRecord {
    /// Why it was skipped, in a sentence, with what to do where somebody here is to do it.
    fileprivate var skipped: String? {
        guard fate == .told, detail == ResultKind.skipped.rawValue, let skip = reason.flatMap(SkipReason.init(rawValue:)) else {
            return nil
        }
        if skip != .gatewayMisconfigured { return skip.sentence }
        let name = [gatewayID.map { "Gateway \($0)" }, merchantID.map { "merchant \($0)" }].compactMap { $0 }.joined(separator: " of ")
        return (name.isEmpty ? "" : name + ": ") + skip.sentence + " `salvage status` says what FlexFactor refuses;"
            + " docs/runbooks/SalvageGatewayMisconfigured.md says what to do."
    }

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
        return what + (reason.map { $0 == detail ? "" : ", \($0)" } ?? "") + (otherRecovery.map { " (\($0.text))" } ?? "")
            + (rule.map { ", by rule \($0)" } ?? "")
    }

    fileprivate var tone: RecoveryStory.Tone {
        switch fate {
        case .told: ResultKind(rawValue: detail)?.success.map { $0 ? .good : .bad } ?? .plain
        case .deadLettered, .rejected: .bad
        case .passed, .parked, .ignored, .foreign: .plain
        }
    }
}
