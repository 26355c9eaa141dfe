/// Where a recovery's charge may be: the gateway that it was sent by, and FlexFactor's account of that gateway then.
package struct ClaimedGateway: Hashable, Sendable {
    package let merchantID: MerchantID
    package let id: GatewayID
    package let account: String?

    package init(merchantID: MerchantID, id: GatewayID, account: String?) {
        self.merchantID = merchantID
        self.id = id
        self.account = account
    }

    /// Why what was sent by it cannot be looked for with a configuration; `nil` where it can.
    package func isLost(to merchant: Merchant?) -> Loss? {
        guard let gateway = merchant?.flexFactorGateways[id] else { return .gateway }
        return gateway.account.flatMap { isMoved(to: $0) ? Loss.account($0) : nil }
    }

    /// Whether a gateway's account is another than the one that it was sent to; where either is not known nobody can say.
    package func isMoved(to now: String?) -> Bool {
        guard let account, let now else { return false }
        return now != account
    }

    package enum Loss: Sendable, Equatable {
        /// It is not in the configuration.
        case gateway
        /// It points to this account now.
        case account(String)
    }
}

/// Open recoveries that a configuration cuts off from FlexFactor's order of theirs. They wait, and nothing is told of them.
package struct StrandedRecoveries: Sendable, Equatable, CustomStringConvertible {
    package let gateway: ClaimedGateway
    package let loss: ClaimedGateway.Loss
    package let count: Int

    package var description: String {
        let recoveries = count == 1 ? "1 open recovery" : "\(count) open recoveries"
        let account = gateway.account.map { " (account \($0))" } ?? ""
        let what =
            switch loss {
            case .gateway: "which is not in the configuration"
            case .account(let now): "which points to the account \(now) now"
            }
        return
            "merchant \(gateway.merchantID): \(recoveries) may stand at FlexFactor by gateway \(gateway.id)\(account), \(what). Keep that gateway as it was, with retired: true, until they have ended."
    }
}

extension ClaimBook {
    /// The open recoveries that would have no gateway with these merchants, by gateway.
    package func stranded(by merchant: (MerchantID) -> Merchant?) -> [StrandedRecoveries] {
        openByGateway().compactMap { gateway, count in
            gateway.isLost(to: merchant(gateway.merchantID)).map { StrandedRecoveries(gateway: gateway, loss: $0, count: count) }
        }.sorted {
            ($0.gateway.merchantID.text, $0.gateway.id.text, $0.gateway.account ?? "") < (
                $1.gateway.merchantID.text, $1.gateway.id.text, $1.gateway.account ?? ""
            )
        }
    }
}
