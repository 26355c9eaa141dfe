import ArgumentParser
import Broker
import DeclineRecovery
import JSON
import Service

private let roles = BrokerRole.allCases.map(\.rawValue).joined(separator: ", ")

struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "The exchanges and queues that Salvage needs.",
        subcommands: [Apply.self, Check.self, Print.self])

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Declare what is missing.",
            discussion: "Needs a broker user with the right to configure. Running it again changes nothing.")

        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Leave out crm.results, the CRM's inbox.")
        var withoutCrmInbox = false
        @Option(help: ArgumentHelp("Wait so long for a broker that is away, or does not let us in yet.", valueName: "seconds"))
        var wait = 0

        func validate() throws {
            if !(0...86_400).contains(wait) { throw ValidationError("--wait is a number of seconds from 0 to 86400.") }
        }

        func run() async throws {
            try await broker.withLink(patience: wait) { link, settings in
                let topology = Topology(recovery: settings.names, crmInbox: !withoutCrmInbox)
                try await link.declare(topology)
                Terminal.show(
                    "\(topology.exchanges.count) exchanges, \(topology.queues.count) queues and \(topology.bindings.count) bindings stand.")
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare what is there with what is needed, changing nothing.",
            discussion: """
                What exists, and queues of another kind, show to any user; with --role also where it may neither write nor read; types and arguments to one with the right to configure, without anything being
                made. Bindings and policies show to nobody over AMQP: hand it what `rabbitmqctl export_definitions -` prints, and those that are missing
                are named, and policies that would lose messages or send them round. Exit status 1 on any difference; all are named in one go.
                """)

        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Leave out crm.results, the CRM's inbox.")
        var withoutCrmInbox = false
        @Option(help: ArgumentHelp("A file of the broker's definitions, to compare with; - for standard input.", valueName: "file"))
        var definitions: String?
        @Option(
            help: ArgumentHelp(
                "Look only at what a role has to do with, and say which of its rights are missing: \(roles).", valueName: "role"),
            transform: { text in
                guard let role = BrokerRole(rawValue: text) else {
                    throw ValidationError("There is no role \(text): it is one of \(roles).")
                }
                return role
            })
        var role: BrokerRole?
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let file = try definitions.map { name in
                guard let bytes = WholeFile.bytes(of: name) else { throw ExitCode.misuse("\(name): \(WholeFile.fault(of: name)).") }
                return bytes
            }
            let name = definitions ?? ""
            let outcome = try await broker.withLink { link, settings in
                let topology = Topology(recovery: settings.names, crmInbox: !withoutCrmInbox)
                let definitions = try file.map { bytes in
                    guard let read = BrokerDefinitions(bytes, virtualHost: settings.broker.virtualHost) else {
                        throw ExitCode.misuse("\(name) is not what `rabbitmqctl export_definitions -` prints. Give --definitions that.")
                    }
                    return read
                }
                let rights = role.map { BrokerRights($0, settings.names) }
                var outcome = Outcome()
                func add(_ differences: [TopologyDifference]) {
                    for difference in differences {
                        if difference.isOfRights { outcome.lacksRights = true } else { outcome.lacksThings = true }
                        let text = rights?.explain(difference) ?? difference.description
                        if !outcome.differences.contains(text) { outcome.differences.append(text) }
                    }
                }
                if let rights {
                    let (differences, unasked) = try await rights.differences(from: topology, at: link, isWhole: true)
                    add(differences)
                    outcome.unasked = unasked
                } else {
                    add(try await link.check(topology))
                }
                if let definitions {
                    add(definitions.differences(from: topology))
                    outcome.policies = definitions.policies.losses(of: topology)
                } else if role == nil || role == .topology {
                    // Who may not declare cannot compare either, and only of the whole topology is it asked.
                    let (differences, unseen) = try await link.compare(topology)
                    add(differences)
                    outcome.unseen = unseen
                }
                return outcome
            }
            outcome.show(asJSON: json, withPolicies: file != nil)
            if !outcome.differences.isEmpty || !outcome.policies.isEmpty { throw ExitCode.failure }
        }

        private struct Outcome {
            var differences: [String] = []
            var policies: [String] = []
            var lacksRights = false
            var lacksThings = false
            /// Why nobody knows where the user may write.
            var unasked: BrokerError?
            /// What could not be compared for want of the right to configure it.
            var unseen: [String] = []

            func show(asJSON: Bool, withPolicies: Bool) {
                if asJSON {
                    var text = JSONWriter()
                    func list(_ lines: [String], _ name: StaticString, in object: inout JSONObjectWriter) {
                        object.array(name) { list in for line in lines { list.element(line) } }
                    }
                    text.object { object in
                        object.member("complete", differences.isEmpty)
                        list(differences, "differences", in: &object)
                        if withPolicies { list(policies, "policies", in: &object) }
                        if !unseen.isEmpty { list(unseen, "notCompared", in: &object) }
                        if let unasked { list(["\(unasked)"], "notAsked", in: &object) }
                    }
                    return Terminal.show(bytes: text.bytes)
                }
                for difference in differences { Terminal.show(Terminal.paint(difference, .red)) }
                if differences.isEmpty { Terminal.show("The topology is complete.") }
                if lacksThings { Terminal.show("Run `salvage topology apply` to declare what is missing.") }
                if lacksRights { Terminal.show("Give the broker's user its rights: `salvage topology print --permissions` prints them.") }
                if let unasked { Terminal.show("Not asked: the rights to write, for \(unasked).") }
                if !unseen.isEmpty {
                    Terminal.show(
                        "Not compared, for the broker's user lacks the right to configure: the types and arguments of \(unseen.count) exchanges and queues. "
                            + "Give --definitions, or let the user of `topology apply` look.")
                }
                if !withPolicies { Terminal.show("Bindings and policies show only in the broker's definitions: give --definitions.") }
                for loss in policies { Terminal.show(Terminal.paint(loss, .red)) }
                if !policies.isEmpty { Terminal.show("Narrow the patterns of these policies, so that they leave Salvage's queues alone.") }
            }
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
                    json
                        ? String(decoding: BrokerRole.definitions(settings.names, virtualHost: virtualHost), as: UTF8.self)
                        : String(BrokerRole.commands(settings.names, virtualHost: virtualHost).dropLast()))
            }
            let topology = Topology(recovery: settings.names, crmInbox: !withoutCrmInbox)
            Terminal.show(bytes: topology.definitions(virtualHost: settings.broker.virtualHost))
        }
    }
}
