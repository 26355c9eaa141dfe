/// A message that the broker handed out and still holds.
///
/// The one way to end it is `finish(publishing:)`: publish all that replaces it, wait until the broker has confirmed all, then
/// acknowledge. There is no other acknowledgement. A delivery that is never ended goes back to its queue when the connection ends.
///
/// An object that never changes: it is handed from hand to hand.
public final class Delivery: Sendable {
    /// Only its beginning where the consumer keeps no more.
    public let body: [UInt8]
    /// How long the body was.
    public let byteCount: Int
    public let properties: MessageProperties
    public let exchange: String
    public let routingKey: String
    /// The broker handed this message out before.
    public let redelivered: Bool
    let consumer: any DeliverySource
    let tag: UInt64
    let generation: UInt64

    init(
        body: [UInt8], byteCount: Int, properties: MessageProperties, exchange: String, routingKey: String, redelivered: Bool,
        consumer: any DeliverySource, tag: UInt64, generation: UInt64
    ) {
        self.body = body
        self.byteCount = byteCount
        self.properties = properties
        self.exchange = exchange
        self.routingKey = routingKey
        self.redelivered = redelivered
        self.consumer = consumer
        self.tag = tag
        self.generation = generation
    }

    /// How often a quorum queue handed the message out before; `nil` where the broker does not say.
    ///
    /// The broker writes it from the second time on, over whatever stands there. At the first a publisher's own arrives as it was sent, and
    /// says nothing.
    public var deliveryCount: Int64? {
        if redelivered, case .integer(let count)? = properties.headers["x-delivery-count"] { count } else { nil }
    }

    public var queue: String { consumer.queue }

    /// Whether it can still be finished. Otherwise its connection is gone, and the broker hands the message out again.
    public var isOpen: Bool { consumer.isCurrent(generation) }

    /// Ends the delivery together with the messages that replace it. An empty list says that nothing replaces it.
    ///
    /// Waits while the broker is away or blocks publishers; what was never written is written when it is back.
    /// After `FinishError.publish` the delivery is still open: finish it again, or hand it back. Finishing twice is harmless.
    ///
    /// - Throws: `FinishError.deliveryLost` where the broker hands it out again, to whoever is there; `FinishError.publish` where a message that was to
    ///   replace it is not with the broker.
    public func finish(publishing messages: [OutgoingMessage]) async throws(FinishError) {
        switch await tryToFinish(publishing: messages) {
        case .finished: return
        case .lost: throw .deliveryLost
        case .open(let failures):
            if let failure = failures.lazy.compactMap({ $0 }).first { throw .publish(failure) }
        }
    }

    /// What became of a delivery that was to be finished.
    public enum Attempt: Sendable, Hashable {
        case finished
        /// Its connection is gone: the broker hands the message out again.
        case lost
        /// It is still open, because of the messages that have an error here, in the order in which they were given; those without one are with
        /// the broker, and need not be published again.
        case open([PublishError?])
    }

    /// Ends the delivery together with the messages that replace it, as `finish` does, and says of each message how it fared.
    public func tryToFinish(publishing messages: [OutgoingMessage]) async -> Attempt {
        guard consumer.isCurrent(generation) else { return .lost }
        if !messages.isEmpty {
            let failures = await consumer.settled(messages)
            if failures.contains(where: { $0 != nil }) { return .open(failures) }
        }
        guard consumer.isCurrent(generation) else { return .lost }
        consumer.settle(.finish(tag), generation)
        return .finished
    }

    /// Publishes what must be known even where the delivery cannot be ended any more. Says of each message why it is not with the broker; of
    /// none where all are.
    package func publishBeside(_ messages: [OutgoingMessage]) async -> [PublishError?] { await consumer.settled(messages) }

    /// Gives the message back to its queue, to be handed out again: now, or after a pause during which nobody else gets it.
    package func handBack(afterMilliseconds pause: Int64 = 0) {
        consumer.settle(.handBack(tag, notBefore: monotonicMilliseconds() + pause), generation)
    }
}

/// Whoever handed a delivery out, and takes its end: the subscription to its queue.
protocol DeliverySource: AnyObject, Sendable {
    var queue: String { get }

    /// Whether the channel stands by which the deliveries of a generation came.
    func isCurrent(_ generation: UInt64) -> Bool
    /// Publishes messages and says of each why it is not with the broker; of none where all are.
    func settled(_ messages: [OutgoingMessage]) async -> [PublishError?]
    func settle(_ settlement: Consumer.Settlement, _ generation: UInt64)
}
