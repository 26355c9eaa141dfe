public import DeclineRecovery
public import FlexFactor

/// The merchants and their FlexFactor gateways, as one file gave them: valid as a whole.
public struct SalvageConfiguration: Sendable, Equatable {
    public let merchants: [MerchantID: Merchant]
    let credentials: [GatewayKey: GatewayCredentials]

    public init(merchants: [Merchant], credentials: [GatewayKey: GatewayCredentials]) {
        self.merchants = Dictionary(merchants.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.credentials = credentials
    }
}

/// One gateway of one merchant.
public struct GatewayKey: Hashable, Sendable {
    public let merchant: MerchantID
    public let gateway: GatewayID

    public init(_ merchant: MerchantID, _ gateway: GatewayID) {
        self.merchant = merchant
        self.gateway = gateway
    }
}
