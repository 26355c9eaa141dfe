import Broker
import DeclineRecovery
import FlexFactor
import FoundationEssentials
import JSON
package import Logging
import NIOCore
import NIOPosix
import Pipeline
import ServiceLifecycle
import Synchronization
import UnixSignals

/// One process of the fleet: consumes the queues of its stages until it is told to stop.
package struct Worker: Service {
    private let settings: ProcessSettings
    private let logger: Logger
    private let metrics: ServiceMetrics
    private let health: Health
    private let store: ConfigurationStore
    private let lanes: [Lane]
    private let receiver: WebhookReceiver
    private let cancels = CancelTail()
    private let pauses = PauseTail()
    private let claims: ClaimTail
    private let letters: LetterTail
    private let identity: DeadLetter.Worker
    private let watch: LinkWatch
    private let voice: WorkerVoice
    private let tracer: Tracer?

    private init(
        _ settings: ProcessSettings, _ logger: Logger, _ metrics: ServiceMetrics, _ health: Health, _ store: ConfigurationStore,
        _ lanes: [Lane], _ receiver: WebhookReceiver, _ tracer: Tracer?
    ) {
        self.settings = settings
        self.logger = logger
        self.metrics = metrics
        self.health = health
        self.store = store
        self.lanes = lanes
        self.receiver = receiver
        self.tracer = tracer
        let (watch, names) = (LinkWatch(health: health, metrics: metrics, logger: logger), settings.names)
        self.watch = watch
        identity = DeadLetter.Worker(
            id: settings.broker.connectionName, host: ProcessInfo.processInfo.hostName, version: SalvageVersion.current)
        claims = ClaimTail(worker: identity.id, logger: logger)
        letters = LetterTail(oldestDecline: settings.oldestDecline, workerID: identity.id, logger: logger)
        voice = WorkerVoice(
            identity, settings.stages, store, claims: Self.needsClaims(settings) ? claims : nil, takesWebhooks: settings.webhooks != nil,
            metrics: metrics, health: health
        ) { watch.isAbsent(names.queue(of: $0)) }
    }

    private static func needsClaims(_ settings: ProcessSettings) -> Bool { !settings.stages.isSubset(of: [.unrouted]) }

    /// Runs a process to its end. Throws when it cannot begin: a faulty configuration, a port that is taken.
    package static func run(_ settings: ProcessSettings, logger: Logger) async throws {
        Descriptors.raise()
        BatchScheduling.begin()
        let health = Health()
        let healthPort = settings.listen.map { ListenAddress($0, setting: "SALVAGE_LISTEN") }
        let webhookPort = settings.webhooks.map { ListenAddress($0, setting: "SALVAGE_WEBHOOKS_LISTEN") }
        try await ListenAddress.check([healthPort, webhookPort].compactMap(\.self))
        let clock = SystemClock()
        let metrics = ServiceMetrics()
        let calls = CallReport(metrics: metrics, clock: clock, logger: logger)
        let isForWebhooks = settings.stages.isEmpty
        let merchants = try SalvageConfiguration(file: settings.configurationFile, isForWebhooks: isForWebhooks)
        let store = ConfigurationStore(merchants) { key, credentials in
            FlexFactorClient(credentials, now: clock.now) { calls.made($0, key) }
        }
        metrics.know(store.merchants)
        health.isWell(.configuration)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.lanes)
        let lanes = group.makeIterator().map(Lane.init)
        for lane in lanes { lane.startBeating() }

        let tracer = settings.traceCollector.map { _ in Tracer(share: settings.traceShare) }
        let receiver = WebhookReceiver(
            store: store, clock: clock, names: settings.names, publicHost: settings.webhookHost, metrics: metrics, logger: logger,
            tracer: tracer, isAtEdge: isForWebhooks)
        let worker = Worker(settings, logger, metrics, health, store, lanes, receiver, tracer)
        var services: [any Service] = []
        if let healthPort {
            let claims = needsClaims(settings) ? worker.claims : nil
            let front = HealthFront(health: health, lanes: lanes) {
                metrics.page(
                    circuits: store.clients.mapValues(\.circuit), claims: claims?.progress, now: clock.now(),
                    isReady: health.complaints.isEmpty, health.holdings)
            }
            services.append(
                HTTPServer(front.router, at: healthPort, limits: .health, logger: logger) { _ in
                    logger.info("Serving /livez, /readyz and /metrics", metadata: [LogKey.host: "\(healthPort.text)"])
                })
        }
        if let webhookPort {
            services.append(
                HTTPServer(WebhookFront(receiver: receiver).router, at: webhookPort, limits: .open, logger: logger) { _ in
                    logger.info("Taking webhooks at /webhooks/MERCHANT/GATEWAY", metadata: [LogKey.host: "\(webhookPort.text)"])
                })
        }
        services.append(
            ConfigurationReloader(
                file: settings.configurationFile, store: store, cards: settings.cardKeys, metrics: metrics.reloads, logger: logger,
                watch: settings.configurationWatch, claims: worker.claims, isForWebhooks: isForWebhooks
            ) { metrics.know(store.merchants) })
        services.append(worker)

        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        var configuration = ServiceGroupConfiguration(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        // Whoever still holds a connection to a port then is not waited for.
        configuration.maximumGracefulShutdownDuration = .milliseconds(max(settings.shutdownGrace.milliseconds, 1_000))
        try await ServiceGroup(configuration: configuration).run()
        try await group.shutdownGracefully()
    }

    package func run() async throws {
        logger.info(
            "Salvage \(SalvageVersion.current) begins",
            metadata: [
                LogKey.stage: "\(settings.stages.map(\.rawValue).sorted().joined(separator: ","))",
                LogKey.file: "\(settings.configurationFile)",
            ])
        let stop = StopSignal()
        let opened = StopSignal()
        try await withTaskCancellationOrGracefulShutdownHandler {
            guard let link = try await open(opened) else { return }
            let working = Task { try await work(link, stop) }
            let ended = StopSignal()
            Task {
                _ = await working.result
                ended.set()
            }
            // Whatever it waits for, a broker that answers nothing perhaps, keeps it from its end no longer than that.
            Task {
                await stop.wait()
                await ended.wait(atMost: .milliseconds(settings.shutdownGrace.milliseconds) - closing)
                ended.set()
            }
            await ended.wait()
            receiver.use(nil)
            await within(closing) { await link.close() }
            if !stop.isSet { try await working.value }
        } onCancelOrGracefulShutdown: {
            stop.set()
            opened.set()
        }
    }

    /// The stages that call FlexFactor.
    private static let calls: Set<Stage> = [.cascade, .retry, .suspects, .outcomes]
    /// Those of them that work on many messages at a time, and divide them among the gateways.
    private static let shared: Set<Stage> = [.cascade, .retry, .outcomes]

    private func work(_ link: BrokerLink, _ stop: StopSignal) async throws {
        // Queues of other stages are others' to read, and letters are people's where they cannot be.
        let unread = Set(Stage.allCases.filter { !settings.stages.contains($0) }.map(settings.names.queue(of:)) + [settings.names.dead])
        let topology = TopologyWait(
            link: link, role: settings.stages.isEmpty ? .webhooks : .worker, names: settings.names, logger: logger, unread: unread)
        let pulse = Pulse(link, settings.names) { [voice] in voice.pulse }
        let isThere = await topology.run(until: stop) { why, maySpeak in
            health.isUnwell(.topology, why)
            // Who waits is none that is missing.
            if maySpeak { pulse.start(on: lanes[0]) }
        }
        guard isThere else {
            voice.leaves()
            return await pulse.stop()
        }
        health.isWell(.topology)
        receiver.use(link)
        pulse.start(on: lanes[0])
        if !settings.stages.isDisjoint(with: [.retry, .outcomes, .suspects]) {
            // Whoever does not know of a cancel command yet must not take a recovery.
            health.isUnwell(.consumers, "not subscribed yet: reads what was cancelled, and writes behind it")
            try await cancels.follow(link, settings.names, until: stop)
        }
        if Self.needsClaims(settings) {
            // Whoever does not know what is claimed must not charge, nor tell an end.
            health.isUnwell(.consumers, "not subscribed yet: reads what was claimed, and writes behind it")
            let begun = ContinuousClock.now
            try await claims.follow(link, settings.names, until: stop, onLoss: { health.isUnwell(.claims, $0) })
            health.isWell(.claims)
            let took = ContinuousClock.now - begun
            logger.info(
                "The claims are known",
                metadata: [
                    LogKey.count: "\(claims.counts.entries)",
                    LogKey.milliseconds: "\(Moment.Span(took).milliseconds)",
                ])
            if let gap = claims.tellGap(settings.names) { health.isUnwell(.claims, gap, for: .zero) }
            claims.warn(of: store, logger)
        }
        if !settings.stages.isDisjoint(with: [.intake, .suspects]) { await letters.follow(link, settings.names) }
        // What was paused before this process began is paused for it, too.
        if !settings.stages.isEmpty { await pauses.follow(link, settings.names, until: stop, logger) }
        let consumers = subscriptions(link)
        voice.use(consumers.map(\.runner))
        let watch = PauseWatch(
            workerID: identity.id, pauses: pauses, subscriptions: consumers, voice: voice, health: health, metrics: metrics, logger: logger,
            loss: { [claims] in claims.loss })
        let paused = try await watch.begin()
        if settings.stages.contains(where: Self.calls.contains) {
            let probe = ReachProbe(store: store, lane: lanes[0], health: health, logger: logger)
            Task { await probe.run(until: stop) }
        }
        if settings.stages.contains(.outcomes) {
            let list = MoneyBackList(
                store: store, claims: claims, lane: lanes[0], link: link, names: settings.names, period: settings.moneyBackPeriod,
                logger: logger)
            Task { await list.run(until: stop) }
        }
        let exporter = TraceExporter(
            tracer, settings, instance: identity.id, host: identity.host, lanes[0].http, metrics, logger)
        if let exporter { Task { await exporter.run(until: stop) } }
        if !stop.isSet {
            health.isWell(.consumers)
            logger.info("Consuming")
            Task { await watch.run(until: stop, behind: paused) }
        }
        await stop.wait()
        await finish(consumers)
        await pulse.stop()
        if let exporter { await within(.seconds(1)) { await exporter.send() } }
    }

    /// Of the grace period, what the goodbye to the broker may take.
    private var closing: Duration { .milliseconds(min(settings.shutdownGrace.milliseconds / 5, 3_000)) }

    // MARK: Beginning

    /// Waits for a broker however long it is away; `nil` when the order to stop comes first.
    private func open(_ opened: StopSignal) async throws -> BrokerLink? {
        let outcome = Outcome()
        Task {
            do throws(BrokerError) {
                let link = try await BrokerLink.open(settings.broker, waiting: true, onEvent: watch.heard)
                outcome.value.withLock { $0 = .success(link) }
            } catch {
                outcome.value.withLock { $0 = .failure(error) }
            }
            opened.set()
        }
        await opened.wait()
        return try outcome.value.withLock { $0 }?.get()
    }

    private final class Outcome: Sendable {
        let value = Mutex<Result<BrokerLink, BrokerError>?>(nil)
    }

    private func subscriptions(_ link: BrokerLink) -> [StageSubscription] {
        Stage.allCases.filter(settings.stages.contains).map { stage in
            let prefetch = budget(of: stage)
            metrics.prefetch.set(Double(prefetch), stage.rawValue)
            let isShared = Self.shared.contains(stage)
            let runner = StageRunner(
                stage, lanes: Array(zip(lanes, handles(of: stage))), names: settings.names,
                report: StageReport(stage, metrics: metrics, clock: SystemClock(), logger: logger), clock: SystemClock(),
                workerID: identity.id,
                cut: CutMessage(in: environment),
                suspicion: settings.suspicion, longestHold: settings.longestHold, holdings: health.holdings,
                budget: isShared ? Int(prefetch) : nil, isSlow: { [store] in store.isSlow($0) }, tracer: tracer,
                replying: { link.publishAside($0, onFailure: $1) })
            // What is longer is worked on by nobody: its beginning is kept in a letter. Results and letters that found no queue may be longer.
            // A held message goes on as it came, all of it.
            let mostBytes =
                switch stage {
                case .held: Int.max
                case .unrouted: 1 << 20
                default: JSONLimits().bytes + 16 * 1_024
                }
            let queue = settings.names.queue(of: stage)
            return StageSubscription(runner) { [watch] () async throws(BrokerError) in
                let consumer = try await link.consume(
                    queue, prefetch: isShared ? UInt16(clamping: 2 * Int(prefetch)) : prefetch, mostBytes: mostBytes, kind: .quorum,
                    onBatch: runner.take)
                watch.stands(queue)
                return consumer
            }
        }
    }

    /// Messages of a stage in work at a time: what is configured, or less, where there are not so many descriptors as calls could take.
    private func budget(of stage: Stage) -> UInt16 {
        let configured = settings.prefetch[stage] ?? 100
        let calls = settings.stages.intersection(Self.shared).reduce(0) { $0 + Int(settings.prefetch[$1] ?? 100) }
        let most = Descriptors.ofThisProcess.forCalls
        guard Self.shared.contains(stage), calls > most else { return configured }
        let budget = max(Int(configured) * most / calls, 1)
        logger.warning(
            "Few file descriptors: fewer messages are in work at a time than configured",
            metadata: [
                LogKey.stage: "\(stage.rawValue)", LogKey.count: "\(budget)",
                LogKey.advice: "Raise the limit of open files (ulimit -Hn, LimitNOFILE) to \(2 * calls + 256) or more.",
            ])
        return UInt16(budget)
    }

    private var environment: StageEnvironment {
        StageEnvironment(
            claims: MeasuredClaims(base: claims, metrics: metrics, tracer: tracer), cards: settings.cardKeys, clock: SystemClock(),
            worker: identity, names: settings.names, suspicion: settings.suspicion, timing: settings.timing,
            callLimit: settings.callLimit, pauses: pauses)
    }

    private func flexFactor(by lane: Lane) -> any FlexFactorPort {
        let calls = LaneFlexFactor(store: store, lane: lane, keys: settings.cardKeys)
        return tracer.map { TracedFlexFactor(base: calls, tracer: $0) } ?? calls
    }

    /// What each lane does with a message of a stage.
    private func handles(of stage: Stage) -> [StageRunner.Handle] {
        switch stage {
        case .intake:
            let intake = IntakeStage(
                in: environment, merchants: store, replies: settings.replies, mends: letters, day: settings.day,
                oldestDecline: settings.oldestDecline)
            return lanes.map { _ in { await intake.handle($0) } }
        case .cascade:
            return lanes.map { lane in
                let cascade = CascadeStage(in: environment, flexFactor: flexFactor(by: lane))
                return { await cascade.handle($0) }
            }
        case .retry:
            return lanes.map { lane in
                let retry = RetryStage(in: environment, flexFactor: flexFactor(by: lane), cancels: cancels)
                return { await retry.handle($0) }
            }
        case .outcomes:
            return lanes.map { lane in
                let outcomes = OutcomeStage(in: environment, flexFactor: flexFactor(by: lane), merchants: store, cancels: cancels)
                return { await outcomes.handle($0) }
            }
        case .suspects:
            let handles = Stage.working.map { ($0, self.handles(of: $0)) }
            return lanes.indices.map { index in
                let suspects = SuspectStage(in: environment, handles: Dictionary(uniqueKeysWithValues: handles.map { ($0.0, $0.1[index]) }))
                return takingDrivenOut { await suspects.handle($0) }
            }
        case .held:
            let held = HeldStage(in: environment)
            return lanes.map { _ in { held.handle($0) } }
        case .unrouted:
            let unrouted = UnroutedStage(in: environment)
            return lanes.map { _ in takingDrivenOut { unrouted.handle($0) } }
        }
    }

    /// What a limit drove out of a queue arrives among the unrouted, or among the suspects where it was with the unrouted.
    private func takingDrivenOut(_ handle: @escaping StageRunner.Handle) -> StageRunner.Handle {
        let stage = DrivenOutStage(in: environment)
        return { message in
            if let drivenOut = message.drivenOut { stage.handle(message, drivenOut) } else { await handle(message) }
        }
    }

    // MARK: Ending

    /// Takes no more, lets what is in work finish within the grace period, hands the rest back. Meanwhile it says that it is not ready, and
    /// goes on taking webhooks until load balancers have heard that.
    private func finish(_ consumers: [StageSubscription]) async {
        voice.leaves()
        health.isUnwell(.consumers, "stopping")
        logger.info("Stopping", metadata: [LogKey.count: "\(consumers.map(\.runner.inFlight).reduce(0, +))"])
        let begun = ContinuousClock.now
        // Handing back, the farewell and the goodbye take some of the time, too.
        let handingBack = Duration.milliseconds(min(settings.shutdownGrace.milliseconds / 5, 2_000))
        let deadline = begun + .milliseconds(settings.shutdownGrace.milliseconds) - closing - handingBack - handingBack / 2
        let isServing = settings.listen != nil || settings.webhooks != nil
        let lameUntil = min(begun + .milliseconds(isServing ? settings.lameDuck.milliseconds : 0), deadline)
        await within(min(.seconds(2), deadline - begun)) { for consumer in consumers { await consumer.close() } }
        for consumer in consumers { consumer.runner.stop() }
        while consumers.contains(where: { $0.runner.inFlight > 0 }) || claims.isSigning, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        if claims.isSigning {
            logger.warning(
                "The sign that the claims are lost is not confirmed",
                metadata: [
                    LogKey.queue: "\(settings.names.claimSnapshots)",
                    LogKey.advice: "Let no worker begin until somebody has decided as docs/runbooks/SalvageClaimsBehind.md says.",
                ])
        }
        let left = consumers.map(\.runner.inFlight).reduce(0, +)
        if left > 0 {
            logger.warning("Messages in work go back to the broker", metadata: [LogKey.count: "\(left)"])
            await withTaskGroup { group in
                for consumer in consumers { group.addTask { await consumer.runner.handBack(within: handingBack) } }
            }
        } else {
            logger.info("All work is finished")
        }
        let rest = lameUntil - ContinuousClock.now
        if rest > .zero { try? await Task.sleep(for: rest) }
    }
}
