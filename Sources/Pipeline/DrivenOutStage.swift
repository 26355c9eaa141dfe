import DeclineRecovery

/// Why a message is not in the queue any more that it had been routed to: a limit put it out, of a policy or of its publisher's.
package struct DrivenOut: Sendable, Equatable {
    package let queue: String
    package let limit: Limit
    /// It was sent back once before, and put out again.
    package let isRepeat: Bool

    package enum Limit: String, Sendable, CaseIterable {
        /// The publisher's `expiration`, or a policy's `message-ttl`.
        case expired
        /// A policy's `max-length` or `max-length-bytes`.
        case length = "maxlen"
        /// A policy's `delivery-limit`: handed out so often without being finished.
        case deliveries = "delivery_limit"
        case rejected

        /// What an operator looks for.
        package var source: String {
            switch self {
            case .expired: "the publisher's expiration, or a policy's message-ttl"
            case .length: "a policy's max-length"
            case .deliveries: "a policy's delivery-limit"
            case .rejected: "a consumer that is not ours"
            }
        }
    }

    package init(queue: String, limit: Limit, isRepeat: Bool) {
        self.queue = queue
        self.limit = limit
        self.isRepeat = isRepeat
    }
}

/// Takes what a limit drove out of one of our queues, wherever it arrives: nothing that was published ends because nobody came for it in time.
///
/// Who is late is told so by the stage, which knows what lateness means; so a message goes back to where it was. Only what was handed out
/// too often goes to the suspects, and what no stage takes becomes a letter.
package struct DrivenOutStage: Sendable {
    /// Before a message goes back a second time: a limit that is shorter than the work takes must not keep broker and workers spinning.
    private static let pause: Moment.Span = .seconds(1)

    private let environment: StageEnvironment

    package init(in environment: StageEnvironment) {
        self.environment = environment
    }

    package func handle(_ message: IncomingMessage, _ drivenOut: DrivenOut) -> StageOutcome {
        switch environment.names.stage(consuming: drivenOut.queue) {
        case .unrouted?: return UnroutedStage(in: environment).handle(message)
        case .suspects?:
            // It was alone there, and still nobody finished it.
            guard drivenOut.limit != .deliveries, let setAside = message.setAside else {
                return letter(
                    message, of: message.setAside?.stage ?? .suspects, because: .crashesWorkers,
                    explanation: "Handed out alone again and again, and never finished, until \(drivenOut.limit.source) ended it.",
                    deliveries: message.setAside.map { $0.deliveries + environment.suspicion.limit })
            }
            return onward(.suspects(setAside), to: .suspects, message, drivenOut)
        case let stage?:
            // Nothing of a held message is read, so nothing in it can end a worker.
            if drivenOut.limit == .deliveries, stage != .held {
                return onward(
                    .suspects(SetAside(stage: stage, deliveries: max(message.deliveries, environment.suspicion.limit))), to: .suspects,
                    message,
                    drivenOut)
            }
            return onward(.again(stage), to: stage, message, drivenOut)
        case nil:
            return letter(
                message, of: .unrouted, because: .droppedByBroker,
                explanation: "The queue '\(drivenOut.queue)' gave it up (\(drivenOut.limit.rawValue)): look for \(drivenOut.limit.source).",
                deliveries: nil)
        }
    }

    private func onward(_ onward: StageOutcome.Onward, to stage: Stage, _ message: IncomingMessage, _ drivenOut: DrivenOut) -> StageOutcome
    {
        StageOutcome(
            publishing: [], onward: onward, pause: drivenOut.isRepeat ? Self.pause : nil,
            entry: StageOutcome.JournalEntry(
                reference: DeadLetter.Subject(messageID: message.messageID).reference, fate: .passed(to: stage)))
    }

    private func letter(
        _ message: IncomingMessage, of stage: Stage, because reason: DeadLetterReason, explanation: String, deliveries: Int?
    ) -> StageOutcome {
        let isUnread = reason == .crashesWorkers
        return environment.letters(of: stage, isUnread: isUnread).deadLetter(
            message, because: reason, explanation: explanation,
            subject: DeadLetter.Subject(of: message, at: stage, isUnread: isUnread),
            deliveries: deliveries, now: environment.now())
    }
}
