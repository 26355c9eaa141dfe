/// The life of a retry (behaviour.md §6): rerun or recycled rebill, handed to FlexFactor for up to 21 days.
///
/// ```
/// due --look, if somebody may have sent it--> ready --evaluate--> approved           money taken
///  |  \--no answer--> seeking: look the order up, then repeat with the same key while FlexFactor remembers it
///  |  managed: submitted --> watching: look from time to time --> approved | closed
///  |  sync: declined for now --> resting --> ready, with the key of the next post
///  |  capture required --> capturing --> approved                                   money taken
///  \--expiry, the CRM's cancel, or another has paid the debt--> closing: look, cancel what is not captured, look again
///       |--> approved | closed
///       \--"no such order", twice, with the settling time between--> never arrived
/// closed, a while later, looked at again --> cancelled, where the CRM wanted it; else expired
/// ```
///
/// FlexFactor shows one state for every order that ended unpaid, and a webhook, a look and a cancel command may each see it first. So
/// all of them tell the same: `cancelled` where the CRM's command is known, `expired` otherwise.
extension Recovery {
    mutating func nextOfRetry(_ mode: MITMode, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStep {
        let id = phase.orderID
        // Nothing can be asked for by repeating it any more.
        if case .closing(nil, _) = phase, now >= keyDies(timing) { charge = nil }
        if isKnownToExist, isAskedFor(until, now) { goOn(with: nil) }
        if now >= until || isUnwanted || isGatewayRetired && isNextPostDue(now, timing) {
            switch phase {
            case .due where isKnownUnsent, .ready where isKnownUnsent: return .stop(.conclude(closing(nil, until: until, now: now)))
            case .watching where now < until + timing.grace && !isUnwanted: break
            case .due, .ready, .unanswered, .seeking, .watching, .resting: close(id, .look)
            case .capturing: close(id, .cancel)
            case .closing, .closed, .reconciling, .challenged: break
            }
        }
        switch phase {
        case .due:
            if mode == .sync, let charge, let wait = NetworkRules.wait(after: charge.decline, brand: charge.paymentMethod.brand),
                now < declinedAt + wait
            {
                return .stop(.park(until: declinedAt + wait))
            }
            if isKnownUnsent, let charge {
                phase = .ready
                return step(charging: charge)
            }
            // FlexFactor forgets idempotency keys after a day; a decline that is published again later must not be charged again.
            return .call(.find(reference))
        case .resting where askedPost != nil && charge != nil:
            phase = .seeking(id)
            return look(id, now)
        case .unanswered where askedPost != nil && stepsAtOnce == 0 && now >= keyDies(timing):
            // It may be an attempt of its own by now: none is made before the order was looked at.
            phase = .seeking(nil)
            return look(nil, now)
        case .ready, .resting, .unanswered:
            if case .resting = phase { beginNextPost() }
            if phase == .unanswered, mode == .sync, askedPost == nil, now >= keyDies(timing) {
                // In this mode a post tells how the order is by now; with a key that may be forgotten it is a post of its own.
                beginNextPost()
            }
            if let charge, mayRepeat(at: now, timing: timing) { return step(charging: charge) }
            phase = .seeking(nil)
            return look(nil, now)
        case .capturing(let id): return .call(.capture(id, amount, idempotencyKey: idempotencyKey(of: .capture(post: post))))
        case .closing(let id?, .cancel): return .call(.cancel(id))
        case .closing(nil, .cancel): return .call(.cancelByReference(reference))
        case .closing(nil, .recall):
            if let recall = recall(now: now, timing: timing) { return .call(recall) }
            phase = .closing(nil, .look)
            return look(nil, now)
        case .seeking, .watching, .closing, .closed: return look(id, now)
        case .reconciling, .challenged:
            close(id, .look)
            return look(id, now)
        }
    }

    /// Nobody wants the money any more.
    var isUnwanted: Bool { isCancelRequested || isPaidElsewhere }

    /// Whether what comes next is a post of its own, and not the same asked for again.
    private func isNextPostDue(_ now: Moment, _ timing: RecoveryTiming) -> Bool {
        guard isSync else { return false }
        return switch phase {
        case .ready, .resting: askedPost == nil
        case .unanswered: now >= keyDies(timing)
        default: false
        }
    }

    /// From here on nothing is charged, so nothing of the person or the card is kept; unless what was sent, perhaps by a pod that died, may
    /// have to be asked for by repeating it, because no id of the order is known.
    private mutating func close(_ id: FlexFactorOrderID?, _ step: ReconciliationStep) {
        if id != nil { charge = nil }
        phase = .closing(id, step)
        failures = 0
    }

    /// A post of some delivery may be out there, whose answer nobody has heard. In sync mode every later post waits for it, so it is asked for
    /// under its own key: who has forgotten the key makes of it the attempt that is due anyway.
    mutating func noteAsked(_ asked: Int) {
        guard isSync else { return }
        askedPost = asked
        if asked != post {
            post = asked
            evidence.beginPost()
        }
    }

    /// Whether a step repeats a post under a key that FlexFactor may have forgotten: then it can be an attempt of its own.
    func isNewAttempt(_ step: RecoveryStep, now: Moment, timing: RecoveryTiming) -> Bool {
        guard isSync, case .call(.evaluate) = step else { return false }
        return phase == .unanswered && now >= keyDies(timing)
    }

    /// A sync retry that FlexFactor has, and that waits for its next post.
    var isPostedAgain: Bool { if case .resting = phase { isSync } else { false } }

    /// Another copy has the order: what becomes of it is looked at from time to time.
    ///
    /// - Returns: until the next look.
    mutating func standAside(_ timing: RecoveryTiming) -> Moment.Span {
        if case .closing(let id, _) = phase {
            phase = .closing(id, .look)
            return timing.firstPoll
        }
        phase = .seeking(phase.orderID)
        return timing.longestPoll
    }

    private mutating func beginNextPost() {
        post += 1
        evidence.beginPost(of: phase.orderID)
        phase = .ready
    }

    /// Whether the post may go out: for the first time, or again under a key that FlexFactor remembers.
    private func mayRepeat(at now: Moment, timing: RecoveryTiming) -> Bool {
        phase == .ready || now < keyDies(timing) || askedPost != nil
    }

    private func look(_ id: FlexFactorOrderID?, _ now: Moment) -> RecoveryStep {
        .call((id ?? evidence.named).map(FlexFactorCall.lookUp) ?? search(now))
    }

    private func closing(_ id: FlexFactorOrderID?, until: Moment, now: Moment) -> RecoveryOutcome {
        if isCancelRequested { return .cancelled(id) }
        return .expired(id == nil && !evidence.exists ? .neverArrived : now >= until ? .atExpiry : .closed, id)
    }

    mutating func retryLearned(
        _ answer: FlexFactorAnswer, _ mode: MITMode, until: Moment, now: Moment, timing: RecoveryTiming
    ) -> RecoveryStop? {
        switch answer {
        case .evaluated(let status, let id): return retryEvaluated(status, id, mode, until: until, now: now, timing: timing)
        case .captured: return .conclude(.approved(.captured, phase.orderID))
        case .captureFailed:
            // Where we repeat, that is "declined" for now.
            if mode == .sync, charge != nil { return rest(phase.orderID, until: until, now: now, timing: timing) }
            close(phase.orderID, .cancel)
            return nil
        case .found(let order): return retryFound(order, mode, until: until, now: now, timing: timing)
        case .notListed, .noSuchOrder: return retryNotFound(answer, until: until, now: now, timing: timing)
        case .cancelRefused where isAskedFor(until, now):
            // There is one: the refusal was none of the first request.
            goOn(with: nil)
            return later(now, until: until, timing: timing)
        case .cancelAccepted, .cancelRefused:
            if phase.orderID == nil, recall(now: now, timing: timing) != nil {
                phase = .closing(nil, .recall)
                return nil
            }
            phase = .closing(phase.orderID, .look)
            return later(now, until: until, timing: timing)
        case .cardUnusable(let fault): return .refuse(.cardUnusable, [fault])
        case .tokenized, .refunded, .refundFailed: return .advance
        case .failed(let failure): return retryFailed(failure, until: until, now: now, timing: timing)
        }
    }

    private mutating func retryEvaluated(
        _ status: EvaluationStatus, _ id: FlexFactorOrderID?, _ mode: MITMode, until: Moment, now: Moment, timing: RecoveryTiming
    ) -> RecoveryStop? {
        askedPost = nil
        if case .closing = phase, status != .approved || mustBeSeen(id) {
            // It was repeated for its answer, which may be of long ago: the order says how it is by now.
            phase = .closing(id, .look)
            return id == nil ? later(now, until: until, timing: timing) : nil
        }
        switch (status, mode) {
        case (.approved, _): return .conclude(.approved(.answered, id))
        case (.captureRequired, _):
            return act(on: id, now: now, until: until, timing: timing) { .capturing($0) }
        case (.submitted, .managed), (.processing, .managed): return watch(id, until: until, now: now, timing: timing)
        case (.declined, .sync), (.challenge, .sync), (.submitted, .sync), (.processing, .sync), (.cancelled, .sync), (.expired, .sync):
            return rest(id, until: until, now: now, timing: timing)
        case (.declined, .managed), (.challenge, .managed), (.cancelled, .managed), (.expired, .managed):
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
        if isAskedFor(until, now) { goOn(with: order.id) }
        switch order.state {
        case .completed, .returned, .chargeback:
            if case .watching = phase { return .conclude(.approved(.polled, order.id)) }
            return .conclude(.approved(.reconciled, order.id))
        case .cancelled:
            switch phase {
            case .closed: return .conclude(closing(order.id, until: until, now: now))
            // Where we repeat, FlexFactor's "cancelled" is "declined" for now.
            case .due, .ready, .unanswered, .seeking, .resting, .capturing, .watching:
                if mode == .sync, charge != nil { return restOrAsk(order.id, until: until, now: now, timing: timing) }
            case .closing, .reconciling, .challenged: break
            }
            phase = .closed(order.id)
            charge = nil
            return .park(until: now + timing.settle)
        case .captureRequired, .draft, .onHold, .processing, .problem, .unrecognised: break
        }
        switch phase {
        case .closed where mode == .managed && now < until && !isUnwanted:
            // It was not the end after all.
            phase = .watching(order.id, polls: 0)
            return .park(until: nextPoll(until: until, now: now, timing: timing))
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
            return mode == .managed
                ? watch(order.id, until: until, now: now, timing: timing) : restOrAsk(order.id, until: until, now: now, timing: timing)
        }
    }

    /// An order that is not paid says of a post that was not answered nothing more than that: it is asked for by itself, before it counts as
    /// declined for now.
    private mutating func restOrAsk(_ id: FlexFactorOrderID?, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        // Whoever has sent it had its token: where the card is sealed yet, this is a copy, and other bytes under that key would be a conflict.
        guard askedPost != nil, case .token? = charge?.paymentMethod.card else { return rest(id, until: until, now: now, timing: timing) }
        switch phase {
        case .due, .seeking:
            phase = .unanswered
            return nil
        default: return rest(id, until: until, now: now, timing: timing)
        }
    }

    /// The list does not show the order, or FlexFactor says that it knows none. Only the second, said of our own reference, is evidence.
    private mutating func retryNotFound(
        _ answer: FlexFactorAnswer, until: Moment, now: Moment, timing: RecoveryTiming
    ) -> RecoveryStop? {
        switch phase {
        case .due:
            phase = .ready
            return nil
        case .seeking(nil) where mayAskByPosting(at: now, timing):
            phase = .unanswered
            return nil
        case .seeking(nil):
            // Repeating it would be a new charge: only looking is left until its time is over.
            let pause = timing.firstPoll.doubled(times: min(failures, 10), atMost: timing.longestPoll)
            return .park(until: min(now + spread(pause), max(until, now + backoff)))
        case .closing(nil, .look), .closed(nil):
            if evidence.isCancelled(now: now, timing: timing) { return .conclude(closing(nil, until: until, now: now)) }
            if evidence.exists {
                phase = .closing(nil, recall(now: now, timing: timing) == nil ? .cancel : .recall)
                return later(now, until: until, timing: timing)
            }
            // The request may still be on its way: cancelling by reference stops it where FlexFactor can.
            phase = .closing(nil, .cancel)
            return nil
        case .closing(nil, .cancel) where answer == .noSuchOrder && !evidence.exists:
            if evidence.isAbsence(now: now, timing: timing) {
                if let refusal = evidence.refusal, !isUnwanted { return .refuse(.byFlexFactor(status: refusal.status), refusal.errors) }
                return .conclude(closing(nil, until: until, now: now))
            }
            evidence.noteDenial(now: now)
            phase = .closing(nil, .look)
            return .park(until: now + timing.settle)
        case .closing(let id, _), .closed(let id):
            // It denies what it named itself: that is no knowledge.
            phase = .closing(id, .look)
            return later(now, until: until, timing: timing)
        default: return later(now, until: until, timing: timing)
        }
    }

    var isSync: Bool { if case .retry(.sync, _) = route { true } else { false } }

    /// Whether the order may be asked for by posting it: again under a key that FlexFactor remembers, or, where each post tells how the order
    /// is by now, as a post of its own.
    private func mayAskByPosting(at now: Moment, _ timing: RecoveryTiming) -> Bool { charge != nil && (now < keyDies(timing) || isSync) }

    /// Whether the post under way is the first that FlexFactor can have taken: those before it, if any, it refused.
    private var isFirstTaken: Bool { !evidence.exists && !isKnownToExist && (post == 1 || reference.tag != nil) }

    private mutating func retryFailed(_ failure: CallFailure, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        if case .capturing(let id) = phase { return notCaptured(id, because: failure, until: until, now: now, timing: timing) }
        if failure == .conflict, isAboutOurKey, evidence.isOtherContent(now: now, timing: timing) { return .giveUp(.keyConflict) }
        if case .refused(let status, let errors) = failure, phase == .unanswered, !evidence.exists, !isKnownToExist {
            evidence.noteRefusal(status, errors, now: now)
            // Whoever sent it first may have died before the answer. FlexFactor's word that it has no such order says what that was.
            if evidence.isRefused(now: now, timing: timing) {
                phase = .closing(nil, .cancel)
                return nil
            }
        }
        switch (phase, failure) {
        // The list shows it: nothing is charged beside that, and its page is asked again.
        case (.due, _) where failure.isUnconfirmed, (.seeking(nil), _) where failure.isUnconfirmed && now >= keyDies(timing): break
        // Nor is that asked to be cancelled which may be paid.
        case (.closing(nil, .look), _) where failure.isUnclear, (.closed(nil), _) where failure.isUnclear: break
        // The list cannot be had, and its silence would have proved nothing.
        case (.due, .unknown), (.due, .refused), (.due, .conflict):
            phase = .ready
            if failure.retryAfter == nil { return nil }
        case (.seeking(nil), .unknown) where mayAskByPosting(at: now, timing),
            (.seeking(nil), .refused) where mayAskByPosting(at: now, timing):
            phase = .unanswered
        case (.closing(nil, .look), .unknown), (.closing(nil, .look), .refused), (.closed(nil), .unknown), (.closed(nil), .refused):
            // What the list shows may have been paid for all the same.
            if !failure.isUnconfirmed, evidence.isCancelled(now: now, timing: timing) {
                return .conclude(closing(nil, until: until, now: now))
            }
            phase = .closing(nil, recall(now: now, timing: timing) == nil ? .cancel : .recall)
            // At the end of its time it is asked the other way before it is given up.
            if isOverdue(now, until: until, timing: timing) { return nil }
        case (.ready, .refused(let status, let errors)) where isFirstTaken: return .refuse(.byFlexFactor(status: status), errors)
        // FlexFactor has the order and takes no further post of it now: that is no end.
        case (.ready, .refused) where isSync && charge != nil,
            (.unanswered, .refused) where isSync && charge != nil && (evidence.exists || isKnownToExist):
            return rest(phase.orderID, until: until, now: now, timing: timing)
        case (.due, _), (.ready, .notSent), (.ready, .throttled):
            if isFirstTaken, failures >= timing.attempts { return .spend }
        case (.ready, _), (.unanswered, .unknown), (.unanswered, .conflict), (.unanswered, .refused):
            phase = .seeking(nil)
        case (.closing(let id, .cancel), _), (.closing(let id, .recall), _): phase = .closing(id, .look)
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
        return submitted(id, until: nextPoll(until: until, now: now, timing: timing))
    }

    private mutating func rest(_ id: FlexFactorOrderID?, until: Moment, now: Moment, timing: RecoveryTiming) -> RecoveryStop {
        failures = 0
        phase = .resting(id)
        let pause = timing.firstRepost.doubled(times: post - 1, atMost: timing.longestRepost)
        let next = min(now + spread(pause), max(until, now + backoff))
        return submitted(id, until: next)
    }

    private func nextPoll(until: Moment, now: Moment, timing: RecoveryTiming) -> Moment {
        guard case .watching(_, let polls) = phase else { return now + backoff }
        let next = now + spread(timing.firstPoll.doubled(times: polls, atMost: timing.longestPoll))
        let end = until + timing.grace
        // At the end of the grace period at the latest, when the order is closed.
        return now < end ? min(next, end) : now + backoff
    }

    func later(_ now: Moment, until: Moment, timing: RecoveryTiming, because failure: CallFailure? = nil) -> RecoveryStop {
        if phase.mayBeCharged, isOverdue(now, until: until, timing: timing) { return .giveUp(.outcomeUnknown) }
        return .park(until: waitingTime(for: failure, now: now))
    }

    private func isOverdue(_ now: Moment, until: Moment, timing: RecoveryTiming) -> Bool {
        now >= until + timing.grace + timing.reconcileFor
    }
}
