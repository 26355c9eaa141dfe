import Broker
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite(.needsBroker) struct BrokerLinkTests {
    private func withQueue(
        _ arguments: FieldTable = FieldTable(), _ body: (BrokerLink, String) async throws -> Void
    ) async throws {
        let link = try await TestBroker.open()
        let queue = TestBroker.name("queue")
        try await link.declare(Topology(queues: [Queue(queue, .quorum, arguments: arguments)]))
        do {
            try await body(link, queue)
        } catch {
            Issue.record(error)
        }
        try await link.clear(queue)
        await link.close()
    }

    private func message(_ queue: String, _ text: String, id: String? = nil) -> OutgoingMessage {
        OutgoingMessage(exchange: "", routingKey: queue, properties: MessageProperties(messageID: id), body: Array(text.utf8))
    }

    @Test func aMessageComesOutAsItWentIn() async throws {
        try await withQueue { link, queue in
            let headers: FieldTable = [
                "text": "é", "number": -5, "flag": true, "double": .double(1.5), "bytes": .bytes([0, 255]),
                "time": .timestamp(1_700_000_000),
                "list": .array(["a", 2]), "table": .table(["inner": .table(["deep": 1])]), "void": .void,
            ]
            let properties = MessageProperties(
                contentType: "application/cloudevents+json", contentEncoding: "identity", messageID: "m-1", correlationID: "c-1",
                replyTo: "answers", type: "t", appID: "tests", timestamp: 1_700_000_001, priority: 3, headers: headers)
            var body = [UInt8](repeating: 7, count: 300_000)
            body[299_999] = 9
            try await link.publish([
                OutgoingMessage(exchange: "", routingKey: queue, properties: properties, body: body),
                OutgoingMessage(exchange: "", routingKey: queue, body: []),
            ])
            let basket = Basket()
            _ = try await link.consume(queue, prefetch: 10, onBatch: basket.put)
            // From RabbitMQ 4.3 on a quorum queue hands out by priority.
            let deliveries = try await basket.wait(for: 2).sorted { $0.body.count > $1.body.count }
            // Not of two arrays: where they differ, the difference of so many bytes would be computed for ever.
            let isSame = deliveries[0].body == body
            #expect(isSame)
            // From RabbitMQ 4.0 on headers come sorted.
            var came = deliveries[0].properties
            came.headers.fields.sort { $0.name < $1.name }
            var went = properties
            went.headers.fields.sort { $0.name < $1.name }
            #expect(came == went)
            #expect(deliveries[0].routingKey == queue)
            #expect(!deliveries[0].redelivered)
            #expect(deliveries[1].body.isEmpty)
            for delivery in deliveries { try await delivery.finish(publishing: []) }
        }
    }

    @Test func aDeliveryEndsWithTheMessagesThatReplaceIt() async throws {
        try await withQueue { link, queue in
            let next = TestBroker.name("next")
            try await link.declare(Topology(queues: [Queue(next, .quorum)]))
            try await link.publish([message(queue, "a")])
            let basket = Basket()
            let consumer = try await link.consume(queue, prefetch: 10, onBatch: basket.put)
            try await basket.wait(for: 1)[0].finish(publishing: [message(next, "b"), message(next, "c")])
            await consumer.cancel()
            try await eventually("2 are there") { try await link.readyCount(of: next) == 2 }
            try await eventually("the acknowledgement") { try await link.readyCount(of: queue) == 0 }
            try await link.clear(next)
        }
    }

    @Test func whatCannotBePlacedLeavesTheDeliveryOpen() async throws {
        try await withQueue { link, queue in
            try await link.publish([message(queue, "a")])
            let basket = Basket()
            _ = try await link.consume(queue, prefetch: 10, onBatch: basket.put)
            let delivery = try await basket.wait(for: 1)[0]
            await #expect(throws: FinishError.publish(.returned(code: 312, text: "NO_ROUTE", exchange: "", routingKey: "nowhere"))) {
                try await delivery.finish(publishing: [message("nowhere", "b")])
            }
            delivery.handBack()
            let again = try await basket.wait(for: 2)[1]
            #expect(again.redelivered)
            // From RabbitMQ 4.3 on what was handed back is not counted, only what was lost.
            #expect([nil, 1].contains(again.deliveryCount))
            #expect(again.body == Array("a".utf8))
            try await again.finish(publishing: [])
        }
    }

    @Test func oneUnroutableMessageOfManyIsNamed() async throws {
        try await withQueue { link, queue in
            await #expect(throws: PublishError.returned(code: 312, text: "NO_ROUTE", exchange: "", routingKey: "nowhere")) {
                try await link.publish([message(queue, "a"), message("nowhere", "b"), message(queue, "c")])
            }
            try await eventually("2 are there") { try await link.readyCount(of: queue) == 2 }
        }
    }

    private func failure(_ publish: () async throws(PublishError) -> Void) async -> PublishError? {
        do throws(PublishError) {
            try await publish()
            return nil
        } catch {
            return error
        }
    }

    @Test func aMissingExchangeCostsNobodyElseTheConnection() async throws {
        let lost = Atomic<Int>(0)
        let link = try await TestBroker.open { event in
            if case .disconnected = event { lost.add(1, ordering: .relaxed) }
        }
        let queue = TestBroker.name("queue")
        let exchange = TestBroker.name("exchange")
        try await link.declare(Topology(queues: [Queue(queue, .quorum)]))
        let stray = OutgoingMessage(exchange: exchange, routingKey: "k", body: [1])
        for round in 0..<200 {
            async let outcome = failure { () async throws(PublishError) in try await link.publish([stray]) }
            // Its neighbour is at worst unknown, and there when it is published again.
            while let failure = await failure({ () async throws(PublishError) in try await link.publish([message(queue, String(round))]) })
            {
                #expect(failure == .connectionLost)
            }
            guard case .returned(404, _, exchange, "k")? = await outcome else {
                Issue.record("the exchange does not exist")
                break
            }
        }
        try await eventually("200 are there") { try await link.readyCount(of: queue) >= 200 }
        // An exchange that comes back is tried again.
        try await link.declare(Topology(exchanges: [Exchange(exchange, .fanout)], bindings: [Binding(exchange, "", to: .queue(queue))]))
        try await eventually("it is taken") { (try? await link.publish([stray])) != nil }
        #expect(lost.load(ordering: .relaxed) == 0)
        try await link.delete(exchange: exchange)
        try await link.clear(queue)
        await link.close()
    }

    @Test func aPublishThatNobodyWaitsForSaysOnlyThatItFailed() async throws {
        try await withQueue { link, queue in
            let failures = Mutex<[PublishError]>([])
            link.publish(OutgoingMessage(exchange: "", routingKey: TestBroker.name("nowhere"), body: [1])) { failure in
                failures.withLock { $0.append(failure) }
            }
            link.publish(message(queue, "x")) { failure in failures.withLock { $0.append(failure) } }
            try await eventually("one has come and one has failed") {
                try await link.readyCount(of: queue) == 1 && failures.withLock { $0.count } == 1
            }
            guard case .returned? = failures.withLock({ $0.first }) else {
                Issue.record("another failure")
                return
            }
        }
    }

    @Test func aFullQueueIsAnError() async throws {
        try await withQueue(["x-max-length": 1, "x-overflow": "reject-publish"]) { link, queue in
            var refused = false
            for _ in 0..<20 where !refused {
                do throws(PublishError) {
                    try await link.publish([message(queue, "x")])
                } catch {
                    #expect(error == .nacked(exchange: "", routingKey: queue))
                    refused = true
                }
            }
            #expect(refused)
        }
    }

    /// The broker names no message then, only the channel that it closes.
    @Test func aMessageThatIsTooLargeForTheBrokerIsFoundAmongOthers() async throws {
        let limit = 20_000_000
        try TestBroker.evaluate("application:set_env(rabbit, max_message_size, \(limit)).")
        let lost = Atomic<Int>(0)
        let link = try await TestBroker.open { event in
            if case .disconnected = event { lost.add(1, ordering: .relaxed) }
        }
        let queue = TestBroker.name("queue")
        try await link.declare(Topology(queues: [Queue(queue, .classic)]))
        let large = OutgoingMessage(exchange: "", routingKey: queue, body: [UInt8](repeating: 1, count: limit + 1))
        async let refused = failure { () async throws(PublishError) in
            while let failure = await failure({ () async throws(PublishError) in try await link.publish([large]) }) {
                if failure != .connectionLost { throw failure }
            }
        }
        for number in 0..<20 {
            while let failure = await failure({ () async throws(PublishError) in try await link.publish([message(queue, String(number))]) })
            {
                #expect(failure == .connectionLost)
            }
        }
        guard case .returned(406, let why, _, _)? = await refused else {
            Issue.record("it is not refused")
            return
        }
        #expect(why.contains("size"))
        #expect(lost.load(ordering: .relaxed) == 0)
        try await link.clear(queue)
        await link.close()
    }

    @Test func aSessionThatEndsAtOnceIsNotFollowedByTheNextWithoutAPause() async throws {
        let connected = Atomic<Int>(0)
        let link = try await TestBroker.open { event in
            if case .connected(.consuming, _) = event { connected.add(1, ordering: .relaxed) }
        }
        let end = ContinuousClock.now + .seconds(3)
        while ContinuousClock.now < end {
            link.breakConnections()
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(connected.load(ordering: .relaxed) < 25)
        try await eventually("it stands again") { link.isConnected }
        await link.close()
    }

    @Test func anOverlongPropertyIsRefusedAndHarmsNothing() async throws {
        try await withQueue { link, queue in
            await #expect(throws: PublishError.unsendable("the message id has more than 255 bytes")) {
                try await link.publish([message(queue, "a", id: String(repeating: "x", count: 256))])
            }
            await #expect(throws: PublishError.self) {
                try await link.publish([
                    OutgoingMessage(
                        exchange: "", routingKey: queue,
                        properties: MessageProperties(headers: ["h": .string(String(repeating: "x", count: 200_000))]), body: [])
                ])
            }
            try await link.publish([message(queue, "b")])
            try await eventually("1 are there") { try await link.readyCount(of: queue) == 1 }
        }
    }

    @Test func aDeliveryOfALostConnectionCannotBeFinished() async throws {
        try await withQueue { link, queue in
            try await link.publish([message(queue, "a")])
            let basket = Basket()
            _ = try await link.consume(queue, prefetch: 10, onBatch: basket.put)
            let delivery = try await basket.wait(for: 1)[0]
            try await Self.closeConnections(of: link)
            let again = try await basket.wait(for: 2)[1]
            #expect(again.redelivered)
            await #expect(throws: FinishError.deliveryLost) { try await delivery.finish(publishing: [message(queue, "never")]) }
            try await again.finish(publishing: [])
            try await eventually("the acknowledgement") { try await link.readyCount(of: queue) == 0 }
        }
    }

    @Test func whatIsAskedInTheMomentOfTheLossIsStillAnswered() async throws {
        try await withQueue { link, queue in
            for _ in 0..<20 {
                // Posted together, the loss and what comes after it meet in one turn of the link's thread.
                link.breakConnections()
                do throws(PublishError) {
                    try await link.publish([message(queue, "a")])
                } catch {
                    #expect(error == .connectionLost)
                }
                _ = try? await link.readyCount(of: queue)
            }
        }
    }

    @Test func publishingGoesOnAfterTheConnectionIsLost() async throws {
        try await withQueue { link, queue in
            try await Self.closeConnections(of: link)
            // Written before the loss was noticed, it fails and is published again; otherwise it waits for the next connection.
            var isPublished = false
            while !isPublished {
                do throws(PublishError) {
                    try await link.publish([message(queue, "a")])
                    isPublished = true
                } catch {
                    #expect(error == .connectionLost)
                }
            }
            try await eventually("1 are there") { try await link.readyCount(of: queue) >= 1 }
        }
    }

    @Test func cancellingStopsDeliveriesAndKeepsWhatIsOpen() async throws {
        try await withQueue { link, queue in
            try await link.publish([message(queue, "a")])
            let basket = Basket()
            let consumer = try await link.consume(queue, prefetch: 10, onBatch: basket.put)
            let open = try await basket.wait(for: 1)[0]
            await consumer.cancel()
            try await link.publish([message(queue, "b")])
            try await open.finish(publishing: [])
            try await eventually("1 are there") { try await link.readyCount(of: queue) == 1 }
            #expect(basket.all.count == 1)
        }
    }

    @Test func aSubscriptionToNothingSaysSo() async throws {
        let link = try await TestBroker.open()
        let error = await #expect(throws: BrokerError.self) { _ = try await link.consume("test.nothing", prefetch: 1) { _ in } }
        guard case .refused(404, _)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        // The link lives on.
        let differences = try await link.check(Topology(queues: [Queue("test.nothing", .quorum)]))
        #expect(differences == [.missingQueue("test.nothing")])
        await link.close()
    }

    /// One queue that is gone does not keep the others from being consumed, and is consumed again when it is back.
    @Test func aQueueThatIsDeletedCostsOnlyItsOwnSubscription() async throws {
        try await withQueue { other, queue in
            let gone = TestBroker.name("gone")
            try await other.declare(Topology(queues: [Queue(gone, .quorum)]))
            let ended = Atomic<Bool>(false)
            let link = try await TestBroker.open { event in
                if case .subscriptionCancelled = event { ended.store(true, ordering: .relaxed) }
            }
            let (basket, lost) = (Basket(), Basket())
            let consumers = [
                try await link.consume(gone, prefetch: 10, onBatch: lost.put),
                try await link.consume(queue, prefetch: 10, onBatch: basket.put),
            ]
            try await other.delete(queue: gone)
            // One that comes back before the broker has told its consumers is taken for the one that went, by the broker itself.
            try await eventually("the broker says so") { ended.load(ordering: .relaxed) }
            for number in 1...3 {
                try await other.publish([message(queue, "a")])
                let delivery = try await basket.wait(for: number)[number - 1]
                try? await delivery.finish(publishing: [])
            }
            try await other.declare(Topology(queues: [Queue(gone, .quorum)]))
            try await other.publish([message(gone, "b")])
            _ = try await lost.wait(for: 1)
            for consumer in consumers { await consumer.cancel() }
            try await other.clear(gone)
            await link.close()
        }
    }

    @Test func headersNestedWithoutEndDoNotKill() async throws {
        try await withQueue { link, queue in
            var nested = FieldValue.array([])
            for _ in 0..<5_000 { nested = .array([nested]) }
            try await link.publish([
                OutgoingMessage(exchange: "", routingKey: queue, properties: MessageProperties(headers: ["deep": nested]), body: [1])
            ])
            let basket = Basket()
            _ = try await link.consume(queue, prefetch: 10, onBatch: basket.put)
            let delivery = try await basket.wait(for: 1)[0]
            #expect(delivery.body == [1])
            try await delivery.finish(publishing: [])
        }
    }

    @Test func aTapSeesWhatPassesAndTakesNothing() async throws {
        try await withQueue { link, queue in
            let exchange = TestBroker.name("exchange")
            try await link.declare(
                Topology(exchanges: [Exchange(exchange, .topic)], bindings: [Binding(exchange, "#", to: .queue(queue))]))
            let tap = try await link.tap([(exchange, "a.*")])
            let basket = Basket()
            _ = try await link.consume(tap, prefetch: 100, onBatch: basket.put)
            try await link.publish([
                OutgoingMessage(exchange: exchange, routingKey: "a.b", body: [1]),
                OutgoingMessage(exchange: exchange, routingKey: "c.d", body: [2]),
            ])
            #expect(try await basket.wait(for: 1).map(\.body) == [[1]])
            try await eventually("2 are there") { try await link.readyCount(of: queue) == 2 }
            try await link.delete(exchange: exchange)
        }
    }

    @Test func aRelayOfTenThousandLosesNothingWhenItsConnectionsAreCut() async throws {
        try await withQueue { link, queue in
            let next = TestBroker.name("next")
            try await link.declare(Topology(queues: [Queue(next, .quorum)]))
            for start in stride(from: 0, to: 10_000, by: 500) {
                try await link.publish((start..<start + 500).map { message(queue, "body", id: String($0)) })
            }
            _ = try await link.consume(queue, prefetch: 200) { batch in
                for delivery in batch {
                    Task {
                        let outgoing = OutgoingMessage(
                            exchange: "", routingKey: next, properties: MessageProperties(messageID: delivery.properties.messageID),
                            body: delivery.body)
                        // A lost delivery comes back by itself; a lost confirm is asked for again.
                        while true {
                            do throws(FinishError) {
                                return try await delivery.finish(publishing: [outgoing])
                            } catch {
                                if !error.isTransient { return }
                            }
                        }
                    }
                }
            }
            let seen = Mutex<Set<String>>([])
            _ = try await link.consume(next, prefetch: 1_000) { batch in
                seen.withLock { seen in for delivery in batch { seen.insert(delivery.properties.messageID ?? "") } }
                for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
            }
            for part in 1...3 {
                try await eventually("part \(part)", seconds: 60) { seen.withLock { $0.count } >= part * 2_000 }
                try await Self.closeConnections(of: link)
            }
            try await eventually("the rest", seconds: 60) { seen.withLock { $0.count } == 10_000 }
            try await link.clear(next)
        }
    }

    /// Ends a link's connections as a broken network would: by the broker, without a word to the link.
    static func closeConnections(of link: BrokerLink) async throws {
        link.breakConnections()
        try await eventually("reconnecting") { link.isConnected }
    }
}

