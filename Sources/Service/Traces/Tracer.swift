import Synchronization

/// Begins spans and keeps those that have ended until they are exported; of too many the newest are let go and counted.
///
/// A trace that somebody began is recorded if he records it; one that begins here by chance, a share of all. What is not recorded costs
/// nothing but reading a header.
final class Tracer: Sendable {
    private let share: Double
    private let capacity: Int
    private let ended = Mutex<[TraceSpan]>([])
    private let letGo = Atomic<Int>(0)

    /// The span in which the task at hand works, for those who are not told of its message.
    @TaskLocal static var current: SpanContext?

    /// - Parameters:
    ///   - share: of the traces that begin here, the share that is recorded, 0 to 1.
    ///   - capacity: spans that may wait for their export.
    init(share: Double, capacity: Int = 8_192) {
        self.share = share
        self.capacity = capacity
    }

    /// How many spans were let go because too many waited.
    var dropped: Int { letGo.load(ordering: .relaxed) }

    func drop(_ count: Int) { letGo.add(count, ordering: .relaxed) }

    /// Begins what a message, or a request, leads to.
    ///
    /// - Parameters:
    ///   - traceparent: what came with it; `nil` where the trace begins here.
    ///   - isAfterward: whether it comes long after what led to it: a trace of its own then, with a link to the other.
    /// - Returns: `nil` where the trace is not recorded.
    func begin(
        _ name: String, _ kind: TraceSpan.Kind, after traceparent: String?, isAfterward: Bool = false, at begin: UInt64,
        _ attributes: [(name: String, value: TraceSpan.Value)] = []
    ) -> TraceSpan? {
        let came = traceparent.flatMap(SpanContext.init)
        if let came {
            guard came.isSampled else { return nil }
            if isAfterward {
                return TraceSpan(name, kind, Self.root(), link: came, begin: begin, attributes)
            }
            return TraceSpan(
                name, kind, SpanContext(traceID: came.traceID, spanID: Self.id(), isSampled: true), parent: came.spanID, begin: begin,
                attributes)
        }
        guard share > 0, share >= 1 || Double.random(in: 0..<1) < share else { return nil }
        return TraceSpan(name, kind, Self.root(), begin: begin, attributes)
    }

    /// Begins a part of a step.
    func begin(
        _ name: String, _ kind: TraceSpan.Kind, in parent: SpanContext, at begin: UInt64 = SystemClock.nanoseconds(),
        _ attributes: [(name: String, value: TraceSpan.Value)] = []
    ) -> TraceSpan {
        TraceSpan(
            name, kind, SpanContext(traceID: parent.traceID, spanID: Self.id(), isSampled: true), parent: parent.spanID, begin: begin,
            attributes)
    }

    func end(_ span: TraceSpan) {
        var span = span
        span.end = SystemClock.nanoseconds()
        let isKept = ended.withLock { [span] ended in
            guard ended.count < capacity else { return false }
            ended.append(span)
            return true
        }
        if !isKept { drop(1) }
    }

    /// Takes out what has ended, the oldest first.
    func take(atMost count: Int) -> [TraceSpan] {
        ended.withLock { ended in
            let taken = Array(ended.prefix(count))
            ended.removeFirst(taken.count)
            return taken
        }
    }

    private static func root() -> SpanContext {
        SpanContext(traceID: (id(), id()), spanID: id(), isSampled: true)
    }

    private static func id() -> UInt64 { TraceParent.word() }
}
