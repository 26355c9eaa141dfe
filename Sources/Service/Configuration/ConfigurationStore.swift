package import DeclineRecovery
import FlexFactor
import Operations
import Pipeline
import Synchronization

/// The configuration as it stands now, with a FlexFactor client for each gateway. A reload replaces it as a whole, or changes nothing.
package final class ConfigurationStore: MerchantDirectory {
    private struct State {
        let configuration: SalvageConfiguration
        let clients: [GatewayKey: FlexFactorClient]
        /// The same by whose share of a stage their messages take.
        let byShare: [String: FlexFactorClient]

        init(_ configuration: SalvageConfiguration, _ clients: [GatewayKey: FlexFactorClient]) {
            self.configuration = configuration
            self.clients = clients
            byShare = Dictionary(
                clients.map { (StageMessage.Share.owner($0.key.merchant, $0.key.gateway), $0.value) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    private let state: Mutex<State>
    private let makeClient: @Sendable (GatewayKey, GatewayCredentials) -> FlexFactorClient

    init(_ configuration: SalvageConfiguration, makeClient: @escaping @Sendable (GatewayKey, GatewayCredentials) -> FlexFactorClient) {
        self.makeClient = makeClient
        let clients = configuration.credentials.map { ($0.key, makeClient($0.key, $0.value)) }
        state = Mutex(State(configuration, Dictionary(clients, uniquingKeysWith: { first, _ in first })))
    }

    package func merchant(_ id: MerchantID) -> Merchant? {
        state.withLock { $0.configuration.merchants[id] }
    }

    var secretFiles: [String] { state.withLock { $0.configuration.secretFiles } }

    var access: ConsoleAccess { state.withLock { $0.configuration.access } }

    var merchants: [Merchant] { state.withLock { $0.configuration.merchants.values.sorted { $0.id.text < $1.id.text } } }

    func client(_ key: GatewayKey) -> FlexFactorClient? {
        state.withLock { $0.clients[key] }
    }

    var clients: [GatewayKey: FlexFactorClient] { state.withLock { $0.clients } }

    /// Whether FlexFactor is slow for whoever's share this is; `nil` where that is nobody's here.
    func isSlow(_ share: String) -> Bool? { state.withLock { $0.byShare[share] }?.isSlow }

    /// Calls that are under way end with the keys they began with. A gateway whose keys and authorities did not change keeps its token, circuit and rate.
    func replace(with configuration: SalvageConfiguration) {
        state.withLock { state in
            var clients: [GatewayKey: FlexFactorClient] = [:]
            for (key, credentials) in configuration.credentials {
                let kept = state.clients[key].flatMap { $0.credentials == credentials ? $0 : nil }
                clients[key] = kept ?? makeClient(key, credentials)
            }
            state = State(configuration, clients)
        }
    }
}
