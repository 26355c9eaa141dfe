import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Broker

@Suite(.needsBroker) struct StreamTests {
    private func withStream(_ body: (BrokerLink, String) async throws -> Void) async throws {
        let link = try await TestBroker.open()
        let stream = TestBroker.name("stream")
        try await link.declare(Topology(queues: [Queue(stream, .stream)]))
        do {
            try await body(link, stream)
        } catch {
            Issue.record(error)
        }
        try await link.clear(stream)
        await link.close()
    }

    private func write(_ range: Range<Int>, to stream: String, on link: BrokerLink) async throws {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 500) {
            try await link.publish(
                (start..<min(start + 500, range.upperBound)).map {
                    OutgoingMessage(exchange: "", routingKey: stream, body: Array(String($0).utf8))
                })
        }
    }

    @Test func readingTakesNothingAwayHoweverOften() async throws {
        try await withStream { link, stream in
            try await write(0..<3_000, to: stream, on: link)
            for _ in 0..<5 {
                let received = Received()
                let next = try await link.readToEnd(stream, onBatch: received.put)
                #expect(next == 3_000)
                #expect(received.numbers == Array(0..<3_000))
            }
            let received = Received()
            try await link.readToEnd(stream, from: .offset(2_990), onBatch: received.put)
            #expect(received.numbers == Array(2_990..<3_000))
            let next = try await link.readToEnd(stream, from: .offset(3_000), onBatch: received.put)
            #expect(next == 3_000)
            #expect(received.numbers.count == 10)
        }
    }

    /// Chunks of one message and of thousands, more than are sent ahead at a time.
    @Test(arguments: [1, 2, 999, 1_000, 1_001, 4_000])
    func theLastMessageIsFoundHoweverTheyWereWritten(count: Int) async throws {
        try await withStream { link, stream in
            try await link.publish((0..<count).map { OutgoingMessage(exchange: "", routingKey: stream, body: Array(String($0).utf8)) })
            for _ in 0..<5 {
                let last = try await link.lastOffset(of: stream)
                #expect(last == Int64(count - 1))
            }
        }
    }

    @Test func aMessageIsFoundByItsOffset() async throws {
        try await withStream { link, stream in
            try await write(0..<3_000, to: stream, on: link)
            for offset in [0, 1, 1_777, 2_999] as [Int64] {
                let entry = try await link.firstEntry(of: stream, from: offset)
                #expect(entry?.offset == offset && entry?.body == Array(String(offset).utf8))
            }
            #expect(try await link.firstEntry(of: stream, from: 3_000) == nil)
        }
    }

    /// Behind a message that was read before; or from the beginning, where another stands in its place, or none.
    @Test func aReadingGoesOnBehindAMessageOfTheSameStreamAlone() async throws {
        try await withStream { link, stream in
            try await write(0..<20, to: stream, on: link)
            let entry = try #require(try await link.firstEntry(of: stream, from: 12))
            let foreign = StreamEntry(offset: 12, properties: entry.properties, routingKey: entry.routingKey, body: Array("other".utf8))
            let beyond = StreamEntry(offset: 100, properties: entry.properties, routingKey: entry.routingKey, body: entry.body)
            for (behind, expected) in [(entry, 13..<20), (foreign, 0..<20), (beyond, 0..<20)] {
                let received = Received()
                let reading = try await link.read(stream, behind: behind, onBatch: received.put)
                try await eventually("all behind it has come") { received.numbers.count >= expected.count }
                #expect(received.numbers == Array(expected))
                await reading.end()
            }
        }
    }

    @Test func anEmptyStreamEndsAtOnce() async throws {
        try await withStream { link, stream in
            let next = try await link.readToEnd(stream) { _ in }
            #expect(next == nil)
        }
    }

    @Test func manyReadingsUseUpNoChannels() async throws {
        try await withStream { link, stream in
            try await write(0..<3, to: stream, on: link)
            // A connection has 2,047 channels.
            for _ in 0..<42 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<50 { group.addTask { await (try await link.read(stream, from: .next, onBatch: { _ in })).end() } }
                    try await group.waitForAll()
                }
            }
            let received = Received()
            try await link.readToEnd(stream, onBatch: received.put)
            #expect(received.numbers == [0, 1, 2])
        }
    }

    /// Deleted and declared again, with fewer messages than were read, as many, or more.
    @Test(arguments: [0, 1, 5, 9])
    func aStreamThatIsMadeAnewIsReadFromItsBeginning(count: Int) async throws {
        try await withStream { link, stream in
            let writer = try await TestBroker.open()
            try await write(0..<5, to: stream, on: writer)
            let received = Received()
            let reading = try await link.read(stream, from: .first, onBatch: received.put)
            try await eventually("what stands there is read") { received.numbers == Array(0..<5) }
            try await writer.delete(queue: stream)
            try await writer.declare(Topology(queues: [Queue(stream, .stream)]))
            try await write(100..<100 + count, to: stream, on: writer)
            try await eventually("what stood in the new one is read", seconds: 30) {
                received.numbers == Array(0..<5) + Array(100..<100 + count)
            }
            try await write(200..<203, to: stream, on: writer)
            try await eventually("and what comes", seconds: 30) {
                received.numbers == Array(0..<5) + Array(100..<100 + count) + Array(200..<203)
            }
            await reading.end()
            await writer.close()
        }
    }

    @Test func aLostConnectionLosesAndRepeatsNothing() async throws {
        try await withStream { link, stream in
            let received = Received()
            let reading = try await link.read(stream, from: .first, onBatch: received.put)
            for part in 0..<4 {
                // What the break leaves unconfirmed may or may not be there, so it is not broken in the middle of a publish.
                try await write(part * 500..<(part + 1) * 500, to: stream, on: link)
                link.breakConnections()
            }
            try await eventually("all have come") { received.numbers.count >= 2_000 }
            #expect(received.numbers == Array(0..<2_000))
            await reading.end()
        }
    }
}

