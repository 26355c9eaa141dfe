import Broker
import Foundation
import Synchronization
import TestSupport
import Testing

/// A long run of consume, publish with confirm, acknowledge: nothing is lost, and memory does not grow with the count.
@Suite(.needsBroker, .serialized) struct LongRunTests {
    /// The whole size by `SALVAGE_BROKER_MESSAGES=1000000 deploy/local/test --filter LongRunTests`.
    static let count = ProcessInfo.processInfo.environment["SALVAGE_BROKER_MESSAGES"].flatMap(Int.init) ?? 30_000

    @Test(.timeLimit(.minutes(15)))
    func memoryDoesNotGrowWithTheMessages() async throws {
        let link = try await TestBroker.open()
        let (from, to) = (TestBroker.name("from"), TestBroker.name("to"))
        try await link.declare(Topology(queues: [Queue(from, .quorum), Queue(to, .quorum)]))
        let body = [UInt8](repeating: 0x78, count: 1_000)
        let box = Counter()
        let relay = try await link.consume(from, prefetch: 500) { batch in
            for delivery in batch {
                Task {
                    try? await delivery.finish(publishing: [
                        OutgoingMessage(
                            exchange: "", routingKey: to, properties: MessageProperties(messageID: delivery.properties.messageID),
                            body: delivery.body)
                    ])
                }
            }
        }
        let taker = try await link.consume(to, prefetch: 1_000) { batch in
            for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
            box.add(batch.count)
        }
        var early = 0
        for start in stride(from: 0, to: Self.count, by: 1_000) {
            let end = min(start + 1_000, Self.count)
            try await link.publish(
                (start..<end).map {
                    OutgoingMessage(exchange: "", routingKey: from, properties: MessageProperties(messageID: String($0)), body: body)
                })
            // So that the queues stay short and the count alone grows.
            try await eventually("what was published is relayed", seconds: 60) { box.value >= end - 3_000 }
            if early == 0, end >= Self.count / 4 { early = Self.residentKilobytes }
        }
        try await eventually("all are relayed", seconds: 60) { box.value >= Self.count }
        let late = Self.residentKilobytes
        print("\(Self.count) messages relayed: \(early) kB resident after a quarter, \(late) kB at the end")
        // A sanitizer keeps what was freed, to catch its use.
        if ProcessInfo.processInfo.environment["ASAN_OPTIONS"] == nil { #expect(late < early + 20_000) }
        // Deleting a queue ends its subscriptions, and the link then begins a session anew.
        await relay.cancel()
        await taker.cancel()
        try await link.clear(from)
        try await link.clear(to)
        await link.close()
    }

    private static var residentKilobytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        return status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }
}

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ more: Int) { count.add(more, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}