@Suite(.needsBroker) struct LoginTests {
    @Test func aWrongPasswordIsToldWithoutThePassword() async throws {
        var configuration = try TestBroker.configuration()
        configuration.login = .plain(user: "guest", password: Password("canary-4711"))
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .loginRefused? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(!"\(String(describing: error))".contains("canary"))
    }

    @Test func anUnknownVirtualHostIsTold() async throws {
        var configuration = try TestBroker.configuration()
        configuration.virtualHost = "nothing-here"
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .loginRefused? = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }

    @Test func aDeadHostIsPassedOver() async throws {
        var configuration = try TestBroker.configuration()
        configuration.hosts.insert(BrokerConfiguration.Host("127.0.0.1", port: 1), at: 0)
        let link = try await BrokerLink.open(configuration)
        #expect(link.isConnected)
        await link.close()
    }

    @Test func linksSpreadOverTheHostsAndGoOnWithTheNext() async throws {
        var configuration = try TestBroker.configuration()
        let port = configuration.hosts[0].port
        configuration.hosts = ["127.0.0.1", "localhost"].map { .init($0, port: port) }
        var begun: Set<String> = []
        // All of many to begin with the same is as likely as never.
        for _ in 0..<40 where begun.count < 2 {
            let seen = Mutex<[LinkEvent.Role: [String]]>([:])
            let link = try await BrokerLink.open(configuration) { event in
                if case .connected(let role, let host) = event { seen.withLock { $0[role, default: []].append(host) } }
            }
            link.breakConnections()
            try await eventually("both connections have gone on") { seen.withLock { $0.values.map(\.count) } == [2, 2] }
            await link.close()
            let hosts = seen.withLock { $0 }
            #expect(hosts[.consuming] == hosts[.publishing])
            #expect(Set(hosts[.consuming] ?? []).count == 2)
            begun.formUnion((hosts[.consuming] ?? []).prefix(1))
        }
        #expect(begun.count == 2)
    }

