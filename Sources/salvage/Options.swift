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

    func validate() throws { try ValidationError.refuse(empty: [("broker-url", brokerURL), ("prefix", prefix)]) }

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
    ///
    /// - Parameter patience: how many seconds a broker is waited for that is away, or does not let us in yet.
    func withLink<Result: Sendable>(
        patience: Int = 0, _ body: (BrokerLink, ProcessSettings) async throws -> Result
    ) async throws -> Result {
        var settings = try settings()
        settings.broker = settings.operatorBroker(named: "salvage command")
        do {
            let link = try await Self.open(settings.broker, patience: patience)
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
        } catch let error as PublishError {
            throw ExitCode.broker(BrokerFailure(error))
        } catch let error as BrokerFailure {
            throw ExitCode.broker(error)
        }
    }
}

extension BrokerOptions {
    private static func open(_ broker: BrokerConfiguration, patience: Int) async throws -> BrokerLink {
        let deadline = ContinuousClock.now + .seconds(patience)
        var isTold = false
        while true {
            do throws(BrokerError) {
                return try await BrokerLink.open(broker)
            } catch {
                if ContinuousClock.now >= deadline { throw error }
                if !isTold { Terminal.complain("Waiting for the broker, at most \(patience) s: \(error)") }
                isTold = true
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}

struct ConfigOption: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("The file with merchants and gateways (SALVAGE_CONFIG; else salvage.yaml of this folder).", valueName: "file"))
    var file: String?

    func validate() throws { try ValidationError.refuse(empty: [("config", file)]) }

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

extension ValidationError {
    /// A flag that is given and says nothing: a variable of a script that is not set must not mean what is meant without the flag.
    static func refuse(empty flags: [(name: String, value: String?)]) throws {
        for (name, value) in flags {
            if let value, value.allSatisfy(\.isWhitespace) {
                throw ValidationError("--\(name) is empty. Say what is meant, or leave it out.")
            }
        }
    }
}
