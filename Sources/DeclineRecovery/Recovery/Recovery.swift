/// The attempt to salvage one decline, from acceptance to its one final result: everything the next step needs, and nothing else.
///
/// The message is the state: this value travels in the work envelope, so any pod can take any next step. Its life is a pure state
/// machine. `nextCall(now:)` says which FlexFactor call to make; `learned(_:now:timing:)` takes what came back, "no idea whether it
/// arrived" included, and says where to stop. Neither does anything itself.
///
/// The rule that everything here serves: a recovery concludes as a failure only when it is known that no money moved and that none
/// will. What is not known is asked of FlexFactor until it is (behaviour.md §5).
public struct Recovery: Sendable, Equatable {
    public let merchantID: MerchantID
    /// The FlexFactor gateway that is to take the money.
    public let gatewayID: GatewayID
    public let route: RecoveryRoute
    public let charge: Charge
    public let order: RecoveredOrder
    public let verdict: DeclineVerdict
    /// Where to answer at once, beside the result event.
    public let reply: ReplyAddress?
    public internal(set) var phase: RecoveryPhase
    /// Calls made so far for this recovery; counted here and never read from broker headers.
    public internal(set) var attempts: Int

    public init(
        merchantID: MerchantID, gatewayID: GatewayID, route: RecoveryRoute, charge: Charge, order: RecoveredOrder, verdict: DeclineVerdict,
        reply: ReplyAddress?, phase: RecoveryPhase = .due, attempts: Int = 0
    ) {
        self.merchantID = merchantID
        self.gatewayID = gatewayID
        self.route = route
        self.charge = charge
        self.order = order
        self.verdict = verdict
        self.reply = reply
        self.phase = phase
        self.attempts = attempts
    }

    public var reference: RecoveryReference { charge.reference }
}

/// How a recovery is made, with what only that way has.
public enum RecoveryRoute: Sendable, Equatable {
    /// An instant answer; no new charge is started after the deadline.
    case cascade(deadline: Moment)
    /// Handed to FlexFactor, at the latest until then.
    case retry(MITMode, until: Moment)

    public var word: String {
        switch self {
        case .cascade: "cascade"
        case .retry: "retry"
        }
    }
}

/// What a result must say of the order, beside what the reference holds.
public struct RecoveredOrder: Sendable, Equatable {
    public let id: String
    public let type: OrderType
    public let trialCompletion: Bool
    public let hasRecurringProducts: Bool
    public let purchaseID: String?
    public let billingCycle: Int?
    /// The gateway that declined: where later billing goes back to.
    public let declinedGatewayID: GatewayID

    public init(
        id: String, type: OrderType, trialCompletion: Bool, hasRecurringProducts: Bool, purchaseID: String?, billingCycle: Int?,
        declinedGatewayID: GatewayID
    ) {
        self.id = id
        self.type = type
        self.trialCompletion = trialCompletion
        self.hasRecurringProducts = hasRecurringProducts
        self.purchaseID = purchaseID
        self.billingCycle = billingCycle
        self.declinedGatewayID = declinedGatewayID
    }

    public init(_ event: DeclineEvent) {
        self.init(
            id: event.order.id, type: event.order.type, trialCompletion: event.order.trialCompletion,
            hasRecurringProducts: event.order.hasRecurringProducts, purchaseID: event.order.purchaseID,
            billingCycle: event.order.billingCycle, declinedGatewayID: event.decline.gatewayID)
    }
}

/// What decline mapping decided, as results and letters tell it.
public struct DeclineVerdict: Sendable, Equatable {
    public let declineClass: DeclineClass
    /// The stable code of the rule that decided, e.g. `table:nmi/202`.
    public let rule: String

    public init(declineClass: DeclineClass, rule: String) {
        self.declineClass = declineClass
        self.rule = rule
    }
}

/// The queue on which the CRM waits for this answer, from the decline's `reply_to` and `correlation_id`.
public struct ReplyAddress: Sendable, Equatable {
    public let queue: String
    public let correlationID: String?

    public init(queue: String, correlationID: String?) {
        self.queue = queue
        self.correlationID = correlationID
    }
}

/// What is known of the charge.
public enum RecoveryPhase: Sendable, Equatable {
    /// No request has been sent, as far as this message knows.
    case due
    /// A request may have reached FlexFactor. It is repeated with the same key while the deadline allows.
    case unanswered
    /// FlexFactor authorised the charge and waits for the capture.
    case capturing(FlexFactorOrderID)
    /// Nothing more is charged; FlexFactor is asked what became of the order.
    case reconciling(FlexFactorOrderID?, ReconciliationStep)

    /// Whether a request may have reached FlexFactor.
    public var mayBeCharged: Bool { self != .due }
}

public enum ReconciliationStep: String, Sendable, CaseIterable {
    case look, cancel
}

/// The spans a recovery's life is measured by.
public struct RecoveryTiming: Sendable, Equatable {
    /// After a cascade's deadline, how long FlexFactor may still be working on a request that nobody waits for any more.
    /// Only then does "no such order" mean that there will be none.
    public let settle: Moment.Span
    /// How long a recovery whose outcome stays unknown is reconciled before a person must look.
    public let reconcileFor: Moment.Span

    public init(settle: Moment.Span = .seconds(120), reconcileFor: Moment.Span = .days(1)) {
        self.settle = settle
        self.reconcileFor = reconcileFor
    }
}

extension RecoveryPhase {
    /// The phase in one word, for envelopes and logs.
    public var word: String {
        switch self {
        case .due: "due"
        case .unanswered: "unanswered"
        case .capturing: "capturing"
        case .reconciling: "reconciling"
        }
    }
}
