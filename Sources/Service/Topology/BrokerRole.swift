package import Broker
package import DeclineRecovery
import JSON

/// Who speaks to the broker, and as what: each with a user of its own, and with no more rights than its work needs.
package enum BrokerRole: String, Sendable, CaseIterable {
    /// `salvage topology apply`, once.
    case topology
    /// `salvage run`, all stages.
    case worker
    /// `salvage webhooks`, at the edge.
    case webhooks
    /// `salvage console` and the commands that look.
    case consoleViewer = "console-viewer"
    /// `salvage console` and `salvage dead`, acting on letters.
    case consoleOperator = "console-operator"
    case crmPublisher = "crm-publisher"
    case crmConsumer = "crm-consumer"

    /// What the role is for, in a line.
    package var purpose: String {
        switch self {
        case .topology: "declares what is missing, once"
        case .worker: "salvage run, all stages"
        case .webhooks: "salvage webhooks, at the edge"
        case .consoleViewer: "salvage console, and the commands that look"
        case .consoleOperator: "salvage console and salvage dead, acting on letters"
        case .crmPublisher: "publishes declines and commands; replies by amq.rabbitmq.reply-to need no right"
        case .crmConsumer: "takes results from crm.results"
        }
    }
}

/// The exchanges and queues that a role may configure, write and read; RabbitMQ has one space of names for both, and one pattern for each right.
package struct BrokerRights: Sendable, Equatable {
    package var configure: Set<String> = []
    package var write: Set<String> = []
    package var read: Set<String> = []

    /// The default exchange, as rights name it: whoever answers on a queue that a message names (`reply_to`) writes to it.
    static let defaultExchange = "amq.default"

    /// The least that a role needs.
    package init(_ role: BrokerRole, _ names: TopologyNames) {
        /// Streams that are read whole; one that is added belongs here.
        let streams: Set<String> = [
            names.dead, names.journal, names.pulse, names.cancels, names.claims, names.claimSnapshots, names.pauses, names.rollups,
        ]
        switch role {
        case .topology: add(declaring: Topology(recovery: names))
        case .worker:
            read = Set(Stage.allCases.map(names.queue(of:))).union([
                names.cancels, names.claims, names.claimSnapshots, names.dead, names.pauses,
            ])
            write = Set(names.delays).union([
                names.work, names.results, names.dead, names.cancels, names.claims, names.claimSnapshots, names.journal, names.pulse,
                Self.defaultExchange,
            ])
        // Strangers reach it: nothing that it may write to leads to a stage that charges.
        case .webhooks: write = [names.news, names.pulse]
        case .consoleViewer: read = streams.union([names.deadLock])
        case .consoleOperator:
            configure = [names.deadLock]
            read = streams.union([names.deadLock])
            // What is replayed goes where it was published; what is settled is told, and noted.
            write = [
                names.declines, names.work, names.results, names.dead, names.journal, names.cancels, names.claims, names.pauses,
                names.rollups, Self.defaultExchange,
            ]
        case .crmPublisher: write = [names.declines]
        case .crmConsumer: read = [names.crmResults]
        }
    }

    /// What declaring needs, by RabbitMQ's rules: to configure each thing; for an alternate or dead-letter exchange to read what has it and
    /// to write to it; for a binding to read where it begins and to write where it ends.
    private mutating func add(declaring topology: Topology) {
        configure = Set(topology.exchanges.map(\.name)).union(topology.queues.map(\.name))
        for exchange in topology.exchanges {
            if case .string(let alternate)? = exchange.arguments["alternate-exchange"] { note(from: exchange.name, to: alternate) }
        }
        for queue in topology.queues {
            if case .string(let deadLetters)? = queue.arguments["x-dead-letter-exchange"] { note(from: queue.name, to: deadLetters) }
        }
        for binding in topology.bindings {
            switch binding.target {
            case .queue(let name), .exchange(let name): note(from: binding.exchange, to: name)
            }
        }
    }

    private mutating func note(from source: String, to target: String) {
        read.insert(source)
        write.insert(target)
    }

    /// What of a topology the role has to do with.
    package func part(of topology: Topology) -> Topology {
        let names = configure.union(write).union(read)
        return Topology(
            exchanges: topology.exchanges.filter { names.contains($0.name) }, queues: topology.queues.filter { names.contains($0.name) })
    }

    /// Whether what a topology has is there as the role needs it, and which rights its user lacks. Of those to configure nothing is asked.
    ///
    /// - Parameter isWhole: whether what the role goes on without is looked at as well: replies, of a worker.
    /// - Returns: the differences, and why the rights to write are not known: an alarm of the broker's.
    package func differences(from topology: Topology, at link: BrokerLink, isWhole: Bool) async throws(BrokerError)
        -> (found: [TopologyDifference], unasked: BrokerError?)
    {
        let part = part(of: topology)
        let found = try await link.check(part, kindsOf: read)
        // Of what is not there, or may not be looked at, it is said already.
        let written = part.exchanges.map(\.name).filter { name in
            write.contains(name) && !found.contains(.missingExchange(name)) && !found.contains(.denied(what: "exchange", name: name))
        }
        do throws(BrokerError) {
            let barred = try await link.unwritable(written + (isWhole && write.contains(Self.defaultExchange) ? [""] : []))
            return (found + barred, nil)
        } catch .blocked(let reason) {
            return (found, .blocked(reason: reason))
        }
    }

    /// A difference as somebody of the role has to mend it: where it may not look, the right that is missing.
    package func explain(_ difference: TopologyDifference) -> String {
        guard case .denied(let what, let name) = difference else { return difference.description }
        let needed = [("configure", configure), ("write", write), ("read", read)].filter { $0.1.contains(name) }.map(\.0)
        return "\(what) \(name): the broker's user lacks the right to \(needed.joined(separator: " and ")) it"
    }

    /// The three regular expressions in RabbitMQ's order. Whole names only: `^$` matches none.
    package var patterns: (configure: String, write: String, read: String) {
        (Self.pattern(configure), Self.pattern(write), Self.pattern(read))
    }

    private static func pattern(_ names: Set<String>) -> String {
        if names.isEmpty { return "^$" }
        let escaped = names.sorted().map { $0.replacing(".", with: "\\.") }
        return escaped.count == 1 ? "^\(escaped[0])$" : "^(\(escaped.joined(separator: "|")))$"
    }
}

extension BrokerRole {
    /// Every role's rights as `rabbitmqctl` takes them; users are named for their roles.
    package static func commands(_ names: TopologyNames, virtualHost: String) -> String {
        allCases.map { role in
            let (configure, write, read) = BrokerRights(role, names).patterns
            return "# \(role.rawValue): \(role.purpose)\n"
                + "rabbitmqctl set_permissions -p \(quoted(virtualHost)) salvage-\(role.rawValue) \(quoted(configure)) \(quoted(write)) \(quoted(read))\n"
        }.joined()
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

    /// The same as a definitions file has it.
    package static func definitions(_ names: TopologyNames, virtualHost: String) -> [UInt8] {
        let permissions = allCases.map { role in
            let (configure, write, read) = BrokerRights(role, names).patterns
            return JSONValue.object(
                [("user", "salvage-" + role.rawValue), ("vhost", virtualHost), ("configure", configure), ("write", write), ("read", read)]
                    .map { JSONValue.Member($0.0, .string($0.1)) })
        }
        return JSONValue.object([JSONValue.Member("permissions", .array(permissions))]).bytes
    }
}
