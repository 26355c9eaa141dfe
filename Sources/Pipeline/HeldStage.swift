import DeclineRecovery

/// Takes what stands among the held messages and is none: only we write there, and each of ours says where it is to go.
package struct HeldStage: Sendable {
    private let letters: LetterWriter
    private let clock: any WallClock

    package init(clock: any WallClock, worker: DeadLetter.Worker, cards: any CardVault) {
        letters = LetterWriter(stage: .held, worker: worker, cards: cards, isUnread: true)
        self.clock = clock
    }

    package func handle(_ message: IncomingMessage) -> StageOutcome {
        letters.deadLetter(
            message, because: .unexpectedType,
            explanation: "It stands among the held messages and does not say where it is to be published.",
            now: clock.now())
    }
}
