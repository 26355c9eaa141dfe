extension Recovery {
    /// The recovery of a decline that routing sends to a gateway.
    ///
    /// - Parameter now: when the decline is taken in; a retry's days count from here (behaviour.md §6).
    /// - Parameter day: shorter than a day for rehearsals only.
    public init(
        of event: DeclineEvent, as reference: RecoveryReference, by way: Way, through gateway: FlexFactorGateway, verdict: DeclineVerdict,
        policy: Policy, reply: ReplyAddress?, now: Moment, day: Moment.Span = .days(1)
    ) {
        let route: RecoveryRoute
        var expiry: Moment?
        switch way {
        case .cascade:
            route = .cascade(deadline: event.declinedAt + policy.cascadeDeadline)
        case .retry:
            let until = now + .milliseconds(day.milliseconds * Int64(gateway.expiryDays))
            route = .retry(gateway.mitMode, until: until)
            expiry = gateway.mitMode == .managed ? until : nil
        }
        self.init(
            merchantID: event.merchantID, gatewayID: gateway.id, route: route,
            charge: Charge(
                reference: reference, isMerchantInitiated: way == .retry, isRecurring: event.order.type == .recurring, expiry: expiry,
                customerIP: way == .cascade ? event.order.ipAddress : nil, amount: event.amount, declinedAt: event.declinedAt,
                decline: event.decline, payer: event.payer, billing: event.billing, shipping: event.shipping,
                paymentMethod: event.paymentMethod, items: event.order.items),
            order: RecoveredOrder(event), verdict: verdict, reply: reply, origin: DeclineOrigin(event))
    }

    public enum Way: Sendable, Equatable {
        case cascade, retry
    }
}
