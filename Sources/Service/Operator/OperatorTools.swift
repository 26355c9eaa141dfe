package import Broker
package import DeclineRecovery
import FlexFactor
import FoundationEssentials
import NIOCore
import NIOPosix
package import Operations
import Pipeline

/// What an operator's process works with: the dead letters, the forecast, and FlexFactor where a configuration gives its keys.
package struct OperatorTools: Sendable {
    package let letters: LetterTools
    let store: ConfigurationStore?
    private let follow: @Sendable () async throws(BrokerError) -> Void

    /// Who may use the console.
    package var access: ConsoleAccess { store?.access ?? ConsoleAccess() }

    /// Nothing may be settled before `catchUp`.
    ///
    /// - Parameter configuration: `nil` where none is at hand: nothing can be forecast or reconciled then.
    package init(_ letterStore: LetterStore, on link: BrokerLink, _ settings: ProcessSettings, _ configuration: SalvageConfiguration?) {
        let clock = SystemClock()
        let store = configuration.map { configuration in
            ConfigurationStore(configuration) { _, credentials in FlexFactorClient(credentials, now: clock.now) }
        }
        var reconciler: Reconciler?
        if let store {
            let cancels = CancelTail()
            let worker = DeadLetter.Worker(
                id: settings.broker.connectionName, host: ProcessInfo.processInfo.hostName, version: SalvageVersion.current)
            let claims = ClaimTail(worker: worker.id)
            follow = { () async throws(BrokerError) in
                try await cancels.catchUp(link, settings.names)
                try await claims.catchUp(link, settings.names)
            }
            let environment = StageEnvironment(
                claims: claims, cards: settings.cardKeys, clock: clock, worker: worker, names: settings.names,
                suspicion: settings.suspicion, timing: settings.timing, callLimit: settings.callLimit)
            reconciler = Reconciler(
                in: environment,
                flexFactor: LaneFlexFactor(store: store, lane: Lane(MultiThreadedEventLoopGroup.singleton.next()), keys: settings.cardKeys),
                cancels: cancels, wait: { try? await Task.sleep(for: .milliseconds($0.milliseconds)) }, underWay: settings.timing.settle)
        } else {
            follow = { () async throws(BrokerError) in }
        }
        self.store = store
        letters = LetterTools(store: letterStore, forecaster: { Forecaster(merchants: store, now: clock.now()) }, reconciler: reconciler)
    }

    /// Learns what was cancelled and what is claimed, and goes on with that. Once.
    package func catchUp() async throws(BrokerError) { try await follow() }

    /// Every merchant of the configuration, by its id.
    package var merchants: [Merchant] { store?.merchants ?? [] }
}
