package import DeclineRecovery

extension ResultEvent {
    /// The result for everybody, and the copy for the queue on which the CRM waits.
    func messages(reply: ReplyAddress?, traceparent: String?) -> [StageMessage] {
        let body = encoded()
        let told = StageMessage(
            to: .results(orderType, kind), messageID: id, type: kind.messageType, correlationID: reply?.correlationID,
            traceparent: traceparent, body: body)
        guard let reply else { return [told] }
        let answer = StageMessage(
            to: .reply(queue: reply.queue), messageID: id, type: kind.messageType, correlationID: reply.correlationID,
            traceparent: traceparent, body: body)
        return [told, answer]
    }

    /// - Parameter isAmountKnown: `false` where another was claimed than this copy of the decline says, and cannot be read.
    convenience init(of recovery: Recovery, _ draft: ClaimedRecovery.Draft, isAmountKnown: Bool = true, at now: Moment) {
        self.init(
            of: recovery, draft.reason, faults: draft.faults, flexFactorOrderID: draft.orderID, other: draft.other,
            edition: draft.post.map { "post-\($0)" }, isAmountKnown: isAmountKnown, at: now)
    }

    convenience init(
        of recovery: Recovery, _ reason: ResultReason, faults: [FieldError] = [], flexFactorOrderID: FlexFactorOrderID? = nil,
        other: RecoveryReference? = nil, edition: String? = nil, isAmountKnown: Bool = true, at now: Moment
    ) {
        self.init(
            subject: .recovery(recovery.reference, recovery.order), merchantID: recovery.merchantID, reason: reason, faults: faults,
            verdict: recovery.verdict, gatewayID: recovery.gatewayID, flexFactorOrderID: flexFactorOrderID,
            amount: isAmountKnown ? recovery.amount : nil,
            attempts: recovery.attempts, occurredAt: now, origin: recovery.origin, other: other, edition: edition)
    }
}

extension Recovery {
    /// The recovery as the message that is its state.
    func message(to destination: StageMessage.Destination, traceparent: String?) -> StageMessage {
        let id = WorkEnvelope.id(of: self)
        var message = StageMessage(
            to: destination, messageID: id, type: WorkEnvelope.type, traceparent: traceparent, body: WorkEnvelope.encode(self, as: id))
        // A cascade that nobody has sent is told when its time is over, and FlexFactor is not asked.
        let deadline: Moment? = if case .cascade(let deadline) = route, phase == .due { deadline } else { nil }
        message.share = StageMessage.Share(merchantID, gatewayID, freeFrom: deadline)
        return message
    }
}

extension StageMessage {
    /// Says of letters that the CRM has mended them. At most a thousand: nobody sends one event as often with faults.
    package static func resolving(_ letters: [UUID5], by reference: RecoveryReference, worker: String, at now: Moment) -> StageMessage {
        let record = LetterRecord.mended(Array(letters.prefix(LetterRecord.mostLetters)), by: reference, worker: worker, at: now)
        return StageMessage(
            to: .deadLetters, messageID: record.id.description, type: LetterRecord.type, traceparent: nil, body: record.encoded())
    }
}
