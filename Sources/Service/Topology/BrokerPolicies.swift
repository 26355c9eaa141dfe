package import Broker
import DeclineRecovery
import JSON

/// The policies that stand in a broker's definitions, and what those of them that reach our queues would do to messages.
package struct BrokerPolicies: Sendable {
    struct Policy: Sendable {
        let name: String
        let pattern: String
        let appliesTo: String
        let priority: Int64
        let isOperators: Bool
        let definition: [JSONValue.Member]
    }

    let policies: [Policy]

    init(_ policies: [JSONValue], operators: [JSONValue]) {
        self.policies =
            policies.map { Self.policy($0, named: $0, isOperators: false) }
            + operators.map { Self.policy($0["value"] ?? .null, named: $0, isOperators: true) }
    }

    private static func policy(_ value: JSONValue, named entry: JSONValue, isOperators: Bool) -> Policy {
        Policy(
            name: entry["name"]?.string ?? "", pattern: value["pattern"]?.string ?? "", appliesTo: value["apply-to"]?.string ?? "all",
            priority: value["priority"]?.int64 ?? 0, isOperators: isOperators, definition: definition(value["definition"]))
    }

    /// An object; of operators' policies RabbitMQ exports a list of pairs (measured on 3.10 and 4.0).
    private static func definition(_ value: JSONValue?) -> [JSONValue.Member] {
        value?.object
            ?? (value?.array ?? []).compactMap { pair in
                guard let pair = pair.array, pair.count == 2, let name = pair[0].string else { return nil }
                return JSONValue.Member(name, pair[1])
            }
    }

    /// What is set on our queues and would lose messages, hold them up, or send them round. One sentence each.
    package func losses(of topology: Topology) -> [String] {
        topology.queues.flatMap { queue in
            // Of each sort the one of the highest priority counts; RabbitMQ combines the two.
            [false, true].flatMap { isOperators -> [String] in
                let reaching = policies.filter { $0.isOperators == isOperators && $0.reaches(queue) }
                guard let policy = reaching.max(by: { $0.priority < $1.priority }) else { return [] }
                return policy.definition.compactMap { policy.loss(of: queue, $0.name, $0.value) }
            }
        }
    }
}

extension BrokerPolicies.Policy {
    fileprivate func reaches(_ queue: Queue) -> Bool {
        switch appliesTo {
        case "exchanges": return false
        case "quorum_queues" where queue.kind != .quorum, "streams" where queue.kind != .stream, "classic_queues": return false
        default: break
        }
        // What cannot be read may well match.
        guard let expression = try? Regex(pattern) else { return true }
        return queue.name.firstMatch(of: expression) != nil
    }

    fileprivate func loss(of queue: Queue, _ key: String, _ value: JSONValue) -> String? {
        let consequence: String
        switch (key, queue.kind) {
        case ("expires", _): consequence = "the broker deletes the queue, and all that is in it, when nobody uses it for that long"
        case ("message-ttl", .quorum):
            if case .integer(let wait)? = queue.arguments["x-message-ttl"] {
                if let span = value.int64, span >= wait { return nil }
                consequence = "what waits there comes before its time"
            } else {
                consequence = "what nobody took by then is driven out, and sent round until somebody does"
            }
        case ("delivery-limit", .quorum): consequence = "what was in work as often when workers ended is driven out, the innocent too"
        case ("max-length", .quorum), ("max-length-bytes", .quorum):
            consequence = "beyond that the queue refuses: publishers are told no, and workers hold what they cannot pass on"
        case ("max-age", .stream), ("max-length-bytes", .stream): consequence = "the stream forgets its oldest records early"
        default: return nil
        }
        let text = value.string ?? String(decoding: value.bytes, as: UTF8.self)
        return "queue \(queue.name): \(isOperators ? "the operator policy" : "the policy") '\(name)' sets \(key) to \(text): \(consequence)"
    }
}
