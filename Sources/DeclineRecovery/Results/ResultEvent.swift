/// What the CRM receives about a recovery (messages.md, "Result event").
///
/// Its id is derived from the recovery and the kind, so every repeat of a result has the same id and the CRM can drop it.
/// Kind, success and action follow from the reason and the order: a result cannot contradict itself.
public struct ResultEvent: Sendable, Equatable {
    public let subject: Subject
    public let merchantID: MerchantID?
    public let reason: ResultReason
    public let faults: [FieldError]
    public let verdict: DeclineVerdict?
    public let gatewayID: GatewayID?
    public let flexFactorOrderID: FlexFactorOrderID?
    public let amount: Money?
    /// Calls made to FlexFactor.
    public let attempts: Int
    public let occurredAt: Moment

    /// What the result is about.
    public enum Subject: Sendable, Equatable {
        case recovery(RecoveryReference, RecoveredOrder)
        /// An event so faulty that it names no recovery; what of it could be read.
        case event(id: String, orderID: String?)
    }

    public init(
        subject: Subject, merchantID: MerchantID?, reason: ResultReason, faults: [FieldError] = [], verdict: DeclineVerdict? = nil,
        gatewayID: GatewayID? = nil, flexFactorOrderID: FlexFactorOrderID? = nil, amount: Money? = nil, attempts: Int = 0, occurredAt: Moment
    ) {
        self.subject = subject
        self.merchantID = merchantID
        self.reason = reason
        self.faults = faults
        self.verdict = verdict
        self.gatewayID = gatewayID
        self.flexFactorOrderID = flexFactorOrderID
        self.amount = amount
        self.attempts = attempts
        self.occurredAt = occurredAt
    }

    public var kind: ResultKind { reason.kind }

    /// `<reference>/<kind>`; for an event that names no recovery `event:<event id>/<kind>`.
    public var id: String {
        switch subject {
        case .recovery(let reference, _): "\(reference.text)/\(kind.rawValue)"
        case .event(let id, _): "event:\(id)/\(kind.rawValue)"
        }
    }

    public var orderType: OrderType? {
        switch subject {
        case .recovery(_, let order): order.type
        case .event: nil
        }
    }

    /// What the CRM is to do.
    public var action: CRMAction {
        switch subject {
        case .recovery(_, let order): CRMAction(after: kind, of: order)
        case .event: CRMAction(after: kind, of: nil)
        }
    }
}
