import Glibc

/// How soon a connection's thread may turn again.
///
/// A turn costs what a few messages cost: a wake, a read, a write, and whoever is thrown off the core for it. Few and far between, turns come
/// at once; when they come one upon the other, the next waits until there is something to do for several messages. Whoever has something to
/// say meanwhile need not wake anybody.
struct TurnPace {
    /// Nanoseconds between turns that follow each other.
    static let interval: Int64 = 1_000_000
    /// As many come at once.
    static let burst: Int64 = 8

    /// Bytes that are worth a turn at any time: whoever reads a stream from its beginning waits for nobody.
    static let plenty = 64 << 10

    /// How many bytes the last turn has read.
    var found = 0
    /// When the next turn would begin, were they evenly spaced.
    private var even: Int64 = 0

    /// Begins a turn, when its time has come.
    mutating func keep() {
        let wait = turn(at: monotonicNanoseconds())
        guard wait > 0, found < Self.plenty else { return }
        var time = timespec(tv_sec: 0, tv_nsec: Int(wait))
        nanosleep(&time, nil)
    }

    /// Notes a turn, and says how long it waits, in nanoseconds: no longer than `interval`.
    mutating func turn(at now: Int64) -> Int64 {
        let wait = min(max(even - now - Self.burst * Self.interval, 0), Self.interval)
        even = max(even, now) + Self.interval
        return wait
    }
}
