/// The life of a retry (behaviour.md §6): rerun or recycled rebill, handed to FlexFactor for up to 21 days.
///
/// ```
/// due --look: no order yet--> ready --evaluate--> approved           money taken
///  |  \--no answer--> seeking: look the order up first, then repeat with the same key
///  |  managed: submitted --> watching: look from time to time --> approved | closed
///  |  sync: declined for now --> resting --> ready, with the key of the next post
///  \--expiry, or the CRM's cancel--> closing: look, cancel what is not captured, look again --> approved | closed
/// closed, a while later --> cancelled, where the CRM wanted it; else expired
/// ```
///
/// FlexFactor shows one state for every order that ended unpaid, and a webhook, a look and a cancel command may each see it first. So
/// all of them tell the same: `cancelled` where the CRM's command is known, `expired` otherwise.
extension Recovery {
    mutating func nextOfRetry(_ mode: MITMode, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStep {
        let id = phase.orderID
        if now >= until || isCancelRequested {
            switch phase {
            case .watching where now < until + timing.grace && !isCancelRequested: break
            case .due, .ready, .unanswered, .seeking, .watching, .resting: close(id, .look)
            case .capturing: close(id, .cancel)
            case .closing, .closed, .reconciling: break
            }
        }
        switch phase {
        case .due:
            if mode == .sync, let charge, let wait = NetworkRules.wait(after: charge.decline), now < declinedAt + wait {
                return .stop(.park(until: declinedAt + wait))
            }
            // FlexFactor forgets idempotency keys after a day; a decline that is published again later must not be charged again.
            return look(nil)
        case .ready, .resting, .unanswered:
            if case .resting = phase {
                post += 1
                phase = .ready
            }
            if let charge { return step(charging: charge) }
            phase = .seeking(nil)
            return look(nil)
        case .capturing(let id): return .call(.capture(id, amount, idempotencyKey: idempotencyKey(of: .capture)))
        case .closing(let id?, .cancel): return .call(.cancel(id))
        case .closing(nil, .cancel): return .call(.cancelByReference(reference))
        case .seeking, .watching, .closing(_, .look), .closed(nil): return look(id)
        case .closed(let id?): return .stop(.conclude(closing(id, until: until, now: now)))
        case .reconciling:
            close(id, .look)
            return look(id)
        }
    }

    /// From here on nothing is charged, so nothing of the person or the card is kept.
    private mutating func close(_ id: FlexFactorOrderID?, _ step: ReconciliationStep) {
        phase = .closing(id, step)
        charge = nil
        failures = 0
    }

    private func look(_ id: FlexFactorOrderID?) -> RecoveryStep {
        .call(id.map(FlexFactorCall.lookUp) ?? .find(reference))
    }

    private func closing(_ id: FlexFactorOrderID?, until: Moment, now: Moment) -> RecoveryOutcome {
        if isCancelRequested { return .cancelled(id) }
        return .expired(id == nil ? .neverArrived : now >= until ? .atExpiry : .closed, id)
    }

    mutating func retryLearned(
        _ answer: FlexFactorAnswer, _ mode: MITMode, until: Moment, now: Moment, timing: RecoveryTiming
    ) -> RecoveryStop? {
        switch answer {
        case .evaluated(let status, let id): return retryEvaluated(status, id, mode, until: until, now: now, timing: timing)
        case .captured: return .conclude(.approved(.captured, phase.orderID))
        case .captureFailed:
            close(phase.orderID, .cancel)
            return nil
        case .found(let order): return retryFound(order, mode, until: until, now: now, timing: timing)
        case .noSuchOrder: return retryNotFound(until: until, now: now, timing: timing)
        case .cancelAccepted, .cancelRefused:
            phase = .closing(phase.orderID, .look)
            return later(now, until: until, timing: timing)
        case .cardUnusable(let fault): return .refuse(.cardUnusable, [fault])
        case .tokenized: return .advance
        case .failed(let failure): return retryFailed(failure, until: until, now: now, timing: timing)
        }
    }

    private mutating func retryEvaluated(
        _ status: EvaluationStatus, _ id: FlexFactorOrderID?, _ mode: MITMode, until: Moment, now: Moment, timing: RecoveryTiming
    ) -> RecoveryStop? {
        switch (status, mode) {
        case (.approved, _): return .conclude(.approved(.answered, id))
        case (.captureRequired, _):
            return act(on: id, now: now, until: until, timing: timing) { .capturing($0) }
        case (.submitted, .managed), (.processing, .managed): return watch(id, until: until, now: now, timing: timing)
        case (.declined, .sync), (.challenge, .sync), (.submitted, .sync), (.processing, .sync):
            return rest(id, until: until, now: now, timing: timing)
        case (.declined, .managed), (.challenge, .managed), (.cancelled, _), (.expired, _):
            // The order says whether that is the end of it, or FlexFactor goes on trying.
            return act(on: id, now: now, until: until, timing: timing) { .seeking($0) }
        case (.unrecognised, _):
            phase = .seeking(id)
            return later(now, until: until, timing: timing)
        }
    }

    /// Goes on with the order at once; an answer that names no order is looked for a while later.
    private mutating func act(
        on id: FlexFactorOrderID?, now: Moment, until: Moment, timing: RecoveryTiming, _ next: (FlexFactorOrderID) -> RecoveryPhase
    ) -> RecoveryStop? {
        phase = id.map(next) ?? .seeking(nil)
        return id == nil ? later(now, until: until, timing: timing) : nil
    }

    private mutating func retryFound(
        _ order: FlexFactorOrder, _ mode: MITMode, until: Moment, now: Moment, timing: RecoveryTiming
    ) -> RecoveryStop? {
        switch order.state {
        case .completed, .returned, .chargeback:
            if case .watching = phase { return .conclude(.approved(.polled, order.id)) }
            return .conclude(.approved(.reconciled, order.id))
        case .cancelled:
            phase = .closed(order.id)
            charge = nil
            return .park(until: now + timing.settle)
        case .captureRequired, .draft, .onHold, .processing, .problem, .unrecognised: break
        }
        switch phase {
        case .closing, .closed:
            phase = .closing(order.id, .cancel)
            return isOverdue(now, until: until, timing: timing) ? .giveUp(.outcomeUnknown) : nil
        case _ where order.state == .captureRequired:
            phase = .capturing(order.id)
            return nil
        case .watching(let id, let polls):
            phase = .watching(id, polls: polls + 1)
            failures = 0
            return .park(until: nextPoll(until: until, now: now, timing: timing))
        default:
            return mode == .managed ? watch(order.id, until: until, now: now, timing: timing) : rest(order.id, until: until, now: now, timing: timing)
        }
    }

    private mutating func retryNotFound(until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        switch phase {
        case .due:
            phase = .ready
            return nil
        case .seeking(nil) where charge != nil:
            phase = .unanswered
            return nil
        case .closing(_, .look):
            // The request may still be on its way: cancelling by reference stops it where FlexFactor can.
            phase = .closing(nil, .cancel)
            return nil
        case .closing(_, .cancel):
            phase = .closed(nil)
            return .park(until: now + timing.settle)
        case .closed: return .conclude(closing(nil, until: until, now: now))
        default:
            phase = .seeking(nil)
            return later(now, until: until, timing: timing)
        }
    }

    private mutating func retryFailed(_ failure: CallFailure, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        switch (phase, failure) {
        case (.ready, .refused(let status, let errors)) where post == 1: return .refuse(.byFlexFactor(status: status), errors)
        case (.due, _), (.ready, .notSent), (.ready, .throttled):
            if post == 1, failures >= timing.attempts { return .spend }
        case (.ready, _), (.unanswered, .unknown), (.unanswered, .conflict), (.unanswered, .refused):
            phase = .seeking(nil)
        case (.capturing(let id), .refused): close(id, .look)
        case (.closing(let id, .cancel), _): phase = .closing(id, .look)
        default: break
        }
        return later(now, until: until, timing: timing, because: failure)
    }

    // MARK: Waiting

    /// FlexFactor works on it: from here on only the order is looked at, so nothing of the person or the card is kept.
    private mutating func watch(_ id: FlexFactorOrderID?, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStop {
        guard let id else {
            phase = .seeking(nil)
            return .park(until: now + backoff)
        }
        failures = 0
        phase = .watching(id, polls: 0)
        charge = nil
        return .submitted(id, until: nextPoll(until: until, now: now, timing: timing))
    }

    private mutating func rest(_ id: FlexFactorOrderID?, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStop {
        failures = 0
        phase = .resting(id)
        let pause = doubled(timing.firstRepost, times: post - 1, atMost: timing.longestRepost)
        let next = min(now + spread(pause), max(until, now + backoff))
        return post == 1 ? .submitted(id, until: next) : .park(until: next)
    }

    private func nextPoll(until: Moment, now: Moment, timing: RecoveryTiming) -> Moment {
        guard case .watching(_, let polls) = phase else { return now + backoff }
        let next = now + spread(doubled(timing.firstPoll, times: polls, atMost: timing.longestPoll))
        let end = until + timing.grace
        // At the end of the grace period at the latest, when the order is closed.
        return now < end ? min(next, end) : now + backoff
    }

    private func later(_ now: Moment, until: Moment, timing: RecoveryTiming, because failure: CallFailure? = nil) -> RecoveryStop {
        if phase.mayBeCharged, isOverdue(now, until: until, timing: timing) { return .giveUp(.outcomeUnknown) }
        return .park(until: waitingTime(for: failure, now: now))
    }

    private func isOverdue(_ now: Moment, until: Moment, timing: RecoveryTiming) -> Bool {
        now >= until + timing.grace + timing.reconcileFor
    }
}
