import CRabbitMQ

/// Puts contents together, each channel its own: a method announces one, a header says how long it is, bodies follow.
struct ContentAssembler {
    /// A message as it came: one that was delivered, or one of ours that comes back.
    struct Content {
        let kind: Kind
        let exchange: String
        let routingKey: String
        fileprivate(set) var properties = MessageProperties()
        fileprivate(set) var body: [UInt8] = []
        /// How long the body is, and how much of it has come.
        fileprivate(set) var size = 0
        fileprivate var received = 0
        /// How much of it is kept.
        fileprivate let mostBytes: Int

        fileprivate init(_ kind: Kind, exchange: String, routingKey: String, mostBytes: Int) {
            self.kind = kind
            self.mostBytes = mostBytes
            self.exchange = exchange
            self.routingKey = routingKey
        }

        enum Kind {
            case delivery(tag: UInt64, redelivered: Bool)
            case returned(code: UInt16, text: String)
        }
    }

    private var underWay: [UInt16: Content] = [:]
    private var texts = RecurringTexts()

    mutating func announce(
        _ kind: Content.Kind, exchange: amqp_bytes_t, routingKey: amqp_bytes_t, mostBytes: Int = .max, on channel: UInt16
    ) {
        underWay[channel] = Content(kind, exchange: texts.text(exchange), routingKey: texts.text(routingKey), mostBytes: mostBytes)
    }

    /// Forgets what a channel that is closed had begun.
    mutating func forget(_ channel: UInt16) {
        underWay[channel] = nil
    }

    /// Takes a frame of a content; the content itself when that was its last.
    mutating func add(_ frame: amqp_frame_t) throws(BrokerError) -> Content? {
        // Out of the dictionary while it grows: a body is not copied.
        guard var content = underWay.removeValue(forKey: frame.channel) else {
            throw .protocolViolation("a content that nothing announced")
        }
        if Int32(frame.frame_type) == AMQP_FRAME_HEADER {
            guard let raw = frame.payload.properties.decoded else { throw .protocolViolation("a content header that cannot be decoded") }
            content.properties = MessageProperties(raw.load(as: amqp_basic_properties_t.self), &texts)
            content.size = Int(clamping: frame.payload.properties.body_size)
            // A publisher's claim is no reason to set memory aside; large bodies grow as they come.
            content.body.reserveCapacity(min(content.size, content.mostBytes, 1 << 20))
        } else {
            let fragment = UnsafeRawBufferPointer(start: frame.payload.body_fragment.bytes, count: frame.payload.body_fragment.len)
            content.received += fragment.count
            content.body.append(contentsOf: fragment.prefix(max(content.mostBytes - content.body.count, 0)))
        }
        if content.received >= content.size { return content }
        underWay[frame.channel] = content
        return nil
    }
}
