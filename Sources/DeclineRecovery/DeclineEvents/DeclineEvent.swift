/// The CRM's message: this charge was declined, try to salvage it (messages.md, "Decline event"). Decoded and validated: every field has its form.
///
/// An object that never changes: as a value it would be copied text by text on its way.
package final class DeclineEvent: Sendable, Equatable {
    /// Unique per decline: a repeat with the same id is a repeat.
    package let id: String
    /// The CRM that sent it.
    package let source: String
    /// When the charge was declined.
    package let declinedAt: Moment
    package let merchantID: MerchantID
    package let trigger: Trigger
    package let order: Order
    package let decline: Decline
    package let amount: Money
    package let payer: Payer
    package let billing: Address
    package let shipping: Address?
    package let paymentMethod: PaymentMethod
    package let details: ChargeDetails
    /// What the reader left out or cut since it decides nothing, for the journal.
    package let notes: [FieldError]

    package init(
        id: String, source: String, declinedAt: Moment, merchantID: MerchantID, trigger: Trigger, order: Order, decline: Decline,
        amount: Money, payer: Payer, billing: Address, shipping: Address? = nil, paymentMethod: PaymentMethod,
        details: ChargeDetails = ChargeDetails(),
        notes: [FieldError] = []
    ) {
        self.id = id
        self.source = source
        self.declinedAt = declinedAt
        self.merchantID = merchantID
        self.trigger = trigger
        self.order = order
        self.decline = decline
        self.amount = amount
        self.payer = payer
        self.billing = billing
        self.shipping = shipping
        self.paymentMethod = paymentMethod
        self.details = details
        self.notes = notes
    }

    package static func == (one: DeclineEvent, other: DeclineEvent) -> Bool {
        one === other
            || one.id == other.id && one.source == other.source && one.declinedAt == other.declinedAt
                && one.merchantID == other.merchantID && one.trigger == other.trigger && one.order == other.order
                && one.decline == other.decline && one.amount == other.amount && one.payer == other.payer && one.billing == other.billing
                && one.shipping == other.shipping && one.paymentMethod == other.paymentMethod && one.details == other.details
                && one.notes == other.notes
    }
}

/// Why the CRM sent the decline, with what only that trigger has.
package enum Trigger: Sendable, Equatable {
    /// A live sale just declined; the customer is waiting.
    case initial
    /// Someone retries a declined sale, on the gateway or profile chosen.
    case rerun(RerunTarget)
    /// A rebill re-attempt is due; re-attempts count from 1.
    case recycle(reattempt: Int)

    package enum RerunTarget: Sendable, Equatable {
        case gateway(GatewayID)
        case gatewayProfile(GatewayProfileID)
    }

    /// The word in the messages.
    package var word: String { TriggerWord(self).rawValue }
}

package struct Order: Sendable, Equatable {
    package let id: String
    package let type: OrderType
    package let trialCompletion: Bool
    package let hasRecurringProducts: Bool
    let campaignID: CampaignID?
    package let purchaseID: String?
    /// Counts from 1; required for a recurring order.
    package let billingCycle: Int?
    /// Counts from 1; required for a rerun.
    package let rerunNumber: Int?
    /// As the CRM sent it; routing asks whether it is an IPv4 or IPv6 address.
    package let ipAddress: String?
    package let items: [Item]
    /// Tells apart what is charged on its own within one order, such as an upsell.
    package let chargeID: String?

    package struct Item: Sendable, Equatable {
        package let sku: String?
        package let name: String?
        /// Price of one, in minor units of the event's currency.
        package let amount: Int64?
        package let quantity: Int?
    }

    package init(
        id: String, type: OrderType, trialCompletion: Bool = false, hasRecurringProducts: Bool = false, campaignID: CampaignID? = nil,
        purchaseID: String? = nil, billingCycle: Int? = nil, rerunNumber: Int? = nil, ipAddress: String? = nil, items: [Item] = [],
        chargeID: String? = nil
    ) {
        self.id = id
        self.type = type
        self.trialCompletion = trialCompletion
        self.hasRecurringProducts = hasRecurringProducts
        self.campaignID = campaignID
        self.purchaseID = purchaseID
        self.billingCycle = billingCycle
        self.rerunNumber = rerunNumber
        self.ipAddress = ipAddress
        self.items = items
        self.chargeID = chargeID
    }
}

