/// The life of a cascade (behaviour.md §5).
///
/// ```
/// due --evaluate--> approved | declined                  an answer ends it
///  |        \--no answer--> unanswered --same key--> ... while the deadline allows
///  |        \--capture required--> capturing --> approved
///  |        \--challenge--> challenged: cancel --> declined
///  \--deadline--> reconciling: look; cancel by reference --the order exists--> recall its answer --> approved | declined
///                                     \--"no such order", twice, with the settling time between--> never arrived
/// ```
extension Recovery {
    /// After the deadline no charge is started or repeated: FlexFactor is asked instead, even for a charge that looks due, because a
    /// second copy of the same decline may have been charged in time. Where it is known that nobody sent anything, nobody is asked.
    mutating func nextOfCascade(now: Moment, timing: RecoveryTiming) -> RecoveryStep {
        switch phase {
        case .due, .unanswered:
            if let charge, mayCharge(at: now) { return step(charging: charge) }
            if isKnownUnsent, phase == .due { return .stop(.conclude(.neverArrived)) }
            phase = .reconciling(nil, .look)
            return .call(search(now))
        case .capturing(let id) where mayCharge(at: now):
            return .call(.capture(id, amount, idempotencyKey: idempotencyKey(of: .capture(post: post))))
        case .challenged(let id, .cancel), .reconciling(let id, .cancel):
            return .call(id.map(FlexFactorCall.cancel) ?? .cancelByReference(reference))
        case .challenged(let id, _): return .call(id.map(FlexFactorCall.lookUp) ?? search(now))
        case .reconciling(nil, .recall):
            if let recall = recall(now: now, timing: timing) { return .call(recall) }
            phase = .reconciling(nil, .look)
            return .call(search(now))
        // The last are a retry's phases; whatever brought a cascade there, looking is right.
        case .reconciling, .capturing, .ready, .seeking, .watching, .resting, .closing, .closed:
            phase = .reconciling(phase.orderID, .look)
            return .call(phase.orderID.map(FlexFactorCall.lookUp) ?? search(now))
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
        case .notListed, .noSuchOrder: return notFound(answer, now: now, timing: timing)
        case .cancelAccepted, .cancelRefused: return cancelled(answer == .cancelAccepted, now: now, timing: timing)
        case .cardUnusable(let fault): return .refuse(.cardUnusable, [fault])
        case .tokenized, .refunded, .refundFailed: return .advance
        case .failed(let failure):
            return phase == .due ? failedBeforeSending(failure, now: now) : failedAfterwards(failure, now: now, timing: timing)
        }
    }

    private mutating func evaluated(_ status: EvaluationStatus, _ id: FlexFactorOrderID?, now: Moment) -> RecoveryStop? {
        switch status {
        case .approved where mustBeSeen(id):
            phase = .reconciling(id, .look)
            return id == nil ? .park(until: now + backoff) : nil
        case .approved: return .conclude(.approved(.answered, id))
        case .declined where isMerchantInitiated, .cancelled where isMerchantInitiated, .expired where isMerchantInitiated:
            // Of the end of a trial that is the answer to this attempt alone: FlexFactor goes on trying until it is stopped.
            phase = .challenged(id, .cancel)
            return nil
        case .declined: return .conclude(.declined(.byFlexFactor, id))
        case .challenge:
            // It could be solved by whoever finds it later; so it is closed before the CRM charges elsewhere.
            phase = .challenged(id, .cancel)
            return nil
        case .cancelled: return .conclude(.declined(.cancelled, id))
        case .expired: return .conclude(.declined(.expired, id))
        case .captureRequired:
            guard let id else {
                phase = .reconciling(nil, .look)
                return .park(until: now + backoff)
            }
            phase = mayCharge(at: now) ? .capturing(id) : .reconciling(id, .cancel)
            return nil
        case .submitted, .processing, .unrecognised:
            // No answer to a customer-initiated charge: FlexFactor still works on it, or says a word we do not know.
            phase = .reconciling(id, .look)
            return .park(until: now + backoff)
        }
    }

    private var isMerchantInitiated: Bool { charge?.isMerchantInitiated == true }

    /// The order of a challenge that is told though it stands open, for FlexFactor refused to cancel it: the customer may yet solve it.
    package var openChallenge: FlexFactorOrderID? { if case .challenged(let id, .cancel) = phase { id } else { nil } }

