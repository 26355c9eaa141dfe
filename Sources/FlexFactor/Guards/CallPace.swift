import DeclineRecovery
import NIOCore

/// Since when a gateway's calls are under way.
///
/// Waiting for our own rate counts: it keeps others waiting as much. What the worker itself and the broker take before and after a call does not.
struct CallPace {
    /// When each began that is under way, the oldest first; `nil` for what has ended behind it.
    private var begun: CircularBuffer<Moment?> = []
    /// The number of the first of them.
    private var first = 0

    mutating func began(now: Moment) -> Int {
        begun.append(now)
        return first + begun.count - 1
    }

    mutating func ended(_ number: Int) {
        begun[offset: number - first] = nil
        while let oldest = begun.first, oldest == nil {
            begun.removeFirst()
            first += 1
        }
    }

    /// Whether one has been under way for two seconds. A worker that has all the CPU it gets takes a good part of one for each of a thousand calls,
    /// at whichever FlexFactor.
    func isSlow(now: Moment) -> Bool {
        guard let oldest = begun.first, let oldest else { return false }
        return now - oldest >= .seconds(2)
    }
}

extension CircularBuffer {
    fileprivate subscript(offset offset: Int) -> Element {
        get { self[index(startIndex, offsetBy: offset)] }
        set { self[index(startIndex, offsetBy: offset)] = newValue }
    }
}