@Suite(.needsBroker) struct BrokerLockTests {
    @Test func oneHasItAtATimeAndADeadHolderFreesIt() async throws {
        let name = TestBroker.name("lock")
        let first = try await TestBroker.open()
        let second = try await TestBroker.open()
        let held = try #require(try await first.lock(name))
        #expect(held.isHeld)
        #expect(try await second.lock(name) == nil)
        #expect(try await first.lock(name) == nil, "not even the same link has it twice")
        await first.release(held)
        #expect(!held.isHeld)
        let next = try #require(try await second.lock(name))
        let queue = try await second.tap([])
        let message = OutgoingMessage(exchange: "", routingKey: queue, body: [1])
        try await next.publish([message])
        second.breakConnections()
        try await eventually("the holder knows that it has lost it") { !next.isHeld }
        try await eventually("the link is back") { second.isConnected }
        await #expect(throws: PublishError.connectionLost, "what is published under a lock ends with the lock") {
            try await next.publish([message])
        }
        try await eventually("somebody else can have it") { try await first.lock(name) != nil }
        await first.close()
        await second.close()
    }

    /// A `CC` that is no list: the broker closes the channel, and names no message.
    @Test func aMessageThatTheBrokerDoesNotTakeCostsTheLockNothing() async throws {
        let link = try await TestBroker.open()
        let lock = try #require(try await link.lock(TestBroker.name("lock")))
        let queue = try await link.tap([])
        let good = OutgoingMessage(exchange: "", routingKey: queue, body: [1])
        let odd = OutgoingMessage(exchange: "", routingKey: queue, properties: MessageProperties(headers: ["CC": "x"]), body: [2])
        do {
            try await lock.publish([good, odd, good])
            Issue.record("the broker took it")
        } catch {
            #expect(error == .connectionLost, "which of them it was is not known")
        }
        #expect(lock.isHeld)
        do {
            try await lock.publish([odd])
            Issue.record("the broker took it")
        } catch {
            guard case .returned(406, _, _, _) = error else { throw error }
        }
        try await lock.publish([good])
        #expect(lock.isHeld)
        await link.release(lock)
        await link.close()
    }
}

private final class Received: Sendable {
    private let seen = Mutex<[Int]>([])

    func put(_ entries: [StreamEntry]) { seen.withLock { $0 += entries.compactMap { Int(String(decoding: $0.body, as: UTF8.self)) } } }
    var numbers: [Int] { seen.withLock { $0 } }
}
