package import DeclineRecovery
import Pipeline
import Synchronization

/// A clock that stands until somebody waits.
package final class ManualClock: WallClock {
    private let time: Mutex<(now: Moment, waits: [Moment.Span])>

    package init(_ now: Moment) {
        time = Mutex((now, []))
    }

    package func now() -> Moment { time.withLock { $0.now } }

    /// How long was waited, each time.
    package var waits: [Moment.Span] { time.withLock { $0.waits } }

    package func pass(_ span: Moment.Span) { time.withLock { $0.now = $0.now + span } }

    /// Lets time pass at once.
    package func wait(_ span: Moment.Span) async {
        time.withLock { time in
            time.now = time.now + span
            time.waits.append(span)
        }
    }
}
