public import DeclineRecovery

/// A delivery as a stage sees it: what was sent, how it came, and no way to finish it. Finishing is what a stage's answer is for.
public struct IncomingMessage: Sendable {
    public let body: [UInt8]
    /// How long the body was when it came. Of one that is longer than anything that is worked on only the beginning is at hand.
    public let byteCount: Int
    public let contentType: String?
    public let messageID: String?
    public let type: String?
    public let correlationID: String?
    public let replyTo: String?
    /// W3C trace context, passed on through every hop.
    public var traceparent: String?
    /// The other headers, for a dead letter to keep.
    public let headers: [(name: String, value: JSONValue)]
    public internal(set) var exchange: String
    public let routingKey: String
    /// The broker handed this message out before, to us or to a pod that died.
    public let redelivered: Bool
    /// How often the broker handed this message out before without its being finished.
    public let deliveries: Int
    /// When it was to come out of the delay ladder.
    public let due: Moment?
    /// Where a suspect comes from; its exchange and routing key are those it had there.
    public let setAside: SetAside?
    /// Which queue's limit brought it here; its exchange and routing key are those it had before.
    public let drivenOut: DrivenOut?

    public init(
        body: [UInt8], byteCount: Int? = nil, contentType: String? = nil, messageID: String? = nil, type: String? = nil,
        correlationID: String? = nil,
        replyTo: String? = nil, traceparent: String? = nil, headers: [(name: String, value: JSONValue)] = [], exchange: String = "",
        routingKey: String = "", redelivered: Bool = false, deliveries: Int = 0, due: Moment? = nil, setAside: SetAside? = nil,
        drivenOut: DrivenOut? = nil
    ) {
        self.body = body
        self.byteCount = byteCount ?? body.count
        self.contentType = contentType
        self.messageID = messageID
        self.type = type
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.traceparent = traceparent
        self.headers = headers
        self.exchange = exchange
        self.routingKey = routingKey
        self.redelivered = redelivered
        self.deliveries = deliveries
        self.due = due
        self.setAside = setAside
        self.drivenOut = drivenOut
    }
}
