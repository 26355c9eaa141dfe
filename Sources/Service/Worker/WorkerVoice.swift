import DeclineRecovery
import FlexFactor
import Synchronization

/// What a process says of itself, from before it takes any work: whoever reads the claims for minutes is no worker that is missing.
final class WorkerVoice: Sendable {
    private let identity: DeadLetter.Worker
    private let startedAt = SystemClock().now()
    private let stages: [Stage]
    private let store: ConfigurationStore
    private let claims: ClaimTail?
    private let takesWebhooks: Bool
    private let metrics: ServiceMetrics
    private let health: Health
    /// Whether a stage's queue cannot be read at the moment.
    private let isAbsent: @Sendable (Stage) -> Bool
    /// The stages that have not begun yet, or cannot go on after a pause.
    private let resting: Mutex<[Stage]>
    private let isLeaving = Atomic<Bool>(false)
    private let runners = Mutex<[StageRunner]>([])
    private let quiet = Mutex<Pause?>(nil)

    /// - Parameter claims: `nil` for a process that needs none.
    init(
        _ identity: DeadLetter.Worker, _ stages: Set<Stage>, _ store: ConfigurationStore, claims: ClaimTail?, takesWebhooks: Bool = false,
        metrics: ServiceMetrics, health: Health, isAbsent: @escaping @Sendable (Stage) -> Bool = { _ in false }
    ) {
        self.identity = identity
        let served = Stage.allCases.filter(stages.contains)
        self.stages = served
        self.store = store
        self.claims = claims
        self.takesWebhooks = takesWebhooks
        self.metrics = metrics
        self.health = health
        self.isAbsent = isAbsent
        resting = Mutex(served)
    }

    /// Who works for the stages from now on.
    func use(_ runners: [StageRunner]) { self.runners.withLock { $0 = runners } }

    /// Which stages take nothing from now on though they are to.
    func rests(at stages: [Stage]) { resting.withLock { $0 = stages } }

    /// It stops, as it was told to: that it is not ready any more is nothing amiss.
    func leaves() { isLeaving.store(true, ordering: .relaxed) }

    /// It takes nothing new from now on, or does again.
    func isQuiet(by pause: Pause?) { quiet.withLock { $0 = pause } }

    var pulse: WorkerPulse {
        let (runners, quiet, resting) = (runners.withLock { $0 }, quiet.withLock { $0 }, resting.withLock { $0 })
        let isLeaving = isLeaving.load(ordering: .relaxed)
        for runner in runners { metrics.inFlight.set(Double(runner.inFlight), runner.stage.rawValue) }
        return WorkerPulse(
            workerID: identity.id, host: identity.host, version: identity.version, startedAt: startedAt, at: SystemClock().now(),
            stages: stages,
            inFlight: stages.map { stage in
                WorkerPulse.Load(stage: stage, count: runners.first { $0.stage == stage }?.inFlight ?? 0)
            },
            // Who takes webhooks alone calls nobody.
            circuits: stages.isEmpty ? [] : store.clients.map { key, client in WorkerPulse.Circuit(key, client.circuit, client.refusal) },
            claims: claims?.progress,
            quiet: quiet.map { WorkerPulse.Quiet(since: $0.since, until: $0.until, by: $0.by, why: $0.why) },
            idle: isLeaving ? [] : stages.filter { resting.contains($0) || isAbsent($0) },
            complaints: isLeaving ? [] : health.complaints, refusing: health.holdings.places, takesWebhooks: takesWebhooks)
    }
}

extension WorkerPulse.Circuit {
    fileprivate init(_ key: GatewayKey, _ standing: CircuitStanding, _ refusal: FlexFactorClient.Refusal?) {
        var trouble: Trouble?
        if let since = standing.since, let triedAt = standing.triedAt, let last = standing.last {
            trouble = Trouble(since: since, triedAt: triedAt, failures: standing.failures, last: last.name, words: last.sentence)
        }
        self.init(
            merchantID: key.merchant, gatewayID: key.gateway, state: State(standing.state), trouble: trouble,
            refusal: refusal.map { Refusal(since: $0.since, words: $0.words) })
    }
}
