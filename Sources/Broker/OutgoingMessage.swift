/// A message to publish. An object that never changes: it is handed from hand to hand until the broker has it.
public final class OutgoingMessage: Sendable {
    /// Empty for the default exchange, whose routing key names a queue.
    public let exchange: String
    public let routingKey: String
    /// Whether it is an error that no queue takes the message.
    public let isMandatory: Bool
    public let properties: MessageProperties
    public let body: [UInt8]

    public init(
        exchange: String, routingKey: String, isMandatory: Bool = true, properties: MessageProperties = MessageProperties(), body: [UInt8]
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.isMandatory = isMandatory
        self.properties = properties
        self.body = body
    }
}

/// The properties of a message. Each text has at most 255 bytes (AMQP's short strings); a longer one is refused before anything is sent.
public struct MessageProperties: Sendable, Hashable {
    public var contentType: String?
    public var contentEncoding: String?
    public var messageID: String?
    /// One that is no UTF-8 is a text all the same, and is sent as the bytes it came as (``CorrelationID``).
    public var correlationID: String?
    public var replyTo: String?
    public var type: String?
    public var appID: String?
    /// Seconds since 1970.
    public var timestamp: UInt64?
    /// Milliseconds after which a queue drops or dead-letters the message.
    public var expiration: String?
    public var priority: UInt8?
    /// Whether the message survives the broker. On unless turned off.
    public var isPersistent: Bool
    public var headers: FieldTable

    /// Where it is written out, each value goes straight to its place: a copy of all of them counts nine references.
    @inlinable @inline(__always)
    public init(
        contentType: String? = nil, contentEncoding: String? = nil, messageID: String? = nil, correlationID: String? = nil,
        replyTo: String? = nil, type: String? = nil, appID: String? = nil, timestamp: UInt64? = nil, expiration: String? = nil,
        priority: UInt8? = nil, isPersistent: Bool = true, headers: FieldTable = FieldTable()
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.messageID = messageID
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.type = type
        self.appID = appID
        self.timestamp = timestamp
        self.expiration = expiration
        self.priority = priority
        self.isPersistent = isPersistent
        self.headers = headers
    }
}
