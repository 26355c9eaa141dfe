public import DeclineRecovery

/// FlexFactor, as the stages need it.
public protocol FlexFactorPort: Sendable {
    /// Makes a call with the keys of a merchant's gateway.
    ///
    /// Never throws and always returns: at the latest at `deadline`, and then the answer says whether the request may have arrived.
    func perform(
        _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
    ) async -> FlexFactorAnswer
}

/// The merchants' configuration as it stands now; a reload shows from the next message on.
public protocol MerchantDirectory: Sendable {
    func merchant(_ id: MerchantID) -> Merchant?
}

/// The clock on the wall. Tests turn it by hand.
public protocol WallClock: Sendable {
    func now() -> Moment
}
