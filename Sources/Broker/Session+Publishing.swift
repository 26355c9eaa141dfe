import CRabbitMQ

extension Session {
    /// Opens the channel of the publishes again after one of them had it closed.
    ///
    /// The broker may name the exchange, which does not exist or is not ours to write to, and never the message. What was on its way to that
    /// exchange did not arrive; whether the rest did is unknown. Where it names none, the one that was
    /// out alone is the one (a message larger than it takes, a header of the wrong type); of several nobody knows, so they go out one at a time next.
    func reopenPublishing() throws(BrokerError) {
        try leaveUnconfirmed()
        guard let (code, text) = publishingRefusal else { return try renewRefused() }
        publishingRefusal = nil
        contents.forget(1)
        let outstanding = confirms.removeAll()
        let isNamed = outstanding.contains { Self.names($0.message.exchange, text) }
        if !isNamed, outstanding.count > 1 { singleFile = max(singleFile, outstanding.count) }
        for pending in outstanding {
            let exchange = pending.message.exchange
            if !isNamed, outstanding.count == 1 {
                pending.settle(.returned(code: code, text: text, exchange: exchange, routingKey: pending.message.routingKey))
                continue
            }
            if Self.names(exchange, text) {
                // What is missing may be declared at any moment; rights are given by people.
                refusedExchanges[exchange] = (monotonicMilliseconds() + (code == 403 ? 10_000 : 1_000), code, text)
                pending.settle(.returned(code: code, text: text, exchange: exchange, routingKey: pending.message.routingKey))
            } else {
                pending.settle(.connectionLost)
            }
        }
        try openPublishing()
    }

    private func openPublishing() throws(BrokerError) {
        try openChannel(1)
        try selectConfirms()
        renewal.opened(now: monotonicMilliseconds())
    }

    /// Opens the channel of the publishes anew some time after a queue refused one of them.
    ///
    /// A channel of RabbitMQ 3.10 that was told of a full queue refuses for it by itself, until the queue says that a message has left it and that there is
    /// room by its limit. Where the limit is taken away it never says so, and the channel goes on refusing for ever; a new one asks anew.
    private func renewRefused() throws(BrokerError) {
        guard renewal.isDue(now: monotonicMilliseconds()), confirms.outstanding == 0, blockedBecause == nil else { return }
        try closeChannel(1)
        contents.forget(1)
        // Numbers begin anew with the channel.
        _ = confirms.removeAll()
        try openPublishing()
    }

    /// How long the oldest publish has waited for its confirm; `nil` where none waits, or the broker has said that it takes none.
    var unconfirmedFor: Int64? {
        guard blockedBecause == nil, let oldest = confirms.oldest else { return nil }
        return monotonicMilliseconds() - max(oldest.written, patience.begun)
    }

    /// Opens the channel of the publishes anew where the broker says nothing of one for long.
    ///
    /// A channel remembers who leads a queue or a stream. When that node is lost together with whoever was to tell (seen with streams of RabbitMQ
    /// 3.10), what it goes on sending there is lost, and nobody says so; a new channel asks anew. Whether what was not confirmed
    /// arrived is unknown.
    private func leaveUnconfirmed() throws(BrokerError) {
        guard let waited = unconfirmedFor else { return patience.recover() }
        guard waited >= patience.span else { return }
        patience.spend()
        try closeChannel(1)
        contents.forget(1)
        let outstanding = confirms.removeAll()
        events(.publishesUnconfirmed(count: outstanding.count, milliseconds: waited))
        for pending in outstanding { pending.settle(.connectionLost) }
        try openPublishing()
    }

    /// Whether a refusal is about an exchange, as RabbitMQ words it: `no exchange 'x' in vhost '/'`, `access to exchange 'x' in vhost ...`.
    /// The default exchange has a name of its own there.
    private static func names(_ exchange: String, _ text: String) -> Bool {
        text.contains("exchange '\(exchange.isEmpty ? defaultExchange : exchange)' in vhost")
    }

    /// Whether another publish may go out now. What is on its way is waited for where the channel is to be opened anew.
    var mayPublish: Bool { (singleFile == 0 || confirms.outstanding == 0) && !renewal.isDue(now: monotonicMilliseconds()) }

    /// Encodes a publish on channel 1; an error says that nothing was written.
    func publish(_ pending: PendingPublish) -> PublishError? {
        let message = pending.message
        if let why = message.properties.tooLong { return .unsendable(why) }
        if message.exchange.utf8.count > 255 || message.routingKey.utf8.count > 255 {
            return .unsendable("the exchange's name or the routing key has more than 255 bytes")
        }
        if let refused = refusedExchanges[message.exchange] {
            if monotonicMilliseconds() < refused.until {
                return .returned(code: refused.code, text: refused.text, exchange: message.exchange, routingKey: message.routingKey)
            }
            refusedExchanges[message.exchange] = nil
        }
        var publish = amqp_basic_publish_t(
            ticket: 0, exchange: scratch.bytes(message.exchange), routing_key: scratch.bytes(message.routingKey),
            mandatory: message.isMandatory ? 1 : 0, immediate: 0)
        var properties = message.properties.encoded(in: scratch)
        let fits = out.content(1, &publish, &properties, message.body)
        scratch.reset()
        guard fits else { return .unsendable("its headers do not fit a frame of \(out.frameMax) bytes") }
        if singleFile > 0 { singleFile -= 1 }
        confirms.append(pending)
        return nil
    }
}
