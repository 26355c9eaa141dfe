import Synchronization

/// A link to a RabbitMQ cluster: consume, publish with confirms, manage topology.
///
/// It stands on two connections, because a broker that blocks publishers must not stop acknowledgements; a third is opened by whoever
/// publishes aside. Each reconnects by itself, for ever. Deliveries of a lost connection cannot be finished (the broker redelivers them);
/// publishes that were not confirmed fail; what was never written waits for the next connection.
public final class BrokerLink: Sendable {
    let consuming: Connection
    let publishing: Connection
    private let aside: AsideConnection

    private init(_ configuration: BrokerConfiguration, onEvent: @escaping @Sendable (LinkEvent) -> Void) {
        // The links of many processes spread over the nodes of a cluster, whichever their URL names first.
        var configuration = configuration
        let first = configuration.hosts.indices.randomElement() ?? 0
        configuration.hosts = Array(configuration.hosts[first...] + configuration.hosts[..<first])
        consuming = Connection(configuration, role: .consuming, events: onEvent)
        publishing = Connection(configuration, role: .publishing, events: onEvent)
        aside = AsideConnection(configuration)
    }

    /// Opens a link.
    ///
    /// - Parameter waiting: whether to wait for a broker that cannot be reached yet, or refuses the login yet. Otherwise one fruitless
    ///   round over the hosts is an error.
    /// - Parameter onEvent: called on the link's threads; must return quickly.
    public static func open(
        _ configuration: BrokerConfiguration, waiting: Bool = false, onEvent: @escaping @Sendable (LinkEvent) -> Void = { _ in }
    ) async throws(BrokerError) -> BrokerLink {
        let link = BrokerLink(configuration, onEvent: onEvent)
        for connection in [link.consuming, link.publishing] {
            let outcome: Result<Void, BrokerError> = await withCheckedContinuation { done in
                connection.start(failsFast: !waiting) { done.resume(returning: $0) }
            }
            if case .failure(let error) = outcome {
                await link.close()
                throw error
            }
        }
        return link
    }

    /// A link that connects by itself, as one that was lost does, and with which nothing can be done until it stands.
    public static func connecting(_ configuration: BrokerConfiguration, onEvent: @escaping @Sendable (LinkEvent) -> Void = { _ in })
        -> BrokerLink
    {
        let link = BrokerLink(configuration, onEvent: onEvent)
        for connection in [link.consuming, link.publishing] { connection.start(failsFast: false) { _ in } }
        return link
    }

    /// Whether the two connections stand.
    public var isConnected: Bool { consuming.isConnected && publishing.isConnected }

    /// Whether the broker takes no publishes at the moment (`connection.blocked`).
    public var isPublishingBlocked: Bool { publishing.isBlocked }

    /// Why the broker takes no publishes at the moment, in its own words; `nil` where it takes them. It is asked, where `isPublishingBlocked` knows
    /// no more than what a publish has met.
    package func alarm() async throws(BrokerError) -> String? {
        do throws(BrokerError) {
            return try await perform(on: publishing) { (session) throws(BrokerError) -> String? in
                try session.askForAlarm()
                return session.blockedBecause
            }
        } catch {
            // Its answer may come yet, and would pass for the next one's.
            if case .timedOut = error { publishing.post(.breakOff) }
            throw error
        }
    }

    /// Publishes messages and waits until the broker has confirmed every one.
    ///
    /// - Throws: `PublishError` of the first message that is not known to be with the broker. Others of them may be there.
    public func publish(_ messages: [OutgoingMessage]) async throws(PublishError) {
        if messages.isEmpty { return }
        try await publishing.publish(messages)
    }

    /// Publishes a message that nobody waits for.
    ///
    /// - Parameter onFailure: called on the link's thread when it is not known to be with the broker; must return soon.
    public func publish(_ message: OutgoingMessage, onFailure: @escaping @Sendable (PublishError) -> Void) {
        publishing.post(.publish(PublishBatch([message], .onFailure(onFailure))))
    }

    /// Publishes a message whose address is a stranger's word, and by whose loss nobody is wronged: on a connection of its own, which the
    /// broker may end for it. What was under way when it ends is not tried again.
    ///
    /// - Parameter onFailure: called at once or on that connection's thread when it is not known to be with the broker; must return soon.
    public func publishAside(_ message: OutgoingMessage, onFailure: @escaping @Sendable (PublishError) -> Void) {
        aside.publish(message, onFailure: onFailure)
    }

