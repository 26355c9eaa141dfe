/// What of a recovery never changes: an object, for the recovery is copied at each of its steps.
final class RecoveryFacts: Sendable, Equatable {
    let merchantID: MerchantID
    let gatewayID: GatewayID
    let route: RecoveryRoute
    let reference: RecoveryReference
    let amount: Money
    let declinedAt: Moment
    let order: RecoveredOrder
    let verdict: DeclineVerdict
    let origin: DeclineOrigin
    let reply: ReplyAddress?

    init(
        merchantID: MerchantID, gatewayID: GatewayID, route: RecoveryRoute, reference: RecoveryReference, amount: Money,
        declinedAt: Moment, order: RecoveredOrder, verdict: DeclineVerdict, origin: DeclineOrigin, reply: ReplyAddress?
    ) {
        self.merchantID = merchantID
        self.gatewayID = gatewayID
        self.route = route
        self.reference = reference
        self.amount = amount
        self.declinedAt = declinedAt
        self.order = order
        self.verdict = verdict
        self.origin = origin
        self.reply = reply
    }

    var withoutReply: RecoveryFacts {
        RecoveryFacts(
            merchantID: merchantID, gatewayID: gatewayID, route: route, reference: reference, amount: amount, declinedAt: declinedAt,
            order: order, verdict: verdict, origin: origin, reply: nil)
    }

    func moved(to gatewayID: GatewayID) -> RecoveryFacts {
        RecoveryFacts(
            merchantID: merchantID, gatewayID: gatewayID, route: route, reference: reference, amount: amount, declinedAt: declinedAt,
            order: order, verdict: verdict, origin: origin, reply: reply)
    }

    static func == (one: RecoveryFacts, other: RecoveryFacts) -> Bool {
        one === other
            || one.merchantID == other.merchantID && one.gatewayID == other.gatewayID && one.route == other.route
                && one.reference == other.reference && one.amount == other.amount && one.declinedAt == other.declinedAt
                && one.order == other.order && one.verdict == other.verdict && one.origin == other.origin
                && one.reply == other.reply
    }
}
