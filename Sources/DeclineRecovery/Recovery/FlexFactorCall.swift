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

/// What FlexFactor is asked to recover; all that `evaluate` needs. The same value gives the same request bytes.
package struct Charge: Sendable, Equatable {
    package let reference: RecoveryReference
    /// `false` for a cascade: the customer is there (CIT).
    package let isMerchantInitiated: Bool
    package let isRecurring: Bool
    /// Only for managed merchant-initiated charges: until when FlexFactor may retry.
    package let expiry: Moment?
    /// The customer's address on the network, for customer-initiated charges.
    package let customerIP: String?
    package let amount: Money
    package let declinedAt: Moment
    package let decline: Decline
    package let payer: Payer
    package let billing: Address
    package let shipping: Address?
    package private(set) var paymentMethod: PaymentMethod
    package let items: [Order.Item]
    package let details: ChargeDetails

    package init(
        reference: RecoveryReference, isMerchantInitiated: Bool, isRecurring: Bool, expiry: Moment?, customerIP: String?, amount: Money,
        declinedAt: Moment, decline: Decline, payer: Payer, billing: Address, shipping: Address?, paymentMethod: PaymentMethod,
        items: [Order.Item],
        details: ChargeDetails = ChargeDetails()
    ) {
        self.reference = reference
        self.isMerchantInitiated = isMerchantInitiated
        self.isRecurring = isRecurring
        self.expiry = expiry
        self.customerIP = customerIP
        self.amount = amount
        self.declinedAt = declinedAt
        self.decline = decline
        self.payer = payer
        self.billing = billing
        self.shipping = shipping
        self.paymentMethod = paymentMethod
        self.items = items
        self.details = details
    }

    /// The same charge with FlexFactor's token in the place of the card. What the card itself says goes before what the CRM said of it.
    func paid(with token: CardToken, _ facts: CardFacts?) -> Charge {
        var charge = self
        charge.paymentMethod = PaymentMethod(
            card: .token(token), holderName: facts?.holderName ?? paymentMethod.holderName,
            expirationMonth: facts?.expirationMonth ?? paymentMethod.expirationMonth,
            expirationYear: facts?.expirationYear ?? paymentMethod.expirationYear, bin: facts?.bin ?? paymentMethod.bin,
            last4: facts?.last4 ?? paymentMethod.last4, brand: paymentMethod.brand)
        return charge
    }
}