    /// Subscribes to a queue.
    ///
    /// - Parameter prefetch: how many deliveries may be unfinished at a time, 1...65535.
    /// - Parameter mostBytes: how much of each body is kept.
    /// - Parameter kind: what the queue must be when it comes back after it was gone; any unless told.
    /// - Parameter onBatch: called on the link's thread with the deliveries of one turn; must hand them on and return.
    /// - Throws: `BrokerError.refused` where there is no such queue or it may not be read. Once it stands, the subscription comes back by itself.
    public func consume(
        _ queue: String, prefetch: UInt16, mostBytes: Int = .max, kind: Queue.Kind? = nil, onBatch: @escaping @Sendable ([Delivery]) -> Void
    ) async throws(BrokerError) -> Consumer {
        try await subscribe(
            Consumer(
                queue: queue, prefetch: prefetch, mostBytes: mostBytes, kind: kind, connection: consuming, publisher: publishing,
                onBatch: onBatch))
    }

    func subscribe(_ consumer: Consumer) async throws(BrokerError) -> Consumer {
        let outcome: Result<Void, BrokerError> = await withCheckedContinuation { done in
            consuming.post(.subscribe(consumer) { done.resume(returning: $0) })
        }
        try outcome.get()
        return consumer
    }

    /// Closes the link: what is published already is still confirmed, if that comes soon; unfinished deliveries go back to the broker.
    public func close() async {
        // Nobody waits for it longer than for the others.
        async let asideClosed: Void = aside.close()
        for connection in [publishing, consuming] {
            await withCheckedContinuation { done in connection.post(.close { done.resume() }) }
        }
        await asideClosed
    }

    /// Loses the two connections that it stands on as a broken network would, for tests of what hangs on them. They reconnect.
    package func breakConnections() {
        consuming.post(.breakOff)
        publishing.post(.breakOff)
    }

    /// - Parameter connection: the consuming one unless told otherwise, for a broker may block the other.
    func perform<Success: Sendable>(
        on connection: Connection? = nil, _ work: @escaping @Sendable (Session) throws(BrokerError) -> Success
    ) async throws(BrokerError) -> Success {
        let outcome: Result<Success, BrokerError> = await withCheckedContinuation { done in
            (connection ?? consuming).post(
                .perform { session in
                    done.resume(
                        returning: session.flatMap { session in
                            do throws(BrokerError) { return .success(try work(session)) } catch { return .failure(error) }
                        })
                })
        }
        return try outcome.get()
    }
}

/// The connection of messages whose address is a stranger's word. For an address that it cannot read a broker may end the whole connection
/// (RabbitMQ does for a forged `amq.rabbitmq.reply-to.` token), and whatever else was on it would be lost with it.
///
/// The first of them opens it. It reconnects as the others do, with their pauses, and tells nobody: nothing but these messages hangs on it.
final class AsideConnection: Sendable {
    private enum Standing {
        case unopened, open, closed
    }

    private struct State {
        var standing = Standing.unopened
        /// Bytes of messages that are not settled.
        var waiting = 0
    }

    private let connection: Connection
    private let state = Mutex(State())

    /// Bytes that may wait for a broker that is away, blocks, or ends the connection again and again.
    private static let mostWaiting = 8 << 20

    init(_ configuration: BrokerConfiguration) {
        var configuration = configuration
        configuration.connectionName += " aside"
        connection = Connection(configuration, role: .publishing, events: { _ in })
    }

    func publish(_ message: OutgoingMessage, onFailure: @escaping @Sendable (PublishError) -> Void) {
        // So much or less are its properties.
        let size = message.body.count + 1_024
        let refusal: PublishError? = state.withLock { state in
            if state.standing == .closed { return .closed }
            if state.waiting >= Self.mostWaiting { return .unsendable("too many like it wait to be sent") }
            if state.standing == .unopened {
                state.standing = .open
                connection.start(failsFast: false) { _ in }
            }
            state.waiting += size
            return nil
        }
        if let refusal { return onFailure(refusal) }
        let batch = PublishBatch(
            [message],
            .onSettled { failures in
                self.state.withLock { $0.waiting -= size }
                if let failure = failures.lazy.compactMap({ $0 }).first { onFailure(failure) }
            })
        connection.post(.publish(batch))
    }

    func close() async {
        let wasOpen = state.withLock { state in
            defer { state.standing = .closed }
            return state.standing == .open
        }
        if wasOpen { await withCheckedContinuation { done in connection.post(.close { done.resume() }) } }
    }
}
