import DeclineRecovery

/// The pauses between the tries to finish a delivery: 1 s growing to 15 s, each up to a quarter shorter, so that those who failed together do
/// not come back together.
struct HoldPause {
    private var milliseconds: Int64 = 1_000

    mutating func next() -> Moment.Span {
        defer { milliseconds = min(milliseconds * 2, Holdings.longestInHand.milliseconds) }
        return .milliseconds(Int64.random(in: milliseconds * 3 / 4...milliseconds))
    }
}
