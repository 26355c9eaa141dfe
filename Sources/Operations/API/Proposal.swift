import DeclineRecovery
import JSON
import Pipeline

/// A correction that waits for a second person.
///
/// It is kept in this process alone. What is forgotten by a restart was never begun, and whoever proposed it sees that it is gone.
struct Proposal: Sendable {
    let id: UUID5
    let action: LetterAction
    /// Those that the filter meant when it was proposed: what is approved is what was seen.
    let letters: [UUID5]
    /// Where each stood then. A decline that is published again under its id is another writing of the same letter, which nobody saw.
    let seen: [UUID5: Int64]
    /// What it changes, where it is about one letter.
    let differences: [JSONDifference]?
    /// What a dry run of many came to.
    let dryRun: JSONValue?
    let by: LetterRecord.Operator
    let note: String?
    let at: Moment
    private(set) var until: Moment
    private(set) var end: End?
    /// By whom it was approved that could not begin, and why it could not. Two people have said it: it begins when anybody wants it to.
    private(set) var held: (approvedBy: String, why: String)?

    /// For how long it waits.
    private let span: Moment.Span

    init(
        _ action: LetterAction, _ letters: [UUID5], seen: [UUID5: Int64], differences: [JSONDifference]?, dryRun: JSONValue?,
        by: LetterRecord.Operator, note: String?, at now: Moment, within span: Moment.Span
    ) {
        id = .random()
        self.action = action
        self.letters = letters
        self.seen = seen
        self.differences = differences
        self.dryRun = dryRun
        self.by = by
        self.note = note
        at = now
        until = now + span
        self.span = span
    }

    /// It waits no more.
    mutating func finish(_ how: End) { end = how }

    /// It could not begin, and waits for as long as at first.
    mutating func hold(_ why: String, approvedBy who: String, at now: Moment) {
        held = (who, why)
        until = now + span
        end = nil
    }

    enum End: Sendable, Equatable {
        case approved(by: String, at: Moment)
        case withdrawn(by: String, at: Moment)
    }

    func state(at now: Moment) -> String {
        switch end {
        case .approved: "approved"
        case .withdrawn: "withdrawn"
        case nil: now < until ? "proposed" : "lapsed"
        }
    }

    func isWaiting(at now: Moment) -> Bool { end == nil && now < until }

    /// As a run that has not begun.
    func json(at now: Moment) -> JSONValue {
        let message =
            switch end {
            case .approved(let who, _): "approved by \(who)"
            case .withdrawn(let who, _): "withdrawn by \(who); nothing was done"
            case nil where held != nil && now < until:
                "approved by \(held?.approvedBy ?? ""), and it could not begin: \(held?.why ?? ""). An admin may begin it until \(until.rfc3339)."
            case nil where now < until:
                "waits for a second person until \(until.rfc3339). This console alone knows of it: if it restarts, propose it again."
            case nil: held == nil ? "nobody approved it in time; nothing was done" : "nobody began it in time; nothing was done"
            }
        let endedAt: Moment? =
            switch end {
            case .approved(_, let at), .withdrawn(_, let at): at
            case nil: now < until ? nil : until
            }
        let isCanary = if case .replay(_, true, _, _) = action { true } else { false }
        let proposed: [(String, JSONValue?)] = [
            ("letter", letters.count == 1 ? .string(letters[0].description) : nil),
            ("letters", .array(letters.prefix(100).map { .string($0.description) })),
            ("differences", differences.map(LetterView.differences)), ("dryRun", dryRun), ("approvedBy", .text(held?.approvedBy)),
        ]
        let run = RunView(
            id: id, action: action.kind, by: by.name, note: note, startedAt: at, endedAt: endedAt, state: state(at: now),
            total: letters.count, message: message, isCanary: isCanary, more: proposed + order)
        return run.json
    }

    /// What was ordered: all of it is approved.
    private var order: [(String, JSONValue?)] {
        guard case .replay(let correction, _, let rate, let consent) = action else { return [] }
        let patch: JSONValue? = if case .patch(let patch)? = correction { patch.json } else { nil }
        return [
            ("patch", patch), ("rerun", .bool(correction == .rerun)), ("rate", .integer(Int64(rate))),
            ("crmConsent", .bool(consent.ofCRM)), ("acceptSkips", .bool(consent.toSkips)),
        ]
    }
}
