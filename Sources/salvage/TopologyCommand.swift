import ArgumentParser
import Broker
import DeclineRecovery
import Service

private let roles = BrokerRole.allCases.map(\.rawValue).joined(separator: ", ")

struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "The exchanges and queues that Salvage needs.",
        subcommands: [Apply.self, Check.self, Print.self])

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Declare what is missing.", discussion: "Needs a broker user with the right to configure. Running it again changes nothing.")

        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Leave out crm.results, the CRM's inbox.")
        var withoutCrmInbox = false

        func run() async throws {
            try await broker.withLink { link, settings in
                let topology = Topology(recovery: settings.names, crmInbox: !withoutCrmInbox)
                try await link.declare(topology)
                Terminal.show("\(topology.exchanges.count) exchanges, \(topology.queues.count) queues and \(topology.bindings.count) bindings stand.")
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare what is there with what is needed, changing nothing.",
            discussion: """
                Needs no right to configure. Bindings and arguments cannot be seen this way; `apply` reports differing arguments. Nor can policies: hand
                it what `rabbitmqctl export_definitions -` prints, and those are named that would lose messages or send them round. Exit status 1 on any
                difference.
                """)

        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Leave out crm.results, the CRM's inbox.")
        var withoutCrmInbox = false
        @Option(help: ArgumentHelp("A file of the broker's definitions, whose policies are looked at; - for standard input.", valueName: "file"))
        var definitions: String?
        @Option(
            help: ArgumentHelp("Look only at what a role has to do with, and say which of its rights are missing: \(roles).", valueName: "role"),
            transform: { text in
                guard let role = BrokerRole(rawValue: text) else { throw ValidationError("There is no role \(text): it is one of \(roles).") }
                return role
            })
        var role: BrokerRole?
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let file = try definitions.map { name in
                guard let bytes = WholeFile.bytes(of: name) else { throw ExitCode.misuse("\(name) cannot be read.") }
                return bytes
            }
            let (differences, losses) = try await broker.withLink { link, settings in
                let topology = Topology(recovery: settings.names, crmInbox: !withoutCrmInbox)
                let losses = try file.map { bytes in
                    guard let policies = BrokerPolicies(definitions: bytes, virtualHost: settings.broker.virtualHost) else {
                        throw ExitCode.misuse("The definitions are not what `rabbitmqctl export_definitions` prints.")
                    }
                    return policies.losses(of: topology)
                }
                guard let rights = role.map({ BrokerRights($0, settings.names) }) else {
                    return (try await link.check(topology).map(\.description), losses ?? [])
                }
                return (try await link.check(rights.part(of: topology)).map(rights.explain), losses ?? [])
            }
            if json {
                var text = JSONWriter()
                text.object { object in
                    object.member("complete", differences.isEmpty)
                    object.array("differences") { list in
                        for difference in differences { list.element(difference) }
                    }
                    if file != nil {
                        object.array("policies") { list in
                            for loss in losses { list.element(loss) }
                        }
                    }
                }
                Terminal.show(String(decoding: text.bytes, as: UTF8.self))
            } else {
                for difference in differences { Terminal.show(Terminal.paint(difference, .red)) }
                Terminal.show(differences.isEmpty ? "The topology is complete." : "Run `salvage topology apply` to declare what is missing.")
                for loss in losses { Terminal.show(Terminal.paint(loss, .red)) }
                if !losses.isEmpty { Terminal.show("Narrow the patterns of these policies, so that they leave Salvage's queues alone.") }
            }
            if !differences.isEmpty || !losses.isEmpty { throw ExitCode.failure }
        }
    }

    struct Print: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the topology as a RabbitMQ definitions file.",
            discussion: """
                For `rabbitmqctl import_definitions`, or for the broker's own `load_definitions`. With --permissions instead the least rights that each
                role needs, as lines for a shell, or as JSON for a definitions file; name the users as you like.
                """)

        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Leave out crm.results, the CRM's inbox.")
        var withoutCrmInbox = false
        @Flag(help: "The rights of each role: topology, worker, webhooks, console viewer and operator, CRM.")
        var permissions = false
        @Flag(help: "With --permissions: print JSON.")
        var json = false

        func run() async throws {
            let settings = try broker.settings()
            if permissions {
                let virtualHost = settings.broker.virtualHost
                return Terminal.show(
                    json ? String(decoding: BrokerRole.definitions(settings.names, virtualHost: virtualHost), as: UTF8.self)
                        : String(BrokerRole.commands(settings.names, virtualHost: virtualHost).dropLast()))
            }
            let topology = Topology(recovery: settings.names, crmInbox: !withoutCrmInbox)
            Terminal.show(String(decoding: topology.definitions(virtualHost: settings.broker.virtualHost), as: UTF8.self))
        }
    }
}
