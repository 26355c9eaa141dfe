import ArgumentParser
import Broker
import Logging
import Operations
import Service

struct ConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console", abstract: "Serve the operators' console: what goes on, dead letters, recoveries, decline mapping.",
        discussion: """
            Listens on SALVAGE_CONSOLE_LISTEN (127.0.0.1:8082). People are let in by tokens of the configuration:
              console:
                access:
                  - { name: ada, role: admin, token: { env: ADA_TOKEN } }      # viewer, operator or admin
            viewer looks; operator replays, reconciles, restores, resolves and pauses; admin corrects and discards as well. Without configured
            access it listens on this machine alone. What people do is appended to the streams of letters and of pauses, with their names.
            /livez, /readyz and /metrics are served too.
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @Option(help: "HOST:PORT.")
    var listen: String?

    func validate() throws { try ValidationError.refuse(empty: [("listen", listen)]) }

    func run() async throws {
        // Without a configuration there is nothing to read again, and it ends with its terminal.
        if config.path != nil { Hangup.ignore() }
        let settings = try broker.settings(["config": config.file, "console.listen": listen])
        do {
            try await ConsoleProcess.run(settings, configuration: try config.configuration(), logger: Logger.service(settings))
        } catch let error as BrokerError {
            throw ExitCode.broker(BrokerFailure(error))
        } catch let error as BrokerFailure {
            throw ExitCode.broker(error)
        }
    }
}
