import DeclineRecovery
import NIOCore

/// How long a gateway's calls take, those included that are under way.
///
/// Waiting for our own rate counts: it keeps others waiting as much. What the worker itself and the broker take before and after a call does not.
struct CallPace {
    /// When each began that is under way, the oldest first; `nil` for what has ended behind it.
    private var begun: CircularBuffer<Moment?> = []
    /// The number of the first of them.
    private var first = 0
    /// Milliseconds; an average in which the latest counts most.
    private var usual = 0.0

    mutating func began(now: Moment) -> Int {
        begun.append(now)
        return first + begun.count - 1
    }

    mutating func ended(_ number: Int, now: Moment) {
        let index = begun.index(begun.startIndex, offsetBy: number - first)
        guard let start = begun[index] else { return }
        usual += (Double((now - start).milliseconds) - usual) / 10
        begun[index] = nil
        while let oldest = begun.first, oldest == nil {
            begun.removeFirst()
            first += 1
        }
    }

    /// Whether they take half a second as a rule, or one has been under way for two. What they took before they paused says nothing.
    func isSlow(now: Moment) -> Bool {
        guard let oldest = begun.first, let oldest else { return false }
        let age = (now - oldest).milliseconds
        return age >= 2_000 || age >= 500 && usual >= 500
    }
}
