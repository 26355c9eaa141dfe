import DeclineRecovery

/// The CRM's refunds, which the retry stage carries out: it has the keys, and time.
extension RetryStage {
    func refund(_ message: IncomingMessage) async -> Handled {
        var refund: Refund
        switch Refund.decode(message.body) {
        case .success(let read): refund = read
        case .failure(let fault):
            return pursuit.letters.deadLetter(message, because: .unexpectedType, explanation: fault.description, now: pursuit.clock.now())
        }
        refund.pickUp(redelivered: message.redelivered)
        while let (call, gateway) = refund.nextCall {
            let answer = await pursuit.flexFactor.perform(
                call, merchant: refund.command.merchantID, gateway: gateway, traceparent: message.traceparent,
                deadline: pursuit.clock.now() + pursuit.callLimit)
            if let stop = refund.learned(answer, now: pursuit.clock.now(), timing: pursuit.timing) { return finish(refund, stop, message) }
        }
        return finish(
            refund,
            .tell(.refundFailed, amount: refund.command.amount, isPartial: false, nil, [FieldError(path: "order", message: "The merchant has no FlexFactor gateway.")]),
            message)
    }

    private func finish(_ refund: Refund, _ stop: Refund.Stop, _ message: IncomingMessage) -> Handled {
        let now = pursuit.clock.now()
        let command = refund.command
        func handled(_ publishing: [OutgoingMessage], _ fate: Handled.Fate) -> Handled {
            Handled(
                publishing: publishing,
                account: Handled.Account(
                    merchantID: command.merchantID, reference: command.reference, gatewayID: refund.gateways.first, fate: fate, attempts: refund.attempts))
        }
        switch stop {
        case .park(let until):
            return handled([refund.message(to: .delayed(.retry, until - now), message.traceparent)], .parked(until - now, because: "refund " + refund.phase.word))
        case .advance:
            return handled([refund.message(to: .stage(.retry), message.traceparent)], .passed(to: .retry))
        case .tell(let reason, let amount, let isPartial, let orderID, let faults):
            let result = ResultEvent(
                subject: .recovery(command.reference, RecoveredOrder(command.reference)), merchantID: command.merchantID, reason: reason, faults: faults,
                gatewayID: refund.gateways.first, flexFactorOrderID: orderID, amount: amount, attempts: refund.attempts, occurredAt: now,
                origin: DeclineOrigin(eventID: command.id), distinction: "command:" + command.id, isPartial: isPartial)
            return handled(result.messages(reply: nil, traceparent: message.traceparent), .told(result.kind, reason: reason.code))
        case .giveUp:
            return pursuit.letters.deadLetter(
                message, because: .refundUnknown, explanation: "FlexFactor did not say whether it gave the money back, and a repeat could give it twice.",
                subject: DeadLetter.Subject(merchantID: command.merchantID, reference: command.reference, orderID: command.reference.orderID),
                attempts: refund.attempts, now: now)
        }
    }
}

extension Refund {
    func message(to destination: OutgoingMessage.Destination, _ traceparent: String?) -> OutgoingMessage {
        OutgoingMessage(
            to: destination, messageID: command.reference.text + "/refund/" + command.id, type: Self.type, traceparent: traceparent, body: encoded())
    }
}
