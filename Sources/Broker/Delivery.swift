/// A message that the broker handed out and still holds.
///
/// The one way to end it is `finish(publishing:)`: publish all that replaces it, wait until the broker has confirmed all, then
/// acknowledge. There is no other acknowledgement. A delivery that is never ended goes back to its queue when the connection ends.
public struct Delivery: Sendable {
    public let body: [UInt8]
    public let properties: MessageProperties
    public let exchange: String
    public let routingKey: String
    /// The broker handed this message out before.
    public let redelivered: Bool
    let consumer: Consumer
    let tag: UInt64
    let generation: UInt64

    /// How often a quorum queue handed the message out before; `nil` where the broker does not say.
    ///
    /// The broker writes it from the second time on, over whatever stands there. At the first a publisher's own arrives as it was sent, and
    /// says nothing.
    public var deliveryCount: Int64? {
        if redelivered, case .integer(let count)? = properties.headers["x-delivery-count"] { count } else { nil }
    }

    public var queue: String { consumer.queue }

    /// Ends the delivery together with the messages that replace it. An empty list says that nothing replaces it.
    ///
    /// Waits while the broker is away or blocks publishers; what was never written is written when it is back.
    /// After `FinishError.publish` the delivery is still open: finish it again, or hand it back. Finishing twice is harmless.
    public func finish(publishing messages: [OutgoingMessage]) async throws(FinishError) {
        guard consumer.isCurrent(generation) else { throw .deliveryLost }
        if !messages.isEmpty {
            do throws(PublishError) {
                try await consumer.publisher.publish(messages)
            } catch {
                throw .publish(error)
            }
        }
        guard consumer.isCurrent(generation) else { throw .deliveryLost }
        consumer.settle(.finish(tag), generation)
    }

    /// Gives the message back to its queue, to be handed out again: now, or after a pause during which nobody else gets it.
    public func handBack(afterMilliseconds pause: Int64 = 0) {
        consumer.settle(.handBack(tag, notBefore: monotonicMilliseconds() + pause), generation)
    }
}
