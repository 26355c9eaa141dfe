/// One step of a trace, from its beginning to its end.
///
/// What it carries says of a recovery what a log line may: its reference, and nothing of a person, a card or a key.
struct TraceSpan: Sendable {
    enum Kind: UInt64, Sendable {
        case inner = 1
        case server, client, producer, consumer
    }

    enum Value: Sendable, Hashable {
        case text(String)
        case number(Int64)
    }

    let name: String
    let kind: Kind
    let context: SpanContext
    /// The step that it is part of.
    let parent: UInt64?
    /// The step of another trace that led to it: what was parked for days is not part of the trace that parked it.
    let link: SpanContext?
    /// Nanoseconds since 1970.
    let begin: UInt64
    var end: UInt64 = 0
    var attributes: [(name: String, value: Value)] = []
    /// What went wrong, in few words.
    var fault: String?

    init(
        _ name: String, _ kind: Kind, _ context: SpanContext, parent: UInt64? = nil, link: SpanContext? = nil, begin: UInt64,
        _ attributes: [(name: String, value: Value)] = []
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.link = link
        self.begin = begin
        self.attributes = attributes
    }
}