    /// How a cascade ends whose order was answered as open to more, and was closed.
    private func unsolved(_ id: FlexFactorOrderID?) -> RecoveryOutcome { .declined(isMerchantInitiated ? .byFlexFactor : .challenge, id) }

    private mutating func found(_ order: FlexFactorOrder, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        switch order.state {
        case .completed, .returned, .chargeback: return .conclude(.approved(.reconciled, order.id))
        case .cancelled:
            if case .challenged = phase { return .conclude(unsolved(order.id)) }
            return .conclude(.declined(.reconciled, order.id))
        case .captureRequired, .draft, .onHold, .processing, .problem, .unrecognised: break
        }
        // It refused to be cancelled. Authorised it can be; and what FlexFactor is at work on may be solved, for as long as the customer waits.
        // What is left has nobody to solve it, and FlexFactor's documents count it as declined; but for a trial, which needs nobody.
        if case .challenged = phase, order.state != .captureRequired, !isMerchantInitiated {
            if order.state == .draft || order.state == .onHold {
                phase = .challenged(order.id, .cancel)
                return .conclude(unsolved(order.id))
            }
            // What FlexFactor is at work on may yet be charged, however long the customer has been gone.
            phase = mayCharge(at: now) ? .challenged(order.id, .cancel) : .reconciling(order.id, .look)
            return wait(now: now, timing: timing)
        }
        if mayCharge(at: now) {
            if order.state == .captureRequired {
                phase = .capturing(order.id)
                return nil
            }
            phase = .reconciling(order.id, .look)
            return wait(now: now, timing: timing)
        }
        // The customer is gone: what has not been taken shall not be taken any more.
        phase = .reconciling(order.id, .cancel)
        return isOverdue(at: now, timing: timing) ? .giveUp(.outcomeUnknown) : nil
    }

    private mutating func cancelled(_ isAccepted: Bool, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        if case .challenged(let id, _) = phase {
            // It may have been solved and charged in that very moment: its order says whether that went through before.
            if isAccepted, id == nil { return .conclude(unsolved(id)) }
            phase = .challenged(id, .look)
            return nil
        }
        if phase.orderID == nil, recall(now: now, timing: timing) != nil {
            phase = .reconciling(nil, .recall)
            return nil
        }
        phase = .reconciling(phase.orderID, .look)
        return wait(now: now, timing: timing)
    }

    /// The list does not show the order, or FlexFactor says that it knows none. Only the second, said of our own reference, is evidence.
    private mutating func notFound(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        switch phase {
        case .reconciling(nil, .cancel) where answer == .noSuchOrder && !evidence.exists:
            let settled = chargingEnds + timing.settle
            if now >= settled, evidence.isAbsence(now: now, timing: timing) { return .conclude(.neverArrived) }
            evidence.noteDenial(now: now)
            phase = .reconciling(nil, .look)
            // However late it is: the second denial settles it.
            return .park(until: max(settled, now + timing.settle))
        case .reconciling(nil, .look):
            if evidence.isCancelled(now: now, timing: timing) { return .conclude(.declined(.reconciled, nil)) }
            if evidence.exists {
                if recall(now: now, timing: timing) != nil {
                    phase = .reconciling(nil, .recall)
                } else {
                    phase = .reconciling(nil, .cancel)
                }
                return wait(now: now, timing: timing)
            }
            // The request may still be on its way: cancelling by reference stops it where FlexFactor can.
            phase = .reconciling(nil, .cancel)
            return nil
        // It was answered, and there is no order that could be solved.
        case .challenged(nil, .cancel) where answer == .noSuchOrder && !mayCharge(at: now): return .conclude(unsolved(nil))
        case .challenged(let id, _):
            phase = .challenged(id, .cancel)
            return wait(now: now, timing: timing)
        default:
            // It denies what it named itself: that is no knowledge.
            phase = .reconciling(phase.orderID, .look)
            return wait(now: now, timing: timing)
        }
    }

