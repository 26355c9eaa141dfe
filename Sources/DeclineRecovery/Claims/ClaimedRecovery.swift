/// A recovery in the hands of one delivery: it claims before it acts, and tells what the claims allow.
///
/// `Recovery` says what it wants; this says what it may. Like it, it does nothing itself: `next` names the next action, and what came of
/// it is given back. The pipeline carries the actions out, the simulation interleaves them.
///
/// ```
/// wants to charge --send--> granted: call          told already: tell that again      another recovery of the debt: say so
///                                                  the decline's other form runs: wait for it, or leave it
/// is over         --told--> granted: tell          told already: tell that again      may be charged after all: ask FlexFactor
/// ```
package struct ClaimedRecovery: Sendable {
    package private(set) var recovery: Recovery
    private var state = State.open
    /// A request of this delivery's that stands unanswered.
    private var sending: Sending?
    private var knowledge = Knowledge.nothing

    private struct Sending: Sendable {
        let id: Claim.ID
        let post: Int
    }

    /// What the last answer to a charge says of its claim.
    private enum Knowledge: Sendable { case nothing, unsent, refused, answered }

    private enum State: Sendable {
        case open
        case sending(FlexFactorCall)
        case granted(FlexFactorCall)
        /// Takes a granted send back, and goes on.
        case withdrawing
        case telling(Draft, Claim.Basis, RecoveryStop?)
        case noting(RecoveryStop)
        case announcing(RecoveryStop)
        case adopting
        case ended(Finish)
    }

    /// - Parameter standing: what is known of it here. It may be late: what it allows is judged by the stream again.
    /// - Parameter pause: what keeps it from beginning anything new.
    package init(_ recovery: Recovery, standing: ClaimBook.Standing?, pause: Pause? = nil) {
        self.recovery = recovery
        // What was begun is brought to its end: only that tells the truth. A post that was answered is at its end, and the next one is new.
        let isAnswered = if case .resting = recovery.phase { (standing?.askedPost ?? 0) <= recovery.post } else { false }
        self.pause = pause
        isBegun = standing?.isAsking == true && !isAnswered
        if let asked = standing?.askedPost { self.recovery.noteAsked(asked) }
        self.recovery.noteRequest(standing?.lastRequest)
        self.recovery.isKnownToExist = standing?.exists == true
        self.recovery.isPaidElsewhere = standing?.isPaidByAnother(recovery.reference.kind) == true && recovery.phase.mayBeCharged
        if let sent = standing?.gateway, standing?.mayBeCharged == true, !recovery.phase.mayBeCharged || recovery.account == nil {
            self.recovery.place(at: sent.id, account: sent.account)
        }
        answeredPost = standing?.answeredPost ?? 0
        // What older workers have in work they have not claimed.
        isUnsent = recovery.reference.tag != nil && standing?.mayBeCharged != true && standing?.told == nil && !recovery.phase.mayBeCharged
        isSeen = standing?.exists == true
        isKnownToWait = standing?.isWaiting == true
        let isOver = standing?.told.map { $0.kind.isPaid || !recovery.phase.mayBeCharged } ?? false
        if standing == nil && recovery.phase.mayBeCharged || isOver { state = .adopting }
    }

    private let pause: Pause?
    /// The last post that FlexFactor is known to have refused, to another publication of the event.
    private var refusedPost = 0
    /// The last post that FlexFactor answered to some copy.
    private let answeredPost: Int
    /// A request of it may be out there, so a pause keeps nobody from asking what became of it.
    private let isBegun: Bool
    /// Whether it was put away because of a pause.
    package private(set) var isPaused = false
    /// Nobody has sent it, as far as is known here: there is no order to look for.
    private let isUnsent: Bool
    /// The claims say that it waits.
    private let isKnownToWait: Bool
    /// FlexFactor is known to have the order.
    private var isSeen: Bool
    private var isSeenNow = false
    /// Why the last call was not sent.
    package private(set) var unsent: CallFailure.NotSent?

    package mutating func next(now: Moment, timing: RecoveryTiming) -> Action {
        switch state {
        case .open: return wanted(now: now, timing: timing)
        case .sending: return .claim(.send(post: recovery.post), telling: nil)
        case .granted(let call): return .call(call)
        case .withdrawing: return sending.map { .claim(.unsent($0.id), telling: nil) } ?? reopen(now, timing)
        case .telling(let draft, let basis, _):
            let own = knowledge == .unsent ? sending?.id : nil
            let told = Claim.Told(
                draft.reason.kind, basis, withdrawing: own, seen: recovery.seen(by: basis),
                refused: basis == .absent || basis == .unsent ? refusedPost : nil,
                unlessPaid: !draft.reason.kind.isPaid && draft.other == nil)
            return .claim(.told(told), telling: draft)
        case .noting(let stop): return note(stop)
        // A capture of which nobody heard stands as it did: the answer before it was to another request.
        case .announcing: return .claim(.exists(answering: knowledge == .nothing ? nil : sending?.id), telling: nil)
        case .adopting: return .claim(.send(post: recovery.post), telling: nil)
        case .ended(let finish): return .finish(finish)
        }
    }

    private mutating func reopen(_ now: Moment, _ timing: RecoveryTiming) -> Action {
        state = .open
        return wanted(now: now, timing: timing)
    }

    private mutating func wanted(now: Moment, timing: RecoveryTiming) -> Action {
        if isUnsent, !recovery.phase.mayBeCharged, recovery.isCancelRequested || !recovery.mayCharge(at: now) {
            // Too late to charge. Whether nothing was sent is on the stream; FlexFactor need not be asked.
            let reason: ResultReason =
                switch recovery.route {
                case .cascade: .skipped(.deadlinePassed)
                case .retry: recovery.isCancelRequested ? .cancelled : .expired(.neverArrived)
                }
            return ask(.telling(Draft(reason), .unsent, nil), now, timing)
        }
        if isUnsent, !recovery.phase.mayBeCharged, recovery.isGatewayRetired {
            return ask(.telling(Draft(.skipped(recovery.skipAtRetiredGateway)), .unsent, nil), now, timing)
        }
        if !isBegun, let pause, pause.isInForce(at: now), recovery.isBeforeCharge {
            switch recovery.route {
            case .cascade where isUnsent: return ask(.telling(Draft(.skipped(.paused)), .unsent, nil), now, timing)
            case .retry where recovery.mayCharge(at: now) && !recovery.isCancelRequested:
                isPaused = true
                return end(.park(until: recovery.lookingAgain(at: pause, now: now)), now, timing)
            default: break
            }
        }
        var step = recovery.next(now: now, timing: timing)
        if isUnsent, recovery.phase == .due, case .retry = recovery.route, case .call(.find) = step {
            recovery.phase = .ready
            step = recovery.next(now: now, timing: timing)
        }
        if let pause, pause.isInForce(at: now), recovery.isNewAttempt(step, now: now, timing: timing) {
            isPaused = true
            return end(.park(until: recovery.lookingAgain(at: pause, now: now)), now, timing)
        }
        switch step {
        case .call(let call) where call.takesMoney: return ask(.sending(call), now, timing)
        case .call(let call): return .call(call)
        case .tokenize(let card, let charge): return .tokenize(card, charge)
        case .stop(let stop): return end(stop, now, timing)
        }
    }

    private mutating func ask(_ next: State, _ now: Moment, _ timing: RecoveryTiming) -> Action {
        state = next
        return self.next(now: now, timing: timing)
    }

    /// Whether its gateway points to another account than the one that may have the charge (`Recovery.isMisdirected`).
    package mutating func isMisdirected(to account: String?) -> Bool { recovery.isMisdirected(to: account) }

    /// Whether its gateway, as it is configured now, is kept for looking and cancelling alone.
    package mutating func noteGateway(isRetired: Bool) { recovery.isGatewayRetired = isRetired }

    /// What is asked for and told in the place of its own amount, from the next step on (`Recovery.agree`).
    package mutating func agree(on amount: Money) { recovery.agree(on: amount) }

    /// Takes in what a call brought.
    package mutating func learned(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) {
        let wasCharge = if case .granted = state { true } else { false }
        state = .open
        unsent = if case .failed(.notSent(let why)) = answer { why } else { nil }
        if wasCharge {
            knowledge =
                switch answer {
                case .failed(.notSent), .failed(.throttled): .unsent
                case .failed(.refused): .refused
                case .evaluated, .captured, .captureFailed: .answered
                default: .nothing
                }
        }
        switch answer {
        case .found, .cancelAccepted, .cancelRefused: isSeenNow = true
        case .failed(.conflict): isSeenNow = isSeenNow || recovery.isAboutOurKey
        default: break
        }
        var stop = recovery.learned(answer, now: now, timing: timing)
        // The other content under our key is another copy's, which was answered and tells the end.
        if stop == .giveUp(.keyConflict), answeredPost >= recovery.post, now < recovery.chargingEnds {
            stop = .park(until: now + recovery.standAside(timing))
        }
        if let stop { _ = end(stop, now, timing) }
    }

    private mutating func end(_ stop: RecoveryStop, _ now: Moment, _ timing: RecoveryTiming) -> Action {
        switch stop {
        case .conclude(let outcome):
            ask(.telling(Draft(ResultReason(outcome), orderID: outcome.orderID), firstBasis(of: outcome), stop), now, timing)
        case .spend: ask(.telling(Draft(.skipped(.flexFactorUnavailable)), .unsent, stop), now, timing)
        case .submitted: ask(.announcing(stop), now, timing)
        case .park, .refuse, .advance, .giveUp: ask(.noting(stop), now, timing)
        }
    }

    /// What the stream must know before the recovery is put away.
    private mutating func note(_ stop: RecoveryStop) -> Action {
        guard let sending else {
            if isSeenNow && !isSeen { return .claim(.exists(answering: nil), telling: nil) }
            // FlexFactor has nothing of what was sent: not of the last request that stood when it was asked, nor of any before.
            if case .refuse(.byFlexFactor, let errors) = stop, recovery.phase.mayBeCharged, let last = recovery.evidence.seen {
                return .claim(
                    .refused(last, isLast: true), telling: Draft(.rejected(.refusedByFlexFactor), faults: errors, post: recovery.post))
            }
            if isFirstWait(stop) { return .claim(.waiting, telling: nil) }
            // It withdraws nothing: whether somebody has told the end is looked up once more before this one gives up.
            return stop.leavesIt ? .claim(.unsent(0), telling: nil) : .finish(.stop(stop))
        }
        switch (stop, knowledge) {
        case (_, .nothing) where isSeenNow && !isSeen, (_, .refused) where isSeenNow && !isSeen:
            return .claim(.exists(answering: nil), telling: nil)
        case (.refuse(.byFlexFactor, let errors), _):
            let draft = Draft(.rejected(.refusedByFlexFactor), faults: errors, post: sending.post)
            return .claim(.refused(sending.id, isLast: true), telling: draft)
        // FlexFactor took no such post: the next has a key of its own.
        case (.park, .refused) where recovery.isPostedAgain: return .claim(.refused(sending.id), telling: nil)
        case (_, .unsent): return .claim(.unsent(sending.id), telling: nil)
        case (_, .answered): return .claim(.exists(answering: sending.id), telling: nil)
        case (_, .nothing), (_, .refused): return stop.leavesIt ? .claim(.unsent(0), telling: nil) : .finish(.stop(stop))
        }
    }

    /// Nobody has sent it, it is put away, and no claim says so: who is told to cancel it would not know that there is one.
    private func isFirstWait(_ stop: RecoveryStop) -> Bool {
        guard case .park = stop, case .retry = recovery.route else { return false }
        return sending == nil && isUnsent && !isKnownToWait && !recovery.phase.mayBeCharged
    }

    // MARK: Verdicts

    /// Takes in what the stream's order made of the claim; `nil` when it could not be made.
    ///
    /// - Parameter isStale: the grant came too late to be acted on.
    /// - Parameter beside: what is known of the request of another that may be out there, where the verdict says so.
    package mutating func judged(
        _ id: Claim.ID, _ verdict: ClaimVerdict<ClaimRecord>?, isStale: Bool, beside: Beside, now: Moment, timing: RecoveryTiming
    ) {
        switch state {
        case .sending(let call): sent(id, verdict, isStale, beside, call, now, timing)
        case .telling(let draft, let basis, let stop): told(verdict, isStale, draft, basis, stop, now, timing)
        // Its end may have been told since.
        case .announcing where isStale: break
        case .announcing(let stop): announced(verdict, stop, now)
        case .noting(let stop):
            let isNews = isFirstWait(stop)
            sending = nil
            switch verdict {
            case .told(let record, _)?: state = .ended(.again(record))
            case .nextPost(_, let refusal?)? where refusal.isRefusal(of: recovery.edition): state = .ended(.again(refusal))
            // It is of another publication: this one goes on with a post of its own.
            case .nextPost(let post, _)?:
                recovery.goOn(withPost: post)
                state = .ended(.stop(.park(until: now + recovery.backoff)))
            // However late it is: what was sent since is looked for as well.
            case .askedTooEarly?, .mayBeCharged?: state = .ended(.stop(.park(until: now + recovery.backoff)))
            case nil where stop.leavesIt || isNews: state = .ended(.hold)
            default: state = .ended(.stop(stop))
            }
        case .withdrawing:
            sending = nil
            state = .open
        case .adopting:
            if case .granted? = verdict { recovery.noteRequest(id) }
            if case .told(let record, _)? = verdict {
                state = .ended(.again(record))
            } else {
                state = verdict == nil ? .ended(.hold) : .open
            }
        case .open, .granted, .ended: break
        }
    }

    private mutating func sent(
        _ id: Claim.ID, _ verdict: ClaimVerdict<ClaimRecord>?, _ isStale: Bool, _ beside: Beside, _ call: FlexFactorCall, _ now: Moment,
        _ timing: RecoveryTiming
    ) {
        let mayBeCharged = recovery.phase.mayBeCharged
        switch verdict {
        case .granted(let alone, _)?:
            sending = Sending(id: id, post: recovery.post)
            knowledge = .nothing
            recovery.noteRequest(id)
            // The call is in this copy's amount, and whoever has another looks anew in which to ask.
            if isStale || beside.isOfAnotherAmount {
                state = .withdrawing
                return
            }
            state = .granted(call)
            if alone { return }
            if let sent = beside.gateway { recovery.place(at: sent.id, account: sent.account) }
            // When it was first sent only the other knows: the key is taken to be as old as it can be. Older workers claimed nothing first.
            let oldest = recovery.reference.tag == nil ? nil : beside.begun
            recovery.evidence.sentAt = recovery.evidence.sentAt ?? oldest ?? recovery.declinedAt
            switch (recovery.route, recovery.phase) {
            // Somebody's request may be out there: it is repeated with the same key, and not given up without asking FlexFactor.
            case (.cascade, .due): recovery.phase = .unanswered
            // Nobody waits: FlexFactor is asked first.
            case (.retry, .ready):
                recovery.phase = .seeking(nil)
                state = .withdrawing
            default: break
            }
        // Whatever was told of the decline's other form, this one may have been charged before.
        case .told(let record, _)? where mayBeCharged && record.claim.reference != recovery.reference: doubt(now, timing)
        case .told(let record, _)?: state = .ended(.again(record))
        // Whatever stands in the way now, this one may have been charged before.
        case .inRecovery? where mayBeCharged, .otherForm? where mayBeCharged, .recovered? where mayBeCharged: doubt(now, timing)
        case .otherForm(let record, let exists)?: leave(it: record, exists: exists, now: now)
        case .inRecovery(let record)?: state = .telling(Draft(.skipped(.inRecovery), other: record.claim.reference), .pointer, nil)
        case .recovered(let record)?: state = .telling(Draft(.skipped(.alreadyRecovered), other: record.claim.reference), .pointer, nil)
        case .nextPost(_, let refusal?)? where refusal.isRefusal(of: recovery.edition): state = .ended(.again(refusal))
        case .nextPost(let post, _)?:
            refusedPost = post - 1
            recovery.post = post
            recovery.evidence.beginPost()
            state = .open
        case .mayBeCharged?, .askedTooEarly?: state = .open
        case nil: state = .ended(.hold)
        }
    }

    /// One that waits for the other says so: a command to cancel it knows of it then.
    private mutating func leave(it other: ClaimRecord, exists: Bool, now: Moment) {
        let end = leaving(it: other, exists: exists, now: now)
        state = if case .stop(let stop) = end, isFirstWait(stop) { .noting(stop) } else { .ended(end) }
    }

    private mutating func told(
        _ verdict: ClaimVerdict<ClaimRecord>?, _ isStale: Bool, _ draft: Draft, _ basis: Claim.Basis, _ stop: RecoveryStop?,
        _ now: Moment, _ timing: RecoveryTiming
    ) {
        switch verdict {
        case .granted(_, let corrects)?: state = .ended(.tell(draft, corrects: corrects, spent: stop == .spend))
        case .told(let record, _)?: state = .ended(.again(record))
        // What it has withdrawn just now holds its debt no longer.
        case .otherForm? where sending != nil: state = .noting(.park(until: now + recovery.backoff))
        case .otherForm(let record, let exists)?: leave(it: record, exists: exists, now: now)
        case .inRecovery(let record)?: state = .telling(Draft(.skipped(.inRecovery), other: record.claim.reference), .pointer, nil)
        case .recovered(let record)?:
            let pointer = Draft(.skipped(.alreadyRecovered), orderID: draft.orderID, other: record.claim.reference)
            state = .telling(pointer, (isAbsence(stop) ? Claim.Basis.absent : basis).besidesPaid, nil)
        case .nextPost(_, let refusal?)? where refusal.isRefusal(of: recovery.edition): state = .ended(.again(refusal))
        // It is of another publication: what became of this one is told all the same.
        case .nextPost(let post, _)?: refusedPost = post - 1
        // A request stands, of which FlexFactor was asked.
        case .mayBeCharged? where basis == .unsent && isAbsence(stop):
            state = isStale ? .ended(.stop(.park(until: now + recovery.backoff))) : .telling(draft, .absent, stop)
        case .mayBeCharged?: doubt(now, timing)
        // However late it is: what was sent since is looked for as well.
        case .askedTooEarly?: state = .ended(.stop(.park(until: now + recovery.backoff)))
        case nil:
            if knowledge == .answered { recovery.forgetAnswer() }
            state = .ended(.hold)
        }
    }

    /// What was about to be told is not known: FlexFactor is asked, until a person must.
    private mutating func doubt(_ now: Moment, _ timing: RecoveryTiming) {
        sending = nil
        knowledge = .nothing
        let hasAsked = recovery.phase.mayBeCharged
        guard let patience = recovery.doubt(timing) else {
            state = .open
            return
        }
        guard now >= recovery.chargingEnds + patience else {
            state = .ended(.stop(.park(until: now + recovery.backoff)))
            return
        }
        // However late it is: nobody gives up who has not asked.
        state = hasAsked ? .ended(.stop(.giveUp(.outcomeUnknown))) : .open
    }

    private mutating func announced(_ verdict: ClaimVerdict<ClaimRecord>?, _ stop: RecoveryStop, _ now: Moment) {
        guard case .submitted(let id, _) = stop else { return }
        switch verdict {
        case .told(_, let kind)? where !kind.isPaid && id != nil:
            // It was told that nothing was charged: then nothing shall be.
            recovery.phase = .closing(id, .look)
            recovery.charge = nil
            state = .ended(.stop(.park(until: now + recovery.backoff)))
        case .told(let record, _)?: state = .ended(.again(record))
        case nil:
            (recovery.phase, recovery.isSubmitted) = (.seeking(id), false)
            state = .ended(.hold)
        default: state = .ended(.stop(stop))
        }
        sending = nil
    }
}
