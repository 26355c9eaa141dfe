import DeclineRecovery
import JSON

extension LetterAction.Kind {
    /// Who may ask for it.
    var role: ConsoleRole { self == .discard ? .admin : .operator }
}

/// What a person is offered to do with some letters: each act with how many take it and what will happen, or with why it is not offered. The
/// page shows this and knows no rule of its own.
struct LetterOffers {
    let letters: [LetterSummary]
    let role: ConsoleRole
    /// Whether FlexFactor can be asked.
    let canReconcile: Bool
    /// Everything that matches is meant: those whose state speaks against an act are not meant by it.
    var isFiltered = false

    var json: JSONValue { .array(LetterAction.Kind.allCases.compactMap { offer($0) }) }

    /// - Parameter isCorrected: of a replay that brings a correction.
    /// - Returns: `nil` where nobody would look for it.
    func offer(_ action: LetterAction.Kind, isCorrected: Bool = false) -> JSONValue? {
        let letters = isFiltered ? letters.filter { action.states.contains($0.state) } : letters
        let (taken, others) = letters.split { action.refusal(of: $0, isCorrected: isCorrected) }
        let reasons = Dictionary(others.map { ($0.1, 1) }, uniquingKeysWith: +).sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard let why = barrier(action, isCorrected) ?? (taken.isEmpty ? reasons.first?.key : nil) else {
            return letters.isEmpty ? nil : offer(action, taken, leftOut: reasons)
        }
        guard isCorrected || letters.contains(where: action.isMissed) else { return nil }
        return .object(of: [("action", .string(action.rawValue)), ("why", .string(why)), ("takes", .integer(0))])
    }

    /// Why this person cannot have it done, whatever the letters.
    private func barrier(_ action: LetterAction.Kind, _ isCorrected: Bool) -> String? {
        let needed = isCorrected ? .admin : action.role
        if !role.includes(needed) { return "needs the role \(needed.rawValue); yours is \(role.rawValue)" }
        if action == .reconcile, !canReconcile { return "FlexFactor cannot be asked: the console has no configuration" }
        return nil
    }

    private func offer(_ action: LetterAction.Kind, _ taken: [LetterSummary], leftOut reasons: [(key: String, value: Int)]) -> JSONValue {
        let count = taken.count
        func number(_ isMeant: (LetterSummary) -> Bool) -> JSONValue { .integer(Int64(taken.count(where: isMeant))) }
        let rest = reasons.dropFirst(5).reduce(0) { $0 + $1.value }
        let told = reasons.prefix(5) + (rest > 0 ? [("there are other reasons", rest)] : [])
        return .object(of: [
            ("action", .string(action.rawValue)), ("takes", .integer(Int64(count))), ("needsNote", .bool(action.needsNote)),
            ("consequence", .string(action.consequence(of: count, onlyResults: taken.allSatisfy { $0.stage == .unrouted }))),
            ("caution", .text(action.caution(of: taken.count { $0.state == .replayed }, among: count))),
            ("needCrmConsent", number { action == .replay && $0.reason.needsCRMConsent }),
            ("inDoubt", number { (action == .resolve || action == .discard) && $0.handling == .reconcile }),
            (
                "leftOut",
                .array(told.map { .object(of: [("why", .string($0.0)), ("count", .integer(Int64($0.1)))]) })
            ),
            ("letters", isFiltered ? nil : .array(taken.map { .string($0.id.description) })),
        ])
    }
}

extension ConsoleAPI {
    func offers(_ letters: [LetterSummary], for person: ConsoleRequest.Person, isFiltered: Bool = false) -> LetterOffers {
        LetterOffers(letters: letters, role: person.role, canReconcile: tools.reconciler != nil, isFiltered: isFiltered)
    }

    /// What may be done with the letters that somebody chose: with `action`, of that alone. Changes nothing.
    func actions(_ request: ConsoleRequest) async throws(ConsoleError) -> JSONValue {
        try request.body.allow(["action", "letters", "filter"])
        let selection = try selection(request.body)
        let letters: [LetterSummary]
        do throws(BrokerFailure) { letters = try await store.letters(of: selection) } catch { throw .broker(error) }
        let isFiltered = if case .filter = selection { true } else { false }
        let offers = offers(letters, for: request.person, isFiltered: isFiltered)
        guard let word = try request.body.text("action") else { return .object(of: [("actions", offers.json)]) }
        let offer = try offers.offer(action(word))
        return .object(of: [("actions", .array(offer.map { [$0] } ?? []))])
    }

    func action(_ word: String?) throws(ConsoleError) -> LetterAction.Kind {
        guard let action = word.flatMap(LetterAction.Kind.init) else {
            throw .unexpected("action", word, expected: "replay, reconcile, discard, restore or resolve")
        }
        return action
    }
}
