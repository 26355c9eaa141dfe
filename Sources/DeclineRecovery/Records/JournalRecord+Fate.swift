extension JournalRecord {
    /// What became of a message in one word.
    ///
    /// Who reads the journal switches over all of them, so a new one is counted and told everywhere or does not compile.
    package enum Fate: Sendable, Hashable {
        case passed, told, parked, deadLettered, rejected, ignored
        /// The word of a newer version: shown as it is, and counted by its own name.
        case foreign(String)

        /// Those that this version writes.
        package static let known: [Fate] = [.passed, .told, .parked, .deadLettered, .rejected, .ignored]

        package init(_ word: String) {
            self = Self.known.first { $0.word == word } ?? .foreign(word)
        }

        /// As it stands in the journal and in metrics.
        package var word: String {
            switch self {
            case .passed: "passed"
            case .told: "told"
            case .parked: "parked"
            case .deadLettered: "dead_lettered"
            case .rejected: "rejected"
            case .ignored: "ignored"
            case .foreign(let word): word
            }
        }

        /// A letter was written, which is an end until somebody takes it up.
        package var isLetter: Bool {
            switch self {
            case .deadLettered, .rejected: true
            case .passed, .told, .parked, .ignored, .foreign: false
            }
        }
    }
}
