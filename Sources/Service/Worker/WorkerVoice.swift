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
    private let state = Mutex(State())

    private struct State {
        /// The stages that have not begun yet, or cannot go on after a pause; `nil` before any has begun.
        var resting: [Stage]?
        var runners: [StageRunner] = []
        var quiet: Pause?
        var isLeaving = false
    }

    /// - Parameter claims: `nil` for a process that needs none.
    init(
        _ identity: DeadLetter.Worker, _ stages: Set<Stage>, _ store: ConfigurationStore, claims: ClaimTail?, takesWebhooks: Bool = false,
        metrics: ServiceMetrics, health: Health, isAbsent: @escaping @Sendable (Stage) -> Bool = { _ in false }
    ) {
        self.identity = identity
        self.stages = Stage.allCases.filter(stages.contains)
        self.store = store
        self.claims = claims
        self.takesWebhooks = takesWebhooks
        self.metrics = metrics
        self.health = health
        self.isAbsent = isAbsent
    }

    /// Who works for the stages from now on.
    func use(_ runners: [StageRunner]) { state.withLock { $0.runners = runners } }

    /// Which stages take nothing from now on though they are to.
    func rests(at stages: [Stage]) { state.withLock { $0.resting = stages } }

    /// It stops, as it was told to: that it is not ready any more is nothing amiss.
    func leaves() { state.withLock { $0.isLeaving = true } }

    /// It takes nothing new from now on, or does again.
    func isQuiet(by pause: Pause?) { state.withLock { $0.quiet = pause } }

    var pulse: WorkerPulse {
        let now = state.withLock { $0 }
        let resting = now.resting ?? stages
        for runner in now.runners { metrics.inFlight.set(Double(runner.inFlight), runner.stage.rawValue) }
        return WorkerPulse(
            workerID: identity.id, host: identity.host, version: identity.version, startedAt: startedAt, at: SystemClock().now(),
            stages: stages,
            inFlight: stages.map { stage in
                WorkerPulse.Load(stage: stage, count: now.runners.first { $0.stage == stage }?.inFlight ?? 0)
            },
            // Who takes webhooks alone calls nobody.
            circuits: stages.isEmpty ? [] : store.clients.map { key, client in WorkerPulse.Circuit(key, client.circuit, client.refusal) },
            claims: claims?.progress,
            quiet: now.quiet.map { WorkerPulse.Quiet(since: $0.since, until: $0.until, by: $0.by, why: $0.why) },
            idle: now.isLeaving ? [] : stages.filter { resting.contains($0) || isAbsent($0) },
            complaints: now.isLeaving ? [] : health.complaints, refusing: health.holdings.places, takesWebhooks: takesWebhooks)
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
