import DeclineRecovery

/// A rate of calls per second, with a burst of one second's worth. A value with the time given in.
struct RateLimit: Sendable, Hashable {
    let perSecond: Double
    /// When the next call's turn is, in milliseconds; fractions matter at high rates.
    private var next: Double = 0

    init(perSecond: Double) {
        self.perSecond = perSecond
    }

    /// Takes a turn: how long the call has to wait for it. `nil`, and no turn taken, when that is longer than `patience`.
    mutating func reserve(now: Moment, patience: Moment.Span) -> Moment.Span? {
        let at = Double(now.milliseconds)
        let turn = max(next, at - 1_000)
        let wait = max(turn - at, 0)
        guard wait <= Double(patience.milliseconds) else { return nil }
        next = turn + 1_000 / perSecond
        return .milliseconds(Int64(wait.rounded(.up)))
    }
}
