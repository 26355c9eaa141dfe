import DeclineRecovery
import Pipeline
import Synchronization

/// A clock that stands until somebody waits.
final class ManualClock: WallClock {
    private let time: Mutex<(now: Moment, waits: [Moment.Span])>

    init(_ now: Moment) {
        time = Mutex((now, []))
    }

    func now() -> Moment { time.withLock { $0.now } }

    /// How long was waited, each time.
    var waits: [Moment.Span] { time.withLock { $0.waits } }

    func pass(_ span: Moment.Span) { time.withLock { $0.now = $0.now + span } }

    /// Lets time pass at once.
    func wait(_ span: Moment.Span) async {
        time.withLock { time in
            time.now = time.now + span
            time.waits.append(span)
        }
    }
}
