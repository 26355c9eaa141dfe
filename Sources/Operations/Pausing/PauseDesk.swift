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
    package func inForce() async throws(BrokerFailure) -> [Pause] { try await known().inForce(at: clock.now()) }

    /// What stands on the stream.
    func known() async throws(BrokerFailure) -> Pauses {
        let store = PauseStore()
        try await store.read(broker.pauses)
        return store.pauses
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

    /// What became of a wish to have something go on.
    package enum Lifted: Sendable, Equatable {
        /// What was paused until now.
        case pause(Pause)
        /// The stream has no record of anything. Whoever knows a pause all the same has read it on a stream before this one, and forgets all that
        /// he read there as the first record of this one comes: this, which lifts what was named.
        case forgotten(Pause)
    }

    /// Ends a pause before its time.
    package func lift(_ words: PauseWords, by who: String, why: String) async throws(PauseRefusal) -> Lifted {
        let known: Pauses
        do throws(BrokerFailure) { known = try await self.known() } catch { throw .broker(error) }
        let now = clock.now()
        let pause = known.isOfNothing ? nil : try words.pause(among: known.inForce(at: now))
        let target = if let pause { pause.target } else { try words.bareTarget() }
        let lifting = Pause.lifting(target, at: now, by: who, why: why)
        do throws(BrokerFailure) { try await broker.order(lifting) } catch { throw .broker(error) }
        return pause.map(Lifted.pause) ?? .forgotten(lifting)
    }
}
