import DeclineRecovery

/// Writes the dead letters of one stage, card data removed.
struct LetterWriter: Sendable {
    let stage: Stage
    let worker: DeadLetter.Worker
    let cards: any CardVault
    /// Whether the body is left unparsed, because parsing it may be what ends the worker.
    var isUnread = false

    /// A letter to be published beside other messages.
    func letter(
        _ message: IncomingMessage, because reason: DeadLetterReason, explanation: String, faults: [FieldError] = [],
        subject: DeadLetter.Subject = .init(), attempts: Int = 0, deliveries: Int? = nil, now: Moment
    ) -> OutgoingMessage {
        let letter = DeadLetter(
            reason: reason, explanation: explanation, faults: faults, stage: stage, attempts: attempts, subject: subject,
            original: DeadLetter.Original(
                exchange: message.exchange, routingKey: CardDataGuard.redacted(message.routingKey), redelivered: message.redelivered, deliveries: deliveries,
                // An id that is taken out would be one for all: the body tells the message then.
                messageID: message.messageID.flatMap { CardDataGuard.finding(in: $0) == nil ? $0 : nil },
                type: message.type.map(CardDataGuard.redacted), contentType: message.contentType,
                correlationID: message.correlationID.map(CardDataGuard.redacted), replyTo: message.replyTo.map(CardDataGuard.redacted),
                headers: message.headers.map { DeadLetter.Original.Header(name: CardDataGuard.redacted($0.name), value: CardDataGuard.redacted($0.value, under: $0.name)) },
                redactedBody: isUnread ? CardDataGuard.redactedUnparsed(message.body) : CardDataGuard.redacted(message.body, sealing: cards.seal),
                originalByteCount: message.body.count),
            identity: isUnread ? CardDataGuard.redactedUnparsed(message.body) : CardDataGuard.identity(of: message.body),
            worker: worker, writtenAt: now)
        return OutgoingMessage(
            to: .deadLetters, messageID: letter.id.description, type: DeadLetter.type, traceparent: message.traceparent, body: letter.encoded())
    }

    /// The end of a message that nobody can be answered about.
    func deadLetter(
        _ message: IncomingMessage, because reason: DeadLetterReason, explanation: String, subject: DeadLetter.Subject = .init(),
        attempts: Int = 0, deliveries: Int? = nil, now: Moment
    ) -> Handled {
        Handled(
            publishing: [
                letter(message, because: reason, explanation: explanation, subject: subject, attempts: attempts, deliveries: deliveries, now: now)
            ],
            account: Handled.Account(merchantID: subject.merchantID, reference: subject.reference, fate: .deadLettered(reason), attempts: attempts))
    }
}
