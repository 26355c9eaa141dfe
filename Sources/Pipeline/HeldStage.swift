import DeclineRecovery

/// Takes what stands among the held messages and is none: only we write there, and each of ours says where it is to go.
package struct HeldStage: Sendable {
    private let environment: StageEnvironment

    package init(in environment: StageEnvironment) {
        self.environment = environment
    }

    package func handle(_ message: IncomingMessage) -> StageOutcome {
        environment.letters(of: .held, isUnread: true).deadLetter(
            message, because: .unexpectedType,
            explanation: "It stands among the held messages and does not say where it is to be published.",
            now: environment.now())
    }
}
