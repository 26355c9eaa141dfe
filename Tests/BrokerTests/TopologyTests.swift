import Synchronization
import TestSupport
import Testing

@testable import Broker

@Suite(.needsBroker) struct TopologyTests {
    private let queue = TestBroker.name("queue"), stream = TestBroker.name("stream"), exchange = TestBroker.name("exchange")

    private var wanted: Topology {
        Topology(
            exchanges: [Exchange(exchange, .topic, arguments: ["alternate-exchange": "amq.fanout"])],
            queues: [
                Queue(queue, .quorum, arguments: ["x-delivery-limit": 1_000_000, "x-message-ttl": 8_000, "x-overflow": "reject-publish"]),
                Queue(stream, .stream, arguments: ["x-max-age": "90D", "x-stream-max-segment-size-bytes": 1_000_000]),
            ])
    }

    /// - Parameter there: what stands at the broker when somebody looks.
    private func with(_ there: Topology, _ body: (BrokerLink) async throws -> Void) async throws {
        let link = try await TestBroker.open()
        try await link.declare(there)
        do {
            try await body(link)
        } catch {
            Issue.record(error)
        }
        for queue in [queue, stream] { try? await link.delete(queue: queue) }
        try? await link.delete(exchange: exchange)
        await link.close()
    }

    @Test func whatIsAsItIsToBeHasNoDifference() async throws {
        try await with(wanted) { link in
            #expect(try await link.check(wanted) == [])
            let (differences, unseen) = try await link.compare(wanted)
            #expect(differences == [] && unseen == [])
        }
    }

    @Test func everyDifferenceIsNamedInOneGo() async throws {
        let there = Topology(
            exchanges: [Exchange(exchange, .fanout)],
            queues: [
                Queue(queue, .quorum, arguments: ["x-message-ttl": 99, "x-dead-letter-exchange": "elsewhere"]),
                Queue(stream, .stream, arguments: ["x-max-age": "1D"]),
            ])
        try await with(there) { link in
            #expect(try await link.check(wanted) == [], "what exists is of its kind")
            let (differences, unseen) = try await link.compare(wanted)
            #expect(unseen == [])
            var named: [String: String] = [:]
            for case .differs(let what, let property, let found, _) in differences {
                named[
                    [what.split(separator: " ").first.map(String.init) ?? "", what.hasSuffix(stream) ? "stream " : "", property].joined()] =
                    found ?? "none"
            }
            // RabbitMQ 4.3 tells ages in milliseconds.
            let age = named.removeValue(forKey: "queuestream x-max-age")
            #expect(["1D", "86400s"].contains(age))
            #expect(
                named == [
                    "exchangetype": "fanout", "exchangealternate-exchange": "none", "queuex-message-ttl": "99",
                    "queuex-dead-letter-exchange": "elsewhere",
                    "queuex-overflow": "none", "queuex-delivery-limit": "none", "queuestream x-stream-max-segment-size-bytes": "none",
                ])
        }
    }

    @Test func aQueueOfAnotherKindIsNamed() async throws {
        try await with(Topology(exchanges: wanted.exchanges, queues: [Queue(queue, .classic), Queue(stream, .quorum)])) { link in
            try await link.publish([OutgoingMessage(exchange: "", routingKey: queue, body: [1])])
            let expected: [TopologyDifference] = [
                .otherKind(queue: queue, found: "classic", expected: .quorum),
                .otherKind(queue: stream, found: "quorum", expected: .stream),
            ]
            #expect(try await link.check(wanted) == expected)
            #expect(try await link.compare(wanted).differences == expected)
            #expect(try await link.readyCount(of: queue) == 1, "nothing was taken by looking")
            #expect(try await link.check(wanted, kindsOf: [stream]) == [expected[1]])
        }
    }

    @Test func comparingMakesNothing() async throws {
        try await with(Topology()) { (link: BrokerLink) async throws in
            let missing: [TopologyDifference] = [.missingExchange(exchange), .missingQueue(queue), .missingQueue(stream)]
            #expect(try await link.check(wanted) == missing)
            #expect(try await link.compare(wanted).differences == [])
            #expect(try await link.check(wanted) == missing)
        }
    }

    /// What comes back under a name in another kind is not taken for what it was.
    @Test func aQueueThatComesBackAsAnotherKindIsLeftAlone() async throws {
        let refusals = Mutex<[BrokerError]>([])
        let link = try await TestBroker.open { event in
            if case .subscriptionFailed(_, let error) = event { refusals.withLock { $0.append(error) } }
        }
        let other = try await TestBroker.open()
        try await other.declare(Topology(queues: [Queue(queue, .quorum)]))
        let basket = Basket()
        let consumer = try await link.consume(queue, prefetch: 10, kind: .quorum, onBatch: basket.put)
        try await other.delete(queue: queue)
        try await other.declare(Topology(queues: [Queue(queue, .classic)]))
        try await other.publish([OutgoingMessage(exchange: "", routingKey: queue, body: [1])])
        try await eventually("it is refused, and why is told") {
            refusals.withLock {
                $0.contains {
                    if case .refused(406, let why) = $0 {
                        why.contains("\(queue) is a classic queue and must be a quorum queue")
                    } else {
                        false
                    }
                }
            }
        }
        #expect(basket.all.isEmpty)
        #expect(try await other.readyCount(of: queue) == 1)
        try await other.delete(queue: queue)
        try await other.declare(Topology(queues: [Queue(queue, .quorum)]))
        try await other.publish([OutgoingMessage(exchange: "", routingKey: queue, body: [2])])
        #expect(try await basket.wait(for: 1).map(\.body) == [[2]])
        await consumer.cancel()
        try await other.clear(queue)
        await other.close()
        await link.close()
    }
}

@Suite struct RefusalTests {
    @Test(
        arguments: [
            ("received the value 'quorum' of type 'longstr' but current is none", nil, "quorum", nil),
            ("received 'drop-head' but current is 'reject-publish'", "reject-publish", "drop-head", nil),
            ("received none but current is the value '5' of type 'signedint'", "5", nil, "signedint"),
        ] as [(String, String?, String?, String?)])
    func theBrokersWordsAreRead(words: String, found: String?, expected: String?, type: String?) throws {
        let refusal = try #require(
            Refusal("PRECONDITION_FAILED - inequivalent arg 'x-overflow' for queue 'it's: received none' in vhost '/': " + words))
        #expect(refusal.property == "x-overflow" && refusal.found == found && refusal.expected == expected && refusal.foundType == type)
    }

    @Test func anAgeInMillisecondsIsWrittenAsTheBrokerTakesIt() {
        #expect(
            Refusal("inequivalent arg 'x-max-age' for queue 'q' in vhost '/': received '63072000000' but current is '31536000000'")?.found
                == "31536000s")
    }

    @Test func otherWordsAreNoDifference() {
        for text in ["", "inequivalent arg 'x", "NOT_FOUND - no queue 'q' in vhost '/'", "inequivalent arg 'x' but current is : received "]
        { #expect(Refusal(text) == nil) }
    }

    @Test func theKindIsReadFromTheEnd() {
        let text =
            "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 'a of queue type rabbit_x_queue' in vhost '/' of queue type rabbit_classic_queue"
        #expect(Refusal.kind(in: text) == "classic")
        #expect(Refusal.kind(in: "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused") == nil)
    }
}
