import Broker
import Operations
import Synchronization

/// The exchanges and queues at which this login may not look, as far as it has asked. Each such question costs the broker a channel and a line in
/// its log, so it is asked anew only from time to time: a right may have been given.
final class BarredPlaces: Sendable {
    private static let patience: Duration = .seconds(600)

    private let since = Mutex<[TopologyLook.Place: ContinuousClock.Instant]>([:])

    func bar(_ place: TopologyLook.Place, now: ContinuousClock.Instant = .now) { since.withLock { $0[place] = now } }

    func contains(_ place: TopologyLook.Place, now: ContinuousClock.Instant = .now) -> Bool {
        since.withLock { since in since[place].map { now - $0 < Self.patience } ?? false }
    }

    /// The rest of a topology, which may be asked for.
    func rest(of topology: Topology, now: ContinuousClock.Instant = .now) -> Topology {
        Topology(
            exchanges: topology.exchanges.filter { !contains(.exchange($0.name), now: now) },
            queues: topology.queues.filter { !contains(.queue($0.name), now: now) })
    }
}
