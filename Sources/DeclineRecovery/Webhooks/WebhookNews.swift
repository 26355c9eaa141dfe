/// What a gateway's FlexFactor reports by webhook (facts/flexfactor-api.md §11), after its signature was checked.
public struct WebhookNews: Sendable, Equatable {
    public static let type = "com.salvage.webhook.v1"

    public let merchantID: MerchantID
    public let gatewayID: GatewayID
    public let event: Event
    /// FlexFactor's `ExternalOrderId`, read back; `nil` where it is none of our references.
    public let reference: RecoveryReference?
    public let orderID: FlexFactorOrderID?
    public let isResent: Bool
    public let receivedAt: Moment
    /// News of a closed order waits once, until every pod knows of a cancel command that came before.
    public var hasWaited: Bool

    public enum Event: Hashable, Sendable {
        case completed, cancelled, expired, refunded, captureRequired, chargeback
        /// Every other event, new ones included: kept in the journal, and nothing else.
        case other(String)

        public init(word: String) {
            self = switch word.lowercased() {
            case "order.completed": .completed
            case "order.cancelled": .cancelled
            case "order.expired": .expired
            case "order.refunded": .refunded
            case "order.capturerequired": .captureRequired
            case "payment.chargeback.received": .chargeback
            default: .other(word)
            }
        }

        public var word: String {
            switch self {
            case .completed: "order.completed"
            case .cancelled: "order.cancelled"
            case .expired: "order.expired"
            case .refunded: "order.refunded"
            case .captureRequired: "order.capturerequired"
            case .chargeback: "payment.chargeback.received"
            case .other(let word): word
            }
        }
    }

    public init(
        merchantID: MerchantID, gatewayID: GatewayID, event: Event, reference: RecoveryReference?, orderID: FlexFactorOrderID?,
        isResent: Bool = false, receivedAt: Moment, hasWaited: Bool = false
    ) {
        self.merchantID = merchantID
        self.gatewayID = gatewayID
        self.event = event
        self.reference = reference
        self.orderID = orderID
        self.isResent = isResent
        self.receivedAt = receivedAt
        self.hasWaited = hasWaited
    }

    /// What follows from the news.
    public enum Step: Sendable, Equatable {
        case tell(RecoveryReference, ResultReason)
        /// Look again after `RecoveryTiming.settle`.
        case wait
        case ignore(Ignored)
    }

    public enum Ignored: String, Sendable, CaseIterable {
        /// The order is not one of ours.
        case foreignOrder = "foreign_order"
        /// The recovery itself asks FlexFactor and tells how it ended.
        case decidedByLook = "decided_by_look"
        /// The gateway's configuration wants no chargebacks.
        case chargebacksOff = "chargebacks_off"
        case informational
    }

    /// - Parameter isCancelRequested: whether the CRM's cancel command for the recovery is known.
    public func step(gateway: FlexFactorGateway?, isCancelRequested: Bool) -> Step {
        guard let reference else { return .ignore(.foreignOrder) }
        switch event {
        case .completed: return .tell(reference, .approved(.notified))
        case .refunded: return .tell(reference, .refunded)
        case .chargeback: return gateway?.includeChargebacks == true ? .tell(reference, .chargeback) : .ignore(.chargebacksOff)
        case .captureRequired, .other: return .ignore(.informational)
        case .cancelled, .expired:
            // A cascade answers by itself; a sync retry may post its order again.
            guard reference.kind.isRetry, gateway?.mitMode == .managed else { return .ignore(.decidedByLook) }
            if isCancelRequested { return .tell(reference, .cancelled) }
            return hasWaited ? .tell(reference, .expired(event == .expired ? .atExpiry : .closed)) : .wait
        }
    }
}
