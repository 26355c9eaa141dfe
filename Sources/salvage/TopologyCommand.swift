import ArgumentParser
import Broker
import DeclineRecovery
import Service

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
            discussion: "Needs no right to configure. Bindings and arguments cannot be seen this way; `apply` reports differing arguments. Exit status 1 on any difference.")

        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Leave out crm.results, the CRM's inbox.")
        var withoutCrmInbox = false
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let differences = try await broker.withLink { link, settings in
                try await link.check(Topology(recovery: settings.names, crmInbox: !withoutCrmInbox))
            }
            if json {
                var text = JSONWriter()
                text.object { object in
                    object.member("complete", differences.isEmpty)
                    object.array("differences") { list in
                        for difference in differences { list.element(difference.description) }
                    }
                }
                Terminal.show(String(decoding: text.bytes, as: UTF8.self))
            } else {
                for difference in differences { Terminal.show(Terminal.paint(difference.description, .red)) }
                Terminal.show(differences.isEmpty ? "The topology is complete." : "Run `salvage topology apply` to declare what is missing.")
            }
            if !differences.isEmpty { throw ExitCode.failure }
        }
    }

    struct Print: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the topology as a RabbitMQ definitions file.",
            discussion: "For `rabbitmqctl import_definitions`, or for the broker's own `load_definitions`.")

        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Leave out crm.results, the CRM's inbox.")
        var withoutCrmInbox = false

        func run() async throws {
            let settings = try broker.settings()
            let topology = Topology(recovery: settings.names, crmInbox: !withoutCrmInbox)
            Terminal.show(String(decoding: topology.definitions(virtualHost: settings.broker.virtualHost), as: UTF8.self))
        }
    }
}
