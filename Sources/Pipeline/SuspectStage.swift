package import DeclineRecovery

/// Tries alone what was in work too often when its workers ended, and gives up on what ends its worker alone as well.
///
/// A pod that died may have sent the charge of any of them, so each is taken up as one that was handed out before.
package struct SuspectStage: Sendable {
    package typealias Handle = @Sendable (IncomingMessage) async -> StageOutcome

    private let handles: [Stage: Handle]
    private let environment: StageEnvironment

    /// - Parameter handles: what the stages do with their messages.
    package init(in environment: StageEnvironment, handles: [Stage: Handle]) {
        self.environment = environment
        self.handles = handles
    }

    package func handle(_ message: IncomingMessage) async -> StageOutcome {
        let course = environment.suspicion.course(at: .suspects, deliveries: message.deliveries)
        switch (course, message.setAside) {
        case (.work, let setAside?):
            if let handle = handles[setAside.stage] { return await handle(message) }
            fallthrough
        case (.work, nil):
            return environment.letters(of: .suspects).deadLetter(
                message, because: .unexpectedType, explanation: "It does not say which stage set it aside.", now: environment.now())
        case (.giveUp, _), (.setAside, _): return giveUp(message, unread: false)
        case (.giveUpUnread, _): return giveUp(message, unread: true)
        }
    }

    private func giveUp(_ message: IncomingMessage, unread: Bool) -> StageOutcome {
        let stage = message.setAside?.stage ?? .suspects
        let deliveries = (message.setAside?.deliveries ?? 0) + message.deliveries
        return environment.letters(of: stage, isUnread: unread).deadLetter(
            message, because: .crashesWorkers,
            explanation:
                "Handed out \(deliveries) times, \(message.deliveries) of them alone, and each time its worker ended, or lost the broker, "
                + "before it was finished.",
            subject: DeadLetter.Subject(of: message, at: stage, isUnread: unread), deliveries: deliveries, now: environment.now())
    }
}

extension StageOutcome {
    /// What a stage does with a message that it must not try any more among others.
    package static func settingAside(_ message: IncomingMessage, from stage: Stage) -> StageOutcome {
        StageOutcome(
            publishing: [], onward: .suspects(SetAside(stage: stage, deliveries: message.deliveries)),
            entry: JournalEntry(
                reference: DeadLetter.Subject(of: message, at: stage, isUnread: true).reference, fate: .passed(to: .suspects)))
    }
}

extension DeadLetter.Subject {
    /// What a message of a stage is about. Where nothing of it is read its id tells: those of our own messages begin with the reference,
    /// those of the CRM are the CRM's.
    init(of message: IncomingMessage, at stage: Stage, isUnread: Bool) {
        if isUnread {
            self.init(messageID: stage == .intake ? nil : message.messageID)
        } else {
            self.init(reading: message.body, of: stage)
        }
    }
}
