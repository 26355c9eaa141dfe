/// One call to FlexFactor that a recovery wants made next, complete: whoever carries it out adds keys and transport, and decides nothing.
package enum FlexFactorCall: Sendable, Equatable {
    /// Asks FlexFactor to take the money. A repeat of one attempt has the same key and the same bytes, so that it charges once.
    case evaluate(Charge, idempotencyKey: UUID5)
    /// Asks again for the answer to a request that FlexFactor is known to have: the same key and the same bytes, within the time that
    /// keys live. It takes no money.
    case recall(Charge, idempotencyKey: UUID5)
    /// Looks for an order that echoes our reference, when its FlexFactor id is not known; also among those placed since a moment.
    case find(RecoveryReference, since: Moment? = nil)
    case lookUp(FlexFactorOrderID)
    case cancel(FlexFactorOrderID)
    /// Cancels by our reference, when the FlexFactor id is not known.
    case cancelByReference(RecoveryReference)
    case capture(FlexFactorOrderID, Money, idempotencyKey: UUID5)
    /// Gives money back. No key makes a repeat of it one.
    case refund(FlexFactorOrderID, Money)
}

extension FlexFactorCall {
    /// Whether it is a request that can take money.
    package var takesMoney: Bool {
        switch self {
        case .evaluate, .capture: true
        case .find, .lookUp, .cancel, .cancelByReference, .recall, .refund: false
        }
    }

    /// Whether it says an amount, in which it takes money or has asked for it before.
    package var saysAmount: Bool { if case .recall = self { true } else { takesMoney } }

    /// Whether it has FlexFactor give an order up, which may void what is paid.
    package var cancels: Bool {
        switch self {
        case .cancel, .cancelByReference: true
        case .evaluate, .recall, .find, .lookUp, .capture, .refund: false
        }
    }
}
