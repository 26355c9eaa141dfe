import DeclineRecovery
import JSON
import Pipeline

/// What a stage says to the CRM and to operators.
extension StageOutcome {
    /// The kinds of its results, in their order.
    var kinds: [ResultKind] { publishing.compactMap { if case .results(_, let kind) = $0.destination { kind } else { nil } } }

    var isTold: Bool { !kinds.isEmpty }

    func results() throws -> [JSONValue] {
        try publishing.compactMap { message in
            if case .results = message.destination { try JSONValue(parsing: message.body.span) } else { nil }
        }
    }

    var hasLetter: Bool { publishing.contains { $0.destination == .deadLetters } }
}
