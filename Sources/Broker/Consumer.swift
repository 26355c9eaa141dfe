import Synchronization

/// A subscription to a queue, re-established whenever the connection is.
public final class Consumer: DeliverySource {
    public let queue: String
    public let prefetch: UInt16
    /// How much of each body is kept. What a message may take is bounded like the number of messages: fifteen of 30 MB are not worth half a
    /// gigabyte to anybody.
    let mostBytes: Int
    /// What the queue must be; `nil` for anything. A stream is asked for in words that only a stream understands.
    let kind: Queue.Kind?
    /// Of the subscription; asked for anew by each.
    let arguments: @Sendable () -> FieldTable
    /// How a reading goes on in its new subscription; `nil` for what takes its deliveries.
    let resumption: StreamResumption?
    /// Whether the deliveries are read and never finished: those of a stream.
    var onlyReads: Bool { resumption != nil }
    let onBatch: @Sendable ([Delivery]) -> Void
    let publisher: Connection
    private let connection: Connection
    /// Counts the channels this subscription has had; a delivery of an earlier one cannot be ended any more.
    private let generation = Atomic<UInt64>(0)

    enum Settlement: Sendable {
        case finish(UInt64)
        case handBack(UInt64, notBefore: Int64)
    }

    /// - Parameter resumption: of a reading, of which what is handed out counts as finished.
    init(
        queue: String, prefetch: UInt16, mostBytes: Int = .max, kind: Queue.Kind? = nil,
        arguments: @escaping @Sendable () -> FieldTable = { FieldTable() }, resumption: StreamResumption? = nil, connection: Connection,
        publisher: Connection, onBatch: @escaping @Sendable ([Delivery]) -> Void
    ) {
        self.queue = queue
        self.prefetch = prefetch
        self.mostBytes = mostBytes
        self.kind = kind
        self.arguments = arguments
        self.resumption = resumption
        self.connection = connection
        self.publisher = publisher
        self.onBatch = onBatch
    }

    /// Whether the queue was gone since it was last subscribed to: what stands under its name now may be of another kind.
    private let wasGone = Atomic<Bool>(false)

    func noteGone() { wasGone.store(true, ordering: .relaxed) }

    /// Whether what may have come in the queue's place must be looked at.
    var isInDoubt: Bool { kind != nil && wasGone.load(ordering: .relaxed) }

    /// - Returns: whether it was gone before.
    func noteStanding() -> Bool { wasGone.exchange(false, ordering: .relaxed) }

    func nextGeneration() -> UInt64 { generation.add(1, ordering: .acquiringAndReleasing).newValue }

    func isCurrent(_ generation: UInt64) -> Bool { self.generation.load(ordering: .acquiring) == generation }

    func settled(_ messages: [OutgoingMessage]) async -> [PublishError?] { await publisher.settled(messages) }

    func settle(_ settlement: Settlement, _ generation: UInt64) {
        connection.post(.settle(self, settlement, generation))
    }

    /// Stops the deliveries. What was handed out already can still be finished. Returns when the broker has confirmed, or is gone.
    public func cancel() async {
        await withCheckedContinuation { done in
            connection.post(.cancel(self) { done.resume() })
        }
    }
}
