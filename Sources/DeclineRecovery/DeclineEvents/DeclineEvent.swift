/// The CRM's message: this charge was declined, try to salvage it (messages.md, "Decline event"). Decoded and validated: every field has its form.
public struct DeclineEvent: Sendable, Equatable {
    /// Unique per decline: a repeat with the same id is a repeat.
    public let id: String
    /// The CRM that sent it.
    public let source: String
    /// When the charge was declined.
    public let declinedAt: Moment
    public let merchantID: MerchantID
    public let trigger: Trigger
    public let order: Order
    public let decline: Decline
    public let amount: Money
    public let payer: Payer
    public let billing: Address
    public let shipping: Address?
    public let paymentMethod: PaymentMethod
    public let details: ChargeDetails
    /// What the reader left out or cut since it decides nothing, for the journal.
    public let notes: [FieldError]

    public init(
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
}

/// Why the CRM sent the decline, with what only that trigger has.
public enum Trigger: Sendable, Equatable {
    /// A live sale just declined; the customer is waiting.
    case initial
    /// Someone retries a declined sale, on the gateway or profile chosen.
    case rerun(RerunTarget)
    /// A rebill re-attempt is due; re-attempts count from 1.
    case recycle(reattempt: Int)

    public enum RerunTarget: Sendable, Equatable {
        case gateway(GatewayID)
        case gatewayProfile(GatewayProfileID)
    }

    /// The word in the messages.
    public var word: String { TriggerWord(self).rawValue }
}

public struct Order: Sendable, Equatable {
    public let id: String
    public let type: OrderType
    public let trialCompletion: Bool
    public let hasRecurringProducts: Bool
    public let campaignID: CampaignID?
    public let purchaseID: String?
    /// Counts from 1; required for a recurring order.
    public let billingCycle: Int?
    /// Counts from 1; required for a rerun.
    public let rerunNumber: Int?
    /// As the CRM sent it; routing asks whether it is an IPv4 or IPv6 address.
    public let ipAddress: String?
    public let items: [Item]
    /// Tells apart what is charged on its own within one order, such as an upsell.
    public let chargeID: String?

    public struct Item: Sendable, Equatable {
        public let sku: String?
        public let name: String?
        /// Price of one, in minor units of the event's currency.
        public let amount: Int64?
        public let quantity: Int?

        public init(sku: String? = nil, name: String? = nil, amount: Int64? = nil, quantity: Int? = nil) {
            self.sku = sku
            self.name = name
            self.amount = amount
            self.quantity = quantity
        }
    }

    public init(
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
public struct Decline: Sendable, Equatable {
    /// The gateway that declined.
    public let gatewayID: GatewayID
    /// The ATRI gateway profile the order ran on, when it ran on one.
    public let gatewayProfileID: GatewayProfileID?
    /// Whose code list `responseCode` belongs to (`nmi`, `stripe`, ...).
    public let responseCodeSource: String
    public let responseCode: String
    public let responseText: String?
    public let merchantAdviceCode: String?
    /// The issuer's or the network's own code, where the gateway passes it on.
    public let networkCode: String?
    /// The network it belongs to; where absent, the card's brand tells.
    public let network: String?
    public let avsResultCode: String?
    public let cvvResultCode: String?
    public let cavvResultCode: String?
    public let transactionID: String
    /// The CRM's own class, where it sends one (SOFT_DECLINE, HARD_DECLINE).
    public let crmClass: DeclineClass?

    public init(
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
}

public struct Payer: Sendable, Equatable {
    public let id: String?
    public let email: String?
    public let phone: String?
    /// As FlexFactor takes it: YYYY-MM-DD.
    public let birthdate: String?

    public init(id: String? = nil, email: String? = nil, phone: String? = nil, birthdate: String? = nil) {
        self.id = id
        self.email = email
        self.phone = phone
        self.birthdate = birthdate
    }
}

public struct Address: Sendable, Equatable {
    public let firstName: String
    public let lastName: String
    public let phone: String?
    public let country: String?
    /// ISO 3166 alpha-2.
    public let countryCode: String
    public let addressLine1: String
    public let addressLine2: String?
    public let state: String?
    public let city: String
    public let zipCode: String

    public init(
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
public struct PaymentMethod: Sendable, Equatable {
    public enum Card: Sendable, Equatable {
        case token(CardToken)
        /// A compact JWE, still sealed.
        case encrypted(SealedCard)
    }

    public let card: Card
    public let holderName: String?
    /// 1...12
    public let expirationMonth: Int?
    /// Four digits.
    public let expirationYear: Int?
    /// The first six or eight digits.
    public let bin: String?
    public let last4: String?
    public let brand: String?

    public init(
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
public struct CardToken: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For the request to FlexFactor and the envelope between stages, and nothing else.
    public let exposed: String

    public init(_ token: String) {
        exposed = token
    }

    public var description: String { "(card token)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A card that only a worker's private key can open (compact JWE). Does not print.
public struct SealedCard: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For decryption and nothing else.
    public let exposed: String

    public init(_ jwe: String) {
        exposed = jwe
    }

    public var description: String { "(sealed card)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
