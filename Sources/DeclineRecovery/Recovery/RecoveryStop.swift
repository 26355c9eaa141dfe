/// Where a recovery stops after a call: a value, which the stage carries out.
public enum RecoveryStop: Sendable, Equatable {
    /// Put the recovery away, as it is now, until then.
    case park(until: Moment)
    /// It is known how it ended: tell the CRM.
    case conclude(RecoveryOutcome)
    /// FlexFactor refuses the request as it stands: tell the CRM and keep a dead letter.
    case refuse(status: Int, [FieldError])
    /// A person must look: keep a dead letter, and tell the CRM nothing that is not known.
    case giveUp(GiveUpReason)
}

/// How a cascade ended, and how that is known.
public enum RecoveryOutcome: Sendable, Equatable {
    case approved(Approval, FlexFactorOrderID?)
    case declined(Refusal, FlexFactorOrderID?)
    /// FlexFactor could not be asked, and no byte of the request left.
    case unavailable(CallFailure.NotSent)
    /// The deadline passed, and FlexFactor has no such order.
    case neverArrived

    public enum Approval: String, Sendable, CaseIterable {
        /// `evaluate` said so.
        case answered
        /// It was authorised, and we captured it.
        case captured
        /// No answer came; the order was looked up.
        case reconciled
    }

    public enum Refusal: String, Sendable, CaseIterable {
        case byFlexFactor
        /// FlexFactor wants the customer to prove something, and no customer is there.
        case challenge
        case cancelled
        case expired
        /// No answer came; the order was looked up, and is cancelled: by FlexFactor, or by us after the deadline.
        case reconciled
    }
}

public enum GiveUpReason: String, Sendable, CaseIterable {
    /// FlexFactor could not tell for `RecoveryTiming.reconcileFor` whether it took the money.
    case outcomeUnknown = "outcome_unknown"
}

extension RecoveryOutcome {
    /// FlexFactor's id of the order, where there is one.
    public var orderID: FlexFactorOrderID? {
        switch self {
        case .approved(_, let id), .declined(_, let id): id
        case .unavailable, .neverArrived: nil
        }
    }
}

extension DeadLetterReason {
    public init(_ reason: GiveUpReason) {
        self = switch reason {
        case .outcomeUnknown: .outcomeUnknown
        }
    }
}
