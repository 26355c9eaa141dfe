extension Recovery {
    /// The recovery of a decline that routing sends to a gateway.
    ///
    /// - Parameter now: when the decline is taken in.
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
            route = .cascade(deadline: min(event.declinedAt, now) + policy.cascadeDeadline)
            // The end of a trial is billed without the customer, and a managed account wants to be told for how long: in each copy the same.
            if event.order.trialCompletion, gateway.mitMode == .managed { expiry = event.declinedAt + policy.cascadeDeadline }
        case .retry:
            let days = Moment.Span.milliseconds(day.milliseconds * Int64(gateway.expiryDays))
            let until = Self.retryEnds(declinedAt: event.declinedAt, days, now: now)
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
                paymentMethod: event.paymentMethod, items: event.order.items, details: event.details,
                site: GatewaySite(id: gateway.siteID)),
            order: RecoveredOrder(event), verdict: verdict, reply: reply, origin: DeclineOrigin(event))
    }

    /// What tells one publication of an event from the next: the same text has the same.
    package static func edition(of body: [UInt8]) -> UInt64 {
        var hash = UInt64(body.count)
        func take(_ word: UInt64) {
            hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
            hash ^= hash >> 29
        }
        // Every event is read so at intake: eight bytes at a time.
        body.withUnsafeBytes { bytes in
            var place = 0
            while place + 8 <= bytes.count {
                take(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
                place += 8
            }
            while place < bytes.count {
                take(UInt64(bytes[place]))
                place += 1
            }
        }
        return hash
    }

    package enum Way: Sendable, Equatable {
        case cascade, retry
    }

    /// When a retry's days are over. They count from the decline, so that a copy of its event that is taken in later, on whatever pod, asks
    /// FlexFactor for the same under the same idempotency key: to other bytes it answers with a conflict, for ever.
    ///
    /// An event that comes late still has time: whenever half of the days are over, half as many are added. So at least half of them are
    /// left, and never more than all. Where half would be over within the time that keys live, which copies must not straddle, it is up to
    /// a day: of a single one at least a sixth is left.
    private static func retryEnds(declinedAt: Moment, _ days: Moment.Span, now: Moment) -> Moment {
        let length = days.milliseconds
        let step = max(length / 2, min(Moment.Span.days(1).milliseconds, length / 6 * 5), 1)
        let age = (now - declinedAt).milliseconds
        if age >= 0 { return declinedAt + days + .milliseconds(age / step * step) }
        // The CRM's clock is ahead. A little is no reason for other bytes; more wins no time.
        let ahead = (declinedAt - now).milliseconds - min(Moment.Span.minutes(60).milliseconds, length / 24)
        return ahead <= 0 ? declinedAt + days : declinedAt + days + .milliseconds(-((ahead - 1) / step + 1) * step)
    }
}
