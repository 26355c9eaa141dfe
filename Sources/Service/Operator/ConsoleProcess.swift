import Broker
import Console
import DeclineRecovery
import FoundationEssentials
package import Logging
import Operations
import Pipeline
import ServiceLifecycle
import UnixSignals

/// The process that serves operators the console.
package struct ConsoleProcess: Service {
    private let link: BrokerLink
    private let names: TopologyNames
    private let store: LetterStore
    private let flow: FlowStore
    private let tools: OperatorTools
    private let sender: NoticeSender?
    private let health: Health
    private let logger: Logger

    /// Why the console does not begin.
    package struct NotAlone: Error, CustomStringConvertible {
        let host: String

        package var description: String {
            "the console would listen on \(host), where others can reach it, and no access is configured. "
                + "Give people tokens in the configuration (`console.access`), or listen on 127.0.0.1."
        }
    }

    /// Runs to its end; a broker that is away is waited for. Throws when it cannot begin: a faulty configuration, a port that is taken.
    package static func run(_ settings: ProcessSettings, configuration: SalvageConfiguration?, logger: Logger) async throws {
        let host = settings.console.host
        let isLoopback = ["127.0.0.1", "localhost", "::1"].contains(host)
        if configuration?.access.isOpen ?? true, !isLoopback { throw NotAlone(host: host) }
        let address = ListenAddress(settings.console, setting: "SALVAGE_CONSOLE_LISTEN")
        try await ListenAddress.check([address])
        let broker = settings.operatorBroker(named: "salvage console \(ProcessInfo.processInfo.hostName)")
        let health = Health()
        for part in [Health.Part.configuration, .consumers] { health.isWell(part) }
        health.isUnwell(.letters, "still being read")
        let watch = LinkWatch(health: health, metrics: nil, logger: logger)
        let link = BrokerLink.connecting(broker) { event in Self.heard(event, watch) }
        let store = LetterStore(link, settings.names)
        let flow = FlowStore(link, settings.names, rollups: RollupTurns()) { Self.heard($0, settings.names, logger) }
        let tools = OperatorTools(store, on: link, settings, configuration)
        let reloads = ReloadMetrics()
        let metrics = ConsoleMetrics(reloads: tools.store == nil ? nil : reloads)
        let sender = settings.notices.map { NoticeSender($0, settings.names, link, store, flow, logger) }
        let environment = ProcessInfo.processInfo.environment
        let complaints: @Sendable () -> [String] = {
            let complaints = health.complaints
            return complaints.isEmpty && !link.isConnected ? ["broker: not connected"] : complaints
        }
        let front = ConsoleFront(
            api: ConsoleAPI(
                tools: tools.letters, flow: flow, merchants: { tools.merchants },
                draft: { yaml, merchant throws(DraftFaults) in try MappingDraft(yaml: yaml).tried(on: merchant) },
                version: SalvageVersion.current, besides: { sender?.faults ?? [] }),
            access: { tools.access }, localName: environment["SALVAGE_OPERATOR"] ?? environment["USER"] ?? "local", isLoopback: isLoopback,
            complaints: complaints,
            metrics: { metrics.page(store, flow, sender, isReady: complaints().isEmpty, now: SystemClock().now()) },
            logger: logger)
        var services: [any Service] = [
            HTTPServer(front.router, at: address, limits: .open, logger: logger) { port in
                logger.info("Serving the console at http://\(host):\(port)", metadata: [LogKey.host: "\(host):\(port)"])
            },
            ConsoleProcess(
                link: link, names: settings.names, store: store, flow: flow, tools: tools, sender: sender, health: health,
                logger: logger),
        ]
        if let store = tools.store {
            services.append(
                ConfigurationReloader(
                    file: settings.configurationFile, store: store, cards: settings.cardKeys, metrics: reloads, logger: logger,
                    watch: settings.configurationWatch))
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        var group = ServiceGroupConfiguration(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        group.maximumGracefulShutdownDuration = .seconds(10)
        try await ServiceGroup(configuration: group).run()
        await within(.seconds(3)) { await link.close() }
    }

    package func run() async throws {
        let (isAsked, isOver) = (StopSignal(), StopSignal())
        let reading = Task { try await read(until: isAsked) }
        Task { if case .failure = await reading.result { isOver.set() } }
        if let sender { Task { await sender.run(until: isOver) } }
        // Whatever the reading waits for, the order to stop ends it.
        await withTaskCancellationOrGracefulShutdownHandler {
            await isOver.wait()
        } onCancelOrGracefulShutdown: {
            isAsked.set()
            isOver.set()
        }
        if isAsked.isSet { reading.cancel() } else { try await reading.value }
    }

    private func read(until stop: StopSignal) async throws {
        let topology = TopologyWait(
            link: link, role: .consoleViewer, names: names, logger: logger, unread: tools.store == nil ? [names.cancels, names.claims] : [])
        if await !topology.run(until: stop, onFault: { why, _ in health.isUnwell(.topology, why) }) { return }
        health.isWell(.topology)
        try await tools.catchUp()
        try await store.follow()
        try await store.catchUp()
        flow.lettersAreReady()
        health.isWell(.letters)
        logger.info("The letters are read", metadata: [LogKey.count: "\(store.look { $0.cases.count })"])
        do throws(BrokerFailure) { try await flow.hearPauses() } catch {
            logger.warning(
                "What is paused is not shown: the stream of pauses cannot be read",
                metadata: [
                    LogKey.error: "\(error)",
                    LogKey.advice: "Run `salvage topology apply`, and give the console the rights of this version.",
                ])
        }
        try await flow.workers.listen(recalling: true)
        try await flow.follow()
        logger.info("The journal is read")
    }

    /// Its readings of streams come back by themselves; what was read is shown meanwhile.
    static func heard(_ event: LinkEvent, _ watch: LinkWatch) {
        switch event {
        case .connected, .connectFailed, .disconnected, .blocked, .unblocked: watch.heard(event)
        case .publishesUnconfirmed, .subscriptionCancelled, .subscriptionFailed, .subscriptionRestored: break
        }
    }
}

extension ConsoleProcess {
    fileprivate static func heard(_ news: RollupNews, _ names: TopologyNames, _ logger: Logger) {
        switch news {
        case .read(let behind):
            logger.info("A roll-up of the journal is read; so many records are behind it", metadata: [LogKey.count: "\(behind)"])
        case .ofAnotherJournal:
            logger.notice("The newest roll-up is of another journal, or of records that are gone; the journal is read")
        case .unusable:
            logger.warning(
                "The roll-up of the journal that stands is of another version or not whole; the journal is read, and none is written over it",
                metadata: [
                    LogKey.advice:
                        "It alone may know the sums of days that are older than the journal. The version that wrote it reads it. To go on without it delete the stream \(names.rollups) and run `salvage topology apply`."
                ])
        case .unknown(let failure):
            logger.warning(
                "The journal cannot be read yet; it is tried again",
                metadata: [LogKey.error: "\(failure)", LogKey.advice: "\(failure.advice)"])
        case .poorer:
            logger.notice("A roll-up stands there that knows more of the journal than this process; it is read")
        case .written(let entries, let took):
            logger.info(
                "A roll-up of the journal is written",
                metadata: [LogKey.count: "\(entries)", LogKey.milliseconds: "\(took.milliseconds)"])
        case .impossible:
            logger.notice(
                "No roll-ups of the journal can be written here",
                metadata: [
                    LogKey.advice:
                        "Consoles read the journal at each start, which takes longer the more there is. `salvage topology apply` makes the stream; give the console's operator its rights anew (`salvage topology print --permissions`)."
                ])
        case .failed(let failure):
            logger.notice(
                "A roll-up of the journal was not finished; the next will be",
                metadata: [LogKey.error: "\(failure)", LogKey.advice: "A viewer's login cannot write them; an operator's can."])
        }
    }
}
