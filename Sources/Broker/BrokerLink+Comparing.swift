import CRabbitMQ

extension BrokerLink {
    /// Looks whether every exchange and queue exists, and of the queues that can be read whether they are of their kind. Needs no right to
    /// configure, and changes nothing. Arguments and bindings cannot be seen this way.
    ///
    /// - Parameter readable: the queues that the user is to read: a right to that which is missing is a difference, and their kind is asked for. Unless
    ///   told, the kind of all that can be read. The broker writes each such question into its log.
    /// - Throws: `BrokerError`, where the broker could not be asked. What is missing is a difference, and no error.
    public func check(_ topology: Topology, kindsOf readable: Set<String>? = nil) async throws(BrokerError) -> [TopologyDifference] {
        var differences: [TopologyDifference] = []
        for exchange in topology.exchanges {
            let difference = try await perform { (session) throws(BrokerError) in try session.look(at: exchange) }
            if let difference { differences.append(difference) }
        }
        for queue in topology.queues {
            let isRead = readable?.contains(queue.name)
            let difference = try await perform { (session) throws(BrokerError) in try session.look(at: queue, isRead: isRead) }
            if let difference { differences.append(difference) }
        }
        return differences
    }

    /// What else of those exchanges and queues that exist is not as it is to be: types and arguments. Needs the right to configure, and
    /// changes nothing.
    ///
    /// - Returns: the differences, and what cannot be compared for want of the right.
    /// - Throws: `BrokerError`, where the broker could not be asked.
    public func compare(_ topology: Topology) async throws(BrokerError) -> (differences: [TopologyDifference], unseen: [String]) {
        var found = (differences: [TopologyDifference](), unseen: [String]())
        for exchange in topology.exchanges {
            let part = try await perform { (session) throws(BrokerError) in try session.compare(exchange) }
            if let part { found.differences += part } else { found.unseen.append("exchange \(exchange.name)") }
        }
        for queue in topology.queues {
            let part = try await perform { (session) throws(BrokerError) in try session.compare(queue) }
            if let part { found.differences += part } else { found.unseen.append("queue \(queue.name)") }
        }
        return found
    }
}

extension Session {
    fileprivate func look(at exchange: Exchange) throws(BrokerError) -> TopologyDifference? {
        do throws(BrokerError) {
            try declare(exchange, passive: true)
            return nil
        } catch .refused(404, _) {
            return .missingExchange(exchange.name)
        } catch .refused(403, _) {
            return .denied(what: "exchange", name: exchange.name)
        } catch .refused(let code, let text) where ReplyCode.isOfQuestion(code) {
            return .unclear("exchange \(exchange.name)", .refused(code: code, text: text))
        }
    }

    /// - Parameter isRead: whether it is to be read; `nil` where that is as it may be.
    fileprivate func look(at queue: Queue, isRead: Bool?) throws(BrokerError) -> TopologyDifference? {
        do throws(BrokerError) {
            try declare(queue, passive: true)
            guard isRead ?? true else { return nil }
            switch try answer(about: queue.name) {
            case .kind(let found) where found != queue.kind.rawValue:
                return .otherKind(queue: queue.name, found: found, expected: queue.kind)
            case .unreadable where isRead == true: return .lacksRight(.read, what: "queue", name: queue.name)
            case .kind, .unreadable, .nothing: return nil
            }
        } catch .refused(404, _) {
            return .missingQueue(queue.name)
        } catch .refused(403, _) {
            return .denied(what: "queue", name: queue.name)
        } catch .refused(let code, let text) where ReplyCode.isOfQuestion(code) {
            return .unclear("queue \(queue.name)", .refused(code: code, text: text))
        }
    }

    /// What kind of queue stands under a name, asked with the right to read it alone; `nil` where the broker does not say.
    ///
    /// - Throws: `BrokerError.refused` with 404 where there is none.
    func kind(of queue: String) throws(BrokerError) -> String? {
        if case .kind(let kind) = try answer(about: queue) { kind } else { nil }
    }

    private enum KindAnswer {
        case kind(String)
        /// The user may not read it.
        case unreadable
        case nothing
    }

    /// AMQP has no question for it. So the broker is asked for a subscription with two arguments of which no kind of queue takes both
    /// (`x-priority` no stream, `x-stream-offset` nothing else): it refuses, naming the kind, and nothing is ever handed out. Measured on
    /// RabbitMQ 3.10, 4.0 and 4.3.
    private func answer(about queue: String) throws(BrokerError) -> KindAnswer {
        var consume = amqp_basic_consume_t(
            ticket: 0, queue: scratch.bytes(queue), consumer_tag: scratch.bytes("kind"), no_local: 0, no_ack: 0, exclusive: 0, nowait: 0,
            arguments: scratch.table(["x-stream-offset": "next", "x-priority": 0]))
        do throws(BrokerError) {
            _ = try onChannel1(
                UInt32(AMQP_BASIC_CONSUME_METHOD), &consume, UInt32(AMQP_BASIC_CONSUME_OK_METHOD), "asking for the kind of \(queue)")
        } catch .refused(406, let text) {
            return Refusal.kind(in: text).map(KindAnswer.kind) ?? .nothing
        } catch .refused(403, _) {
            return .unreadable
        } catch .refused(404, let text) {
            // Whoever subscribed all the same could be given one that is made in between, of whatever kind.
            throw .refused(code: 404, text: text)
        } catch .refused(let code, _) where ReplyCode.isOfQuestion(code) {
            return .nothing
        }
        // A broker that takes such a subscription is none that was measured: what it handed out goes back with the channel.
        try closeChannel(1)
        try openChannel(1)
        return .nothing
    }

