/// Something of a topology that is not as it is to be.
public enum TopologyDifference: Sendable, Hashable, CustomStringConvertible {
    case missingExchange(String)
    case missingQueue(String)
    /// The queue is of a kind that cannot keep what is promised of it: messages would be lost, or taken away by who only reads.
    case otherKind(queue: String, found: String, expected: Queue.Kind)
    /// A property or argument has another value; `nil` where it has none.
    case differs(String, property: String, found: String?, expected: String?)
    case missingBinding(Binding)
    /// What is published there goes to a queue of ours where it is not meant to go.
    case unexpectedBinding(Binding)
    /// The broker does not let this user look (from RabbitMQ 4.2.6 on, without any right on the thing).
    case denied(what: String, name: String)
    /// The broker's user may not do what somebody has to do there.
    case lacksRight(Right, what: String, name: String)
    /// The broker refuses to say, e.g. for want of the right to look.
    case unclear(String, BrokerError)

    public enum Right: String, Sendable {
        case write, read
    }

    /// Whether it is mended at the user, and not at the topology.
    public var isOfRights: Bool {
        switch self {
        case .denied, .lacksRight: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .missingExchange(let name): "exchange \(name) does not exist"
        case .missingQueue(let name): "queue \(name) does not exist"
        case .otherKind(let queue, let found, let expected):
            "queue \(queue) is a \(found) queue and must be a \(expected.rawValue) queue: let it run empty, delete it, and run `salvage topology apply`"
        case .differs(let what, let property, let found, let expected):
            "\(what) has \(Self.text(property, found)) and must have \(Self.text(property, expected)): delete it when it is empty, and run `salvage topology apply`"
        case .missingBinding(let binding): "\(binding) is missing: run `salvage topology apply`"
        case .unexpectedBinding(let binding): "\(binding) is not of the topology: remove it"
        case .denied(let what, let name): "\(what) \(name): the broker does not let this user look at it; that takes a right on it"
        case .lacksRight(let right, let what, let name): "\(what) \(name): the broker's user lacks the right to \(right.rawValue) it"
        case .unclear(let name, let error): "\(name): \(error)"
        }
    }

    private static func text(_ property: String, _ value: String?) -> String { value.map { "\(property) \($0)" } ?? "no \(property)" }
}

extension Binding: CustomStringConvertible {
    public var description: String {
        switch target {
        case .queue(let name): "the binding of exchange \(exchange) to queue \(name) with key '\(routingKey)'"
        case .exchange(let name): "the binding of exchange \(exchange) to exchange \(name) with key '\(routingKey)'"
        }
    }
}
