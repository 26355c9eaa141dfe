/// What FlexFactor makes use of where the CRM has it, and what decides nothing here: it travels as it came.
public struct ChargeDetails: Sendable, Equatable {
    /// FlexFactor's key of the customer's session in the browser (SenseJS).
    public let senseKey: String?
    /// FlexFactor's id of the site, where the account has several; before the gateway's own.
    public let siteID: String?
    public let siteURL: String?
    /// What the customer reads on the statement; FlexFactor must have agreed to it.
    public let descriptor: String?
    public let threeDSecure: ThreeDSecure?
    public let subscription: Subscription?

    /// How the customer was authenticated, by the names of FlexFactor's own fields.
    public struct ThreeDSecure: Sendable, Equatable {
        public let fields: [Field]

        public struct Field: Sendable, Equatable {
            public let name: String
            public let value: String

            public init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        /// FlexFactor's fields, as messages name them.
        public static let names = [
            "threeDsVersion", "ecommerceIndicator", "authenticationValue", "directoryServerTransactionId", "xid",
            "authenticationValueAlgorithm",
            "directoryResponseStatus", "authenticationResponseStatus", "enrolled",
        ]

        public init(_ fields: [Field]) {
            self.fields = fields
        }
    }

    /// What a rebill is an instalment of.
    public struct Subscription: Sendable, Equatable {
        public let id: String
        /// FlexFactor's word, e.g. `monthly`.
        public let interval: String?
        /// In minor units of the charge's currency.
        public let price: Int64?
        public let paymentNumber: Int?
        public let totalPayments: Int?

        public init(id: String, interval: String? = nil, price: Int64? = nil, paymentNumber: Int? = nil, totalPayments: Int? = nil) {
            self.id = id
            self.interval = interval
            self.price = price
            self.paymentNumber = paymentNumber
            self.totalPayments = totalPayments
        }
    }

    public init(
        senseKey: String? = nil, siteID: String? = nil, siteURL: String? = nil, descriptor: String? = nil,
        threeDSecure: ThreeDSecure? = nil,
        subscription: Subscription? = nil
    ) {
        self.senseKey = senseKey
        self.siteID = siteID
        self.siteURL = siteURL
        self.descriptor = descriptor
        self.threeDSecure = threeDSecure
        self.subscription = subscription
    }
}
