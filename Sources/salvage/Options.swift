import ArgumentParser
import Broker
import Configuration
import DeclineRecovery
import FoundationEssentials
import Operations
import Service

/// Where the broker is; every command that speaks to it takes these.
struct BrokerOptions: ParsableArguments {
    @Option(help: "amqp[s]://user:password@host[,host...]/vhost. Better given as SALVAGE_BROKER_URL: others can see a command line.")
    var brokerURL: String?
    @Option(help: "What the names of Salvage's exchanges and queues begin with.")
    var prefix: String?

    func settings(_ more: [String: String?] = [:]) throws(SettingsError) -> ProcessSettings {
        var flags: [String: String?] = ["broker.url": brokerURL, "topology.prefix": prefix]
        flags.merge(more) { $1 }
        let values = flags.compactMap { name, text in
            text.map { (AbsoluteConfigKey(ConfigKey("salvage." + name)), ConfigValue(.string($0), isSecret: name == "broker.url")) }
        }
        // Flags go before the environment.
        let reader = ConfigReader(providers: [
            InMemoryProvider(name: "flags", values: Dictionary(values, uniquingKeysWith: { first, _ in first })),
            EnvironmentVariablesProvider(),
        ])
        return try ProcessSettings(reading: reader)
    }

    /// Opens a link for one command, and closes it in any case. What the broker did not do ends the command with a sentence and a status.
    func withLink<Result: Sendable>(_ body: (BrokerLink, ProcessSettings) async throws -> Result) async throws -> Result {
        var settings = try settings()
        settings.broker.connectionName = "salvage command"
        do {
            let link = try await BrokerLink.open(settings.broker)
            do {
                let result = try await body(link, settings)
                await link.close()
                return result
            } catch {
                await link.close()
                throw error
            }
        } catch let error as BrokerError {
            throw ExitCode.broker(BrokerFailure(error))
        } catch let error as BrokerFailure {
            throw ExitCode.broker(error)
        }
    }
}

struct ConfigOption: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("The file with merchants and gateways (SALVAGE_CONFIG; else salvage.yaml of this folder).", valueName: "file"))
    var file: String?

    /// The file that is named, or salvage.yaml where it is there.
    var path: String? {
        if let named = file ?? ProcessInfo.processInfo.environment["SALVAGE_CONFIG"], !named.isEmpty { return named }
        return FileManager.default.fileExists(atPath: "salvage.yaml") ? "salvage.yaml" : nil
    }

    /// `nil` where no file is named or there.
    func configuration() throws(ConfigurationError) -> SalvageConfiguration? {
        guard let path else { return nil }
        return try SalvageConfiguration(file: path)
    }
}
