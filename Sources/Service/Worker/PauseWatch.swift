import Broker
import DeclineRecovery
import Logging
import Synchronization

/// Says when a pause begins and when it ends, by itself or because somebody lifted it, and has paused stages rest; all of them where this
/// worker is paused, and for good where nothing can be claimed any more.
///
/// It looks twice a second: what a pause keeps from charging is asked where it is charged, so nothing hangs on this.
struct PauseWatch: Sendable {
    let workerID: String
    let pauses: PauseTail
    let subscriptions: [StageSubscription]
    let voice: WorkerVoice
    let health: Health
    let metrics: ServiceMetrics
    let logger: Logger
    /// Why nothing can be claimed any more; `nil` while it can.
    var loss: @Sendable () -> String? = { nil }

    /// Has every stage begin that is not paused.
    ///
    /// - Returns: what is in force now.
    func begin(now: Moment = SystemClock().now()) async throws(BrokerError) -> [Pause] {
        let inForce = pauses.inForce(at: now)
        note(inForce, behind: [])
        for subscription in subscriptions where !isPaused(subscription, by: inForce) { try await subscription.begin() }
        voice.rests(at: [])
        _ = sayQuiet(inForce)
        return inForce
    }

    func run(until stop: StopSignal, behind first: [Pause]) async {
        var standing = Standing(inForce: first, quiet: quiet(first))
        while !stop.isSet {
            await look(behind: &standing, now: SystemClock().now())
            await stop.wait(atMost: .milliseconds(500))
        }
    }

    /// What the last look came to.
    struct Standing {
        var inForce: [Pause]
        /// By what this worker takes nothing.
        var quiet: Pause?
        /// Whether a stage that is not paused takes nothing, and when it is tried again to have it begin.
        var triedAgain: Moment?
    }

    private func isPaused(_ subscription: StageSubscription, by inForce: [Pause]) -> Bool {
        inForce.contains { $0.target == .stage(subscription.runner.stage) || $0.target == .worker(workerID) }
    }

    private func quiet(_ inForce: [Pause]) -> Pause? { inForce.first { $0.target == .worker(workerID) } }

    /// Tells the fleet whether this worker takes work: once its subscriptions have ended, or have begun.
    ///
    /// - Parameter last: by what it was quiet, and is until all have begun.
    private func sayQuiet(_ inForce: [Pause], orStill last: Pause? = nil) -> Pause? {
        let quiet = quiet(inForce)
        voice.isQuiet(by: quiet ?? last)
        health.isQuiet(until: quiet?.until.rfc3339)
        return quiet ?? last
    }

    private func note(_ inForce: [Pause], behind known: [Pause]) {
        if inForce == known { return }
        tell(inForce, behind: known)
        metrics.pausing(inForce, isQuiet: quiet(inForce) != nil)
    }

    /// Has stages rest and begin as is ordered now. Where one cannot begin, the worker is not well, and quiet still if it was.
    func look(behind standing: inout Standing, now: Moment) async {
        let inForce = pauses.inForce(at: now)
        note(inForce, behind: standing.inForce)
        standing.inForce = inForce
        let why = loss()
        if let why { health.isUnwell(.claims, why) }
        let mayTry = standing.triedAgain.map { now >= $0 } ?? true
        var resting: [Stage] = []
        for subscription in subscriptions {
            let isPaused = isPaused(subscription, by: inForce) || why != nil
            if isPaused, !subscription.isResting {
                await subscription.rest()
            } else if !isPaused, subscription.isResting {
                if mayTry { await goOn(subscription) }
                if subscription.isResting { resting.append(subscription.runner.stage) }
            }
        }
        voice.rests(at: resting)
        if !resting.isEmpty {
            if mayTry { standing.triedAgain = now + .seconds(2) }
        } else if standing.triedAgain != nil {
            standing.triedAgain = nil
            health.isWell(.consumers)
        }
        standing.quiet = sayQuiet(inForce, orStill: resting.isEmpty ? nil : standing.quiet)
    }

    private func goOn(_ subscription: StageSubscription) async {
        do throws(BrokerError) { try await subscription.begin() } catch {
            let stage = subscription.runner.stage.rawValue
            health.isUnwell(.consumers, "\(stage) cannot go on after a pause: \(error)")
            logger.warning(
                "A stage cannot go on yet",
                metadata: [LogKey.stage: "\(stage)", LogKey.error: "\(error)", LogKey.advice: "\(error.advice)"])
        }
    }

    private func tell(_ inForce: [Pause], behind known: [Pause]) {
        for pause in inForce where !known.contains(pause) {
            var notes = notes(of: pause)
            notes[LogKey.until] = "\(pause.until.rfc3339)"
            logger.notice("Paused: \(pause.target)", metadata: notes)
        }
        for pause in known where !inForce.contains(where: { $0.target == pause.target }) {
            logger.notice("Goes on after a pause: \(pause.target)", metadata: notes(of: pause))
        }
    }

    private func notes(of pause: Pause) -> Logger.Metadata {
        var notes: Logger.Metadata = [LogKey.by: "\(pause.by)", LogKey.reason: "\(pause.why)"]
        switch pause.target {
        case .merchant(let merchant): notes[LogKey.merchant] = "\(merchant)"
        case .gateway(let merchant, let gateway):
            notes[LogKey.merchant] = "\(merchant)"
            notes[LogKey.gateway] = "\(gateway)"
        case .stage(let stage): notes[LogKey.stage] = "\(stage.rawValue)"
        // Which one stands in the message.
        case .worker: break
        }
        return notes
    }
}
