public import DeclineRecovery

/// What somebody did to letters in one go, beside a run of replays: it may have taken many records.
public struct LetterAct: Sendable, Equatable {
    public let id: UUID5
    public let by: LetterRecord.Operator
    public let note: String?
    /// In the word of the order: `reconcile`, `discard`, `restore`, `resolve`.
    public let action: String
    public let startedAt: Moment
    public private(set) var endedAt: Moment
    public private(set) var succeeded = 0
    /// Letters that FlexFactor could not settle yet.
    public private(set) var failed = 0

    init(_ record: LetterRecord, _ action: String) {
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
    static func action(of record: LetterRecord) -> String? {
        switch record.act {
        case .discarded: "discard"
        case .restored: "restore"
        case .resolved(_, .byHand): "resolve"
        case .resolved(_, .reconciled), .resolved(_, .processed), .lookedUp: "reconcile"
        case .resolved(_, .mended), .selected, .replayed, .runEnded: nil
        }
    }
}
