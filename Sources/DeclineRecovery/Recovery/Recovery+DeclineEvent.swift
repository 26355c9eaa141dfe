extension Recovery {
    /// The recovery of a decline that routing sends to a gateway.
    ///
    /// - Parameter now: when the decline is taken in; a retry's days count from here (behaviour.md §6).
    /// - Parameter day: shorter than a day for demonstrations only.
    package init(
        of event: DeclineEvent, as reference: RecoveryReference, by way: Way, through gateway: FlexFactorGateway, verdict: DeclineVerdict,
        policy: Policy, reply: ReplyAddress?, now: Moment, day: Moment.Span = .days(1)
    ) {
        let route: RecoveryRoute
        var expiry: Moment?
        switch way {
        case .cascade:
            // The CRM's clock may be ahead; the customer waits since the event came, at the latest.
            let deadline = min(event.declinedAt, now) + policy.cascadeDeadline
            route = .cascade(deadline: deadline)
            // The end of a trial is billed without the customer, and a managed account wants to be told for how long.
            if event.order.trialCompletion, gateway.mitMode == .managed { expiry = deadline }
        case .retry:
            let until = now + .milliseconds(day.milliseconds * Int64(gateway.expiryDays))
            route = .retry(gateway.mitMode, until: until)
            expiry = gateway.mitMode == .managed ? until : nil
        }
        self.init(
            merchantID: event.merchantID, gatewayID: gateway.id, route: route,
            charge: Charge(
                reference: reference, isMerchantInitiated: way == .retry || event.order.trialCompletion,
                isRecurring: event.order.type == .recurring, expiry: expiry,
                customerIP: way == .cascade && !event.order.trialCompletion ? event.order.ipAddress : nil, amount: event.amount,
                declinedAt: event.declinedAt,
                decline: event.decline, payer: event.payer, billing: event.billing, shipping: event.shipping,
                paymentMethod: event.paymentMethod, items: event.order.items, details: event.details),
            order: RecoveredOrder(event), verdict: verdict, reply: reply, origin: DeclineOrigin(event))
    }

    package enum Way: Sendable, Equatable {
        case cascade, retry
    }
}
