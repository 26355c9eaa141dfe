public import DeclineRecovery
public import FlexFactor
public import Operations

/// The merchants and their FlexFactor gateways, as one file gave them: valid as a whole.
public struct SalvageConfiguration: Sendable, Equatable {
    public let merchants: [MerchantID: Merchant]
    let credentials: [GatewayKey: GatewayCredentials]
    /// Who may use the console.
    public let access: ConsoleAccess
    /// The files that secrets were read from.
    let secretFiles: [String]

    public init(
        merchants: [Merchant], credentials: [GatewayKey: GatewayCredentials], access: ConsoleAccess = ConsoleAccess(),
        secretFiles: [String] = []
    ) {
        self.secretFiles = secretFiles
        self.merchants = Dictionary(merchants.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.credentials = credentials
        self.access = access
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
