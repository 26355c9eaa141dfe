import ArgumentParser
import Logging
import Service

struct Webhooks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take FlexFactor's webhooks and nothing else: for a pod of its own at the edge.",
        discussion: """
            Serves POST /webhooks/MERCHANT/GATEWAY on SALVAGE_WEBHOOKS_LISTEN (0.0.0.0:8081). Register that URL at FlexFactor's portal for each
            gateway. Behind a proxy set SALVAGE_WEBHOOKS_HOST to the host that FlexFactor signs. `salvage run` takes webhooks as well.
            Of the secrets that the configuration names it reads each hmacSigningKey alone; the files of the others need not be there.
            """)

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var config: ConfigOption
    @Option(help: "HOST:PORT for health and metrics, or none.")
    var listen: String?
    @Option(help: "HOST:PORT for webhooks.")
    var webhooksListen: String?

    func validate() throws { try ValidationError.refuse(empty: [("listen", listen), ("webhooks-listen", webhooksListen)]) }

    func run() async throws {
        var settings = try broker.settings(["config": config.file, "listen": listen, "webhooks.listen": webhooksListen])
        settings.stages = []
        guard settings.webhooks != nil else { throw ExitCode.misuse("SALVAGE_WEBHOOKS_LISTEN is none: there is nothing to do.") }
        try await Worker.run(settings, logger: Logger.service(settings))
    }
}
