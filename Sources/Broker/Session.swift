import CRabbitMQ
import Glibc

/// One life of a connection, from its login to its loss: socket, codec, channels.
///
/// rabbitmq-c serves as the codec only. Its own socket layer can hang for ever in a publish, and writes a frame at a time; here all
/// frames of a loop turn leave in one write that never blocks.
///
/// Not thread-safe: it lives on its connection's thread.
final class Session {
    let host: BrokerConfiguration.Host
    private let transport: Transport
    let codec: amqp_connection_state_t
    let out = OutputBuffer()
    let scratch = Scratch()
    private let input: UnsafeMutableRawBufferPointer
    /// Milliseconds; 0 for none.
    var heartbeat: Int64 = 0
    private var lastReceived = monotonicMilliseconds()
    private var lastSent = monotonicMilliseconds()

    /// Why the broker takes no publishes at the moment.
    private(set) var blockedBecause: String?
    /// Since when, in milliseconds of a clock that nobody sets.
    private(set) var blockedSince: Int64 = 0
    /// The message that asks whether it takes any: its channel, and how many bytes of it may still come without ending it.
    var question: (channel: UInt16, left: Int) = (0, 0)
    var confirms = ConfirmLedger<PendingPublish>()
    var subscriptions: [UInt16: Subscription] = [:]
    var contents = ContentAssembler()
    /// The locks that this session holds.
    var locks: Set<String> = []
    private var awaited: Awaited?
    /// The queue whose subscription the broker has ended: the session is over as soon as no answer is waited for.
    private var endedSubscription: String?
    /// Why the broker has closed the channel of the publishes, until it is opened again.
    var publishingRefusal: (code: UInt16, text: String)?
    /// When that channel is opened anew because a queue took one of them not.
    var renewal = ChannelRenewal()
    /// How many publishes go out one at a time, each when the one before it is settled: one of them had the channel closed, and alone it
    /// cannot hide among others.
    var singleFile = 0
    /// Exchanges that the broker has refused, and until when they are not tried again: each try costs the channel.
    var refusedExchanges: [String: (until: Int64, code: UInt16, text: String)] = [:]
    let events: (LinkEvent) -> Void
    let role: LinkEvent.Role
    /// How long the broker may leave a publish unconfirmed, and since when at the earliest that is counted.
    var patience: ConfirmPatience

    /// A publish that the broker has not settled, by its place in its batch.
    struct PendingPublish {
        let batch: PublishBatch
        let index: Int
        var isReturned = false
        /// When it was written.
        let written = monotonicMilliseconds()

        var message: OutgoingMessage { batch.messages[index] }

        func settle(_ error: PublishError?) { batch.settle(index, error) }
    }

    /// A consumer on its channel.
    final class Subscription {
        let consumer: Consumer
        let generation: UInt64
        var ledger = AcknowledgementLedger()
        var batch: [Delivery] = []
        /// When something was handed out last, or the broker last said that it stands.
        var lastHeard = monotonicMilliseconds()

        init(_ consumer: Consumer) {
            self.consumer = consumer
            generation = consumer.nextGeneration()
        }
    }

    /// A reply to a method: what callers need of any of them.
    enum Reply {
        case done
        case tune(channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16)
        case queue(name: String, ready: UInt32, consumers: UInt32)
    }

    private struct Awaited {
        let channel: UInt16
        let methods: [UInt32]
        var outcome: Result<Reply, BrokerError>?
    }

