import DeclineRecovery
import JSON

/// Writes the dead letters of one stage, card data removed.
struct LetterWriter: Sendable {
    let stage: Stage
    let worker: DeadLetter.Worker
    let cards: any CardVault
    /// Whether the body is left unparsed, because parsing it may be what ends the worker.
    var isUnread = false

    /// What is kept of a body as it came. Nothing that is worked on is as long.
    private static let mostBytes = JSONLimits().bytes
    /// What a letter's body and its headers may take, as JSON text: with all else it stays below what a broker takes, whatever it is set to.
    private static let mostText = 768 * 1_024
    private static let mostOfHeaders = 64 * 1_024

    /// A letter to be published beside other messages.
    ///
    /// All that it keeps comes by the guard: what a publisher put into a property is no cleaner than what it put into the body.
    ///
    /// - Parameter fact: what it tells, where that is one letter whichever message it is met by.
    func letter(
        _ message: IncomingMessage, because reason: DeadLetterReason, explanation: String, faults: [FieldError] = [],
        subject: DeadLetter.Subject = .init(), fact: String? = nil, attempts: Int = 0, deliveries: Int? = nil, now: Moment
    ) -> StageMessage {
        let isLong = message.body.count > Self.mostBytes || message.byteCount > message.body.count
        let whole =
            isLong
            ? Self.beginning(of: message.body)
            : isUnread ? CardDataGuard.redactedUnparsed(message.body) : CardDataGuard.redacted(message.body, sealing: cards.seal)
        let kept = Self.fitting(whole)
        let letter = DeadLetter(
            reason: reason, explanation: Self.clean(explanation), faults: faults, stage: stage, attempts: attempts, subject: subject,
            original: DeadLetter.Original(
                exchange: Self.clean(message.exchange), routingKey: Self.clean(message.routingKey), redelivered: message.redelivered,
                deliveries: deliveries,
                // An id that is taken out would be one for all: the body tells the message then.
                messageID: message.messageID.flatMap { CardDataGuard.finding(in: $0) == nil ? $0 : nil },
                type: message.type.map(Self.clean), contentType: message.contentType.map(Self.clean),
                correlationID: message.correlationID.map(Self.clean),
                replyTo: message.replyTo.map(Self.clean), headers: Self.headers(of: message), redactedBody: kept,
                originalByteCount: message.byteCount,
                isTruncated: isLong || kept.count < whole.count),
            source: isUnread || isLong ? nil : Self.source(of: message.body), fact: fact,
            identity: isLong || isUnread ? kept : CardDataGuard.identity(of: message.body),
            worker: worker, writtenAt: now)
        return StageMessage(
            to: .deadLetters, messageID: letter.id.description, type: DeadLetter.type, traceparent: message.traceparent,
            body: letter.encoded())
    }

    private static func clean(_ text: String) -> String { CardDataGuard.redacted(String(text.unicodeScalars.prefix(2_048))) }

    /// The headers, as many as there is room for; the last says how many are left out.
    private static func headers(of message: IncomingMessage) -> [DeadLetter.Original.Header] {
        var room = mostOfHeaders
        var kept: [DeadLetter.Original.Header] = []
        for header in message.headers {
            let value = CardDataGuard.redacted(header.value, under: header.name)
            room -= value.bytes.count + header.name.utf8.count
            if room < 0 {
                return kept + [
                    .init(name: "(more headers)", value: .string("\(message.headers.count - kept.count) are not kept: they are too long"))
                ]
            }
            kept.append(.init(name: CardDataGuard.redacted(header.name), value: value))
        }
        return kept
    }

    /// The beginning of a body, redacted. What the cut leaves of a card number is no card number any more, so the cut is made behind it.
    private static func beginning(of body: [UInt8]) -> [UInt8] {
        let margin = 1_024
        return whole(CardDataGuard.redactedUnparsed(Array(body.prefix(mostBytes + margin))).dropLast(body.count > mostBytes ? margin : 0))
    }

    /// As much of a body as a letter has room for. As JSON text a control character takes six bytes.
    private static func fitting(_ body: [UInt8]) -> [UInt8] {
        var room = mostText
        for (index, byte) in body.enumerated() {
            room -= byte < 0x20 ? 6 : byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") ? 2 : 1
            if room < 0 { return whole(body[..<index]) }
        }
        return body
    }

