package import DeclineRecovery

/// What all stages of one process have in common; each takes besides only what it alone works with.
package final class StageEnvironment: Sendable {
    package let claims: any ClaimsPort
    package let cards: any CardVault
    package let clock: any WallClock
    package let worker: DeadLetter.Worker
    package let names: TopologyNames
    package let suspicion: Suspicion
    package let timing: RecoveryTiming
    /// The longest that one call may take.
    package let callLimit: Moment.Span
    let pauses: any PauseDirectory

    package init(
        claims: any ClaimsPort, cards: any CardVault, clock: any WallClock, worker: DeadLetter.Worker, names: TopologyNames,
        suspicion: Suspicion, timing: RecoveryTiming, callLimit: Moment.Span, pauses: any PauseDirectory = NoPauses()
    ) {
        self.claims = claims
        self.cards = cards
        self.clock = clock
        self.worker = worker
        self.names = names
        self.suspicion = suspicion
        self.timing = timing
        self.callLimit = callLimit
        self.pauses = pauses
    }

    /// The same at another pace.
    func paced(_ timing: RecoveryTiming) -> StageEnvironment {
        StageEnvironment(
            claims: claims, cards: cards, clock: clock, worker: worker, names: names, suspicion: suspicion, timing: timing,
            callLimit: callLimit, pauses: pauses)
    }

    func now() -> Moment { clock.now() }

    /// - Parameter isUnread: whether the body is left unparsed, because parsing it may be what ends the worker.
    func letters(of stage: Stage, isUnread: Bool = false) -> LetterWriter {
        LetterWriter(stage: stage, worker: worker, cards: cards, isUnread: isUnread)
    }
}
