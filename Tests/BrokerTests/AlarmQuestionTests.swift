import Synchronization
import TestSupport
import Testing

@testable import Broker

/// A link that does not wait alarms out asks for one before it publishes. (What it hears under an alarm is among the integration tests.)
@Suite(.needsBroker, .timeLimit(.minutes(3)))
struct AlarmQuestionTests {
    private func link(_ lost: Losses) async throws -> BrokerLink {
        var configuration = try TestBroker.configuration()
        configuration.alarmPatience = 1_000
        return try await BrokerLink.open(configuration) { event in
            if case .disconnected = event { lost.count.withLock { $0 += 1 } }
        }
    }

    private final class Losses: Sendable {
        let count = Mutex(0)
    }

    @Test func askingPublishesNothingAndIsInNobodysWay() async throws {
        let lost = Losses()
        let link = try await link(lost)
        let queue = TestBroker.name("asked")
        try await link.declare(Topology(queues: [Queue(queue, .quorum)]))
        func message() -> OutgoingMessage { OutgoingMessage(exchange: "", routingKey: queue, body: [1]) }
        for _ in 0..<20 {
            #expect(try await link.alarm() == nil)
            try await link.publish([message(), message()])
        }
        let lock = try #require(try await link.lock(TestBroker.name("lock")))
        try await lock.publish([message()])
        #expect(try await link.alarm() == nil && lock.isHeld)
        await link.release(lock)
        let basket = Basket()
        _ = try await link.consume(queue, prefetch: 100, onBatch: basket.put)
        #expect(try await basket.wait(for: 41).count == 41)
        #expect(lost.count.withLock { $0 } == 0)
        try await link.clear(queue)
        await link.close()
    }

    /// The message that asks must never be whole: it would be published.
    @Test func aQuestionThatWouldEndIsFollowedByAnother() async throws {
        let lost = Losses()
        let link = try await link(lost)
        #expect(try await link.alarm() == nil)
        let first = try await question(of: link)
        try await link.perform(on: link.publishing) { (session) throws(BrokerError) -> Void in session.question.left = 1 }
        #expect(try await link.alarm() == nil)
        #expect(try await question(of: link) == [first[0], 0])
        #expect(try await link.alarm() == nil)
        #expect(try await question(of: link) == [first[0] + 1, first[1]])
        #expect(lost.count.withLock { $0 } == 0)
        await link.close()
    }

    private func question(of link: BrokerLink) async throws -> [Int] {
        try await link.perform(on: link.publishing) { (session) throws(BrokerError) -> [Int] in
            [Int(session.question.channel), session.question.left]
        }
    }

    /// Who reads what became of a batch hears the worst of it first.
    @Test func aBatchOfWhichSomeWasOnItsWayIsNotCalledUnsent() {
        let told = Mutex<[PublishError?]>([])
        let messages = [0, 1].map { (byte: UInt8) in OutgoingMessage(exchange: "", routingKey: "q", body: [byte]) }
        let batch = PublishBatch(messages, .onSettled { failures in told.withLock { $0 = failures } })
        batch.settle(0, .blocked(reason: "low on memory", isUnsent: false))
        batch.settle(1, .blocked(reason: "low on memory", isUnsent: true))
        let first = told.withLock { $0 }.compactMap { $0 }.first
        #expect(first == .blocked(reason: "low on memory", isUnsent: false))
    }
}
