import Synchronization

/// A message of a stream, and where it stands there. It was read, not taken: there is nothing to finish.
public struct StreamEntry: Sendable {
    /// Counts the stream's messages from 0; kept for ever, and never given again while the stream lives.
    public let offset: Int64
    public let properties: MessageProperties
    public let routingKey: String
    public let body: [UInt8]
}

/// Where a reading begins.
public enum StreamPosition: Sendable, Hashable {
    case first
    /// The last chunk that was written: some messages before the end.
    case last
    /// Only what comes from now on.
    case next
    case offset(Int64)
    /// Seconds since 1970. Chunks are whole, so some older messages may come first.
    case time(UInt64)

    var argument: FieldValue {
        switch self {
        case .first: "first"
        case .last: "last"
        case .next: "next"
        case .offset(let offset): .integer(offset)
        case .time(let seconds): .timestamp(seconds)
        }
    }
}

/// A look at a stream that goes on until it is ended. Every message comes once and in order, also over lost connections. A stream that was
/// deleted and made anew is read from its beginning.
public final class StreamReading: Sendable {
    private let position: StreamPosition
    private let resumption: StreamResumption
    private let reached: Position
    private let onBatch: @Sendable ([StreamEntry]) -> Void
    private let consumer = Mutex<Consumer?>(nil)

    private final class Position: Sendable {
        let last = Atomic<Int64>(-1)
    }

    fileprivate init(
        from position: StreamPosition, behind entry: StreamEntry? = nil, onBatch: @escaping @Sendable ([StreamEntry]) -> Void
    ) {
        let reached = Position()
        self.position = position
        self.reached = reached
        reached.last.store(entry?.offset ?? -1, ordering: .releasing)
        resumption = StreamResumption(behind: entry) { reached.last.store(-1, ordering: .releasing) }
        self.onBatch = onBatch
    }

    /// The offset of the last message that was handed out; -1 before the first, of this stream or of the one that took its place.
    public var lastOffset: Int64 { reached.last.load(ordering: .acquiring) }

    /// Where the next subscription begins: a new connection goes on where the last one ended.
    private var arguments: FieldTable { ["x-stream-offset": resumption.begin(from: position)] }

    private func take(_ batch: [Delivery]) {
        let entries = resumption.news(of: batch)
        guard let last = entries.last?.offset else { return }
        onBatch(entries)
        reached.last.store(last, ordering: .releasing)
    }

    fileprivate func consumer(of stream: String, prefetch: UInt16, on link: BrokerLink) -> Consumer {
        Consumer(
            queue: stream, prefetch: prefetch, arguments: { self.arguments }, resumption: resumption, connection: link.consuming,
            publisher: link.publishing, onBatch: { self.take($0) })
    }

    fileprivate func use(_ consumer: Consumer) { self.consumer.withLock { $0 = consumer } }

    fileprivate func roundTrip(on link: BrokerLink) async throws(BrokerError) {
        guard let consumer = consumer.withLock({ $0 }) else { return }
        try await link.perform { (session) throws(BrokerError) in try session.roundTrip(consumer) }
    }

    /// Waits until everything up to an offset was handed out.
    ///
    /// - Parameter seconds: how long nothing may come meanwhile. What came before is a part then, and must not pass for the whole.
    /// - Throws: `BrokerError.timedOut` when nothing came for so long, or the task was cancelled before all had come.
    public func reach(_ offset: Int64, patience seconds: Int = 10) async throws(BrokerError) {
        var seen = lastOffset
        var deadline = ContinuousClock.now + .seconds(seconds)
        while lastOffset < offset {
            try? await Task.sleep(for: .milliseconds(2))
            if Task.isCancelled, lastOffset < offset {
                throw .timedOut(what: "a stream's messages up to \(offset), which nobody waits for any more")
            }
            if lastOffset > seen {
                seen = lastOffset
                deadline = ContinuousClock.now + .seconds(seconds)
            } else if ContinuousClock.now >= deadline {
                throw .timedOut(what: "a stream's messages up to \(offset); the last was \(seen)")
            }
        }
    }

    /// Ends the reading. Returns when the broker has confirmed, or is gone.
    public func end() async {
        // Consumer and reading know each other; they must not keep each other alive.
        let consumer = consumer.withLock { consumer in
            defer { consumer = nil }
            return consumer
        }
        await consumer?.cancel()
    }
}

extension BrokerLink {
    /// Reads a stream, which changes nothing there.
    ///
    /// - Parameter prefetch: how many messages the broker sends ahead, 1...65535.
    /// - Parameter onBatch: called on the link's thread with the messages of one turn; must return soon. Where an offset is no greater than the
    ///   one before, it is of a stream that took the place of the one that was read, or may have: what was kept of that means nothing any more.
    /// - Throws: `BrokerError.refused` with 404 where there is no such stream.
    public func read(
        _ stream: String, from position: StreamPosition, prefetch: UInt16 = 10_000, onBatch: @escaping @Sendable ([StreamEntry]) -> Void
    ) async throws(BrokerError) -> StreamReading {
        let reading = StreamReading(from: position, onBatch: onBatch)
        reading.use(try await subscribe(reading.consumer(of: stream, prefetch: prefetch, on: self)))
        return reading
    }

