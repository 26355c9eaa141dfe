import CRabbitMQ

/// Puts contents together, each channel its own: a method announces one, a header says how long it is, bodies follow.
struct ContentAssembler {
    /// A message as it came: one that was delivered, or one of ours that comes back.
    ///
    /// An object that its channel uses for one message after the other; who is handed it takes what it holds before the next begins.
    final class Content {
        fileprivate(set) var kind = Kind.returned(code: 0, text: "")
        fileprivate(set) var exchange = ""
        fileprivate(set) var routingKey = ""
        fileprivate(set) var properties = MessageProperties()
        fileprivate var body: [UInt8] = []
        /// How long the body is, and how much of it has come.
        fileprivate(set) var size = 0
        fileprivate var received = 0
        /// How much of it is kept.
        fileprivate var mostBytes = Int.max
        fileprivate var isUnderWay = false

        enum Kind {
            case delivery(tag: UInt64, redelivered: Bool)
            case returned(code: UInt16, text: String)
        }

        func takeProperties() -> MessageProperties {
            var taken = MessageProperties()
            swap(&taken, &properties)
            return taken
        }

        func takeBody() -> [UInt8] {
            var taken: [UInt8] = []
            swap(&taken, &body)
            return taken
        }
    }

    private var contents: [UInt16: Content] = [:]
    private var texts = RecurringTexts()

    mutating func announce(
        _ kind: Content.Kind, exchange: amqp_bytes_t, routingKey: amqp_bytes_t, mostBytes: Int = .max, on channel: UInt16
    ) {
        let content = contents[channel] ?? Content()
        contents[channel] = content
        content.kind = kind
        content.exchange = texts.text(exchange)
        content.routingKey = texts.text(routingKey)
        content.properties = MessageProperties()
        content.body = []
        (content.size, content.received, content.mostBytes) = (0, 0, mostBytes)
        content.isUnderWay = true
    }

    /// Forgets what a channel that is closed had begun.
    mutating func forget(_ channel: UInt16) {
        contents[channel] = nil
    }

    /// Takes a frame of a content; the content itself when that was its last.
    mutating func add(_ frame: amqp_frame_t) throws(BrokerError) -> Content? {
        guard let content = contents[frame.channel], content.isUnderWay else {
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
        guard content.received >= content.size else { return nil }
        content.isUnderWay = false
        return content
    }
}
