package import Broker
package import DeclineRecovery
package import Operations

extension BrokerLink {
    /// Where pauses are looked at, ordered and lifted.
    package func pauses(_ names: TopologyNames) -> PauseDesk {
        PauseDesk(BrokerOperators(link: self, names: names), clock: SystemClock())
    }
}
