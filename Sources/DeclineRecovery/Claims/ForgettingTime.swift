/// The time by which claims are let go of: one that no single wrong clock pushes ahead.
///
/// What was forgotten can be charged again. So it goes neither by this process's own clock alone, which a bad time server may put years ahead for
/// a moment, nor by what others say of theirs. It is the earlier of two: the own clock, and the stream's own time when this process had caught up
/// with it, gone on since by a clock that nobody sets. Whoever is behind costs memory and nothing else: after a stream that was quiet for days
/// its entries stay as many days longer, until the process begins anew.
package struct ForgettingTime: Sendable {
    /// When the latest claims of other processes were made, by their clocks; the newest in the place of the oldest.
    private var latest: [Moment] = []
    private var oldest = 0
    /// The stream's time, and the uptime at which it was that.
    private var anchor: (time: Moment, uptime: Duration)?

    /// One right clock among so many claims is enough.
    private static let kept = 100

    package init() {}

    /// A claim of another process was read.
    package mutating func heard(_ at: Moment) {
        if anchor != nil { return }
        if latest.count < Self.kept {
            latest.append(at)
        } else {
            latest[oldest] = at
            oldest = (oldest + 1) % Self.kept
        }
    }

    /// All that others claimed before this process began has been read. Where nobody has claimed anything there is nothing to lose.
    package mutating func caughtUp(now: Moment, uptime: Duration) {
        if anchor != nil { return }
        anchor = (latest.min() ?? now, uptime)
        latest = []
    }

    /// - Parameters:
    ///   - now: by the own clock.
    ///   - uptime: since some beginning, by a clock that nobody sets and that goes on while the process is frozen.
    /// - Returns: before when nothing is needed any more; `nil` while that is not known.
    package func limit(now: Moment, uptime: Duration) -> Moment? {
        guard let anchor else { return latest.min().map { min($0, now) } }
        return min(now, anchor.time + Moment.Span(uptime - anchor.uptime))
    }
}
