import Operations
import Synchronization

/// What was gone, at the last look, of the exchanges and queues that a fleet goes on without. Each question about one that is gone costs the broker a
/// channel and a line in its log, and a fleet may go without for long, so they are asked for anew only once a minute.
final class SparedPlaces: Sendable {
    private static let patience: Duration = .seconds(60)

    private let last = Mutex<(at: ContinuousClock.Instant, absent: [TopologyLook.Place])?>(nil)

    func found(_ absent: [TopologyLook.Place], now: ContinuousClock.Instant = .now) { last.withLock { $0 = (now, absent) } }

    /// `nil` where it is time to ask.
    func absent(now: ContinuousClock.Instant = .now) -> [TopologyLook.Place]? {
        last.withLock { last in last.flatMap { now - $0.at < Self.patience ? $0.absent : nil } }
    }
}
