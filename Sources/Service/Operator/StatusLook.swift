package import Broker
package import DeclineRecovery
package import Operations

extension BrokerLink {
    /// How the fleet is now: reads the letters and the journal, and listens to the workers until each has spoken: two and a half seconds, or ten where somebody is
    /// missed.
    package func status(_ names: TopologyNames) async throws -> FleetStatus {
        let store = LetterStore(self, names)
        let flow = FlowStore(self, names)
        try await flow.listen()
        async let letters: Void = read(store)
        try await flow.follow()
        try await letters
        do throws(BrokerFailure) {
            try await flow.hearPauses()
        } catch {
            // Whoever may not read it is shown the rest, and told that.
            if !error.isRefusal { throw error }
        }
        // Under an alarm the broker takes nobody's word, and there is none to wait for.
        if try await flow.alarm(SystemClock().now()) == nil { try await hear(flow) }
        return try await FleetStatus(store, flow, names, now: SystemClock().now())
    }

    /// Each speaks every other second. Of a stage for which nobody has spoken it is said only when nobody does for longer: a worker that is slow is
    /// none that is missing.
    private func hear(_ flow: FlowStore) async throws {
        for look in 1...40 {
            try await Task.sleep(for: .milliseconds(250))
            let working = flow.pulses.filter { $0.quiet == nil && $0.claims?.isCaughtUp ?? true }
            if look >= 10, Set(working.flatMap(\.served)).isSuperset(of: Stage.allCases) { break }
        }
    }

    private func read(_ store: LetterStore) async throws {
        try await store.follow()
        try await store.catchUp()
    }
}