    @Test func noBrokerAtAllIsAnError() async throws {
        let configuration = BrokerConfiguration(hosts: [.init("127.0.0.1", port: 1)], login: .plain(user: "a", password: Password("b")))
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .cannotConnect(let host, _)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(host == "127.0.0.1:1")
    }
}

/// The broker of deploy/local/test speaks TLS when SALVAGE_TEST_AMQPS and SALVAGE_TEST_TLS (the folder of its certificates) are set.
@Suite(.needsBroker) struct TLSTests {
    private func configuration(authority: String = "ca.pem") throws -> BrokerConfiguration {
        var configuration = try TestBroker.configuration("SALVAGE_TEST_AMQPS")
        let folder = try #require(ProcessInfo.processInfo.environment["SALVAGE_TEST_TLS"])
        configuration.tls?.authorityFile = "\(folder)/\(authority)"
        return configuration
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func messagesTravelOverVerifiedTLS(host: String) async throws {
        var configuration = try configuration()
        configuration.hosts = [.init(host, port: configuration.hosts[0].port)]
        let folder = try #require(ProcessInfo.processInfo.environment["SALVAGE_TEST_TLS"])
        configuration.tls?.clientCertificateFile = "\(folder)/client.pem"
        configuration.tls?.clientKeyFile = "\(folder)/client.key"
        let link = try await BrokerLink.open(configuration)
        let queue = TestBroker.name("tls")
        try await link.declare(Topology(queues: [Queue(queue, .quorum)]))
        let body = [UInt8](repeating: 1, count: 400_000)
        try await link.publish((0..<20).map { _ in OutgoingMessage(exchange: "", routingKey: queue, body: body) })
        let basket = Basket()
        _ = try await link.consume(queue, prefetch: 50, onBatch: basket.put)
        #expect(try await basket.wait(for: 20).allSatisfy { $0.body == body })
        try await link.clear(queue)
        await link.close()
    }

    @Test func anotherAuthorityIsRefused() async throws {
        let configuration = try configuration(authority: "other.pem")
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .tls? = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }

    @Test func anotherNameIsRefused() async throws {
        var configuration = try configuration()
        configuration.tls?.serverName = "broker.example.test"
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .tls(_, let why)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(why.contains("mismatch"))
    }

    @Test func aPortThatSpeaksNoTLSIsRefused() async throws {
        var configuration = try configuration()
        configuration.hosts = try TestBroker.configuration().hosts
        let error = await #expect(throws: BrokerError.self) { _ = try await BrokerLink.open(configuration) }
        guard case .tls? = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }
}