    /// Without a character that was cut.
    private static func whole(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var kept = bytes
        while let last = kept.last, last & 0xC0 == 0x80 { kept.removeLast() }
        if let last = kept.last, last >= 0xC0 { kept.removeLast() }
        return Array(kept)
    }

    /// The letter of a payment that stands against what was told, of this recovery or of another of its debt; `nil` for all else.
    ///
    /// It is of the payment, by whichever message that is told.
    ///
    /// - Parameter standing: of the recovery, asked for where it was paid alone.
    func contradiction(
        _ message: IncomingMessage, _ result: ResultEvent, _ standing: @autoclosure () -> ClaimBook.Standing?, subject: DeadLetter.Subject,
        now: Moment
    ) -> StageMessage? {
        contradiction(message, of: result.reason.kind, corrects: result.corrects, standing(), subject: subject, now: now)
    }

    /// The very same letter of a payment that is told again: who claimed it may have died before the letter was written.
    func contradiction(
        _ message: IncomingMessage, _ told: ClaimRecord, _ standing: @autoclosure () -> ClaimBook.Standing?, subject: DeadLetter.Subject,
        now: Moment
    ) -> StageMessage? {
        // What was told of the decline's other form has messages of its own.
        guard told.claim.reference == subject.reference else { return nil }
        return contradiction(
            message, of: told.claim.act.telling, corrects: told.corrects, standing(), subject: subject, now: now)
    }

    private func contradiction(
        _ message: IncomingMessage, of kind: ResultKind?, corrects: ResultKind?, _ standing: @autoclosure () -> ClaimBook.Standing?,
        subject: DeadLetter.Subject, now: Moment
    ) -> StageMessage? {
        guard kind == .approved, let reference = subject.reference else { return nil }
        let explanation: String
        if let corrects {
            let correction = "\(reference)/\(ResultKind.correction.rawValue)/\(ResultKind.approved.rawValue)"
            explanation =
                "The CRM was told \(corrects.rawValue), and FlexFactor took the money after all: it was told the correction \(correction)."
        } else if standing()?.isPaidByAnother(reference.kind) == true {
            explanation =
                "FlexFactor took the money of this debt a second time: the CRM was told before that another recovery of it is approved."
        } else {
            return nil
        }
        let fact = [subject.merchantID?.text ?? "", reference.text, corrects?.rawValue ?? "twice"].joined(separator: "/")
        return letter(message, because: .toldOtherwise, explanation: explanation, subject: subject, fact: fact, now: now)
    }

    /// The letter of money that was taken by another order than the approval that was told before; `nil` where it is the same.
    func secondOrder(_ message: IncomingMessage, _ result: ResultEvent, _ told: ClaimRecord, subject: DeadLetter.Subject, now: Moment)
        -> StageMessage?
    {
        guard result.reason.kind == .approved, told.claim.act.telling == .approved, let order = result.flexFactorOrderID,
            told.isOfAnotherOrder(than: order)
        else { return nil }
        return letter(
            message, because: .toldOtherwise,
            explanation: "FlexFactor took money by order \(order) as well: the CRM was told that this recovery is approved by another.",
            subject: subject, fact: Self.fact("second", order, subject), now: now)
    }

    /// Whichever news of an order say it, and however often.
    private static func fact(_ what: String, _ order: FlexFactorOrderID, _ subject: DeadLetter.Subject) -> String {
        [subject.merchantID?.text ?? "", subject.reference?.text ?? "", what, order.text.lowercased()].joined(separator: "/")
    }

    /// The letter of money back that was sent again with the time of its sending, and was told as what was told of as much: nobody can say whether
    /// that is so; `nil` for all else, and for what a command gave back.
    func reportedAgain(
        _ message: IncomingMessage, _ news: WebhookNews, _ own: MoneyBackClaim, _ told: ClaimRecord, subject: DeadLetter.Subject,
        now: Moment
    ) -> StageMessage? {
        guard news.isRestamped, let order = news.orderID, case .moneyBack(let back) = told.claim.act, back.id != own.id else { return nil }
        switch back.step {
        case .news, .told(.chargeback, _, _): break
        case .send, .unsent, .told, .untold, .listed: return nil
        }
        let units = news.minorUnits.map(String.init) ?? "unsaid"
        return letter(
            message, because: .untrustedWebhook,
            explanation:
                "\(news.word): FlexFactor sends it again with the time of that, so it is told as what was told before of as much. Compare FlexFactor's portal, whether it is another.",
            subject: subject, fact: Self.fact("again/\(news.event.word)/\(units)", order, subject), now: now)
    }

