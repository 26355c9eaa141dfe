package import DeclineRecovery

/// What somebody did to letters in one go, beside a run of replays: it may have taken many records.
package struct LetterAct: Sendable, Equatable {
    package let id: UUID5
    package let by: LetterRecord.Operator
    package let note: String?
    package let action: LetterAction.Kind
    package let startedAt: Moment
    package private(set) var endedAt: Moment
    package private(set) var succeeded = 0
    /// Letters that FlexFactor could not settle yet.
    package private(set) var failed = 0

    init(_ record: LetterRecord, _ action: LetterAction.Kind) {
        id = record.job ?? record.id
        by = record.by
        note = record.note
        self.action = action
        startedAt = record.at
        endedAt = record.at
        take(record)
    }

    mutating func take(_ record: LetterRecord) {
        endedAt = max(endedAt, record.at)
        if case .lookedUp = record.act { failed += record.act.letters.count } else { succeeded += record.act.letters.count }
    }

    /// `nil` for what belongs to a run of replays, and for what nobody did.
    static func action(of record: LetterRecord) -> LetterAction.Kind? {
        switch record.act {
        case .discarded: .discard
        case .restored: .restore
        case .resolved(_, .byHand): .resolve
        case .resolved(_, .reconciled), .resolved(_, .processed), .lookedUp: .reconcile
        case .resolved(_, .mended), .selected, .replayed, .runEnded: nil
        }
    }
}
