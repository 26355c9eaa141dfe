package import DeclineRecovery

extension Recovery {
    /// A cascade of 49.99 dollars, due.
    package static func sample(
        order: String = "A1B2C3D4E5", declinedAt: Moment, deadline: Moment.Span = .seconds(60),
        card: PaymentMethod.Card = .token(CardToken("tok_approve"))
    ) -> Recovery {
        let decline = Decline(
            gatewayID: "7", responseCodeSource: "nmi", responseCode: "202", responseText: "Insufficient funds", transactionID: "T-1")
        let address = Address(
            firstName: "Ada", lastName: "Byron", countryCode: "US", addressLine1: "1 Main St", state: "NY", city: "Troy", zipCode: "12180")
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: .cascade(deadline: declinedAt + deadline),
            charge: Charge(
                reference: RecoveryReference(orderID: order, kind: .sale, sequence: 0), isMerchantInitiated: false, isRecurring: false,
                expiry: nil, customerIP: "203.0.113.7", amount: Money(minorUnits: 4_999, currency: .usd), declinedAt: declinedAt,
                decline: decline, payer: Payer(email: "ada@example.test"), billing: address, shipping: nil,
                paymentMethod: PaymentMethod(card: card), items: []),
            order: RecoveredOrder(
                id: order, type: .newSale, trialCompletion: false, hasRecurringProducts: false, purchaseID: nil, billingCycle: nil,
                declinedGatewayID: "7"),
            verdict: DeclineVerdict(declineClass: .soft, rule: "table:nmi/202"), reply: nil)
    }
}

extension Currency {
    package static let usd = Currency("USD")!
}