    /// The letter of an approval whose order FlexFactor shows as closed unpaid; `nil` where nothing else was told.
    func reversal(_ message: IncomingMessage, _ result: ResultEvent, _ told: ClaimRecord, subject: DeadLetter.Subject, now: Moment)
        -> StageMessage?
    {
        guard [.cancelled, .expired, .declined].contains(result.reason.kind), told.claim.act.telling == .approved,
            let order = result.flexFactorOrderID, !told.isOfAnotherOrder(than: order)
        else { return nil }
        return letter(
            message, because: .toldOtherwise,
            explanation: "FlexFactor shows order \(order) as cancelled: the CRM was told that it took the money.", subject: subject,
            fact: Self.fact("voided", order, subject), now: now)
    }

    /// The letter of a retry that was given up before anything was sent. It is of the recovery, by whichever delivery that is told.
    func attemptsSpent(_ message: IncomingMessage, _ recovery: Recovery, in attempts: Int, now: Moment) -> StageMessage {
        letter(
            message, because: .attemptsSpent, explanation: "FlexFactor could not be reached in \(attempts) calls; nothing was sent.",
            subject: DeadLetter.Subject(recovery), fact: "\(recovery.merchantID.text)/\(recovery.reference.text)", attempts: attempts,
            now: now)
    }

    /// The very same letter of one that is told again: who claimed its end may have died before the letter was written; `nil` for all else.
    func attemptsSpent(_ message: IncomingMessage, _ recovery: Recovery, _ told: ClaimRecord, now: Moment) -> StageMessage? {
        // A cascade that could not be sent was answered, and nobody takes it up.
        guard case .retry = recovery.route, told.claim.reference == recovery.reference, let attempts = told.attemptsInVain else {
            return nil
        }
        return attemptsSpent(message, recovery, in: attempts, now: now)
    }

    /// The letter of a charge that FlexFactor refused. It is of the result, by whichever delivery that is told.
    func refused(
        _ message: IncomingMessage, _ recovery: Recovery, _ explanation: String, _ faults: [FieldError], as resultID: String,
        in attempts: Int, now: Moment
    ) -> StageMessage {
        letter(
            message, because: .refusedByFlexFactor, explanation: explanation, faults: faults, subject: DeadLetter.Subject(recovery),
            fact: "\(recovery.merchantID.text)/\(resultID)", attempts: attempts, now: now)
    }

    /// The very same letter of a refusal that is told again: who claimed it may have died before the letter was written; `nil` for all else.
    func refused(_ message: IncomingMessage, _ recovery: Recovery, _ told: ClaimRecord, now: Moment) -> StageMessage? {
        guard told.claim.reference == recovery.reference, let refusal = told.refusal else { return nil }
        return refused(
            message, recovery, "FlexFactor refused the charge as it stands.", refusal.faults, as: refusal.resultID, in: recovery.attempts,
            now: now)
    }

    /// The end of a message that nobody can be answered about.
    func deadLetter(
        _ message: IncomingMessage, because reason: DeadLetterReason, explanation: String, subject: DeadLetter.Subject = .init(),
        attempts: Int = 0, deliveries: Int? = nil, now: Moment
    ) -> StageOutcome {
        StageOutcome(
            publishing: [
                letter(
                    message, because: reason, explanation: explanation, subject: subject, attempts: attempts, deliveries: deliveries,
                    now: now)
            ],
            entry: StageOutcome.JournalEntry(
                merchantID: subject.merchantID, reference: subject.reference, fate: .deadLettered(reason), attempts: attempts))
    }

    private static func source(of body: [UInt8]) -> String? { (try? JSONValue(parsing: body.span))?["source"]?.string }
}