    /// The request was the first, and this pod knows what became of it.
    private mutating func failedBeforeSending(_ failure: CallFailure, now: Moment) -> RecoveryStop? {
        let later = max(now + backoff, now + (failure.retryAfter ?? .seconds(0)))
        switch failure {
        // Its time was over before it could be written, and now it is too late or it is claimed anew.
        case .notSent(.deadline) where !mayCharge(at: now): return nil
        case .notSent(.cannotConnect) where attempts < 3 && mayCharge(at: later),
            .notSent(.deadline) where attempts < 3 && mayCharge(at: later),
            .notSent(.rateLimited) where attempts < 3 && mayCharge(at: later),
            .notSent(.noTokenYet) where attempts < 3 && mayCharge(at: later):
            return .park(until: later)
        case .notSent(.misconfigured), .notSent(.noToken): return .conclude(.misconfigured)
        case .notSent: return .conclude(.unavailable)
        // Not executed, and not before the customer is gone: that is an answer.
        case .throttled: return mayCharge(at: later) ? .park(until: later) : .conclude(.unavailable)
        case .refused(let status, let errors):
            return .refuse(.byFlexFactor(status: status), errors)
        case .unknown(.barred):
            phase = .unanswered
            return .park(until: later)
        case .unknown:
            // The first repeat goes out at once: the customer is waiting, and most lost answers are blips.
            phase = .unanswered
            return failure.retryAfter == nil ? nil : .park(until: turn(after: failure, now: now))
        case .conflict:
            phase = .unanswered
            return .park(until: later)
        }
    }

    /// A request may be out there: whatever failed now says nothing of it.
    private mutating func failedAfterwards(_ failure: CallFailure, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        if failure == .conflict, isAboutOurKey, !mayCharge(at: now), evidence.isOtherContent(now: now, timing: timing) {
            return .giveUp(.keyConflict)
        }
        switch (phase, failure) {
        // The time for the refused capture is not over: it is tried again, later.
        case (.capturing, .refused) where mayCharge(at: now): break
        case (.unanswered, .refused), (.capturing, .refused):
            phase = .reconciling(phase.orderID, .look)
        case (.capturing(let id), _) where !mayCharge(at: now), (.reconciling(let id?, .cancel), _):
            phase = .reconciling(id, .look)
        case (.challenged(let id, _), _):
            phase = .challenged(id, .cancel)
        // What may be paid is not asked to be cancelled.
        case (.reconciling(nil, .look), _) where failure.isUnclear: break
        case (.reconciling(nil, .look), .unknown), (.reconciling(nil, .look), .refused):
            // The list cannot be had: it would have proved nothing by its silence, and the other way to know is not missing.
            phase = .reconciling(nil, recall(now: now, timing: timing) == nil ? .cancel : .recall)
            // What the list shows may have been paid for all the same.
            if !failure.isUnconfirmed, evidence.isCancelled(now: now, timing: timing) { return .conclude(.declined(.reconciled, nil)) }
            // At the end of its time it is asked the other way before it is given up.
            if isOverdue(at: now, timing: timing) { return nil }
        case (.reconciling(nil, .cancel), _), (.reconciling(nil, .recall), _):
            phase = .reconciling(nil, .look)
        default: break
        }
        return wait(for: failure, now: now, timing: timing)
    }

    private func wait(for failure: CallFailure? = nil, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        if isOverdue(at: now, timing: timing) { return .giveUp(.outcomeUnknown) }
        return .park(until: turn(after: failure, now: now))
    }

    /// Whoever waits at the checkout is answered soon after the deadline: no wait goes past the moment from which FlexFactor is only asked.
    private func turn(after failure: CallFailure?, now: Moment) -> Moment {
        let turn = waitingTime(for: failure, now: now)
        return mayCharge(at: now) ? min(turn, max(chargingEnds, now + .seconds(1))) : turn
    }

    /// When the last charge may be started.
    package var chargingEnds: Moment {
        switch route {
        case .cascade(let deadline): deadline
        case .retry(_, let until): until
        }
    }

    /// Looks for the order in what was placed since it can have been; a decline's clock may be ahead.
    func search(_ now: Moment) -> FlexFactorCall {
        .find(reference, since: min(post == 1 ? evidence.sentAt ?? declinedAt : declinedAt, now))
    }

    func mayCharge(at moment: Moment) -> Bool { moment < chargingEnds }

    private func isOverdue(at moment: Moment, timing: RecoveryTiming) -> Bool {
        moment >= chargingEnds + timing.reconcileFor
    }
}
