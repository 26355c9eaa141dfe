package import DeclineRecovery

/// FlexFactor, as the stages need it.
package protocol FlexFactorPort: Sendable {
    /// Makes a call with the keys of a merchant's gateway.
    ///
    /// Never throws and always returns: at the latest at `deadline`, and then the answer says whether the request may have arrived.
    ///
    /// - Parameter writtenBy: when the request must have been written, looked at last before that is done; later it is not sent. Of what moves
    ///   money: a claim allows it for a while only, by a clock that goes on while the process is frozen.
    func perform(
        _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
        writtenBy: ContinuousClock.Instant?
    ) async -> FlexFactorAnswer

    /// FlexFactor's id of the account that a gateway has now; `nil` where that is not known.
    func account(of merchant: MerchantID, gateway: GatewayID) -> String?

    /// Whether a gateway is kept for looking and cancelling alone, as it is configured now.
    func isRetired(_ gateway: GatewayID, of merchant: MerchantID) -> Bool

    /// Tells operators that a recovery waits whose gateway points to another account.
    func noteMisdirected(_ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, _ failure: CallFailure)

    /// Opens a sealed card and exchanges it for FlexFactor's token of it. The card is in clear within this call only.
    func tokenize(
        _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
    ) async -> FlexFactorAnswer
}

extension FlexFactorPort {
    package func account(of merchant: MerchantID, gateway: GatewayID) -> String? { nil }
    package func isRetired(_ gateway: GatewayID, of merchant: MerchantID) -> Bool { false }
    package func noteMisdirected(_ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, _ failure: CallFailure) {}
}

/// The merchants' configuration as it stands now; a reload shows from the next message on.
package protocol MerchantDirectory: Sendable {
    func merchant(_ id: MerchantID) -> Merchant?
}

/// Why an encrypted card could not be opened: for want of a key, or because it is none.
package enum CardComplaint: Sendable, Equatable {
    case noKey(String)
    case unusable(String)
}

/// The keys for encrypted cards.
package protocol CardVault: Sendable {
    /// Why a card could not be opened here, without opening it; `nil` where it could.
    func complaint(about card: SealedCard) -> CardComplaint?
    /// A token that only a worker can read, for a letter to keep; `nil` where there is no key.
    func seal(_ token: CardToken) -> SealedCard?
}

/// The CRM's cancel commands, as far as this process has heard of them. What was announced is known here well within
/// `RecoveryTiming.settle`.
package protocol CancelDirectory: Sendable {
    /// - Parameter declinedAt: `nil` where that is not at hand.
    func isCancelRequested(_ reference: RecoveryReference, of merchant: MerchantID, declinedAt: Moment?) -> Bool
}

extension CancelDirectory {
    /// Whether a recovery is to be cancelled: by its name, or by order, purchase and cycle.
    func isCancelRequested(_ recovery: Recovery) -> Bool {
        [recovery.reference, recovery.rebill].contains { name in
            name.map { isCancelRequested($0, of: recovery.merchantID, declinedAt: recovery.declinedAt) } ?? false
        }
    }
}

/// What operators have paused, as far as this process has heard of it: within two seconds.
package protocol PauseDirectory: Sendable {
    /// Asked for every recovery that is taken up: it must cost next to nothing while nothing is paused.
    func pause(of merchant: MerchantID, through gateway: GatewayID, at now: Moment) -> Pause?
}

/// Where nothing is paused.
package struct NoPauses: PauseDirectory {
    package init() {}

    package func pause(of merchant: MerchantID, through gateway: GatewayID, at now: Moment) -> Pause? { nil }
}

/// The letters that the CRM's mended events resolve, as far as this process has heard of them.
package protocol MendDirectory: Sendable {
    /// - Returns: the letters that are resolved by what was taken in; each is named once.
    func passed(_ event: DeclineEvent, as reference: RecoveryReference, trace: UUID5?, at now: Moment) -> [UUID5]
}

/// Knows of no letters.
package struct NoMends: MendDirectory {
    package init() {}

    package func passed(_ event: DeclineEvent, as reference: RecoveryReference, trace: UUID5?, at now: Moment) -> [UUID5] { [] }
}

/// The clock on the wall. Tests turn it by hand.
package protocol WallClock: Sendable {
    func now() -> Moment
}
