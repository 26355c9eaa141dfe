package import DeclineRecovery

/// Ends a message that was to be sent on as it came and cannot be: it is longer than anything that is worked on, and only its beginning is in
/// our hands. Sent on like that it would pass for the whole.
package struct CutMessage: Sendable {
    private let environment: StageEnvironment

    package init(in environment: StageEnvironment) {
        self.environment = environment
    }

    /// What is done instead; `nil` for a message that is here as a whole.
    package func refusal(of message: IncomingMessage, at stage: Stage) -> StageOutcome? {
        guard message.byteCount > message.body.count else { return nil }
        let stage = message.setAside?.stage ?? stage
        return environment.letters(of: stage, isUnread: true).deadLetter(
            message, because: .unreadable,
            explanation: "It has \(message.byteCount) bytes, more than anything that is worked on, and cannot be sent on as a whole.",
            subject: DeadLetter.Subject(of: message, at: stage, isUnread: true), deliveries: message.deliveries,
            now: environment.now())
    }
}
