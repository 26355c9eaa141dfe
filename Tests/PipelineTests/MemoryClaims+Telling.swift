import TestSupport

@testable import DeclineRecovery
@testable import Pipeline

extension MemoryClaims {
    /// The CRM of `acme` was told so of a recovery, and of this order of FlexFactor's.
    convenience init(
        telling reason: ResultReason, of reference: RecoveryReference, order: FlexFactorOrderID? = "g-1", minorUnits: Int64 = 4_999,
        at now: Moment
    ) {
        self.init(now: now)
        let amount = Money(minorUnits: minorUnits, currency: .usd)
        let result = ResultEvent(
            subject: .recovery(reference, RecoveredOrder(reference)), merchantID: "acme", reason: reason, gatewayID: "42",
            flexFactorOrderID: order, amount: amount, occurredAt: now)
        append(
            ClaimRequest(
                merchantID: "acme", reference: reference, debt: Fingerprint("debt"), amount: amount, act: .told(.init(reason.kind, .known)),
                until: now + .days(40), result: result), by: "w")
    }
}
