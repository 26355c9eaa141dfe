/// The life of a cascade (behaviour.md §5).
///
/// ```
/// due --evaluate--> approved | declined                  an answer ends it
///  |        \--no answer--> unanswered --same key--> ... while the deadline allows
///  |        \--capture required--> capturing --> approved
///  \--deadline--> reconciling: look, cancel what is not captured, look again --> approved | declined | never arrived
/// ```
extension Recovery {
    /// After the deadline no charge is started or repeated: FlexFactor is asked instead, even for a charge that looks due, because a
    /// second copy of the same decline may have been charged in time.
    mutating func nextOfCascade(now: Moment) -> RecoveryStep {
        switch phase {
        case .due, .unanswered:
            if let charge, mayCharge(at: now) { return step(charging: charge) }
            phase = .reconciling(nil, .look)
            return .call(.find(reference))
        case .capturing(let id): return .call(.capture(id, amount, idempotencyKey: idempotencyKey(of: .capture)))
        case .reconciling(let id?, .cancel): return .call(.cancel(id))
        case .reconciling(nil, .cancel): return .call(.cancelByReference(reference))
        // The last are a retry's phases; whatever brought a cascade there, looking is right.
        case .reconciling(_, .look), .ready, .seeking, .watching, .resting, .closing, .closed:
            phase = .reconciling(phase.orderID, .look)
            return .call(phase.orderID.map(FlexFactorCall.lookUp) ?? .find(reference))
        }
    }

    mutating func cascadeLearned(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        switch answer {
        case .evaluated(let status, let id): return evaluated(status, id, now: now)
        case .captured: return .conclude(.approved(.captured, phase.orderID))
        case .captureFailed:
            // Cancelling settles it either way: an order that was captured after all refuses, and the look that follows says so.
            phase = .reconciling(phase.orderID, .cancel)
            return nil
        case .found(let order): return found(order, now: now, timing: timing)
        case .noSuchOrder: return notFound(now: now, timing: timing)
        case .cancelAccepted, .cancelRefused:
            phase = .reconciling(phase.orderID, .look)
            return wait(now: now, timing: timing)
        case .cardUnusable(let fault): return .refuse(.cardUnusable, [fault])
        case .tokenized: return .advance
        case .failed(let failure):
            return phase == .due ? failedBeforeSending(failure, now: now) : failedAfterwards(failure, now: now, timing: timing)
        }
    }

    private mutating func evaluated(_ status: EvaluationStatus, _ id: FlexFactorOrderID?, now: Moment) -> RecoveryStop? {
        switch status {
        case .approved: return .conclude(.approved(.answered, id))
        case .declined: return .conclude(.declined(.byFlexFactor, id))
        case .challenge: return .conclude(.declined(.challenge, id))
        case .cancelled: return .conclude(.declined(.cancelled, id))
        case .expired: return .conclude(.declined(.expired, id))
        case .captureRequired:
            guard let id else {
                phase = .reconciling(nil, .look)
                return nil
            }
            phase = mayCharge(at: now) ? .capturing(id) : .reconciling(id, .cancel)
            return nil
        case .submitted, .processing, .unrecognised:
            // No answer to a customer-initiated charge: FlexFactor still works on it, or says a word we do not know.
            phase = .reconciling(id, .look)
            return .park(until: now + backoff)
        }
    }

    private mutating func found(_ order: FlexFactorOrder, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        switch order.state {
        case .completed, .returned, .chargeback: return .conclude(.approved(.reconciled, order.id))
        case .cancelled: return .conclude(.declined(.reconciled, order.id))
        case .captureRequired where mayCharge(at: now):
            phase = .capturing(order.id)
            return nil
        case .captureRequired, .draft, .onHold, .processing, .problem, .unrecognised:
            if mayCharge(at: now) {
                phase = .reconciling(order.id, .look)
                return wait(now: now, timing: timing)
            }
            // The customer is gone: what has not been taken shall not be taken any more.
            if isOverdue(at: now, timing: timing) { return .giveUp(.outcomeUnknown) }
            phase = .reconciling(order.id, .cancel)
            return nil
        }
    }

    private mutating func notFound(now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        let settled = chargingEnds + timing.settle
        if now >= settled { return .conclude(.neverArrived) }
        if case .reconciling(_, .cancel) = phase {
            phase = .reconciling(nil, .look)
            return .park(until: settled)
        }
        // The request may still be on its way: cancelling by reference stops it where FlexFactor can.
        phase = .reconciling(nil, .cancel)
        return nil
    }

    /// The request was the first, and this pod knows what became of it.
    private mutating func failedBeforeSending(_ failure: CallFailure, now: Moment) -> RecoveryStop? {
        let later = now + backoff
        switch failure {
        case .notSent(.cannotConnect) where attempts < 3 && mayCharge(at: later):
            return .park(until: later)
        case .notSent(.misconfigured), .notSent(.noToken): return .conclude(.misconfigured)
        case .notSent: return .conclude(.unavailable)
        case .throttled(let retryAfter):
            // FlexFactor is there, so it is asked, be it after the deadline: a second copy of this decline may have got through.
            return .park(until: max(later, now + (retryAfter ?? .seconds(0))))
        case .refused(let status, let errors):
            return .refuse(.byFlexFactor(status: status), errors)
        case .unknown:
            // The first repeat goes out at once: the customer is waiting, and most lost answers are blips.
            phase = .unanswered
            return nil
        case .conflict:
            phase = .unanswered
            return .park(until: later)
        }
    }

    /// A request may be out there: whatever failed now says nothing of it.
    private mutating func failedAfterwards(_ failure: CallFailure, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        switch (phase, failure) {
        case (.unanswered, .refused), (.capturing, .refused):
            phase = .reconciling(phase.orderID, .look)
            return nil
        case (.capturing(let id), _) where !mayCharge(at: now), (.reconciling(let id?, .cancel), _):
            phase = .reconciling(id, .look)
        case (.reconciling(nil, .cancel), _):
            phase = .reconciling(nil, .look)
        default: break
        }
        return wait(for: failure, now: now, timing: timing)
    }

    private func wait(for failure: CallFailure? = nil, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        if isOverdue(at: now, timing: timing) { return .giveUp(.outcomeUnknown) }
        return .park(until: waitingTime(for: failure, now: now))
    }

    /// When the last charge may be started.
    public var chargingEnds: Moment {
        switch route {
        case .cascade(let deadline): deadline
        case .retry(_, let until): until
        }
    }

    func mayCharge(at moment: Moment) -> Bool { moment < chargingEnds }

    private func isOverdue(at moment: Moment, timing: RecoveryTiming) -> Bool {
        moment >= chargingEnds + timing.reconcileFor
    }
}
