/// Exchanges, queues and bindings, as they are to be.
public struct Topology: Sendable, Hashable {
    public var exchanges: [Exchange]
    public var queues: [Queue]
    public var bindings: [Binding]

    public init(exchanges: [Exchange] = [], queues: [Queue] = [], bindings: [Binding] = []) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
    }
}

/// A durable exchange.
public struct Exchange: Sendable, Hashable {
    public let name: String
    public let kind: Kind
    public let arguments: FieldTable

    public enum Kind: String, Sendable, CaseIterable {
        case direct, topic, fanout, headers
    }

    public init(_ name: String, _ kind: Kind, arguments: FieldTable = FieldTable()) {
        self.name = name
        self.kind = kind
        self.arguments = arguments
    }
}

/// A durable queue.
public struct Queue: Sendable, Hashable {
    public let name: String
    public let kind: Kind
    /// Beside `x-queue-type`, which follows from the kind.
    public let arguments: FieldTable

    public enum Kind: String, Sendable, CaseIterable {
        case quorum, stream, classic
    }

    public init(_ name: String, _ kind: Kind, arguments: FieldTable = FieldTable()) {
        self.name = name
        self.kind = kind
        self.arguments = arguments
    }

    public var allArguments: FieldTable {
        FieldTable([FieldTable.Field("x-queue-type", .string(kind.rawValue))] + arguments.fields)
    }
}

/// What an exchange hands on to a queue, or to another exchange.
public struct Binding: Sendable, Hashable {
    public let exchange: String
    public let routingKey: String
    public let target: Target

    public enum Target: Sendable, Hashable {
        case queue(String)
        case exchange(String)
    }

    public init(_ exchange: String, _ routingKey: String, to target: Target) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.target = target
    }
}
