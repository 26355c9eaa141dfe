package import DeclineRecovery
package import Pipeline

/// Where pauses are looked at, ordered and lifted: by commands and by the console alike.
///
/// Each look is at the stream itself, for who acts must not act by what he remembers.
package struct PauseDesk: Sendable {
    private let broker: any OperatorBroker
    private let clock: any WallClock

    package init(_ broker: any OperatorBroker, clock: any WallClock) {
        self.broker = broker
        self.clock = clock
    }

    /// What is paused now.
    package func inForce() async throws(BrokerFailure) -> [Pause] {
        let store = PauseStore()
        try await store.read(broker.pauses)
        return store.pauses.inForce(at: clock.now())
    }

    /// Refuses an end that is over, or too far away.
    package static func check(end: Moment, now: Moment) throws(PauseRefusal) {
        if end <= now { throw .over(end, now: now) }
        if end > now + Pause.longest { throw .tooLong(now + Pause.longest) }
    }

    /// Pauses something until its end; returns when the broker has the order.
    ///
    /// - Parameter replaces: whether it may take the place of a pause of the same thing.
    package func pause(
        _ target: Pause.Target, until end: Moment, by who: String, why: String, replaces: Bool
    ) async throws(PauseRefusal) -> Pause {
        let now = clock.now()
        try Self.check(end: end, now: now)
        if why.allSatisfy(\.isWhitespace) { throw .noReason }
        let pause = Pause(target, since: now, until: end, by: who, why: why)
        let other: Pause?
        do throws(BrokerFailure) {
            other = replaces ? nil : try await inForce().first { $0.target == target }
            if other == nil { try await broker.order(pause) }
        } catch {
            throw .broker(error)
        }
        if let other { throw .pausedAlready(other) }
        return pause
    }

    /// Ends a pause before its time.
    ///
    /// - Returns: what was paused until now.
    package func lift(_ words: PauseWords, by who: String, why: String) async throws(PauseRefusal) -> Pause {
        let known: [Pause]
        do throws(BrokerFailure) { known = try await inForce() } catch { throw .broker(error) }
        let pause = try words.pause(among: known)
        do throws(BrokerFailure) {
            try await broker.order(.lifting(pause.target, at: clock.now(), by: who, why: why))
        } catch {
            throw .broker(error)
        }
        return pause
    }
}
