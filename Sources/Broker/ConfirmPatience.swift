/// How long a publish may stay unconfirmed until its channel is opened anew.
///
/// The first few times as long: just after a node was lost a new channel may be told the same as the one before it. Then each time doubles,
/// until everything is confirmed again: a broker that is only slow, or has lost the majority of a queue's replicas, must not be sent everything
/// again and again.
struct ConfirmPatience {
    private let first: Int64
    /// Five seconds, to twenty: when a majority is back, what a channel sent without one may stay unconfirmed for as long.
    private static let most: Int64 = 4
    private static let evenTries = 3
    private var tries = 0
    /// Milliseconds.
    private(set) var span: Int64
    /// Since when waiting counts: what waited for an alarm's end did not wait for the broker.
    private(set) var begun: Int64 = .min

    init(_ milliseconds: Int64) {
        first = milliseconds
        span = milliseconds
    }

    mutating func begin() { begun = monotonicMilliseconds() }

    mutating func spend() {
        tries += 1
        if tries >= Self.evenTries { span = min(span * 2, first * Self.most) }
    }

    mutating func recover() {
        tries = 0
        span = first
    }
}
