import DeclineRecovery

/// A rate of calls: in no second more than may be, also behind a rest. A value with the time given in.
struct RateLimit: Sendable, Hashable {
    /// As many calls as may be made in a window, and the window in milliseconds: a second, or longer where less than one may be made in that.
    private let window: Double
    /// When the last calls' turns are, in milliseconds, in a circle. Each one's place is the next but for a window's worth.
    private var turns: [Double]
    private var next = 0

    init(perSecond: Double) {
        let most = max(perSecond.rounded(.down), 1)
        window = max(1 / perSecond, 1) * 1_000
        turns = Array(repeating: -.infinity, count: Int(min(most, 100_000)))
    }

    /// Takes a turn: how long the call has to wait for it. `nil`, and no turn taken, when that is longer than `patience`.
    mutating func reserve(now: Moment, patience: Moment.Span) -> Moment.Span? {
        let at = Double(now.milliseconds)
        let turn = max(turns[next] + window, at)
        let wait = turn - at
        guard wait <= Double(patience.milliseconds) else { return nil }
        turns[next] = turn
        next = (next + 1) % turns.count
        return .milliseconds(Int64(wait.rounded(.up)))
    }
}
