import TestSupport
import Testing

@testable import Broker

@Suite(.needsBroker, .timeLimit(.minutes(3)))
struct HeaderFrameTests {
    /// A publisher may fill a frame with headers, and the broker adds its own when the message expires: the frame is longer than was agreed upon.
    @Test func headersThatFillAFrameAreReadThoughTheBrokerAddsToThem() async throws {
        let link = try await TestBroker.open()
        let (first, second) = (TestBroker.name("full"), TestBroker.name("behind"))
        try await link.declare(
            Topology(queues: [
                Queue(first, .quorum, arguments: ["x-dead-letter-exchange": "", "x-dead-letter-routing-key": .string(second)]),
                Queue(second, .quorum),
            ]))
        let filling = String(repeating: "x", count: 130_900)
        let properties = MessageProperties(messageID: "1", expiration: "1", headers: ["filling": .string(filling)])
        try await link.publish([OutgoingMessage(exchange: "", routingKey: first, properties: properties, body: [1])])
        let basket = Basket()
        let consumer = try await link.consume(second, prefetch: 10, onBatch: basket.put)
        let delivery = try await basket.wait(for: 1)[0]
        #expect(delivery.properties.headers["filling"] == .string(filling) && delivery.properties.headers["x-death"] != nil)
        try await delivery.finish(publishing: [])
        await consumer.cancel()
        try await link.clear(first)
        try await link.clear(second)
        await link.close()
    }
}
