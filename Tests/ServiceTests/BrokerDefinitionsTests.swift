import Broker
import DeclineRecovery
import Service
import Testing

@Suite struct BrokerDefinitionsTests {
    private let topology = Topology(recovery: TopologyNames())

    /// The differences that remain after something in our own definitions was replaced.
    private func differences(replacing old: String = "", _ new: String = "", virtualHost: String = "v") throws -> [TopologyDifference] {
        let text = String(decoding: topology.definitions(virtualHost: "v"), as: UTF8.self)
        try #require(old.isEmpty || text.contains(old), "\(old) is not in the definitions")
        let changed = old.isEmpty ? text : text.replacing(old, with: new, maxReplacements: 1)
        return try #require(BrokerDefinitions(Array(changed.utf8), virtualHost: virtualHost)).differences(from: topology)
    }

    @Test func ourOwnDefinitionsHaveNone() throws {
        #expect(try differences() == [])
    }

    @Test func anotherVirtualHostsAreNotOurs() throws {
        #expect(try differences(virtualHost: "w").count == topology.exchanges.count + topology.queues.count + topology.bindings.count)
    }

    @Test func eachKindOfDriftIsNamed() throws {
        #expect(
            try differences(replacing: #""name":"recovery.retry","durable""#, #""name":"else","durable""#) == [
                .missingQueue("recovery.retry")
            ])
        #expect(
            try differences(replacing: #""name":"declines","type":"topic""#, #""name":"declines","type":"fanout""#) == [
                .differs("exchange declines", property: "type", found: "fanout", expected: "topic")
            ])
        #expect(
            try differences(replacing: #""x-message-ttl":8000"#, #""x-message-ttl":99"#) == [
                .differs("queue recovery.delay.03", property: "x-message-ttl", found: "99", expected: "8000")
            ])
        #expect(
            try differences(replacing: #""x-queue-type":"stream","x-max-age":"400D""#, #""x-queue-type":"classic","x-max-age":"400D""#) == [
                .otherKind(queue: "recovery.cancels", found: "classic", expected: .stream)
            ])
        #expect(
            try differences(replacing: #""x-max-age":"60D""#, #""x-max-age":"60D","x-expires":5"#) == [
                .differs("queue recovery.claims", property: "x-expires", found: "5", expected: nil)
            ])
        let intake = Binding("declines", "#", to: .queue("recovery.intake"))
        #expect(
            try differences(replacing: #""source":"declines","destination":"recovery.intake""#, #""source":"declines","destination":"lab""#)
                == [.missingBinding(intake)])
        #expect(
            try differences(
                replacing: #""source":"declines","destination":"recovery.intake""#, #""source":"declines","destination":"recovery.retry""#)
                == [
                    .missingBinding(intake), .unexpectedBinding(Binding("declines", "#", to: .queue("recovery.retry"))),
                ])
    }

    /// A classic queue may be listed without any argument.
    @Test func aQueueWithoutATypeIsAClassicOne() throws {
        let file = #"{"queues": [{"name": "q", "vhost": "v", "durable": true, "arguments": {}}], "exchanges": [], "bindings": []}"#
        let found = try #require(BrokerDefinitions(Array(file.utf8), virtualHost: "v")).differences(
            from: Topology(queues: [Queue("q", .quorum)]))
        #expect(found == [.otherKind(queue: "q", found: "classic", expected: .quorum)])
    }
}
