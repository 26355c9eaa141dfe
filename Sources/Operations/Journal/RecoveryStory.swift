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
        var waiting = ""
        var otherForm: RecoveryReference?
        var (hasBegun, isFallen, until): (Bool, Bool, Moment?) = (false, false, nil)
        for record in records {
            if let other = record.otherForm {
                otherForm = other
                continue
            }
            switch record.step {
            case .begun:
                // What intake had skipped is offered under another mapping.
                if end == .skipped { end = nil }
                (hasBegun, isFallen, until, otherForm) = (true, false, nil, nil)
            case .goesOn(let wait):
                if wait?.until != nil { waiting = record.waiting }
                (hasBegun, isFallen, until, otherForm) = (true, false, wait?.until ?? until, nil)
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
        if let otherForm { return ("the same decline as \(otherForm), and told by its name", nil, true) }
        if isFallen || !hasBegun && records.contains(where: \.fate.isLetter) { return ("ended in a dead letter", nil, true) }
        if let until { return ("put away: \(waiting); it goes on", until, false) }
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

    /// What it waits for; a newer version's word, and what is said in words, as it stands.
    fileprivate var waiting: String {
        let what =
            switch detail {
            case "due": "nothing was sent yet"
            case "ready": "its request is sent next"
            case "unanswered": "a request has no answer yet, and is repeated under its key"
            case "capturing": "FlexFactor authorised the charge, which is to be captured"
            case "challenged": "FlexFactor asks the customer for something, and nobody is there: its order is cancelled before that is told"
            case "reconciling": "nothing more is charged, and FlexFactor is asked what became of its order"
            case "seeking": "a request may have arrived, and FlexFactor is asked for its order"
            case "watching", ResultKind.submitted.rawValue: "FlexFactor works on its order, and is asked about it from time to time"
            case "resting": "declined for now, it is posted again"
            case "closing": "its time is over, or it is wanted no more: its order is looked up, and cancelled unless it is paid"
            case "closed": "its order was seen closed and unpaid, which is told after another look"
            case "paused": "somebody has paused it (`salvage pauses`)"
            default: detail
            }
        return what + (unsent.map { ". The last call was not sent: \($0)" } ?? "")
    }

    /// Why nothing was sent, in words.
    private var unsent: String? {
        guard fate == .parked else { return nil }
        return switch reason {
        case "circuit_open": "FlexFactor failed too often in a row, and is left alone for a while (`salvage status`)"
        case "rate_limited": "the gateway's maxRequestsPerSecond had no room"
        case "cannot_connect": "FlexFactor could not be reached"
        case "cannot_call": "the worker cannot make calls at all (its log)"
        case "too_late": "its time was over"
        case "no_token", "no_token_yet": "FlexFactor gave no token"
        case "misconfigured": "the gateway's keys are missing or refused (`salvage status`)"
        default: reason
        }
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