    /// - Returns: `nil` where the right to compare is missing.
    fileprivate func compare(_ exchange: Exchange) throws(BrokerError) -> [TopologyDifference]? {
        var kind = exchange.kind
        var arguments = exchange.arguments
        do throws(BrokerError) {
            try declare(exchange, passive: true)
            return try differences(of: "exchange \(exchange.name)") { () throws(BrokerError) in
                try declare(Exchange(exchange.name, kind, arguments: arguments), passive: false)
            } adapt: { refusal in
                if refusal.property == "type" {
                    guard let found = refusal.found.flatMap({ Exchange.Kind(rawValue: $0) }), found != kind else { return false }
                    kind = found
                    return true
                }
                return arguments.adapt(to: refusal)
            }
        } catch .refused(403, _) {
            return nil
        } catch .refused(404, _) {
            return []
        }
    }

    /// - Returns: `nil` where the right to compare is missing.
    fileprivate func compare(_ queue: Queue) throws(BrokerError) -> [TopologyDifference]? {
        // No quorum queue and no stream can be made with it, and of those that are there it is not compared: so nothing comes into being that
        // was deleted a moment ago. Only a classic queue knows it.
        let guardian = "x-max-priority"
        var arguments = queue.allArguments
        arguments.fields.append(FieldTable.Field(guardian, 1))
        do throws(BrokerError) {
            try declare(queue, passive: true)
            var isOther: String?
            let found = try differences(of: "queue \(queue.name)") { () throws(BrokerError) in
                try declare(queue.name, arguments)
            } adapt: { refusal in
                switch refusal.property {
                case guardian: isOther = "classic"
                case "x-queue-type": isOther = refusal.found ?? "classic"
                default: return arguments.adapt(to: refusal)
                }
                return false
            }
            // What must be made anew need not be told of in detail.
            return isOther.map { [.otherKind(queue: queue.name, found: $0, expected: queue.kind)] } ?? found
        } catch .refused(403, _) {
            return nil
        } catch .refused(404, _) {
            return []
        }
    }

    /// The broker names one difference at a time. Each is noted and then gone along with, until it names no more.
    private func differences(
        of what: String, _ declare: () throws(BrokerError) -> Void, adapt: (Refusal) -> Bool
    ) throws(BrokerError) -> [TopologyDifference] {
        var found: [TopologyDifference] = []
        for _ in 0..<20 {
            do throws(BrokerError) {
                try declare()
                return found
            } catch .refused(406, let text) {
                guard let refusal = Refusal(text) else { return found + [.unclear(what, .refused(code: 406, text: text))] }
                found.append(.differs(what, property: refusal.property, found: refusal.found, expected: refusal.expected))
                if !adapt(refusal) { return found }
            }
        }
        return found
    }
}

extension FieldTable {
    /// Takes over what the broker has; `false` where that leads nowhere.
    fileprivate mutating func adapt(to refusal: Refusal) -> Bool {
        guard refusal.property.hasPrefix("x-") || refusal.property == "alternate-exchange" else { return false }
        let was = self[refusal.property]
        fields.removeAll { $0.name == refusal.property }
        guard let found = refusal.found else { return was != nil }
        let isNumber = if let type = refusal.foundType { type != "longstr" } else if case .integer? = was { true } else { false }
        let value = isNumber ? Int64(found).map { FieldValue.integer($0) } ?? .string(found) : .string(found)
        fields.append(Field(refusal.property, value))
        return value != was
    }
}

/// What RabbitMQ says where something exists and is not as it was declared, read out of its words.
struct Refusal: Equatable {
    /// An argument, or a property such as `durable`.
    let property: String
    /// `nil` for none.
    let found: String?
    let expected: String?
    /// AMQP's type of the value that was found, where the broker names it.
    let foundType: String?

    /// `inequivalent arg 'x-overflow' for queue 'q' in vhost '/': received the value 'a' of type 'longstr' but current is none`, or
    /// `received 'a' but current is 'b'`.
    init?(_ text: String) {
        guard let start = text.firstRange(of: "inequivalent arg '")?.upperBound, let end = text[start...].firstIndex(of: "'"),
            // Names may hold anything, these words too: what is told comes last.
            let received = text.ranges(of: ": received ").last, let current = text.ranges(of: " but current is ").last,
            received.upperBound <= current.lowerBound
        else { return nil }
        property = String(text[start..<end])
        let (expected, _) = Self.value(text[received.upperBound..<current.lowerBound])
        let (found, type) = Self.value(text[current.upperBound...])
        self.expected = Self.readable(expected, property)
        self.found = Self.readable(found, property)
        foundType = type
    }

    private static func value(_ text: Substring) -> (String?, type: String?) {
        if text == "none" { return (nil, nil) }
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        if parts.count < 3 { return (String(text), nil) }
        return (String(parts[1]), parts.count >= 5 ? String(parts[3]) : nil)
    }

    /// RabbitMQ 4.3 tells an age in milliseconds, which it would not take itself.
    private static func readable(_ value: String?, _ property: String) -> String? {
        guard property == "x-max-age", let value, let milliseconds = Int64(value) else { return value }
        return "\(milliseconds / 1_000)s"
    }

    /// The kind in `... for queue 'q' in vhost '/' of queue type rabbit_classic_queue`.
    static func kind(in text: String) -> String? {
        guard let type = text.ranges(of: " of queue type rabbit_").last, text.hasSuffix("_queue") else { return nil }
        return String(text[type.upperBound...].dropLast("_queue".count))
    }
}
