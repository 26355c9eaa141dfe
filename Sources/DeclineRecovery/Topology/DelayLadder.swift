/// How a message waits: a ladder of queues, one for each power of two seconds, which it climbs down by the bits of its delay.
///
/// Rung *n* holds a message for 2ⁿ seconds. A message enters at its delay's highest bit; at each lower rung's exchange the bit decides
/// whether it waits there or passes by. All messages of one queue wait equally long, so none blocks another, and the broker moves them
/// by itself (ARCHITECTURE.md, "Delays"; facts/amqp.md §3).
package enum DelayLadder {
    package static let rungs = 0..<21
    /// 2²¹ − 1 seconds: 24 days and 6 hours.
    package static let longest: Moment.Span = .seconds((1 << 21) - 1)

    /// Where to publish a message that is to come out after a delay.
    package struct Entry: Sendable, Equatable {
        /// The rung whose exchange takes it.
        package let rung: Int
        /// Twenty-one bits, the highest first, then the stage that gets it in the end.
        package let routingKey: String
        /// What the rungs add up to: the delay in whole seconds, rounded up, within 1 s and `longest`.
        package let delay: Moment.Span
    }

    package static func entry(after delay: Moment.Span, to stage: Stage) -> Entry {
        let seconds = min(max((delay + .milliseconds(999)).milliseconds / 1_000, 1), longest.milliseconds / 1_000)
        var key = ""
        key.reserveCapacity(2 * rungs.count + 8)
        for rung in rungs.reversed() { key += seconds >> Int64(rung) & 1 == 1 ? "1." : "0." }
        key += stage.rawValue
        return Entry(rung: 63 - seconds.leadingZeroBitCount, routingKey: key, delay: .seconds(seconds))
    }

    /// The binding key under which a rung's exchange hands a message to the rung's own queue.
    package static func waitKey(rung: Int) -> String { key(rung: rung, bit: "1") }

    /// The binding key under which a rung's exchange passes a message on to the next lower exchange.
    package static func passKey(rung: Int) -> String { key(rung: rung, bit: "0") }

    private static func key(rung: Int, bit: String) -> String {
        String(repeating: "*.", count: rungs.count - 1 - rung) + bit + ".#"
    }

    /// How long a rung's queue holds a message.
    package static func span(ofRung rung: Int) -> Moment.Span { .seconds(1 << Int64(rung)) }
}
