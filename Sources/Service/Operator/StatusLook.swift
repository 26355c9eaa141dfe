package import Broker
package import DeclineRecovery
package import Operations

extension BrokerLink {
    /// How the fleet is now: reads the letters and the journal, and listens to the workers until each has spoken.
    package func status(_ names: TopologyNames) async throws -> FleetStatus {
        let store = LetterStore(self, names)
        let flow = FlowStore(self, names)
        try await flow.listen()
        async let letters: Void = read(store)
        try await flow.follow()
        try await letters
        // Without its stream nothing is paused.
        try? await flow.hearPauses()
        // Each speaks every other second.
        try await Task.sleep(for: .milliseconds(2_500))
        return try await FleetStatus(store, flow, names, now: SystemClock().now())
    }

    private func read(_ store: LetterStore) async throws {
        try await store.follow()
        try await store.catchUp()
    }
}
