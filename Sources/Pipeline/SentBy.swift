import DeclineRecovery

/// What was sent to one FlexFactor account no other knows, and what another denies is no word about it (truth.md §4).
extension FlexFactorPort {
    /// Makes a call about what was sent before, unless the gateway has another account by now.
    ///
    /// - Parameter sent: where it was sent; `nil` where that is not known.
    func perform(
        _ call: FlexFactorCall, about sent: ClaimedGateway?, merchant: MerchantID, gateway: GatewayID, traceparent: String?,
        deadline: Moment, writtenBy: ContinuousClock.Instant? = nil
    ) async -> FlexFactorAnswer {
        if let sent, sent.isMoved(to: account(of: merchant, gateway: gateway)) {
            return misdirected(call, merchant: merchant, gateway: gateway)
        }
        return await perform(
            call, merchant: merchant, gateway: gateway, traceparent: traceparent, deadline: deadline, writtenBy: writtenBy)
    }

    /// The answer in place of a call that would ask the wrong account. Operators are told of it.
    func misdirected(_ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID) -> FlexFactorAnswer {
        noteMisdirected(call, merchant: merchant, gateway: gateway, .misdirected)
        return .failed(.misdirected)
    }

    /// Those of a merchant's gateways that can know what was sent: of its account, or else the one that it was sent by, which has to be
    /// pointed back.
    func gateways(of sent: ClaimedGateway, among all: [GatewayID], merchant: MerchantID) -> [GatewayID] {
        guard let account = sent.account else { return all }
        let same = all.filter { self.account(of: merchant, gateway: $0) == account }
        return same.isEmpty ? [sent.id] : same
    }
}

extension CallFailure {
    static let misdirected = CallFailure.notSent(
        .misconfigured(
            "the gateway points to another FlexFactor account than the one that has the order; point it back, or keep the old one as a retired gateway"
        ))
}

extension ClaimsPort {
    /// Where a recovery was sent, as far as that is known here. What was withdrawn was sent nowhere.
    func sentBy(_ reference: RecoveryReference, merchant: MerchantID) -> ClaimedGateway? {
        guard let standing = standing(of: reference, merchant: merchant) else { return nil }
        return standing.mayBeCharged || standing.told?.kind == .approved ? standing.gateway : nil
    }
}
