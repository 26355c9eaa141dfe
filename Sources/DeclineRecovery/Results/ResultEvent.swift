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
    public let origin: DeclineOrigin
    /// What tells apart two results of one kind: refunds of one order, each its own.
    public let distinction: String?
    /// Of a refund: something of the sale is left.
    public let isPartial: Bool

    /// What the result is about.
    public enum Subject: Sendable, Equatable {
        case recovery(RecoveryReference, RecoveredOrder)
        /// An event so faulty that it names no recovery; what of it could be read.
        case event(id: String, orderID: String?, OrderType? = nil)
        /// A command of the CRM, and what it names: the answer speaks of the command, and ends no recovery.
        case command(id: String, RecoveryReference? = nil, orderID: String? = nil, OrderType? = nil)
    }

    public init(
        subject: Subject, merchantID: MerchantID?, reason: ResultReason, faults: [FieldError] = [], verdict: DeclineVerdict? = nil,
        gatewayID: GatewayID? = nil, flexFactorOrderID: FlexFactorOrderID? = nil, amount: Money? = nil, attempts: Int = 0, occurredAt: Moment,
        origin: DeclineOrigin = DeclineOrigin(), distinction: String? = nil, isPartial: Bool = false
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
        self.origin = origin
        self.distinction = distinction
        self.isPartial = isPartial
    }

    public var kind: ResultKind { reason.kind }

    /// Whether it is the recovery's last word, or that of an event that became none. After it only what happens to the money is told.
    public var isFinal: Bool {
        if case .command = subject { false } else { kind.isFinal }
    }

    /// `<reference>/<kind>`, and for refunds and chargebacks `/<what tells them apart>` behind it; for an event that names no recovery `event:<event id>/<kind>`, and the like for a command. One command may
    /// name several recoveries, so its answer's id names the one that it speaks of.
    public var id: String {
        switch subject {
        case .recovery(let reference, _): "\(reference.text)/\(kind.rawValue)" + (distinction.map { "/" + $0 } ?? "")
        case .event(let id, _, _): "event:\(id)/\(kind.rawValue)"
        case .command(let id, let reference, _, _): "command:\(id)/" + (reference.map { $0.text + "/" } ?? "") + kind.rawValue
        }
    }

    public var orderType: OrderType? {
        switch subject {
        case .recovery(_, let order): order.type
        case .event(_, _, let type): type
        case .command(_, let reference, _, let type): type ?? reference?.kind.orderType
        }
    }

    /// Why the decline was sent; the kind of a recovery says it as well.
    public var trigger: TriggerWord? {
        if let trigger = origin.trigger { return trigger }
        return if case .recovery(let reference, _) = subject { TriggerWord(reference.kind) } else { nil }
    }

    /// What the CRM is to do.
    public var action: CRMAction {
        switch subject {
        case .recovery where kind == .refunded && isPartial: .recordRefund
        case .recovery(_, let order): CRMAction(after: kind, of: order)
        case .event, .command: CRMAction(after: kind, of: nil)
        }
    }
}
