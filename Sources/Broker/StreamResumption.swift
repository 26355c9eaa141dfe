import Synchronization

/// How far a stream was read, and whether what stands under its name now is the same stream.
///
/// Offsets count the messages of one stream. A stream that is deleted and made anew, with its whole virtual host perhaps, counts from 0 again:
/// who asks it for what comes behind a remembered offset hears nothing until it has grown as long as the old one was. So a subscription
/// begins with the last message that was read. If it comes again, the stream is the same; if another one stands there, or nothing comes at
/// all, it is a new one, and everything in it is news.
final class StreamResumption: Sendable {
    enum State: Sendable, Hashable {
        case reading
        /// The subscription is new, and nothing has come yet.
        case pending
        /// It is another stream than the one that was read; nothing is taken until it is read from its beginning.
        case anew
    }

    private struct Memory {
        var state = State.reading
        /// The offset of the last message that was read; -1 before the first.
        var last: Int64 = -1
        var fingerprint = 0
        /// Whether a stream was found to be a new one, which is read from its beginning wherever the reading began.
        var hasRestarted = false
    }

    private let memory: Mutex<Memory>
    /// What was read is of a stream that is no more.
    private let onRestart: @Sendable () -> Void

    /// - Parameter entry: the last message that was read, by whoever read up to there.
    init(behind entry: StreamEntry? = nil, onRestart: @escaping @Sendable () -> Void) {
        self.onRestart = onRestart
        memory = Mutex(
            entry.map { Memory(last: $0.offset, fingerprint: Self.fingerprint($0.properties.messageID, $0.routingKey, $0.body)) }
                ?? Memory())
    }

    var state: State { memory.withLock { $0.state } }

    /// Where the next subscription begins.
    func begin(from position: StreamPosition) -> FieldValue {
        memory.withLock { memory in
            if memory.last < 0 { return memory.hasRestarted ? StreamPosition.first.argument : position.argument }
            memory.state = .pending
            return .integer(memory.last)
        }
    }

    /// The stream is another one: from now on it is read from its beginning.
    func restart() {
        onRestart()
        memory.withLock { $0 = Memory(hasRestarted: true) }
    }

    /// Those of a batch that are news.
    func news(of batch: [Delivery]) -> [StreamEntry] {
        memory.withLock { memory in
            var entries: [StreamEntry] = []
            entries.reserveCapacity(batch.count)
            var newest: Delivery?
            for delivery in batch {
                guard case .integer(let offset)? = delivery.properties.headers["x-stream-offset"] else { continue }
                if memory.state == .pending {
                    let isSame = offset > memory.last || offset == memory.last && Self.fingerprint(of: delivery) == memory.fingerprint
                    memory.state = isSame ? .reading : .anew
                }
                if memory.state == .anew { return [] }
                guard offset > memory.last else { continue }
                memory.last = offset
                newest = delivery
                entries.append(
                    StreamEntry(offset: offset, properties: delivery.properties, routingKey: delivery.routingKey, body: delivery.body))
            }
            if let newest { memory.fingerprint = Self.fingerprint(of: newest) }
            return entries
        }
    }

    private static func fingerprint(of delivery: Delivery) -> Int {
        fingerprint(delivery.properties.messageID, delivery.routingKey, delivery.body)
    }

    private static func fingerprint(_ messageID: String?, _ routingKey: String, _ body: [UInt8]) -> Int {
        var hasher = Hasher()
        hasher.combine(messageID)
        hasher.combine(routingKey)
        hasher.combine(body)
        return hasher.finalize()
    }
}
