package import DeclineRecovery

/// Which letters an order is about.
package enum LetterSelection: Sendable, Equatable {
    case letters([UUID5])
    case filter(LetterFilter)
    /// A run of replays that its process did not finish.
    case unfinished(run: UUID5)

    var isNew: Bool { if case .unfinished = self { false } else { true } }
}
