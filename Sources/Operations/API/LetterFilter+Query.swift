import DeclineRecovery

extension LetterFilter {
    /// The members that are times, and all of them.
    static let times = ["since", "until"]
    static let names = ["state", "reason", "stage", "handling", "merchant", "gateway", "order", "text"] + times

    /// Reads a filter from texts by name; what is empty says nothing.
    init(_ text: (String) throws(ConsoleError) -> String?) throws(ConsoleError) {
        func given(_ name: String) throws(ConsoleError) -> String? { try text(name).flatMap { $0.isEmpty ? nil : $0 } }
        func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) throws(ConsoleError) -> Word?
        where Word.RawValue == String {
            guard let text = try given(name) else { return nil }
            guard let word = Word(rawValue: text) else {
                throw .unexpected(name, text, expected: "one of " + Word.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return word
        }
        func moment(_ name: String) throws(ConsoleError) -> Moment? {
            guard let text = try given(name) else { return nil }
            guard let milliseconds = Int64(text) else { throw .unexpected(name, text, expected: "milliseconds since 1970") }
            return Moment(milliseconds: milliseconds)
        }
        var states: Set<LetterState>?
        if let text = try given("state") {
            if text == "all" {
                states = Set(LetterState.allCases)
            } else {
                states = []
                for part in text.split(separator: ",") {
                    guard let state = LetterState(rawValue: String(part)) else {
                        let known = LetterState.allCases.map(\.rawValue).joined(separator: ", ")
                        throw .unexpected("state", String(part), expected: "all, or of \(known) with commas between")
                    }
                    states?.insert(state)
                }
                // The page's word for what is to be done.
                if states == [.open, .failedAgain] { states = nil }
            }
        }
        let (since, until) = (try moment("since"), try moment("until"))
        if let since, let until, since > until {
            throw .badRequest("since is after until: no letter can be meant.", "Give a since that is no later than until.")
        }
        self.init(
            states: states, reason: try word("reason", DeadLetterReason.self), stage: try word("stage", Stage.self),
            merchantID: try given("merchant").map(MerchantID.init(_:)), order: try given("order"),
            gatewayID: try given("gateway").map(GatewayID.init(_:)),
            since: since, until: until, text: try given("text"))
        handlings = try word("handling", LetterHandling.self).map { [$0] }
    }
}