    init(
        to host: BrokerConfiguration.Host, _ configuration: BrokerConfiguration, role: LinkEvent.Role, events: @escaping (LinkEvent) -> Void
    ) throws(BrokerError) {
        let deadline = monotonicMilliseconds() + Int64(configuration.connectTimeout)
        let transport = try Transport.connect(to: host, tls: configuration.tls, deadline: deadline)
        guard let codec = amqp_new_connection() else { throw .cannotConnect(host: host.description, why: "out of memory") }
        self.host = host
        self.transport = transport
        self.codec = codec
        self.role = role
        self.events = events
        patience = ConfirmPatience(configuration.confirmPatience)
        // After everything that can fail: what is not whole yet has no end that would give the buffer back.
        input = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 * 1_024, alignment: 16)
        try logIn(configuration, deadline: deadline)
    }

    deinit {
        amqp_destroy_connection(codec)
        input.deallocate()
    }

    // MARK: Calls

    /// Sends a method and waits for one of its replies; everything else that comes meanwhile is handled as ever.
    ///
    /// - Parameter stopsAtAlarm: whether an alarm ends the waiting (`BrokerError.blocked`): what the broker does not read it does not answer.
    func call<Method>(
        _ channel: UInt16, _ id: UInt32, _ method: inout Method, _ replies: [UInt32], _ what: String, deadline: Int64? = nil,
        stopsAtAlarm: Bool = false
    ) throws(BrokerError) -> Reply {
        let fits = out.method(channel, id, &method)
        scratch.reset()
        guard fits else { throw .protocolViolation("the arguments of \(what) do not fit a frame") }
        return try reply(channel, replies, what, deadline: deadline ?? monotonicMilliseconds() + 10_000, stopsAtAlarm: stopsAtAlarm)
    }

    func reply(
        _ channel: UInt16, _ methods: [UInt32], _ what: String, deadline: Int64, stopsAtAlarm: Bool = false
    ) throws(BrokerError) -> Reply {
        awaited = Awaited(channel: channel, methods: methods)
        defer { awaited = nil }
        while true {
            try flush()
            if let outcome = awaited?.outcome { return try outcome.get() }
            if stopsAtAlarm, let blockedBecause { throw .blocked(reason: blockedBecause) }
            let left = deadline - monotonicMilliseconds()
            guard left > 0 else { throw .timedOut(what: what) }
            var entry = [pollfd(fd: transport.socket, events: interest, revents: 0)]
            poll(&entry, 1, Int32(clamping: left))
            try receive()
        }
    }

    func openChannel(_ channel: UInt16) throws(BrokerError) {
        var open = amqp_channel_open_t(out_of_band: scratch.bytes(""))
        _ = try call(channel, UInt32(AMQP_CHANNEL_OPEN_METHOD), &open, [UInt32(AMQP_CHANNEL_OPEN_OK_METHOD)], "opening a channel")
    }

    func selectConfirms() throws(BrokerError) {
        var select = amqp_confirm_select_t(nowait: 0)
        _ = try call(1, UInt32(AMQP_CONFIRM_SELECT_METHOD), &select, [UInt32(AMQP_CONFIRM_SELECT_OK_METHOD)], "turning confirms on")
    }

    func closeChannel(_ channel: UInt16) throws(BrokerError) {
        var close = amqp_channel_close_t(reply_code: 200, reply_text: scratch.bytes("done"), class_id: 0, method_id: 0)
        _ = try call(channel, UInt32(AMQP_CHANNEL_CLOSE_METHOD), &close, [UInt32(AMQP_CHANNEL_CLOSE_OK_METHOD)], "closing a channel")
    }

    // MARK: Writing

    func flush() throws(BrokerError) {
        while out.count > 0 {
            switch transport.write(out.pending) {
            case .done(let count):
                out.consume(count)
                lastSent = monotonicMilliseconds()
            case .wouldBlock: return
            case .ended(let why): throw .connectionLost(why: why)
            }
        }
    }

    /// Says goodbye; the broker's answer is not worth waiting long for.
    func sayGoodbye() throws(BrokerError) {
        var close = amqp_connection_close_t(reply_code: 200, reply_text: scratch.bytes("goodbye"), class_id: 0, method_id: 0)
        _ = try call(
            0, UInt32(AMQP_CONNECTION_CLOSE_METHOD), &close, [UInt32(AMQP_CONNECTION_CLOSE_OK_METHOD)], "closing",
            deadline: monotonicMilliseconds() + 1_000)
    }

    // MARK: Waiting

    private var interest: Int16 { Int16(POLLIN) | (out.count > 0 ? Int16(POLLOUT) : 0) }

    /// Sleeps until the socket or `wake` has something, or `milliseconds` have passed, or the heartbeat wants to be looked at.
    func sleep(wake: Int32, milliseconds: Int64) {
        var limit = min(milliseconds, unconfirmedFor.map { max(patience.span - $0, 0) } ?? .max)
        if heartbeat > 0 { limit = min(limit, heartbeat / 4) }
        // What is on its way yet wakes it by its confirm.
        if confirms.outstanding == 0, blockedBecause == nil, let rest = renewal.rest(now: monotonicMilliseconds()) {
            limit = min(limit, rest)
        }
        if transport.hasBufferedInput || endedSubscription != nil { limit = 0 }
        var entries = [pollfd(fd: transport.socket, events: interest, revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        poll(&entries, 2, Int32(clamping: limit))
    }

    /// Sends a heartbeat when nothing else was sent, and gives a silent broker up.
    func tendHeartbeat() throws(BrokerError) {
        guard heartbeat > 0 else { return }
        let now = monotonicMilliseconds()
        if now - lastReceived > 2 * heartbeat { throw .connectionLost(why: "the broker was silent for \(2 * heartbeat / 1_000) s") }
        if now - lastSent >= heartbeat / 2, out.count == 0 {
            out.heartbeat()
            lastSent = now
        }
    }

    // MARK: Reading

    /// Reads what is there, handles it, and hands out the deliveries in batches.
    ///
    /// - Returns: how many bytes there were.
    @discardableResult func receive() throws(BrokerError) -> Int {
        // Reconnecting subscribes again, on whichever node has the queue now. A call that is under way gets its answer first: deleting
        // a queue ends its subscriptions too.
        if let endedSubscription, awaited == nil {
            throw .connectionLost(why: "the broker ended the subscription to \(endedSubscription)")
        }
        defer { handOut() }
        var found = 0
        while found < 8 * input.count {
            switch transport.read(into: input) {
            case .done(let count):
                lastReceived = monotonicMilliseconds()
                found += count
                try decode(count)
                // TLS gives a record at a time, and does not say whether the socket has another.
                if count < input.count, !transport.isTLS { return found }
            case .wouldBlock: return found
            case .ended(let why): throw .connectionLost(why: why)
            }
        }
        return found
    }

    /// What comes of a queue that may be of another kind waits until that is known.
    func handOut() {
        for subscription in subscriptions.values where !subscription.batch.isEmpty && !subscription.consumer.isInDoubt {
            let batch = subscription.batch
            subscription.batch = []
            subscription.lastHeard = monotonicMilliseconds()
            subscription.consumer.onBatch(batch)
            if subscription.consumer.onlyReads { for delivery in batch { subscription.ledger.finish(delivery.tag) } }
        }
    }

    private func decode(_ count: Int) throws(BrokerError) {
        guard let base = input.baseAddress else { return }
        var offset = 0
        while offset < count {
            var frame = amqp_frame_t()
            let used = amqp_handle_input(codec, amqp_bytes_t(len: count - offset, bytes: base + offset), &frame)
            guard used >= 0 else { throw .protocolViolation("unreadable frame (\(String(cString: amqp_error_string2(used))))") }
            offset += Int(used)
            if frame.frame_type != 0 {
                try handle(frame)
                amqp_maybe_release_buffers_on_channel(codec, frame.channel)
            } else if used == 0 {
                return
            }
        }
    }

    private func handle(_ frame: amqp_frame_t) throws(BrokerError) {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD: try handle(frame.payload.method, on: frame.channel)
        case AMQP_FRAME_HEADER, AMQP_FRAME_BODY:
            if let content = try contents.add(frame) { take(content, on: frame.channel) }
        default: return
        }
    }

    private func take(_ content: ContentAssembler.Content, on channel: UInt16) {
        switch content.kind {
        case .delivery(let tag, let redelivered):
            guard let subscription = subscriptions[channel] else { return }
            subscription.ledger.delivered(tag)
            // A batch is given away whole; the next would grow from nothing by ones and twos.
            if subscription.batch.isEmpty { subscription.batch.reserveCapacity(32) }
            subscription.batch.append(
                Delivery(
                    body: content.takeBody(), byteCount: content.size, properties: content.takeProperties(), exchange: content.exchange,
                    routingKey: content.routingKey, redelivered: redelivered, consumer: subscription.consumer, tag: tag,
                    generation: subscription.generation))
        case .returned(let code, let text):
            // A return comes before its confirm, but names no number: it is the oldest publish like it.
            confirms.update { pending in
                !pending.isReturned && pending.message.isMandatory && pending.message.exchange == content.exchange
                    && pending.message.routingKey == content.routingKey
                    && pending.message.properties.messageID == content.properties.messageID
            } _: { pending in
                pending.isReturned = true
                pending.batch.fail(
                    pending.index, .returned(code: code, text: text, exchange: content.exchange, routingKey: content.routingKey))
            }
        }
    }

    private func handle(_ method: amqp_method_t, on channel: UInt16) throws(BrokerError) {
        guard let raw = method.decoded else { throw .protocolViolation("a method that cannot be decoded") }
        switch method.id {
        case UInt32(AMQP_BASIC_DELIVER_METHOD):
            let deliver = raw.load(as: amqp_basic_deliver_t.self)
            contents.announce(
                .delivery(tag: deliver.delivery_tag, redelivered: deliver.redelivered != 0), exchange: deliver.exchange,
                routingKey: deliver.routing_key, mostBytes: subscriptions[channel]?.consumer.mostBytes ?? 0, on: channel)
        case UInt32(AMQP_BASIC_ACK_METHOD):
            let ack = raw.load(as: amqp_basic_ack_t.self)
            confirms.settle(ack.delivery_tag, multiple: ack.multiple != 0) { $0.settle(nil) }
        case UInt32(AMQP_BASIC_NACK_METHOD):
            let nack = raw.load(as: amqp_basic_nack_t.self)
            renewal.refused(now: monotonicMilliseconds())
            confirms.settle(nack.delivery_tag, multiple: nack.multiple != 0) { pending in
                pending.settle(.nacked(exchange: pending.message.exchange, routingKey: pending.message.routingKey))
            }
        case UInt32(AMQP_BASIC_RETURN_METHOD):
            let returned = raw.load(as: amqp_basic_return_t.self)
            contents.announce(
                .returned(code: returned.reply_code, text: String(returned.reply_text)), exchange: returned.exchange,
                routingKey: returned.routing_key, on: channel)
        case UInt32(AMQP_CONNECTION_BLOCKED_METHOD):
            let reason = String(raw.load(as: amqp_connection_blocked_t.self).reason)
            blockedBecause = reason
            blockedSince = monotonicMilliseconds()
            events(.blocked(role, reason: reason))
        case UInt32(AMQP_CONNECTION_UNBLOCKED_METHOD):
            blockedBecause = nil
            patience.begin()
            events(.unblocked(role))
        case UInt32(AMQP_BASIC_CANCEL_METHOD):
            guard let subscription = subscriptions[channel] else { return }
            events(.subscriptionCancelled(queue: subscription.consumer.queue))
            subscription.consumer.noteGone()
            endedSubscription = subscription.consumer.queue
        case UInt32(AMQP_CHANNEL_CLOSE_METHOD):
            let close = raw.load(as: amqp_channel_close_t.self)
            let error = BrokerError.refused(code: close.reply_code, text: String(close.reply_text))
            var ok = amqp_channel_close_ok_t()
            _ = out.method(channel, UInt32(AMQP_CHANNEL_CLOSE_OK_METHOD), &ok)
            if awaited?.channel == channel {
                awaited?.outcome = .failure(error)
            } else if channel == 1, (400..<500).contains(close.reply_code), confirms.outstanding > 0 {
                publishingRefusal = (close.reply_code, String(close.reply_text))
            } else {
                throw error
            }
        case UInt32(AMQP_CONNECTION_CLOSE_METHOD):
            let close = raw.load(as: amqp_connection_close_t.self)
            let error = BrokerError.refused(code: close.reply_code, text: String(close.reply_text))
            var ok = amqp_connection_close_ok_t()
            _ = out.method(0, UInt32(AMQP_CONNECTION_CLOSE_OK_METHOD), &ok)
            try flush()
            throw error
        default:
            guard let awaited, awaited.channel == channel, awaited.methods.contains(method.id) else { return }
            self.awaited?.outcome = .success(Self.decode(method.id, raw))
        }
    }

    private static func decode(_ id: UInt32, _ raw: UnsafeMutableRawPointer) -> Reply {
        switch id {
        case UInt32(AMQP_CONNECTION_TUNE_METHOD):
            let tune = raw.load(as: amqp_connection_tune_t.self)
            return .tune(channelMax: tune.channel_max, frameMax: tune.frame_max, heartbeat: tune.heartbeat)
        case UInt32(AMQP_QUEUE_DECLARE_OK_METHOD):
            let declared = raw.load(as: amqp_queue_declare_ok_t.self)
            return .queue(name: String(declared.queue), ready: declared.message_count, consumers: declared.consumer_count)
        default: return .done
        }
    }
}
