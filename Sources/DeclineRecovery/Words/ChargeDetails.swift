/// What FlexFactor makes use of where the CRM has it, and what decides nothing here: it travels as it came.
package struct ChargeDetails: Sendable, Equatable {
    /// FlexFactor's key of the customer's session in the browser (SenseJS).
    package let senseKey: String?
    /// FlexFactor's id of the site, where the account has several; before the gateway's own.
    package let siteID: String?
    package let siteURL: String?
    /// What the customer reads on the statement; FlexFactor must have agreed to it.
    package let descriptor: String?
    package let threeDSecure: ThreeDSecure?
    package let subscription: Subscription?

    /// How the customer was authenticated, by the names of FlexFactor's own fields.
    package struct ThreeDSecure: Sendable, Equatable {
        package let fields: [Field]

        package struct Field: Sendable, Equatable {
            package let name: String
            package let value: String

            package init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        /// FlexFactor's fields, as messages name them.
        package static let names: [StaticString] = [
            "threeDsVersion", "ecommerceIndicator", "authenticationValue", "directoryServerTransactionId", "xid",
            "authenticationValueAlgorithm",
            "directoryResponseStatus", "authenticationResponseStatus", "enrolled",
        ]

        package init(_ fields: [Field]) {
            self.fields = fields
        }
    }

    /// What a rebill is an instalment of.
    package struct Subscription: Sendable, Equatable {
        package let id: String
        /// FlexFactor's word, e.g. `monthly`.
        package let interval: String?
        /// In minor units of the charge's currency.
        package let price: Int64?
        package let paymentNumber: Int?
        package let totalPayments: Int?
    }

    init(
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
