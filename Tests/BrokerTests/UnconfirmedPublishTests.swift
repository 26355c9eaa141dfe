import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Broker

/// A queue whose leader says nothing, as one that is lost with its node for a while.
@Suite(.needsBroker, .timeLimit(.minutes(3)))
struct UnconfirmedPublishTests {
    private func message(_ queue: String, _ text: String) -> OutgoingMessage {
        OutgoingMessage(exchange: "", routingKey: queue, properties: MessageProperties(messageID: text), body: Array(text.utf8))
    }

    @Test func whatIsNotConfirmedIsGivenBackAndTheLinkStandsAndGoesOn() async throws {
        var configuration = try TestBroker.configuration()
        configuration.confirmPatience = 200
        let events = Mutex<(unconfirmed: Int, lost: Int)>((0, 0))
        let link = try await BrokerLink.open(configuration) { event in
            switch event {
            case .publishesUnconfirmed(let count, _): events.withLock { $0.unconfirmed += count }
            case .disconnected: events.withLock { $0.lost += 1 }
            default: break
            }
        }
        let (silent, other) = (TestBroker.name("silent"), TestBroker.name("other"))
        try await link.declare(Topology(queues: [Queue(silent, .quorum), Queue(other, .quorum)]))
        // A machine that is busy with other things may need longer than this link has patience for.
        func publish(_ message: OutgoingMessage) async throws {
            try await eventually("it is confirmed") {
                do throws(PublishError) {
                    try await link.publish([message])
                    return true
                } catch {
                    return false
                }
            }
        }
        try await publish(message(silent, "before"))
        events.withLock { $0.unconfirmed = 0 }
        try TestBroker.evaluate("ok = sys:suspend('%2F_\(silent)').")
        await #expect(throws: PublishError.connectionLost) { try await link.publish([message(silent, "meanwhile")]) }
        #expect(events.withLock { $0.unconfirmed } == 1)
        try await publish(message(other, "beside"))
        try TestBroker.evaluate("ok = sys:resume('%2F_\(silent)').")
        try await publish(message(silent, "after"))
        // It was never the connection.
        #expect(events.withLock { $0.lost } == 0)
        let basket = Basket()
        _ = try await link.consume(silent, prefetch: 50, onBatch: basket.put)
        try await eventually("what was confirmed is there") {
            Set(basket.all.compactMap(\.properties.messageID)).isSuperset(of: ["before", "after"])
        }
        for queue in [silent, other] { try await link.clear(queue) }
        await link.close()
    }

    @Test func patienceGrowsToTwentySecondsAndIsRegained() {
        var patience = ConfirmPatience(5_000)
        var spans: [Int64] = []
        for _ in 0..<8 {
            spans.append(patience.span)
            patience.spend()
        }
        #expect(spans == [5_000, 5_000, 5_000, 10_000, 20_000, 20_000, 20_000, 20_000])
        patience.recover()
        #expect(patience.span == 5_000)
    }
}
