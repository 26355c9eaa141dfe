package import Broker
package import DeclineRecovery
package import Operations

extension BrokerLink {
    /// How the fleet is now: reads the letters, the journal and what the workers said in the last minutes, and listens to them until each has spoken:
    /// two and a half seconds, or ten where somebody is missed.
    package func status(_ names: TopologyNames) async throws -> FleetStatus {
        let store = LetterStore(self, names)
        let flow = FlowStore(self, names)
        let begun = SystemClock().now()
        // Under an alarm the broker takes nobody's word: there is none to wait for, and whose last it was says nothing.
        let isBlocked = try await flow.alarm(SystemClock().now()) != nil
        // Of what is gone nothing can be read, and that it is gone is told with all the rest.
        let missing = try await flow.topology(SystemClock().now()).missing
        func isGone(_ queue: String) -> Bool { missing.contains(.queue(queue)) }
        // Where nothing stands, prefix or virtual host are another fleet's: the error says so.
        let isNowhere = [names.intake, names.claims, names.pulse, names.dead, names.journal].allSatisfy(isGone)
        func stands(_ stream: String) -> Bool { isNowhere || !isGone(stream) }
        let (hasPulses, hasLetters, hasJournal) = (stands(names.pulse), stands(names.dead), stands(names.journal))
        if hasPulses { try await flow.workers.listen(recalling: !isBlocked) }
        async let letters: Void = read(store, hasLetters)
        if hasJournal { try await flow.follow() }
        try await letters
        do throws(BrokerFailure) {
            try await flow.hearPauses()
        } catch {
            // Whoever may not read it is shown the rest, and told that.
            if !error.isRefusal { throw error }
        }
        if !isBlocked, hasPulses { try await hear(flow, since: begun) }
        return try await FleetStatus(store, flow, names, now: SystemClock().now())
    }

    /// Each speaks every other second. Of a stage for which nobody has spoken it is said only when nobody does for longer: a worker that is slow is
    /// none that is missing.
    private func hear(_ flow: FlowStore, since begun: Moment) async throws {
        for look in 1...40 {
            try await Task.sleep(for: .milliseconds(250))
            let working = flow.workers.pulses.filter { $0.at >= begun && $0.quiet == nil && $0.claims?.isCaughtUp ?? true }
            if look >= 10, Set(working.flatMap(\.served)).isSuperset(of: Stage.allCases) { break }
        }
    }

    private func read(_ store: LetterStore, _ isThere: Bool) async throws {
        if !isThere { return }
        try await store.follow()
        try await store.catchUp()
    }
}
