extension Recovery {
    /// A step of a recovery that FlexFactor must do at most once.
    package enum KeyedStep: Sendable, Equatable {
        /// A sync retry posts its order several times; each post is a request of its own (facts/flexfactor-api.md §8).
        case evaluate(post: Int)
        case capture(post: Int)

        var word: String {
            switch self {
            case .evaluate(1): "evaluate"
            case .evaluate(let post): "evaluate/\(post)"
            case .capture(1): "capture"
            case .capture(let post): "capture/\(post)"
            }
        }
    }

    /// The same recovery and step give the same key on every pod and at every repeat (messages.md, "Recovery reference").
    package func idempotencyKey(of step: KeyedStep) -> UUID5 { Self.idempotencyKey(of: step, for: reference) }

    /// The same, for whoever has the reference alone.
    package static func idempotencyKey(of step: KeyedStep, for reference: RecoveryReference) -> UUID5 {
        UUID5(namespace: keyNamespace, of: reference.text, "/", step.word)
    }

    /// Ours alone; any fixed value does, and changing it would make repeats of running recoveries look new.
    private static let keyNamespace = UUID5(high: 0x2f6c_0b7e_51d9_4a83, low: 0x9c1e_7d40_8ab3_65f2)
}
