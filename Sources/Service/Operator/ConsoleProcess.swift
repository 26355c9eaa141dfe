import Broker
import Console
import DeclineRecovery
import FoundationEssentials
public import Logging
import Operations
import Pipeline
public import ServiceLifecycle
import UnixSignals

/// The process that serves operators the console.
public struct ConsoleProcess: Service {
    private let shelf: LetterShelf
    private let flow: FlowShelf
    private let logger: Logger

    /// Why the console does not begin.
    public struct NotAlone: Error, CustomStringConvertible {
        let host: String

        public var description: String {
            "the console would listen on \(host), where others can reach it, and no access is configured. "
                + "Give people tokens in the configuration (`console.access`), or listen on 127.0.0.1."
        }
    }

    /// Runs to its end. Throws when it cannot begin: no broker, a faulty configuration, a port that is taken.
    public static func run(_ settings: ProcessSettings, configuration: SalvageConfiguration?, logger: Logger) async throws {
        let host = settings.console.host
        let isLoopback = ["127.0.0.1", "localhost", "::1"].contains(host)
        if configuration?.access.isOpen ?? true, !isLoopback { throw NotAlone(host: host) }
        let address = ListenAddress(settings.console, setting: "SALVAGE_CONSOLE_LISTEN")
        try await ListenAddress.check([address])
        var broker = settings.broker
        broker.connectionName = "salvage console \(ProcessInfo.processInfo.hostName)"
        let link = try await BrokerLink.open(broker) { event in Self.heard(event, logger) }
        let shelf = LetterShelf(link, settings.names)
        let flow = FlowShelf(link, settings.names)
        let tools = try await OperatorTools(shelf, on: link, settings, configuration)
        let metrics = ConsoleMetrics()
        let environment = ProcessInfo.processInfo.environment
        let front = ConsoleFront(
            api: ConsoleAPI(tools: tools.letters, flow: flow, merchants: { tools.merchants }, draft: { yaml, merchant throws(DraftFaults) in try MappingDraft(yaml: yaml).tried(on: merchant) },
                version: SalvageVersion.current),
            access: { tools.access }, localName: environment["SALVAGE_OPERATOR"] ?? environment["USER"] ?? "local", isLoopback: isLoopback,
            isReady: { link.isConnected && flow.isReady.letters }, metrics: { metrics.page(shelf, flow, now: SystemClock().now()) }, logger: logger)
        var services: [any Service] = [
            HTTPServer(front.router, at: address, limits: .open, logger: logger) { port in
                logger.info("Serving the console at http://\(host):\(port)", metadata: [LogKey.host: "\(host):\(port)"])
            },
            ConsoleProcess(shelf: shelf, flow: flow, logger: logger),
        ]
        if let store = tools.store {
            services.append(ConfigurationReloader(file: settings.configurationFile, store: store, metrics: ServiceMetrics(), logger: logger))
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        var group = ServiceGroupConfiguration(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        group.maximumGracefulShutdownDuration = .seconds(10)
        try await ServiceGroup(configuration: group).run()
        await link.close()
    }

    public func run() async throws {
        try await shelf.follow()
        try await shelf.catchUp()
        flow.lettersAreReady()
        logger.info("The letters are read", metadata: [LogKey.count: "\(shelf.look { $0.cases.count })"])
        try await flow.listen()
        try await flow.follow()
        logger.info("The journal is read")
        try? await gracefulShutdown()
    }

    private static func heard(_ event: LinkEvent, _ logger: Logger) {
        switch event {
        case .disconnected(let role, let error):
            logger.warning("The connection to the broker is lost", metadata: [LogKey.connection: "\(role.rawValue)", LogKey.error: "\(error)"])
        case .connectFailed(let role, let error, _):
            logger.warning("No connection to the broker", metadata: [
                LogKey.connection: "\(role.rawValue)", LogKey.error: "\(error)", LogKey.advice: "\(error.advice)",
            ])
        default: break
        }
    }
}
