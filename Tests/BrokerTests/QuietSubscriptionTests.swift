import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite(.needsBroker, .timeLimit(.minutes(3)))
struct QuietSubscriptionTests {
    private func open() async throws -> BrokerLink {
        var configuration = try TestBroker.configuration()
        configuration.renewsQuietAfter = 100
        return try await BrokerLink.open(configuration)
    }

    private func message(_ queue: String, _ text: String) -> OutgoingMessage {
        OutgoingMessage(exchange: "", routingKey: queue, properties: MessageProperties(messageID: text), body: Array(text.utf8))
    }

    /// The broker takes a queue that comes back at once for the one that went, tells its consumers nothing, and hands them nothing.
    @Test func aQueueThatIsDeletedAndMadeAgainAtOnceIsConsumed() async throws {
        let (link, other) = (try await open(), try await TestBroker.open())
        let queue = TestBroker.name("again")
        let topology = Topology(queues: [Queue(queue, .quorum)])
        try await other.declare(topology)
        let basket = Basket()
        let consumer = try await link.consume(queue, prefetch: 10, onBatch: basket.put)
        var taken = 0
        for round in 1...5 {
            try await other.delete(queue: queue)
            try await other.declare(topology)
            try await other.publish([message(queue, "\(round)")])
            // What was in hand when the broker told late that the queue went is handed out again.
            var isFinished = false
            while !isFinished {
                let delivery = try await basket.wait(for: taken + 1)[taken]
                #expect(delivery.properties.messageID == "\(round)")
                taken += 1
                do throws(FinishError) {
                    try await delivery.finish(publishing: [])
                    isFinished = true
                } catch .deliveryLost {
                }
            }
        }
        await consumer.cancel()
        try await other.clear(queue)
        await link.close()
        await other.close()
    }

    /// What goes on being handed out now and then comes once each, and what is in hand can be finished.
    @Test func renewingLosesAndRepeatsNothing() async throws {
        let (link, other) = (try await open(), try await TestBroker.open())
        let queue = TestBroker.name("quiet")
        try await other.declare(Topology(queues: [Queue(queue, .quorum)]))
        let basket = Basket()
        let consumer = try await link.consume(queue, prefetch: 3, onBatch: basket.put)
        for number in 1...30 {
            try await other.publish([message(queue, "\(number)")])
            let delivery = try await basket.wait(for: number)[number - 1]
            // Around the moment in which it would be made anew.
            try await Task.sleep(for: .milliseconds(80 + number))
            try await delivery.finish(publishing: [])
        }
        #expect(basket.all.map { $0.properties.messageID } == (1...30).map(String.init))
        await consumer.cancel()
        try await eventually("nothing is left") { try await other.readyCount(of: queue) == 0 }
        try await other.clear(queue)
        await link.close()
        await other.close()
    }
}
