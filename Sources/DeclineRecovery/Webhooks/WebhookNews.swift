/// What a gateway's FlexFactor reports by webhook (facts/flexfactor-api.md §11), after its signature was checked.
///
/// A signature says who speaks, and not that it is so now: news may be late, of an earlier post, of somebody else's order, or of test mode.
/// So nothing is told before the order was looked at (`WebhookNews+Look.swift`).
package struct WebhookNews: Sendable, Equatable {
    package static let type = "com.salvage.webhook.v1"
    /// What tells news that no webhook brought: FlexFactor's daily list of orders shows it (truth.md §4).
    package static let listed = "listed"
    /// What tells that no webhook brought it: the order of a challenge is watched that was told as declined and stands open.
    static let watched = "watched"

    package private(set) var merchantID: MerchantID
    package private(set) var gatewayID: GatewayID
    package let event: Event
    /// FlexFactor's `ExternalOrderId`, read back; `nil` where it is none of our references.
    package let reference: RecoveryReference?
    /// The order has an external id that is none of ours: somebody else of the merchant's opened it.
    package let isForeign: Bool
    package private(set) var orderID: FlexFactorOrderID?
    package let isTestMode: Bool
    package let isResent: Bool
    /// Money back that says no id of its own, sent again with the time of its sending in the place of its own: by what tells it from others it
    /// looks like another.
    package let isRestamped: Bool
    /// What a refund or a chargeback takes back, in minor units, where the news says it.
    package let minorUnits: Int64?
    package let currency: Currency?
    /// The amount is written as a whole number: no document says whether of minor units or of the currency's.
    package let isBare: Bool
    /// What tells one refund of an order from another; the same in every copy of the news.
    package let distinction: String?
    package let receivedAt: Moment
    /// News of a closed order waits once, until every pod knows of a cancel command that came before.
    package var hasWaited: Bool
    /// How often the order was looked at in vain.
    package var looks: Int
    /// Of money back: that it was taken is told before, or told again. By the claims alone whoever comes behind a death would take it for told.
    package var tellsTaken: Bool

    package var isListed: Bool { distinction == Self.listed }
    package var isWatched: Bool { distinction == Self.watched }

    package enum Event: Hashable, Sendable {
        case completed, cancelled, expired, refunded, captureRequired, chargeback
        /// Every other event, new ones included: kept in the journal, and nothing else.
        case other(String)

        init(word: String) {
            self =
                switch word.lowercased() {
                case "order.completed": .completed
                case "order.cancelled": .cancelled
                case "order.expired": .expired
                case "order.refunded": .refunded
                case "order.capturerequired": .captureRequired
                case "payment.chargeback.received": .chargeback
                default: .other(word)
                }
        }

        package var word: String {
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

    package init(
        merchantID: MerchantID, gatewayID: GatewayID, event: Event, reference: RecoveryReference?, isForeign: Bool = false,
        orderID: FlexFactorOrderID?, isTestMode: Bool = false, isResent: Bool = false, isRestamped: Bool = false,
        minorUnits: Int64? = nil, currency: Currency? = nil, isBare: Bool = false, distinction: String? = nil, receivedAt: Moment,
        hasWaited: Bool = false, looks: Int = 0, tellsTaken: Bool = false
    ) {
        self.merchantID = merchantID
        self.gatewayID = gatewayID
        self.event = event
        self.reference = reference
        self.isForeign = isForeign
        self.orderID = orderID
        self.isTestMode = isTestMode
        self.isResent = isResent
        self.isRestamped = isRestamped
        self.minorUnits = minorUnits
        self.currency = currency
        self.isBare = isBare
        self.distinction = distinction
        self.receivedAt = receivedAt
        self.hasWaited = hasWaited
        self.looks = looks
        self.tellsTaken = tellsTaken
    }

    /// To look whether the customer solves a challenge after all.
    package init(watching orderID: FlexFactorOrderID, of recovery: Recovery, since told: Moment) {
        self.init(
            merchantID: recovery.merchantID, gatewayID: recovery.gatewayID, event: .completed, reference: recovery.reference,
            orderID: orderID, distinction: Self.watched, receivedAt: told)
    }

    /// The same news, which did not say the order, of the one that is known to be its recovery's.
    package func of(_ orderID: FlexFactorOrderID) -> WebhookNews {
        var news = self
        news.orderID = orderID
        return news
    }

    /// The same news, for another gateway to decide on.
    package func addressed(to merchantID: MerchantID, _ gatewayID: GatewayID) -> WebhookNews {
        var news = self
        (news.merchantID, news.gatewayID) = (merchantID, gatewayID)
        return news
    }
}
