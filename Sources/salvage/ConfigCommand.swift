import ArgumentParser
import DeclineRecovery
import JSON
import Service

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "The file with merchants and gateways.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether a file would be taken, and list every fault with its place.",
            discussion:
                "Secrets named by file or variable are looked up, and never shown. Exit status 1 when the file is refused, or with --against-claims when open recoveries would lose their gateway."
        )

        @Argument(help: "The YAML file.")
        var file: String
        @Flag(help: "Ask the broker which open recoveries would lose their gateway by this file.")
        var againstClaims = false
        @OptionGroup var broker: BrokerOptions
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let configuration: SalvageConfiguration
            do throws(ConfigurationError) {
                configuration = try SalvageConfiguration(file: file)
            } catch {
                if json { show(error) } else { Terminal.complain(error.description) }
                throw ExitCode.failure
            }
            var stranded: [StrandedRecoveries] = []
            if againstClaims {
                stranded = try await broker.withLink { link, settings in
                    try await StrandingCheck.run(configuration, on: link, settings.names)
                }
            }
            show(configuration, stranded)
            if !stranded.isEmpty { throw ExitCode.failure }
        }

        private func show(_ configuration: SalvageConfiguration, _ stranded: [StrandedRecoveries]) {
            let merchants = configuration.merchants.values.sorted { $0.id.text < $1.id.text }
            if json {
                var text = JSONWriter()
                text.object { object in
                    object.member("valid", true)
                    object.array("merchants") { list in
                        for merchant in merchants { list.element(merchant.id.text) }
                    }
                    object.array("notes") { list in
                        for note in notes(merchants) { list.element(note) }
                    }
                    if againstClaims {
                        object.array("stranded") { list in
                            for one in stranded { list.element(one.description) }
                        }
                    }
                }
                return Terminal.show(bytes: text.bytes)
            }
            Terminal.show("\(file) is valid.")
            for note in notes(merchants) { Terminal.show("Note: \(note)") }
            for one in stranded { Terminal.complain(Terminal.visible(one.description)) }
            if againstClaims, stranded.isEmpty { Terminal.show("No open recovery would lose its gateway.") }
            Terminal.table(
                ["merchant", "FlexFactor gateways", "other gateways", "cascade profiles", "campaigns", "mapping rules"],
                merchants.map { merchant in
                    let salvage = merchant.flexFactorGateways.values.sorted { $0.id.text < $1.id.text }
                    return [
                        merchant.id.text, salvage.map { $0.id.text + ($0.cascadeAll ? " (cascadeAll)" : "") }.joined(separator: ", "),
                        String(merchant.gateways.count), String(merchant.cascadeProfiles.count), String(merchant.campaigns.count),
                        String(merchant.mappingRules.count),
                    ]
                })
        }

        /// Gateway types of whose codes there is no table: their declines are decided by text alone, and by the merchant's rules.
        private func notes(_ merchants: [Merchant]) -> [String] {
            merchants.flatMap { merchant in
                let ofRules = merchant.mappingRules.compactMap { rule in
                    if case .gateway(let type) = rule.scope { type } else { nil as String? }
                }
                let types = Set(merchant.gateways.values.map(\.type) + ofRules).filter { DeclineTables.builtIn.table(of: $0) == nil }
                return types.sorted().map { type in
                    let nearest = DeclineTables.builtIn.nearestSource(to: type).map { "; the nearest is \($0)" } ?? ""
                    return
                        "merchant \(merchant.id): there is no table of the codes of the gateway type \(type)\(nearest). Its declines are decided by their text."
                }
            }
        }

        private func show(_ error: ConfigurationError) {
            var text = JSONWriter()
            text.object { object in
                object.member("valid", false)
                object.array("faults") { list in
                    for fault in error.faults {
                        list.object { entry in
                            entry.member("path", fault.path)
                            entry.optional("line", fault.line.map(Int64.init))
                            entry.member("message", fault.message)
                        }
                    }
                }
            }
            Terminal.show(bytes: text.bytes)
        }
    }
}
