import DeclineRecovery

/// Takes what nobody had bound a queue for: keeps it as a dead letter, or, where it is on its way to a stage, brings it there.
package struct UnroutedStage: Sendable {
    /// Between two tries of a ladder that has no queue for a message.
    private static let pause: Moment.Span = .seconds(5)

    private let environment: StageEnvironment

    package init(in environment: StageEnvironment) {
        self.environment = environment
    }

    package func handle(_ message: IncomingMessage) -> StageOutcome {
        let isUnread = environment.suspicion.course(at: .unrouted, deliveries: message.deliveries) != .work
        let subject = DeadLetter.Subject(of: message, at: .unrouted, isUnread: isUnread)
        // A recovery on its way is not over: a letter would end it, and a replay would come here again. It goes to the stage's queue
        // itself, and waits here for as long as there is none.
        if let stage = environment.names.stage(of: message.routingKey, deliveredAs: message.exchange) {
            // A queue of the delay ladder is missing. At its stage it would be charged, or asked about, before its time: the ladder is
            // tried again until it takes it.
            let now = environment.now()
            if let due = message.due, due > now {
                return StageOutcome(
                    publishing: [], onward: .ladder(stage, until: due), pause: min(due - now, Self.pause),
                    entry: StageOutcome.JournalEntry(
                        merchantID: subject.merchantID, reference: subject.reference,
                        fate: .parked(due - now, because: "no queue for its delay")))
            }
            return StageOutcome(
                publishing: [], onward: .queue(of: stage),
                entry: StageOutcome.JournalEntry(merchantID: subject.merchantID, reference: subject.reference, fate: .passed(to: stage)))
        }
        let exchange = environment.names.exchange(of: message.routingKey, deliveredAs: message.exchange)
        return environment.letters(of: .unrouted, isUnread: isUnread).deadLetter(
            message.with(exchange: exchange), because: .unroutable,
            explanation: "No queue was bound to the exchange '\(exchange)' for the routing key '\(message.routingKey)'.", subject: subject,
            now: environment.now())
    }
}
