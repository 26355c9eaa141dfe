import Broker
import DeclineRecovery
import Logging
import Synchronization

/// Says when a pause begins and when it ends, by itself or because somebody lifted it, and has paused stages rest.
///
/// It looks twice a second: what a pause keeps from charging is asked where it is charged, so nothing hangs on this.
struct PauseWatch: Sendable {
    let pauses: PauseTail
    let subscriptions: [StageSubscription]
    let metrics: ServiceMetrics
    let logger: Logger

    /// Has every stage begin that is not paused.
    ///
    /// - Returns: what is in force now.
    func begin(now: Moment = SystemClock().now()) async throws(BrokerError) -> [Pause] {
        let inForce = pauses.inForce(at: now)
        note(inForce, behind: [])
        for subscription in subscriptions where !inForce.contains(where: { $0.target == .stage(subscription.runner.stage) }) {
            try await subscription.begin()
        }
        return inForce
    }

    func run(until stop: StopSignal, behind first: [Pause]) async {
        var known = first
        while !stop.isSet {
            known = await look(behind: known, now: SystemClock().now())
            await stop.wait(atMost: .milliseconds(500))
        }
    }

    private func note(_ inForce: [Pause], behind known: [Pause]) {
        if inForce == known { return }
        tell(inForce, behind: known)
        metrics.pausing(inForce)
    }

    /// - Returns: what is in force now.
    private func look(behind known: [Pause], now: Moment) async -> [Pause] {
        let inForce = pauses.inForce(at: now)
        note(inForce, behind: known)
        for subscription in subscriptions {
            let stage = subscription.runner.stage
            let isPaused = inForce.contains { $0.target == .stage(stage) }
            if isPaused, !subscription.isResting {
                await subscription.rest()
            } else if !isPaused, subscription.isResting {
                do throws(BrokerError) { try await subscription.begin() } catch {
                    logger.warning(
                        "A stage cannot go on yet",
                        metadata: [
                            LogKey.stage: "\(stage.rawValue)", LogKey.error: "\(error)", LogKey.advice: "\(error.advice)",
                        ])
                }
            }
        }
        return inForce
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
        }
        return notes
    }
}
