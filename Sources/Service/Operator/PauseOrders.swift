package import Broker
package import DeclineRecovery
package import Operations

extension BrokerLink {
    /// Where pauses are looked at, ordered and lifted.
    package func pauses(_ names: TopologyNames) -> PauseDesk {
        PauseDesk(BrokerOperators(link: self, names: names), clock: SystemClock())
    }

    /// What the workers that live say of themselves: listens until all have spoken that do, and for longer while one is missed.
    ///
    /// - Parameter isMissed: whether somebody is not among them.
    package func workers(_ names: TopologyNames, while isMissed: ([WorkerPulse]) -> Bool) async throws -> [WorkerPulse] {
        // Under an alarm the broker takes nobody's word, and no order either.
        if let reason = try await alarm() { throw BrokerError.blocked(reason: reason) }
        let flow = FlowStore(self, names)
        try await flow.workers.listen()
        // Each speaks every other second.
        for look in 1...24 {
            try await Task.sleep(for: .milliseconds(250))
            if look >= 10, !isMissed(flow.workers.pulses) { break }
        }
        return flow.workers.pulses
    }
}
