import DeclineRecovery
package import JSON

/// A letter's message on its way again: to where it came from, with what it came with; a trace of its own tells what becomes of it. Whoever
/// waited for a reply waits no more.
package struct ReplayMessage: Sendable, Equatable {
    package let exchange: String
    package let routingKey: String
    package let contentType: String?
    package let messageID: String?
    package let correlationID: String?
    package let type: String?
    /// As the letter shows them.
    package let headers: [JSONValue.Member]
    package let traceparent: String
    package let body: [UInt8]

    init(_ letter: DeadLetter, body: [UInt8], run: UUID5, _ names: TopologyNames) {
        let original = letter.original
        (exchange, routingKey) = Self.destination(of: letter, body, names)
        contentType = original.contentType
        messageID = original.messageID
        correlationID = original.correlationID
        type = original.type
        headers = original.headers.filter { Self.isOfItsOwn($0.name) }.map { JSONValue.Member($0.name, $0.value) }
        traceparent = ReplayTrace.traceparent(run: run, letter: letter.id)
        self.body = Self.sentAgain(body, letter, as: ReplayTrace.id(run: run, letter: letter.id).low)
    }

    /// Whether a header belongs to the message, rather than to how it was sent the first time: `CC` and `BCC` are orders to send copies,
    /// which were carried out then and are nothing to route by here, and `x-` is the broker's.
    private static func isOfItsOwn(_ name: String) -> Bool {
        !name.hasPrefix("x-") && name != "CC" && name != "BCC" && name != TraceHeader.name
    }

    /// What must stand on the stream of claims before a recovery is sent again that the CRM was told the end of: who opens it again, and why.
    static func reopening(_ letter: DeadLetter, by who: String, why: String, now: Moment) -> ClaimRecord? {
        guard letter.needsCRMConsent, letter.stage == .cascade || letter.stage == .retry,
            case .recovery(let recovery) = WorkEnvelope.decode(letter.original.redactedBody)
        else { return nil }
        return ClaimRecord(
            Claim(
                id: .random(in: 1 ... .max), merchantID: recovery.merchantID, reference: recovery.reference,
                debt: Fingerprint(of: Debt(recovery.order, of: recovery.merchantID)), amount: recovery.amount,
                act: .reopened(.byOperator(who: who, why: why)), at: now, until: now + .days(60), worker: who))
    }

    /// A recovery goes back so that it looks before it charges; every other message goes as it is.
    ///
    /// - Parameter edition: a message that a run sends twice is one.
    private static func sentAgain(_ body: [UInt8], _ letter: DeadLetter, as edition: UInt64) -> [UInt8] {
        guard letter.stage == .cascade || letter.stage == .retry, case .recovery(let recovery) = WorkEnvelope.decode(body) else {
            return body
        }
        return WorkEnvelope.encode(recovery.sentAgain(as: edition, isRefused: letter.reason == .refusedByFlexFactor))
    }

    private static func destination(of letter: DeadLetter, _ body: [UInt8], _ names: TopologyNames) -> (exchange: String, key: String) {
        switch letter.stage {
        case .intake:
            // A correction may have made another message of it.
            let event = try? JSONValue(parsing: body.span)
            if event?["type"]?.string == CancelCommand.type { return (names.declines, "command.cancel") }
            if event?["type"]?.string == RefundCommand.type { return (names.declines, "command.refund") }
            return (names.declines, "decline." + (event?["data"]?["trigger"]?.string ?? "initial"))
        case .cascade, .retry, .outcomes: return (names.work, letter.stage.rawValue)
        case .suspects, .unrouted, .held:
            // Of a receiver of webhooks, to whose exchange nobody else may write.
            let exchange = letter.original.exchange == names.news ? names.work : letter.original.exchange
            return (exchange, letter.original.routingKey)
        }
    }
}
