import DeclineRecovery

/// Writes the dead letters of one stage, card data removed.
struct LetterWriter: Sendable {
    let stage: Stage
    let worker: DeadLetter.Worker
    let cards: any CardVault

    /// A letter to be published beside other messages.
    func letter(
        _ message: IncomingMessage, because reason: DeadLetterReason, explanation: String, faults: [FieldError] = [],
        subject: DeadLetter.Subject = .init(), attempts: Int = 0, now: Moment
    ) -> OutgoingMessage {
        let letter = DeadLetter(
            reason: reason, explanation: explanation, faults: faults, stage: stage, attempts: attempts, subject: subject,
            original: DeadLetter.Original(
                exchange: message.exchange, routingKey: CardDataGuard.redacted(message.routingKey), redelivered: message.redelivered,
                // An id that is taken out would be one for all: the body tells the message then.
                messageID: message.messageID.flatMap { CardDataGuard.finding(in: $0) == nil ? $0 : nil },
                type: message.type.map(CardDataGuard.redacted), contentType: message.contentType,
                correlationID: message.correlationID.map(CardDataGuard.redacted), replyTo: message.replyTo.map(CardDataGuard.redacted),
                headers: message.headers.map { DeadLetter.Original.Header(name: CardDataGuard.redacted($0.name), value: CardDataGuard.redacted($0.value, under: $0.name)) },
                redactedBody: CardDataGuard.redacted(message.body, sealing: cards.seal), originalByteCount: message.body.count),
            identity: CardDataGuard.identity(of: message.body),
            worker: worker, writtenAt: now)
        return OutgoingMessage(
            to: .deadLetters, messageID: letter.id.description, type: DeadLetter.type, traceparent: message.traceparent, body: letter.encoded())
    }

    /// The end of a message that nobody can be answered about.
    func deadLetter(
        _ message: IncomingMessage, because reason: DeadLetterReason, explanation: String, subject: DeadLetter.Subject = .init(),
        attempts: Int = 0, now: Moment
    ) -> Handled {
        Handled(
            publishing: [letter(message, because: reason, explanation: explanation, subject: subject, attempts: attempts, now: now)],
            account: Handled.Account(merchantID: subject.merchantID, reference: subject.reference, fate: .deadLettered(reason), attempts: attempts))
    }
}
