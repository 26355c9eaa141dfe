import NIOCore

/// How long a connection of ours may take for each thing that it does.
///
/// Everything that a peer owes us has a time of its own that trickling does not lengthen: a head, a body, and the reading of our answer. Between
/// two requests a connection may rest.
struct ConnectionPatience {
    struct Limits: Sendable {
        /// From the beginning of a connection to the end of its first head.
        var head = TimeAmount.seconds(10)
        /// From the end of an answer to the end of the next head.
        var idle = TimeAmount.seconds(60)
        /// From the end of a head to the end of its body.
        var body = TimeAmount.seconds(20)
        /// From the end of a request to the moment when the whole answer was handed to the kernel.
        var answer = TimeAmount.seconds(60)
    }

    let limits: Limits
    private var wasAsked = false
    private var isReading = false
    private var unanswered = 0
    /// When what is waited for now began.
    private var since: NIODeadline

    init(_ limits: Limits, now: NIODeadline) {
        self.limits = limits
        since = now
    }

    mutating func headCame(_ now: NIODeadline) {
        wasAsked = true
        isReading = true
        unanswered += 1
        since = now
    }

    mutating func requestEnded(_ now: NIODeadline) {
        isReading = false
        since = now
    }

    mutating func answered(_ now: NIODeadline) {
        unanswered = max(unanswered - 1, 0)
        // An answer that comes before its request has ended gives the rest of the request no more time.
        if !isReading { since = now }
    }

    /// Whether the peer still owes us its request: such a connection is worth the least when there are too many.
    var isWaiting: Bool { isReading || unanswered == 0 }

    /// Since when.
    var waitingSince: NIODeadline? { isWaiting ? since : nil }

    /// When the connection is closed, if nothing happens before.
    var deadline: NIODeadline {
        if isReading { return since + limits.body }
        if unanswered > 0 { return since + limits.answer }
        return since + (wasAsked ? limits.idle : limits.head)
    }
}
