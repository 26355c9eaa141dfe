import DeclineRecovery

/// What a record of the journal says of its recovery. It is decided here, once, for all who count, list or tell: sums, the overview, an
/// order's story.
enum JournalStep: Equatable {
    /// A decline was taken in and goes to FlexFactor.
    case begun
    /// It goes on, and waits where that is known.
    case goesOn(Wait?)
    /// A letter was written, which is an end until somebody takes it up.
    ///
    /// - Parameter isUnsent: FlexFactor could not be reached, and nothing was sent.
    case fallen(isUnsent: Bool)
    /// The CRM was told of an end, or of money that went back.
    case told(ToldMoney)
    /// Nothing: it is about a command or news beside the recovery, or of no consequence.
    case nothing

    struct Wait: Equatable {
        let phase: String
        let until: Moment?
    }

    /// Letters of a command, beside the recovery that it is about.
    fileprivate static let lettersOfCommands = [DeadLetterReason.cancelFailed.rawValue, DeadLetterReason.refundUnknown.rawValue]
}

extension JournalRecord {
    var step: JournalStep {
        switch fate {
        // A command passes intake with its recovery's reference, and is no decline.
        case .passed where stage == .intake: rule != nil || declineCode != nil ? .begun : .nothing
        case .passed: isOfCommand ? .nothing : .goesOn(nil)
        // News and commands wait as well, beside the recovery that they are about.
        case .parked: stage == .outcomes || isOfCommand ? .nothing : .goesOn(.init(phase: detail, until: until))
        case .deadLettered, .rejected:
            if stage == .intake || stage == .outcomes || JournalStep.lettersOfCommands.contains(detail) {
                .nothing
            } else {
                .fallen(isUnsent: detail == DeadLetterReason.attemptsSpent.rawValue)
            }
        case .told: otherForm == nil ? told : repeated
        // What intake passes on to nobody was not begun there.
        case .ignored: otherForm == nil || stage == .intake ? .nothing : repeated
        case .foreign: .nothing
        }
    }

    /// Cancels and refunds pass the stage of the retries by the reference of the recovery that they are about. Of a recovery itself each record
    /// there names what is to be recovered.
    private var isOfCommand: Bool {
        detail == "cancelling" || detail.hasPrefix("refund ") || stage == .retry && amount == nil && declinedAt == nil
    }

    /// The decline counts under the name of its other form. To this one it is a second decline of a debt that is being recovered.
    private var repeated: JournalStep { .told(ToldMoney(.skipped, reason: reason, becomes: nil)) }

    private var told: JournalStep {
        let told = ToldMoney(ResultKind(rawValue: detail), reason: reason, becomes: becomes)
        return switch told.makesTrue {
        case .submitted: .goesOn(until.map { .init(phase: "submitted", until: $0) })
        // An event that was refused is none; nor is its refusal, told once more, the end of a recovery of that name.
        case .rejected: stage == .intake ? .nothing : .told(told)
        case .approved, .declined, .expired, .cancelled, .skipped, .refunded, .chargeback: .told(told)
        case .correction, .unresolved, .nothingToCancel, .refundFailed, nil: .nothing
        }
    }
}
