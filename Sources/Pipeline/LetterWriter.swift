import DeclineRecovery

/// Writes the dead letters of one stage, card data removed.
struct LetterWriter: Sendable {
    let stage: Stage
    let worker: DeadLetter.Worker
    let cards: any CardVault
    /// Whether the body is left unparsed, because parsing it may be what ends the worker.
    var isUnread = false

    /// What is kept of a body. Nothing that is worked on is as long, and a letter must not be more than the broker takes: as JSON
    /// text it can grow sixfold.
    private static let mostBytes = 1 << 20

    /// A letter to be published beside other messages.
    func letter(
        _ message: IncomingMessage, because reason: DeadLetterReason, explanation: String, faults: [FieldError] = [],
        subject: DeadLetter.Subject = .init(), attempts: Int = 0, deliveries: Int? = nil, now: Moment
    ) -> OutgoingMessage {
        let isTruncated = message.body.count > Self.mostBytes
        let letter = DeadLetter(
            reason: reason, explanation: explanation, faults: faults, stage: stage, attempts: attempts, subject: subject,
            original: DeadLetter.Original(
                exchange: message.exchange, routingKey: CardDataGuard.redacted(message.routingKey), redelivered: message.redelivered, deliveries: deliveries,
                // An id that is taken out would be one for all: the body tells the message then.
                messageID: message.messageID.flatMap { CardDataGuard.finding(in: $0) == nil ? $0 : nil },
                type: message.type.map(CardDataGuard.redacted), contentType: message.contentType,
                correlationID: message.correlationID.map(CardDataGuard.redacted), replyTo: message.replyTo.map(CardDataGuard.redacted),
                headers: message.headers.map { DeadLetter.Original.Header(name: CardDataGuard.redacted($0.name), value: CardDataGuard.redacted($0.value, under: $0.name)) },
                redactedBody: isTruncated ? Self.beginning(of: message.body)
                    : isUnread ? CardDataGuard.redactedUnparsed(message.body) : CardDataGuard.redacted(message.body, sealing: cards.seal),
                originalByteCount: message.body.count, isTruncated: isTruncated),
            source: isUnread || isTruncated ? nil : (try? JSONValue(parsing: message.body.span))?["source"]?.string,
            identity: isTruncated ? Self.beginning(of: message.body)
                : isUnread ? CardDataGuard.redactedUnparsed(message.body) : CardDataGuard.identity(of: message.body),
            worker: worker, writtenAt: now)
        return OutgoingMessage(
            to: .deadLetters, messageID: letter.id.description, type: DeadLetter.type, traceparent: message.traceparent, body: letter.encoded())
    }

    /// The beginning of a body, redacted. What the cut leaves of a card number is no card number any more, so the cut is made behind it.
    private static func beginning(of body: [UInt8]) -> [UInt8] {
        let margin = 1_024
        var kept = CardDataGuard.redactedUnparsed(Array(body.prefix(mostBytes + margin))).dropLast(margin)
        // A character that was cut.
        while let last = kept.last, last & 0xC0 == 0x80 { kept.removeLast() }
        if let last = kept.last, last >= 0xC0 { kept.removeLast() }
        return Array(kept)
    }

    /// The letter of money that stands against what was told; `nil` where none does.
    func contradiction(_ message: IncomingMessage, _ result: ResultEvent, subject: DeadLetter.Subject, now: Moment) -> OutgoingMessage? {
        guard let corrects = result.corrects, result.reason.kind == .approved else { return nil }
        return letter(
            message, because: .toldOtherwise,
            explanation: "The CRM was told \(corrects.rawValue), and FlexFactor took the money after all: it was told the correction \(result.id).",
            subject: subject, now: now)
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
