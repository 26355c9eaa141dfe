import DeclineRecovery
import Pipeline
import Synchronization

/// What this process could not publish where it was to go, and when each such place is tried again.
///
/// A receiver that refuses costs nobody else anything: whatever is for it is put away at once and brought forth message by message. At most
/// one is tried at a time, for each try reaches the other receivers of the same message as well, and they would be told over and over.
final class Holdings: Sendable {
    /// Where messages are published.
    struct Place: Hashable, Sendable, CustomStringConvertible {
        let exchange: String
        let routingKey: String

        var description: String { exchange.isEmpty ? "queue '\(routingKey)'" : "exchange '\(exchange)' with key '\(routingKey)'" }
    }

    /// A delivery that is kept in hand because what replaces it is taken nowhere.
    struct Hold: Sendable {
        fileprivate let stage: Stage
    }

    private struct Refusal {
        var since: Moment
        var last: Moment
        var why: String
        var failures: Int
        var notBefore: Moment
        var count: Int
        /// It has taken a message since it refused last: nothing is told of it. What waits for it comes one by one all the same, for one that is
        /// full takes a message now and then.
        var isTaking = false
    }

    private struct State {
        var refusals: [Place: Refusal] = [:]
        var holds: [Stage: Int] = [:]
        /// Since when there has been one in hand; `nil` while there is none.
        var holdsSince: Moment?
    }

    private let state = Mutex(State())
    private let clock: any WallClock
    /// Whether any place refuses: asked with each message, and so without a lock.
    private let isAnyRefused = Atomic<Bool>(false)
    private static let shortest = Moment.Span.seconds(5)
    /// Each try reaches the other receivers of the message, who are told it again, and all that waits goes through the ladder anew.
    private static let longest = Moment.Span.minutes(5)
    /// Where a try reaches nobody else.
    private static let longestAlone = Moment.Span.minutes(1)
    /// Between the tries of a delivery that is kept in hand.
    static let longestInHand = Moment.Span.seconds(15)
    /// How long the one that is tried may take, until the next is.
    private static let trial = Moment.Span.seconds(30)
    /// Of what refused last before so long nothing is told any more: whoever gave out what had waited for it was another worker.
    private static let memory = Moment.Span.minutes(30)

    init(clock: any WallClock = SystemClock()) {
        self.clock = clock
    }

    /// A place refuses a message.
    ///
    /// - Parameters:
    ///   - isTrial: whether it was tried again; the first refusals, of what was under way together, do not count against the place.
    ///   - isAlone: whether nobody else receives what is published there.
    /// - Returns: when the message may be tried.
    func refused(_ place: Place, _ why: String, now: Moment, isTrial: Bool, isAlone: Bool = false) -> Moment {
        state.withLock { state in
            var refusal = state.refusals[place] ?? Refusal(since: now, last: now, why: why, failures: 0, notBefore: now, count: 0)
            if isTrial || refusal.failures == 0 {
                let longest = isAlone ? Self.longestAlone : Self.longest
                let pause = min(Self.shortest.milliseconds << Int64(min(refusal.failures, 10)), longest.milliseconds)
                refusal.failures += 1
                refusal.notBefore = now + .milliseconds(Int64.random(in: pause * 3 / 4...pause))
            }
            if refusal.isTaking { (refusal.since, refusal.count, refusal.isTaking) = (now, 0, false) }
            refusal.why = why
            refusal.last = now
            if !isTrial { refusal.count += 1 }
            state.refusals[place] = refusal
            isAnyRefused.store(true, ordering: .relaxed)
            return Self.spread(refusal)
        }
    }

    /// Whether a message that was put away may be tried now: `nil` when it may, and then the others wait for it; otherwise when it comes again.
    func turn(_ place: Place, now: Moment) -> Moment? {
        state.withLock { state in
            guard var refusal = state.refusals[place] else { return nil }
            if now < refusal.notBefore { return Self.spread(refusal) }
            refusal.notBefore = now + Self.trial
            state.refusals[place] = refusal
            return nil
        }
    }

    /// These places have taken a message each.
    ///
    /// - Parameter isTrial: of what had been put away: they refuse no more.
    func taken(_ places: @autoclosure () -> [Place], isTrial: Bool = false) {
        guard isAnyRefused.load(ordering: .relaxed) else { return }
        let (places, now) = (places(), clock.now())
        state.withLock { state in
            for place in places {
                guard let last = state.refusals[place]?.last else { continue }
                // A clock may have been set back meanwhile.
                let isOver = isTrial || now < last || now - last > .minutes(1)
                if isOver { state.refusals[place] = nil } else { state.refusals[place]?.isTaking = true }
            }
            isAnyRefused.store(!state.refusals.isEmpty, ordering: .relaxed)
        }
    }

    func begin(_ stage: Stage) -> Hold {
        let now = clock.now()
        state.withLock { state in
            state.holds[stage, default: 0] += 1
            if state.holdsSince == nil { state.holdsSince = now }
        }
        return Hold(stage: stage)
    }

    func end(_ hold: Hold) {
        state.withLock { state in
            state.holds[hold.stage, default: 1] -= 1
            if state.holds.values.allSatisfy({ $0 == 0 }) { state.holdsSince = nil }
        }
    }

    /// Deliveries that are kept in hand, by stage.
    var inHand: [Stage: Int] { state.withLock { $0.holds } }
    /// Places that refuse at the moment.
    var refusing: Int { refusals.count }

    /// The same for whoever watches the fleet.
    var places: [WorkerPulse.Refusing] {
        refusals.map { place, refusal in
            WorkerPulse.Refusing(
                place: place.description, count: refusal.count, since: refusal.since, why: refusal.why, triedAt: refusal.notBefore)
        }
    }

    /// Those of which something is told, the first that refused first.
    private var refusals: [(place: Place, refusal: Refusal)] {
        let now = clock.now()
        return state.withLock { state in
            state.refusals.filter { !$0.value.isTaking && now - $0.value.last <= Self.memory }.sorted { $0.value.since < $1.value.since }
                .map { ($0, $1) }
        }
    }

    var complaints: [String] {
        let (count, since) = state.withLock { ($0.holds.values.reduce(0, +), $0.holdsSince) }
        guard count > 0, let since else { return [] }
        let most = Self.longestInHand.milliseconds / 1_000
        return [
            "deliveries: \(count) are held since \(since.rfc3339), for what replaces them is taken nowhere; each is tried again within \(most) s; compare `salvage topology check`"
        ]
    }

    var remarks: [String] {
        let now = clock.now()
        return refusals.prefix(20).map { place, refusal in
            let next = WorkerPulse.Refusing.next(at: refusal.notBefore, now: now)
            return "held: \(refusal.count) for \(place), which refuses since \(refusal.since.rfc3339): \(refusal.why); \(next)"
        }
    }

    /// Behind the trial and one after the other, not all with it.
    private static func spread(_ refusal: Refusal) -> Moment {
        refusal.notBefore + .milliseconds(Int64.random(in: 1_000...max(10_000, Int64(min(refusal.count, 60_000)) * 10)))
    }
}
