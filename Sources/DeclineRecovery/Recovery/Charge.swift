/// What FlexFactor is asked to recover; all that `evaluate` needs. The same value gives the same request bytes.
///
/// An object that never changes: a recovery is copied at each of its steps, and this is most of it.
package final class Charge: Sendable, Equatable {
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
    package let paymentMethod: PaymentMethod
    package let items: [Order.Item]
    package let details: ChargeDetails
    /// `nil` where it is not known: in envelopes of before it was kept, and for a copy that is sent by another gateway than it was routed to.
    package let site: GatewaySite?

    package init(
        reference: RecoveryReference, isMerchantInitiated: Bool, isRecurring: Bool, expiry: Moment?, customerIP: String?, amount: Money,
        declinedAt: Moment, decline: Decline, payer: Payer, billing: Address, shipping: Address?, paymentMethod: PaymentMethod,
        items: [Order.Item],
        details: ChargeDetails = ChargeDetails(), site: GatewaySite? = nil
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
        self.site = site
    }

    /// What FlexFactor is told: the CRM's word, else the gateway's as it was when the decline was taken in.
    ///
    /// - Parameter now: as the gateway is configured now.
    package func siteID(configured now: String?) -> String? { details.siteID ?? (site ?? GatewaySite(id: now)).id }

    /// The same charge, of whose site nothing is known.
    var withoutSite: Charge { with(paymentMethod, site: nil) }

    /// The same charge with FlexFactor's token in the place of the card. What the card itself says goes before what the CRM said of it.
    func paid(with token: CardToken, _ facts: CardFacts?) -> Charge {
        let method = PaymentMethod(
            card: .token(token), holderName: facts?.holderName ?? paymentMethod.holderName,
            expirationMonth: facts?.expirationMonth ?? paymentMethod.expirationMonth,
            expirationYear: facts?.expirationYear ?? paymentMethod.expirationYear, bin: facts?.bin ?? paymentMethod.bin,
            last4: facts?.last4 ?? paymentMethod.last4, brand: paymentMethod.brand)
        return with(method, site: site)
    }

    /// The same charge in another amount.
    func of(_ amount: Money) -> Charge { with(paymentMethod, site: site, amount: amount) }

    private func with(_ paymentMethod: PaymentMethod, site: GatewaySite?, amount: Money? = nil) -> Charge {
        Charge(
            reference: reference, isMerchantInitiated: isMerchantInitiated, isRecurring: isRecurring, expiry: expiry,
            customerIP: customerIP,
            amount: amount ?? self.amount, declinedAt: declinedAt, decline: decline, payer: payer, billing: billing, shipping: shipping,
            paymentMethod: paymentMethod, items: items, details: details, site: site)
    }

    package static func == (one: Charge, other: Charge) -> Bool {
        one === other
            || one.reference == other.reference && one.isMerchantInitiated == other.isMerchantInitiated
                && one.isRecurring == other.isRecurring && one.expiry == other.expiry && one.customerIP == other.customerIP
                && one.amount == other.amount && one.declinedAt == other.declinedAt && one.decline == other.decline
                && one.payer == other.payer && one.billing == other.billing && one.shipping == other.shipping
                && one.paymentMethod == other.paymentMethod && one.items == other.items && one.details == other.details
                && one.site == other.site
    }
}

/// A gateway's site as it was configured when a decline was taken in, which may be none. It travels with the charge: a reload between a
/// request and its repeat would give FlexFactor other bytes under one key, which it answers with a conflict for ever.
package struct GatewaySite: Sendable, Equatable {
    package let id: String?

    package init(id: String?) {
        self.id = id
    }
}