    /// Reads a stream on from a message that was read before. Where another stands in its place, it is another stream, and is read from its
    /// beginning.
    ///
    /// - Throws: `BrokerError.refused` with 404 where there is no such stream.
    public func read(
        _ stream: String, behind entry: StreamEntry, prefetch: UInt16 = 10_000, onBatch: @escaping @Sendable ([StreamEntry]) -> Void
    ) async throws(BrokerError) -> StreamReading {
        let reading = StreamReading(from: .first, behind: entry, onBatch: onBatch)
        reading.use(try await subscribe(reading.consumer(of: stream, prefetch: prefetch, on: self)))
        return reading
    }

    /// The message at an offset of a stream, or the next that is there; `nil` where there is none, or where it does not come soon.
    ///
    /// - Throws: `BrokerError.refused` with 404 where there is no such stream.
    public func firstEntry(of stream: String, from offset: Int64) async throws(BrokerError) -> StreamEntry? {
        let found = Mutex<StreamEntry?>(nil)
        let begun = ContinuousClock.now
        let reading = try await read(stream, from: .offset(offset), prefetch: 1) { entries in
            guard let entry = entries.first(where: { $0.offset >= offset }) else { return }
            found.withLock { $0 = $0 ?? entry }
        }
        do throws(BrokerError) {
            _ = try await saysNothing(reading, since: begun)
        } catch {
            await reading.end()
            throw error
        }
        await reading.end()
        return found.withLock { $0 }
    }

    /// The offset of the last message of a stream as it stands now; `nil` when there is none.
    ///
    /// AMQP 0-9-1 has no question for it, so the last chunk is read. It comes in one go, but for what exceeds the prefetch: an answer on the same
    /// channel says that it has come.
    ///
    /// - Throws: `BrokerError.timedOut` where the broker says that there are messages and sends none.
    public func lastOffset(of stream: String) async throws(BrokerError) -> Int64? {
        let begun = ContinuousClock.now
        let reading = try await read(stream, from: .last) { _ in }
        do throws(BrokerError) {
            // An empty stream says nothing at all.
            if try await saysNothing(reading, since: begun), try await isEmpty(stream, reading) {
                await reading.end()
                return nil
            }
            var last: Int64
            repeat {
                last = reading.lastOffset
                try await reading.roundTrip(on: self)
            } while reading.lastOffset > last
            await reading.end()
            return last
        } catch {
            await reading.end()
            throw error
        }
    }

    /// Whether a stream of which nothing comes is empty, by the broker's count.
    ///
    /// The count lags by up to five seconds (measured on RabbitMQ 3.10, 4.0 and 4.3), so 0 may be the truth of a moment ago; what it counts is
    /// there, however long a busy broker takes to send it.
    private func isEmpty(_ stream: String, _ reading: StreamReading) async throws(BrokerError) -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while reading.lastOffset < 0 {
            do throws(BrokerError) {
                if try await readyCount(of: stream) == 0 { return reading.lastOffset < 0 }
            } catch .refused {
                // Newer brokers do not count for just anybody.
                return reading.lastOffset < 0
            }
            if ContinuousClock.now >= deadline || Task.isCancelled { throw .timedOut(what: "the last message of the stream \(stream)") }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    /// Reads what stands in a stream now, from a position up to the end as it is when asked, and returns when all was handed out.
    ///
    /// - Returns: the offset at which the next reading goes on; `nil` for an empty stream.
    /// - Throws: `BrokerError`, where not all came: what was handed out is a part then.
    @discardableResult
    public func readToEnd(
        _ stream: String, from position: StreamPosition = .first, onBatch: @escaping @Sendable ([StreamEntry]) -> Void
    ) async throws(BrokerError) -> Int64? {
        guard let end = try await lastOffset(of: stream) else { return nil }
        if case .offset(let start) = position, start > end { return start }
        let begun = ContinuousClock.now
        let reading = try await read(stream, from: position, onBatch: onBatch)
        do throws(BrokerError) {
            var isBehind = false
            if case .time = position { isBehind = try await saysNothing(reading, since: begun) }
            if !isBehind { try await reading.reach(end) }
        } catch {
            await reading.end()
            throw error
        }
        await reading.end()
        return max(reading.lastOffset, end) + 1
    }

    /// Whether nothing comes of a reading: it begins behind the last message, as one from a time may, or there is none.
    ///
    /// What there is comes right behind the broker's word that the subscription stands, by another way. So it is given twenty times as long as
    /// that took: a broker that is busy is so with both.
    private func saysNothing(_ reading: StreamReading, since begun: ContinuousClock.Instant) async throws(BrokerError) -> Bool {
        try await reading.roundTrip(on: self)
        let patience = min(max((ContinuousClock.now - begun) * 20, .milliseconds(200)), .seconds(2))
        let deadline = ContinuousClock.now + patience
        while reading.lastOffset < 0, ContinuousClock.now < deadline, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
        if reading.lastOffset < 0, Task.isCancelled {
            throw .timedOut(what: "the first message of a stream, for which nobody waits any more")
        }
        // At least once: a broker that is not there says nothing either, and its stream is not empty for that.
        if reading.lastOffset < 0 { try await reading.roundTrip(on: self) }
        return reading.lastOffset < 0
    }
}