/// What the declining gateway said, raw: FlexFactor gets the codes unmapped.
///
/// An object that never changes: event, charge and journal hold it.
package final class Decline: Sendable, Equatable {
    /// The gateway that declined.
    package let gatewayID: GatewayID
    /// The ATRI gateway profile the order ran on, when it ran on one.
    let gatewayProfileID: GatewayProfileID?
    /// Whose code list `responseCode` belongs to (`nmi`, `stripe`, ...).
    package let responseCodeSource: String
    package let responseCode: String
    package let responseText: String?
    package let merchantAdviceCode: String?
    /// The issuer's or the network's own code, where the gateway passes it on.
    package let networkCode: String?
    /// The network it belongs to; where absent, the card's brand tells.
    package let network: String?
    package let avsResultCode: String?
    package let cvvResultCode: String?
    package let cavvResultCode: String?
    package let transactionID: String
    /// The CRM's own class, where it sends one (SOFT_DECLINE, HARD_DECLINE).
    package let crmClass: DeclineClass?

    package init(
        gatewayID: GatewayID, gatewayProfileID: GatewayProfileID? = nil, responseCodeSource: String, responseCode: String,
        responseText: String? = nil, merchantAdviceCode: String? = nil, networkCode: String? = nil, network: String? = nil,
        avsResultCode: String? = nil, cvvResultCode: String? = nil,
        cavvResultCode: String? = nil, transactionID: String, crmClass: DeclineClass? = nil
    ) {
        self.gatewayID = gatewayID
        self.gatewayProfileID = gatewayProfileID
        self.responseCodeSource = responseCodeSource
        self.responseCode = responseCode
        self.responseText = responseText
        self.merchantAdviceCode = merchantAdviceCode
        self.networkCode = networkCode
        self.network = network
        self.avsResultCode = avsResultCode
        self.cvvResultCode = cvvResultCode
        self.cavvResultCode = cavvResultCode
        self.transactionID = transactionID
        self.crmClass = crmClass
    }

    package static func == (one: Decline, other: Decline) -> Bool {
        one === other
            || one.gatewayID == other.gatewayID && one.gatewayProfileID == other.gatewayProfileID
                && one.responseCodeSource == other.responseCodeSource && one.responseCode == other.responseCode
                && one.responseText == other.responseText && one.merchantAdviceCode == other.merchantAdviceCode
                && one.networkCode == other.networkCode && one.network == other.network && one.avsResultCode == other.avsResultCode
                && one.cvvResultCode == other.cvvResultCode && one.cavvResultCode == other.cavvResultCode
                && one.transactionID == other.transactionID && one.crmClass == other.crmClass
    }
}

package struct Payer: Sendable, Equatable {
    package let id: String?
    package let email: String?
    package let phone: String?
    /// As FlexFactor takes it: YYYY-MM-DD.
    package let birthdate: String?

    package init(id: String? = nil, email: String? = nil, phone: String? = nil, birthdate: String? = nil) {
        self.id = id
        self.email = email
        self.phone = phone
        self.birthdate = birthdate
    }
}

package struct Address: Sendable, Equatable {
    package let firstName: String
    package let lastName: String
    package let phone: String?
    package let country: String?
    /// ISO 3166 alpha-2.
    package let countryCode: String
    package let addressLine1: String
    package let addressLine2: String?
    package let state: String?
    package let city: String
    package let zipCode: String

    package init(
        firstName: String, lastName: String, phone: String? = nil, country: String? = nil, countryCode: String, addressLine1: String,
        addressLine2: String? = nil, state: String? = nil, city: String, zipCode: String
    ) {
        self.firstName = firstName
        self.lastName = lastName
        self.phone = phone
        self.country = country
        self.countryCode = countryCode
        self.addressLine1 = addressLine1
        self.addressLine2 = addressLine2
        self.state = state
        self.city = city
        self.zipCode = zipCode
    }
}

/// The card, never in clear: a FlexFactor token, or the card encrypted to the worker's key (behaviour.md §9).
package struct PaymentMethod: Sendable, Equatable {
    package enum Card: Sendable, Equatable {
        case token(CardToken)
        /// A compact JWE, still sealed.
        case encrypted(SealedCard)
    }

    package let card: Card
    package let holderName: String?
    /// 1...12
    package let expirationMonth: Int?
    /// Four digits.
    package let expirationYear: Int?
    /// The first six or eight digits.
    package let bin: String?
    package let last4: String?
    package let brand: String?

    package init(
        card: Card, holderName: String? = nil, expirationMonth: Int? = nil, expirationYear: Int? = nil, bin: String? = nil,
        last4: String? = nil, brand: String? = nil
    ) {
        self.card = card
        self.holderName = holderName
        self.expirationMonth = expirationMonth
        self.expirationYear = expirationYear
        self.bin = bin
        self.last4 = last4
        self.brand = brand
    }
}

/// FlexFactor's name for a vaulted card. It can charge the card, so it does not print.
package struct CardToken: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For the request to FlexFactor and the envelope between stages, and nothing else.
    package let exposed: String

    package init(_ token: String) {
        exposed = token
    }

    package var description: String { "(card token)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A card that only a worker's private key can open (compact JWE). Does not print.
package struct SealedCard: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For decryption and nothing else.
    package let exposed: String

    package init(_ jwe: String) {
        exposed = jwe
    }

    package var description: String { "(sealed card)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
