package import Broker
import DeclineRecovery
import JSON

/// What stands in a broker's definitions of one virtual host: all that AMQP does not show, bindings and policies above all.
///
/// `rabbitmqctl export_definitions` writes them, and the management API's `/api/definitions`.
package struct BrokerDefinitions: Sendable {
    private let file: JSONValue
    private let virtualHost: String

    /// The definitions of a broker that serves many others too.
    private static let limits = JSONLimits(bytes: 256 << 20)

    /// - Returns: `nil` where the text is no definitions file.
    package init?(_ text: [UInt8], virtualHost: String) {
        guard let file = try? JSONValue(parsing: text.span, limits: Self.limits), file.object != nil else { return nil }
        self.file = file
        self.virtualHost = virtualHost
    }

    package var policies: BrokerPolicies {
        BrokerPolicies(
            entries("policies"), operators: entries("parameters").filter { $0["component"]?.string == "operator_policy" })
    }

    /// A file of one virtual host alone names none.
    private func entries(_ name: String) -> [JSONValue] {
        (file[name]?.array ?? []).filter { entry in entry["vhost"]?.string.map { $0 == virtualHost } ?? true }
    }

    /// What of a topology is not there, or not as it is to be.
    package func differences(from topology: Topology) -> [TopologyDifference] {
        func byName(_ entries: [JSONValue]) -> [String: JSONValue] {
            Dictionary(entries.map { ($0["name"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        }
        let exchanges = byName(entries("exchanges"))
        let queues = byName(entries("queues"))
        return topology.exchanges.flatMap { Self.differences(of: $0, exchanges[$0.name]) }
            + topology.queues.flatMap { Self.differences(of: $0, queues[$0.name]) }
            + differences(of: topology.bindings, among: Set(topology.queues.map(\.name)))
    }

    private static func differences(of exchange: Exchange, _ entry: JSONValue?) -> [TopologyDifference] {
        guard let entry else { return [.missingExchange(exchange.name)] }
        let what = "exchange \(exchange.name)"
        var found: [TopologyDifference] = []
        if let type = entry["type"]?.string, type != exchange.kind.rawValue {
            found.append(.differs(what, property: "type", found: type, expected: exchange.kind.rawValue))
        }
        for flag in ["auto_delete", "internal"] where entry[flag]?.bool == true {
            found.append(.differs(what, property: flag, found: "true", expected: "false"))
        }
        return found + common(what, entry, exchange.arguments)
    }

    private static func differences(of queue: Queue, _ entry: JSONValue?) -> [TopologyDifference] {
        guard let entry else { return [.missingQueue(queue.name)] }
        let kind = entry["arguments"]?["x-queue-type"]?.string ?? entry["type"]?.string ?? Queue.Kind.classic.rawValue
        if kind != queue.kind.rawValue { return [.otherKind(queue: queue.name, found: kind, expected: queue.kind)] }
        return common("queue \(queue.name)", entry, queue.arguments)
    }

    private static func common(_ what: String, _ entry: JSONValue, _ wanted: FieldTable) -> [TopologyDifference] {
        var found: [TopologyDifference] = []
        if entry["durable"]?.bool == false { found.append(.differs(what, property: "durable", found: "false", expected: "true")) }
        var arguments: [String: String] = [:]
        for member in entry["arguments"]?.object ?? [] where member.name != "x-queue-type" {
            arguments[member.name] = member.value.string ?? String(decoding: member.value.bytes, as: UTF8.self)
        }
        for field in wanted.fields {
            let value = arguments.removeValue(forKey: field.name)
            if value != field.value.text { found.append(.differs(what, property: field.name, found: value, expected: field.value.text)) }
        }
        return found + arguments.sorted { $0.key < $1.key }.map { .differs(what, property: $0.key, found: $0.value, expected: nil) }
    }

    private func differences(of wanted: [Binding], among ours: Set<String>) -> [TopologyDifference] {
        let there = entries("bindings").compactMap { entry -> Binding? in
            guard let exchange = entry["source"]?.string, !exchange.isEmpty, let target = entry["destination"]?.string else { return nil }
            return Binding(
                exchange, entry["routing_key"]?.string ?? "",
                to: entry["destination_type"]?.string == "exchange" ? .exchange(target) : .queue(target))
        }
        let missing = Set(wanted).subtracting(there)
        let needed = Set(wanted)
        return wanted.filter(missing.contains).map(TopologyDifference.missingBinding)
            + there.filter { binding in
                guard case .queue(let queue) = binding.target, ours.contains(queue) else { return false }
                return !needed.contains(binding)
            }.map(TopologyDifference.unexpectedBinding)
    }
}
