import Broker
import DeclineRecovery
import FlexFactor
import Logging
import Pipeline
import Synchronization

/// Takes FlexFactor's webhooks: checks who sent them, hands them to the broker, and says yes only when the broker has them.
final class WebhookReceiver: Sendable {
    private let store: ConfigurationStore
    private let clock: any WallClock
    private let names: TopologyNames
    /// The host that FlexFactor signs, where a proxy stands before this process.
    private let publicHost: String?
    /// Whether the process does nothing else: it may write to an exchange of its own alone then.
    private let isAtEdge: Bool
    private let metrics: ServiceMetrics
    private let logger: Logger
    private let nonces = NonceMemory()
    private let limiter = LogLimiter()
    private let broker = Mutex<(any WebhookBroker)?>(nil)
    /// How long FlexFactor is kept waiting; then it sends again.
    private let patience: Duration
    private let tracer: Tracer?

    init(
        store: ConfigurationStore, clock: any WallClock, names: TopologyNames, publicHost: String?, metrics: ServiceMetrics, logger: Logger,
        tracer: Tracer? = nil, isAtEdge: Bool = false, patience: Duration = .seconds(5)
    ) {
        self.tracer = tracer
        self.store = store
        self.clock = clock
        self.names = names
        self.publicHost = publicHost
        self.isAtEdge = isAtEdge
        self.metrics = metrics
        self.logger = logger
        self.patience = patience
    }

    func use(_ broker: (any WebhookBroker)?) { self.broker.withLock { $0 = broker } }

    /// - Parameter host: as the request names it.
    func receive(
        merchant: MerchantID, gateway: GatewayID, host: String, body: [UInt8], header: (String) -> String?
    ) async -> WebhookAnswer {
        let (answer, why) = await judge(merchant, gateway, host, body, header)
        metrics.webhooks.add(1, answer == .unknownGateway ? "" : metrics.label(merchant), answer.rawValue)
        if let why,
            let suppressed = limiter.admit(
                answer == .unknownGateway ? answer.rawValue : "\(answer.rawValue) \(merchant) \(gateway)", now: clock.now())
        {
            logger.warning(
                "A webhook was not taken",
                metadata: [
                    LogKey.merchant: "\(merchant.text.prefix(64))", LogKey.gateway: "\(gateway.text.prefix(64))",
                    LogKey.reason: "\(answer.rawValue)",
                    LogKey.advice: "\(why)", LogKey.suppressed: "\(suppressed)",
                ])
        }
        return answer
    }

    private func judge(
        _ merchant: MerchantID, _ gateway: GatewayID, _ host: String, _ body: [UInt8], _ header: (String) -> String?
    ) async -> (WebhookAnswer, String?) {
        guard let client = store.client(GatewayKey(merchant, gateway)) else {
            return (.unknownGateway, "The path names no configured gateway; it is /webhooks/MERCHANT/GATEWAY.")
        }
        let keys = client.credentials.signingKeys
        if keys.isEmpty {
            return (.unsigned, "The gateway has no hmacSigningKey, so nothing can be verified; take it from FlexFactor's portal.")
        }
        let now = clock.now()
        if let refusal = MessageSignature.verify(header: header, method: "POST", host: publicHost ?? host, body: body, keys: keys, now: now)
        {
            return (
                .refused,
                "\(refusal.rawValue). Compare hmacSigningKey, the clock, and SALVAGE_WEBHOOKS_HOST with the host that FlexFactor signs."
            )
        }
        let key = GatewayKey(merchant, gateway)
        let delivery = NonceMemory.Key(
            nonce: header(MessageSignature.HeaderName.nonce) ?? "", digest: header(MessageSignature.HeaderName.contentHash) ?? "")
        if let delivery, nonces.contains(delivery, of: key) { return (.repeated, nil) }
        let sent = header(MessageSignature.HeaderName.date).flatMap { Moment(rfc1123: $0) }
        guard let news = WebhookNews(body: body, merchantID: merchant, gatewayID: gateway, receivedAt: now, sentAt: sent) else {
            return (.unreadable, "The body is not a JSON object with an Event.")
        }
        if news.isTestMode, store.merchant(merchant)?.flexFactorGateways[gateway]?.isProduction == true {
            return (.testMode, "FlexFactor's portal of the sandbox sends to a gateway of production; take its webhook away there.")
        }
        guard let broker = broker.withLock({ $0 }) else { return (.brokerAway, "The broker is not connected yet.") }
        // Only here: what a stranger sends begins nothing.
        let came = header(HeaderName.traceparent).flatMap(TraceParent.read)
        var span = tracer?.begin(
            "webhook", .server, after: came, at: SystemClock.nanoseconds(),
            [("salvage.merchant", .text(merchant.text)), ("salvage.gateway", .text(gateway.text))])
        defer { if let span { tracer?.end(span) } }
        do throws(PublishError) {
            let message = news.message(to: .stage(.outcomes), traceparent: span?.context.text ?? TraceParent.from(came))
            let state = came == nil ? nil : header(HeaderName.tracestate).flatMap { TraceState.isValid($0) ? $0 : nil }
            try await publish(addressed(message.brokerMessage(names, now: now, tracestate: state)), broker)
        } catch {
            span?.fault = WebhookAnswer.brokerAway.rawValue
            return (.brokerAway, error.description)
        }
        // Only now: what the broker does not have must be taken when it comes again.
        if let delivery { nonces.insert(delivery, of: key, now: now) }
        return (.taken, nil)
    }

    /// The queue is the same by either way.
    private func addressed(_ message: Broker.OutgoingMessage) -> Broker.OutgoingMessage {
        guard isAtEdge else { return message }
        return Broker.OutgoingMessage(
            exchange: names.news, routingKey: message.routingKey, properties: message.properties, body: message.body)
    }

    /// Publishes, or gives up in time: a broker that is away or short of memory takes nothing, and what waited for it would pile up here.
    /// What was given up may arrive all the same; it comes again with the same id.
    private func publish(_ message: Broker.OutgoingMessage, _ broker: any WebhookBroker) async throws(PublishError) {
        guard broker.takesPublishes else { throw .connectionLost }
        let outcome = Outcome()
        await within(patience) {
            let result: Result<Void, PublishError>
            do throws(PublishError) {
                try await broker.publish([message])
                result = .success(())
            } catch {
                result = .failure(error)
            }
            outcome.state.withLock { $0 = result }
        }
        try outcome.state.withLock { $0 }.get()
    }

    /// How a publish ended, or that it has not yet.
    private final class Outcome: Sendable {
        let state = Mutex<Result<Void, PublishError>>(.failure(.connectionLost))
    }
}

/// The broker, as webhooks need it.
protocol WebhookBroker: Sendable {
    /// Whether it is there and takes publishes at the moment.
    var takesPublishes: Bool { get }

    /// Returns when the broker has the messages.
    func publish(_ messages: [Broker.OutgoingMessage]) async throws(PublishError)
}

extension BrokerLink: WebhookBroker {
    var takesPublishes: Bool { isConnected && !isPublishingBlocked }
}
