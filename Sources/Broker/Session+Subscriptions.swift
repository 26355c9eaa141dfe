import CRabbitMQ

extension Session {
    func subscribe(_ consumer: Consumer) throws(BrokerError) {
        // The lowest that is free: readings of streams give theirs back.
        guard let channel = (2...UInt16.max).first(where: { subscriptions[$0] == nil }) else {
            throw .protocolViolation("no channel is free")
        }
        try openChannel(channel)
        try setPrefetch(consumer.prefetch, channel)
        subscriptions[channel] = Subscription(consumer)
        var consume = amqp_basic_consume_t(
            ticket: 0, queue: scratch.bytes(consumer.queue), consumer_tag: scratch.bytes("c\(channel)"), no_local: 0, no_ack: 0,
            exclusive: 0,
            nowait: 0, arguments: scratch.table(consumer.arguments()))
        do throws(BrokerError) {
            _ = try call(
                channel, UInt32(AMQP_BASIC_CONSUME_METHOD), &consume, [UInt32(AMQP_BASIC_CONSUME_OK_METHOD)],
                "subscribing to \(consumer.queue)")
        } catch {
            subscriptions[channel] = nil
            throw error
        }
    }

    /// Ends a subscription with its channel: what it was handed and has not finished is the broker's again. The broker's memory of where a queue
    /// was is the channel's.
    func leave(_ consumer: Consumer) throws(BrokerError) {
        guard let channel = channel(of: consumer) else { return }
        try leave(channel)
    }

    /// Asks a subscription's channel something and waits for the answer: what its queue had sent by then has come, for a channel says one
    /// thing after the other.
    func roundTrip(_ consumer: Consumer) throws(BrokerError) {
        guard let channel = channel(of: consumer) else { return }
        try setPrefetch(consumer.prefetch, channel)
    }

    private func setPrefetch(_ count: UInt16, _ channel: UInt16) throws(BrokerError) {
        var qos = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: count, global: 0)
        _ = try call(channel, UInt32(AMQP_BASIC_QOS_METHOD), &qos, [UInt32(AMQP_BASIC_QOS_OK_METHOD)], "setting the prefetch")
    }

    func cancel(_ consumer: Consumer) throws(BrokerError) {
        guard let channel = channel(of: consumer) else { return }
        var cancel = amqp_basic_cancel_t(consumer_tag: scratch.bytes("c\(channel)"), nowait: 0)
        _ = try call(channel, UInt32(AMQP_BASIC_CANCEL_METHOD), &cancel, [UInt32(AMQP_BASIC_CANCEL_OK_METHOD)], "cancelling a subscription")
        // What was handed out by a queue can still be finished on its channel; what was only read needs none.
        if consumer.onlyReads { try leave(channel) }
    }

    private func leave(_ channel: UInt16) throws(BrokerError) {
        subscriptions[channel] = nil
        try closeChannel(channel)
        contents.forget(channel)
    }

    /// Writes the acknowledgements for all that was finished since the last turn.
    func acknowledge() {
        for (channel, subscription) in subscriptions {
            for acknowledgement in subscription.ledger.acknowledgements() {
                var ack =
                    switch acknowledgement {
                    case .upTo(let tag): amqp_basic_ack_t(delivery_tag: tag, multiple: 1)
                    case .only(let tag): amqp_basic_ack_t(delivery_tag: tag, multiple: 0)
                    }
                _ = out.method(channel, UInt32(AMQP_BASIC_ACK_METHOD), &ack)
            }
        }
    }

    func finish(_ tag: UInt64, of consumer: Consumer, _ generation: UInt64) {
        guard let channel = channel(of: consumer, generation) else { return }
        subscriptions[channel]?.ledger.finish(tag)
    }

    func handBack(_ tag: UInt64, of consumer: Consumer, _ generation: UInt64) {
        guard let channel = channel(of: consumer, generation), subscriptions[channel]?.ledger.handBack(tag) == true else { return }
        var nack = amqp_basic_nack_t(delivery_tag: tag, multiple: 0, requeue: 1)
        _ = out.method(channel, UInt32(AMQP_BASIC_NACK_METHOD), &nack)
    }

    private func channel(of consumer: Consumer) -> UInt16? { subscriptions.first { $0.value.consumer === consumer }?.key }

    private func channel(of consumer: Consumer, _ generation: UInt64) -> UInt16? {
        subscriptions.first { $0.value.consumer === consumer && $0.value.generation == generation }?.key
    }
}
