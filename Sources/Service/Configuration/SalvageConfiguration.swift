package import DeclineRecovery
import FlexFactor
package import Operations

/// The merchants and their FlexFactor gateways, as one file gave them: valid as a whole.
package struct SalvageConfiguration: Sendable, Equatable {
    package let merchants: [MerchantID: Merchant]
    let credentials: [GatewayKey: GatewayCredentials]
    /// Who may use the console.
    package let access: ConsoleAccess
    /// The files that secrets and authorities were read from.
    let secretFiles: [String]

    init(
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
package struct GatewayKey: Hashable, Sendable {
    package let merchant: MerchantID
    package let gateway: GatewayID

    package init(_ merchant: MerchantID, _ gateway: GatewayID) {
        self.merchant = merchant
        self.gateway = gateway
    }
}
