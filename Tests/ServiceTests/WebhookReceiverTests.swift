import JSON
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Broker
@testable import DeclineRecovery
@testable import FlexFactor
@testable import Service

/// FlexFactor is told yes only of what the broker has: it sends the rest again.
@Suite struct WebhookReceiverTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let secret: String = Base64.encode(Array(repeating: 7, count: 32))
    private static let completed = Array(
        #"{"Event":"order.completed","ExternalOrderId":"A-R7-88-7","OrderId":"g-1","TimeStamp":"2027-01-15T08:00:00Z"}"#.utf8)

    /// Takes publishes as a test says.
    private final class ScriptedBroker: WebhookBroker {
        private let state: Mutex<(takes: Bool, failure: PublishError?, published: [Broker.OutgoingMessage])>
        let isSilent: Bool

        init(takes: Bool = true, failure: PublishError? = nil, isSilent: Bool = false) {
            state = Mutex((takes, failure, []))
            self.isSilent = isSilent
        }

        var takesPublishes: Bool { state.withLock { $0.takes } }
        var published: [Broker.OutgoingMessage] { state.withLock { $0.published } }
        func mend() { state.withLock { $0.failure = nil } }

        func publish(_ messages: [Broker.OutgoingMessage]) async throws(PublishError) {
            if isSilent { try? await Task.sleep(for: .seconds(60)) }
            let failure = state.withLock { state in
                if state.failure == nil { state.published += messages }
                return state.failure
            }
            if let failure { throw failure }
        }
    }

    private let broker: ScriptedBroker
    private let receiver: WebhookReceiver

    init() throws {
        broker = ScriptedBroker()
        receiver = try Self.receiver()
        receiver.use(broker)
    }

    private static func receiver(
        environment: String = "sandbox", isSigned: Bool = true, publicHost: String? = nil, isAtEdge: Bool = false
    ) throws -> WebhookReceiver {
        let yaml = """
            merchants:
              - id: acme
                flexFactorGateways:
                  - id: "42"
                    appKey: key
                    appSecret: secret
                    mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11
                    environment: \(environment)
                    cascadeAll: true
            """ + (isSigned ? "\n        hmacSigningKey: \(secret)\n" : "\n")
        let configuration = try SalvageConfiguration(yaml: yaml, file: "salvage.yaml", secrets: SecretSources(besides: "./salvage.yaml"))
        let store = ConfigurationStore(configuration) { _, credentials in FlexFactorClient(credentials, now: { now }) }
        return WebhookReceiver(
            store: store, clock: ManualClock(now), names: TopologyNames(), publicHost: publicHost, metrics: ServiceMetrics(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, isAtEdge: isAtEdge, patience: .milliseconds(100))
    }

    /// Sends a webhook as FlexFactor signs it.
    private func send(
        _ body: [UInt8] = completed, to receiver: WebhookReceiver? = nil, gateway: GatewayID = "42", host: String = "shop.test",
        signing: String = "shop.test", at moment: Moment = now, nonce: String? = "00112233445566778899aabbccddeeff", signed: [UInt8]? = nil
    ) async throws -> WebhookAnswer {
        let key = try #require(HMACSigningKey(base64: Self.secret))
        var fields = HeaderFields()
        fields.sign(signed ?? body, method: "POST", host: signing, key: key, now: moment, nonce: nonce)
        let headers = Dictionary(uniqueKeysWithValues: fields.fields.map { ($0.name, $0.value) })
        return await (receiver ?? self.receiver).receive(merchant: "acme", gateway: gateway, host: host, body: body) {
            headers[$0.lowercased()]
        }
    }

    @Test func whatTheBrokerHasIsTaken() async throws {
        #expect(try await send() == .taken)
        let message = try #require(broker.published.first)
        #expect(message.exchange == TopologyNames().work && message.routingKey == Stage.outcomes.rawValue && broker.published.count == 1)
        let news = try WebhookNews.decode(message.body).get()
        #expect(news.merchantID == "acme" && news.gatewayID == "42" && news.orderID == "g-1" && news.receivedAt == Self.now)
    }

    /// Its login leads to no stage that charges.
    @Test func whatIsTakenAtTheEdgeGoesByAnExchangeOfItsOwn() async throws {
        let edge = try Self.receiver(isAtEdge: true)
        edge.use(broker)
        #expect(try await send() == .taken)
        #expect(try await send(to: edge) == .taken)
        try #require(broker.published.count == 2)
        let (inside, outside) = (broker.published[0], broker.published[1])
        #expect(outside.exchange == "recovery.news" && outside.routingKey == Stage.outcomes.rawValue && outside.isMandatory)
        #expect(outside.body == inside.body && outside.properties.type == inside.properties.type)
    }

    /// FlexFactor may deliver twice; the second is answered like the first, and published no more.
    @Test func theSameDeliveryIsTakenOnce() async throws {
        #expect(try await send() == .taken)
        #expect(try await send() == .repeated && broker.published.count == 1)
        #expect(try await send(nonce: "ffeeddccbbaa99887766554433221100") == .taken && broker.published.count == 2)
    }

    @Test func whatTheBrokerDidNotTakeIsTakenWhenItComesAgain() async throws {
        let broker = ScriptedBroker(failure: .nacked(exchange: "recovery.work", routingKey: "outcomes"))
        receiver.use(broker)
        #expect(try await send() == .brokerAway && broker.published.isEmpty)
        broker.mend()
        #expect(try await send() == .taken && broker.published.count == 1)
    }

    @Test func whileTheBrokerTakesNothingNothingIsTaken() async throws {
        receiver.use(nil)
        #expect(try await send() == .brokerAway)
        let blocked = ScriptedBroker(takes: false)
        receiver.use(blocked)
        #expect(try await send() == .brokerAway && blocked.published.isEmpty)
        // Nobody is kept waiting for a broker that does not answer.
        receiver.use(ScriptedBroker(isSilent: true))
        #expect(try await send() == .brokerAway)
        receiver.use(broker)
        #expect(try await send() == .taken)
    }

    @Test func whatFlexFactorDidNotSignIsNotBelieved() async throws {
        #expect(try await send(signing: "other.test") == .refused)
        #expect(try await send(signed: Self.completed + [0x20]) == .refused)
        #expect(try await send(at: Self.now + .minutes(6)) == .refused)
        #expect(broker.published.isEmpty)
        // Behind a proxy FlexFactor signs another host than the one that arrives.
        let behind = try Self.receiver(publicHost: "public.test")
        behind.use(broker)
        #expect(try await send(to: behind, signing: "public.test") == .taken)
    }

    @Test func whatIsNobodysOrCannotBeReadIsRefused() async throws {
        #expect(try await send(gateway: "43") == .unknownGateway)
        #expect(try await send(Array("[1]".utf8)) == .unreadable)
        let unsigned = try Self.receiver(isSigned: false)
        unsigned.use(broker)
        #expect(try await send(to: unsigned) == .unsigned)
        #expect(broker.published.isEmpty)
    }

    /// A test account's order must not end a recovery of production.
    @Test func testModeHasNoBusinessAtAGatewayOfProduction() async throws {
        let test = Array(
            #"{"Event":"order.completed","ExternalOrderId":"A-R7-88-7","OrderId":"g-1","IsTestMode":true,"TimeStamp":"2027-01-15T08:00:00Z"}"#
                .utf8)
        let production = try Self.receiver(environment: "production")
        production.use(broker)
        #expect(try await send(test, to: production) == .testMode && broker.published.isEmpty)
        #expect(try await send(test) == .taken)
    }
}
