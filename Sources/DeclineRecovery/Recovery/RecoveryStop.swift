/// What a recovery wants done.
package enum RecoveryStep: Sendable, Equatable {
    case call(FlexFactorCall)
    /// Open the sealed card of a charge and exchange it for FlexFactor's token of it.
    case tokenize(SealedCard, Charge)
    case stop(RecoveryStop)
}

/// Where a recovery stops after a call: a value, which the stage carries out.
package enum RecoveryStop: Sendable, Equatable {
    /// Put the recovery away, as it is now, until then.
    case park(until: Moment)
    /// Publish the recovery, as it is now, to its own stage at once: what it has just learned must outlive a crash.
    case advance
    /// FlexFactor has taken a retry on: tell the CRM so, and put the recovery away until then.
    case submitted(FlexFactorOrderID?, until: Moment)
    /// It is known how it ended: tell the CRM.
    case conclude(RecoveryOutcome)
    /// The charge cannot be made as it stands: tell the CRM and keep a dead letter.
    case refuse(Refusal, [FieldError])
    /// FlexFactor could not be reached so often that it is given up, and nothing was sent: tell the CRM and keep a dead letter.
    case spend
    /// A person must look: keep a dead letter, and tell the CRM nothing that is not known.
    case giveUp(GiveUpReason)

    package enum Refusal: Sendable, Equatable {
        /// FlexFactor refuses the request, with this status.
        case byFlexFactor(status: Int)
        /// The sealed card cannot be opened, or holds no card.
        case cardUnusable
    }

    /// Whether nothing more comes of its message.
    var leavesIt: Bool {
        switch self {
        case .refuse, .giveUp: true
        case .park, .advance, .submitted, .conclude, .spend: false
        }
    }
}

/// How a recovery ended, and how that is known.
package enum RecoveryOutcome: Sendable, Equatable {
    case approved(Approval, FlexFactorOrderID?)
    case declined(Refusal, FlexFactorOrderID?)
    /// FlexFactor could not be asked, and no byte of the request left.
    case unavailable
    /// The gateway's configuration lacks what the call needs, or FlexFactor refuses its keys; no charge was sent.
    case misconfigured
    /// The deadline of a cascade passed, and FlexFactor has no such order.
    case neverArrived
    /// A retry is over without the money.
    case expired(Expiry, FlexFactorOrderID?)
    /// The CRM stopped a retry, and no money was taken.
    case cancelled(FlexFactorOrderID?)

    package enum Approval: String, Sendable, CaseIterable {
        /// `evaluate` said so.
        case answered
        /// It was authorised, and we captured it.
        case captured
        /// No answer came; the order was looked up.
        case reconciled
        /// A look at a submitted order found it paid.
        case polled
        /// FlexFactor's webhook said so.
        case notified
    }

    /// Why a retry is over. One kind of result for all of them: FlexFactor's order says "cancelled" for each.
    package enum Expiry: String, Sendable, CaseIterable {
        /// Its days are over.
        case atExpiry
        /// The order was closed, by FlexFactor before its days were over, or by us at their end.
        case closed
        /// FlexFactor never had the order.
        case neverArrived
    }

    package enum Refusal: String, Sendable, CaseIterable {
        case byFlexFactor
        /// FlexFactor wants the customer to prove something, and no customer is there.
        case challenge
        case cancelled
        case expired
        /// No answer came; the order was looked up, and is cancelled: by FlexFactor, or by us after the deadline.
        case reconciled
    }
}

package enum GiveUpReason: String, Sendable, CaseIterable {
    /// FlexFactor could not tell for `RecoveryTiming.reconcileFor` whether it took the money.
    case outcomeUnknown = "outcome_unknown"
    /// FlexFactor knows our idempotency key with other content: two different charges went out for one recovery.
    case keyConflict = "key_conflict"

    package var sentence: String {
        switch self {
        case .outcomeUnknown: "FlexFactor could not tell in time whether it took the money."
        case .keyConflict: "FlexFactor has our idempotency key with other content (409): two different charges went out under it."
        }
    }
}

extension RecoveryOutcome {
    /// FlexFactor's id of the order, where there is one.
    package var orderID: FlexFactorOrderID? {
        switch self {
        case .approved(_, let id), .declined(_, let id), .expired(_, let id), .cancelled(let id): id
        case .unavailable, .misconfigured, .neverArrived: nil
        }
    }
}

extension DeadLetterReason {
    package init(_ reason: GiveUpReason) {
        self =
            switch reason {
            case .outcomeUnknown, .keyConflict: .outcomeUnknown
            }
    }
}
