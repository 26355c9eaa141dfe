import CRabbitMQ

extension BrokerLink {
    /// Declares what is missing. What exists with other properties is an error (406). Needs the right to configure.
    ///
    /// - Throws: `BrokerError.refused`: 406 where something exists otherwise, 403 without the right. What stood before it in the topology is declared
    ///   then, and declaring all of it again is harmless.
    public func declare(_ topology: Topology) async throws(BrokerError) {
        try await perform { (session) throws(BrokerError) in
            for exchange in topology.exchanges { try session.declare(exchange, passive: false) }
            for queue in topology.queues { try session.declare(queue, passive: false) }
            for binding in topology.bindings { try session.bind(binding) }
        }
    }

    /// How many messages of a queue are ready to be delivered; those handed out and unfinished do not count.
    ///
    /// - Throws: `BrokerError.refused` with 404 where there is no such queue.
    public func readyCount(of queue: String) async throws(BrokerError) -> Int {
        try await perform { (session) throws(BrokerError) in try session.depth(of: queue).ready }
    }

    /// How many messages of a queue are ready to be delivered, and how many consumers it has.
    ///
    /// - Throws: `BrokerError.refused` with 404 where there is no such queue.
    package func depth(of queue: String) async throws(BrokerError) -> (ready: Int, consumers: Int) {
        try await perform { (session) throws(BrokerError) in try session.depth(of: queue) }
    }

    /// A queue for this connection alone, which ends with it, bound to exchanges: a look at what passes that takes nothing away.
    ///
    /// - Returns: its name, given by the broker.
    package func tap(_ bindings: [(exchange: String, routingKey: String)]) async throws(BrokerError) -> String {
        try await perform { (session) throws(BrokerError) in
            let name = try session.declareTap()
            for (exchange, key) in bindings { try session.bind(Binding(exchange, key, to: .queue(name))) }
            return name
        }
    }

    package func delete(queue: String) async throws(BrokerError) {
        try await perform { (session) throws(BrokerError) in try session.delete(queue: queue) }
    }

    package func delete(exchange: String) async throws(BrokerError) {
        try await perform { (session) throws(BrokerError) in try session.delete(exchange: exchange) }
    }
}

extension Session {
    /// Runs a call on channel 1. The broker closes a channel on which a call fails; it is opened again for the next.
    func onChannel1<Method>(_ id: UInt32, _ method: inout Method, _ reply: UInt32, _ what: String) throws(BrokerError) -> Reply {
        do throws(BrokerError) {
            return try call(1, id, &method, [reply], what)
        } catch {
            if case .refused(let code, _) = error, code != ReplyCode.connectionForced { try openChannel(1) }
            throw error
        }
    }

    func declare(_ exchange: Exchange, passive: Bool) throws(BrokerError) {
        var declare = amqp_exchange_declare_t(
            ticket: 0, exchange: scratch.bytes(exchange.name), type: scratch.bytes(exchange.kind.rawValue), passive: passive ? 1 : 0,
            durable: 1,
            auto_delete: 0, internal: 0, nowait: 0, arguments: scratch.table(exchange.arguments))
        _ = try onChannel1(
            UInt32(AMQP_EXCHANGE_DECLARE_METHOD), &declare, UInt32(AMQP_EXCHANGE_DECLARE_OK_METHOD), "declaring exchange \(exchange.name)")
    }

    func declare(_ queue: Queue, passive: Bool) throws(BrokerError) {
        try declare(queue.name, queue.allArguments, passive: passive)
    }

    func declare(_ queue: String, _ arguments: FieldTable, passive: Bool = false) throws(BrokerError) {
        _ = try declaration(of: queue, arguments, passive: passive)
    }

    /// What the broker says of a queue that is there.
    func depth(of queue: String) throws(BrokerError) -> (ready: Int, consumers: Int) {
        guard case .queue(_, let ready, let consumers) = try declaration(of: queue, FieldTable(), passive: true) else {
            throw .protocolViolation("a queue without its counts")
        }
        return (Int(ready), Int(consumers))
    }

    private func declaration(of queue: String, _ arguments: FieldTable, passive: Bool) throws(BrokerError) -> Reply {
        var declare = amqp_queue_declare_t(
            ticket: 0, queue: scratch.bytes(queue), passive: passive ? 1 : 0, durable: 1, exclusive: 0, auto_delete: 0, nowait: 0,
            arguments: scratch.table(arguments))
        return try onChannel1(
            UInt32(AMQP_QUEUE_DECLARE_METHOD), &declare, UInt32(AMQP_QUEUE_DECLARE_OK_METHOD), "declaring queue \(queue)")
    }

    func declareTap() throws(BrokerError) -> String {
        var declare = amqp_queue_declare_t(
            ticket: 0, queue: scratch.bytes(""), passive: 0, durable: 0, exclusive: 1, auto_delete: 1, nowait: 0,
            arguments: scratch.table(FieldTable()))
        let reply = try onChannel1(UInt32(AMQP_QUEUE_DECLARE_METHOD), &declare, UInt32(AMQP_QUEUE_DECLARE_OK_METHOD), "declaring a tap")
        guard case .queue(let name, _, _) = reply else { throw .protocolViolation("a queue without a name") }
        return name
    }

    func bind(_ binding: Binding) throws(BrokerError) {
        switch binding.target {
        case .queue(let name):
            var bind = amqp_queue_bind_t(
                ticket: 0, queue: scratch.bytes(name), exchange: scratch.bytes(binding.exchange),
                routing_key: scratch.bytes(binding.routingKey),
                nowait: 0, arguments: scratch.table(FieldTable()))
            _ = try onChannel1(UInt32(AMQP_QUEUE_BIND_METHOD), &bind, UInt32(AMQP_QUEUE_BIND_OK_METHOD), "binding queue \(name)")
        case .exchange(let name):
            var bind = amqp_exchange_bind_t(
                ticket: 0, destination: scratch.bytes(name), source: scratch.bytes(binding.exchange),
                routing_key: scratch.bytes(binding.routingKey), nowait: 0, arguments: scratch.table(FieldTable()))
            _ = try onChannel1(UInt32(AMQP_EXCHANGE_BIND_METHOD), &bind, UInt32(AMQP_EXCHANGE_BIND_OK_METHOD), "binding exchange \(name)")
        }
    }

    func delete(queue: String) throws(BrokerError) {
        var delete = amqp_queue_delete_t(ticket: 0, queue: scratch.bytes(queue), if_unused: 0, if_empty: 0, nowait: 0)
        _ = try onChannel1(UInt32(AMQP_QUEUE_DELETE_METHOD), &delete, UInt32(AMQP_QUEUE_DELETE_OK_METHOD), "deleting queue \(queue)")
    }

    func delete(exchange: String) throws(BrokerError) {
        var delete = amqp_exchange_delete_t(ticket: 0, exchange: scratch.bytes(exchange), if_unused: 0, nowait: 0)
        _ = try onChannel1(
            UInt32(AMQP_EXCHANGE_DELETE_METHOD), &delete, UInt32(AMQP_EXCHANGE_DELETE_OK_METHOD), "deleting exchange \(exchange)")
    }
}
