import Broker
import Synchronization
import TestSupport
import Testing

/// What is published aside ends no connection but its own.
@Suite(.needsBroker) struct AsideConnectionTests {
    /// The broker's own form, of a process that is nowhere.
    private static let nowhere = "amq.rabbitmq.reply-to.g1hkAA1ub25vZGVAbm9ob3N0AAAAAQAAAAAAAAAA.YTmkLILNpiCI7AgmdbAmJg=="

    @Test func whatEndsItsConnectionEndsNoOther() async throws {
        let lost = Mutex(0)
        let link = try await TestBroker.open { event in
            if case .disconnected = event { lost.withLock { $0 += 1 } }
        }
        let queue = TestBroker.name("aside")
        try await link.declare(Topology(queues: [Queue(queue, .quorum)]))
        let basket = Basket()
        _ = try await link.consume(queue, prefetch: 50, onBatch: basket.put)
        link.publishAside(OutgoingMessage(exchange: "", routingKey: queue, body: [1])) { _ in }
        _ = try await basket.wait(for: 1)
        for _ in 0..<5 {
            link.publishAside(OutgoingMessage(exchange: "", routingKey: Self.nowhere, isMandatory: false, body: [2])) { _ in }
        }
        try await link.publish([OutgoingMessage(exchange: "", routingKey: queue, body: [3])])
        // Whatever is on a connection that ends is let go with it, so there may be several.
        var sent: UInt8 = 4
        var asked = ContinuousClock.now
        try await eventually("one arrives", seconds: 60) {
            if asked <= .now, sent < .max {
                link.publishAside(OutgoingMessage(exchange: "", routingKey: queue, body: [sent])) { _ in }
                (sent, asked) = (sent + 1, .now + .milliseconds(250))
            }
            return basket.all.contains { $0.body != [1] && $0.body != [3] }
        }
        #expect(link.isConnected && lost.withLock { $0 } == 0)
        #expect(basket.all.contains { $0.body == [3] })
        try await link.clear(queue)
        await link.close()
    }

    @Test func afterTheCloseNothingIsOpened() async throws {
        let link = try await TestBroker.open()
        await link.close()
        let failures = Mutex<[PublishError]>([])
        link.publishAside(OutgoingMessage(exchange: "", routingKey: "x", body: [])) { failure in failures.withLock { $0.append(failure) } }
        #expect(failures.withLock { $0 } == [.closed])
    }
}
