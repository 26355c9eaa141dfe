/// Which of the CRM's own things a result goes back to: what it needs to book the result without looking the order up.
///
/// Each part is absent where it is not known, as when only a webhook or an event full of faults is at hand.
package struct DeclineOrigin: Sendable, Equatable {
    /// The id of the decline event or of the command.
    package let eventID: String?
    package let trigger: TriggerWord?
    /// The charge that was declined, by the name that its gateway gave it.
    package let transactionID: String?

    package init(eventID: String? = nil, trigger: TriggerWord? = nil, transactionID: String? = nil) {
        self.eventID = eventID
        self.trigger = trigger
        self.transactionID = transactionID
    }

    package init(_ event: DeclineEvent) {
        self.init(eventID: event.id, trigger: TriggerWord(event.trigger), transactionID: event.decline.transactionID)
    }

    package var isUnknown: Bool { eventID == nil && trigger == nil && transactionID == nil }
}

/// Why a decline event was sent, in the word of the messages.
package enum TriggerWord: String, Sendable, CaseIterable {
    case initial, rerun, recycle

    package init(_ trigger: Trigger) {
        self =
            switch trigger {
            case .initial: .initial
            case .rerun: .rerun
            case .recycle: .recycle
            }
    }

    /// What the kind of a recovery says of the trigger.
    package init(_ kind: RecoveryReference.Kind) {
        self =
            switch kind {
            case .sale, .trialCompletion, .recurringCascade: .initial
            case .rerun, .trialCompletionRerun, .recurringRerun: .rerun
            case .recurring: .recycle
            }
    }
}
