import DeclineRecovery

extension ResultEvent {
    /// The result for everybody, and the copy for the queue on which the CRM waits.
    func messages(reply: ReplyAddress?, traceparent: String?) -> [OutgoingMessage] {
        let body = encoded()
        let told = OutgoingMessage(
            to: .results(orderType, kind), messageID: id, type: kind.messageType, correlationID: reply?.correlationID,
            traceparent: traceparent, body: body)
        guard let reply else { return [told] }
        let answer = OutgoingMessage(
            to: .reply(queue: reply.queue), messageID: id, type: kind.messageType, correlationID: reply.correlationID,
            traceparent: traceparent, body: body)
        return [told, answer]
    }

    init(of recovery: Recovery, _ outcome: RecoveryOutcome, at now: Moment) {
        self.init(of: recovery, ResultReason(outcome), flexFactorOrderID: outcome.orderID, at: now)
    }

    init(of recovery: Recovery, _ reason: ResultReason, faults: [FieldError] = [], flexFactorOrderID: FlexFactorOrderID? = nil, at now: Moment) {
        self.init(
            subject: .recovery(recovery.reference, recovery.order), merchantID: recovery.merchantID, reason: reason, faults: faults,
            verdict: recovery.verdict, gatewayID: recovery.gatewayID, flexFactorOrderID: flexFactorOrderID, amount: recovery.amount,
            attempts: recovery.attempts, occurredAt: now, origin: recovery.origin)
    }
}

extension Recovery {
    /// The recovery as the message that is its state.
    func message(to destination: OutgoingMessage.Destination, traceparent: String?) -> OutgoingMessage {
        OutgoingMessage(
            to: destination, messageID: reference.text + "/work", type: WorkEnvelope.type, traceparent: traceparent,
            body: WorkEnvelope.encode(self))
    }
}
