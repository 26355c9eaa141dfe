package import DeclineRecovery
package import Pipeline

/// Where pauses are looked at, ordered and lifted: by commands and by the console alike.
///
/// Each look is at the stream itself, for who acts must not act by what he remembers. What it says nothing of may be remembered from a stream
/// that was here before it: workers heed that as well.
package struct PauseDesk: Sendable {
    private let broker: any OperatorBroker
    private let clock: any WallClock
    private let remembered: Pauses

    /// - Parameter remembered: what this process has read until now, where it follows the stream.
    package init(_ broker: any OperatorBroker, clock: any WallClock, remembering remembered: Pauses = Pauses()) {
        self.broker = broker
        self.clock = clock
        self.remembered = remembered
    }

    /// What is paused now, and of that what is only remembered.
    func look() async throws(BrokerFailure) -> (inForce: [Pause], remembered: [Pause]) {
        let known = try await known()
        let inForce = known.over(remembered).inForce(at: clock.now())
        return (inForce, inForce.filter { !known.hasHeard(of: $0.target) })
    }

    /// What stands on the stream.
    package func known() async throws(BrokerFailure) -> Pauses {
        let store = PauseStore()
        try await store.read(broker.pauses)
        return store.pauses
    }

    /// Refuses an end that is over, or too far away.
    package static func check(end: Moment, now: Moment) throws(PauseRefusal) {
        if end <= now { throw .over(end, now: now) }
        if end > now + Pause.longest { throw .tooLong(now + Pause.longest) }
    }

    private static func check(_ why: String, by who: String) throws(PauseRefusal) {
        if let what = OperatorWords.refusal(of: why, as: "reason") ?? OperatorWords.refusal(of: who, as: "operator's name") {
            throw .cardData(what)
        }
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
        try Self.check(why, by: who)
        let pause = Pause(target, since: now, until: end, by: who, why: why)
        let other: Pause?
        do throws(BrokerFailure) {
            other = replaces ? nil : try await look().inForce.first { $0.target == target }
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
        /// The stream says nothing of it. Whoever heeds it has read it on a stream before this one, and hears that it goes on.
        case forgotten(Pause)
    }

    /// Ends a pause before its time.
    ///
    /// - Parameter mayBeUnknown: whether what nobody here knows of is lifted as it is named, where the stream holds nothing.
    package func lift(
        _ words: PauseWords, by who: String, why: String, whereUnknown mayBeUnknown: Bool = false
    ) async throws(PauseRefusal) -> Lifted {
        try Self.check(why, by: who)
        let known: Pauses
        do throws(BrokerFailure) { known = try await self.known() } catch { throw .broker(error) }
        let now = clock.now()
        let inForce = known.over(remembered).inForce(at: now)
        // Who remembers nothing, as a command, takes the word of whoever asks where the stream holds nothing.
        let pause = known.isOfNothing && mayBeUnknown ? nil : try words.pause(among: inForce)
        let target = if let pause { pause.target } else { try words.bareTarget() }
        let lifting = Pause.lifting(target, at: now, by: who, why: why)
        do throws(BrokerFailure) { try await broker.order(lifting) } catch { throw .broker(error) }
        guard let pause else { return .forgotten(lifting) }
        return known.hasHeard(of: target) ? .pause(pause) : .forgotten(pause)
    }
}
