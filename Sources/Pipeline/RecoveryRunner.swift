import DeclineRecovery

/// Takes a recovery as far as it goes now: ask FlexFactor until the recovery knows how it ended or wants to wait, publish what that means.
///
/// What is wanted `Recovery` decides, and what may be done the claims; a repeat of any step after a crash is the same call with the same key.
struct RecoveryRunner: Sendable {
    let stage: Stage
    let flexFactor: any FlexFactorPort
    private let environment: StageEnvironment
    private let letters: LetterWriter

    init(_ stage: Stage, in environment: StageEnvironment, flexFactor: any FlexFactorPort) {
        self.stage = stage
        self.flexFactor = flexFactor
        self.environment = environment
        letters = environment.letters(of: stage)
    }

    /// Decodes an envelope and goes on with its recovery.
    ///
    /// - Parameter belongs: whether a recovery of this route is this stage's.
    /// - Parameter pickUp: tells the recovery what is known besides.
    func handle(
        _ message: IncomingMessage, belongs: (RecoveryRoute) -> Bool, pickUp: (inout Recovery) -> Void
    ) async -> StageOutcome {
        switch begin(message, belongs: belongs, pickUp: pickUp) {
        case .ended(let outcome): return outcome
        case .work(var work):
            let (end, event) = await run(&work, traceparent: message.traceparent)
            return ended(work, end, event, message)
        }
    }

    // What waits for an answer keeps room for each of its values for as long; so what comes before and after stands apart.

    private enum Begun {
        case ended(StageOutcome)
        case work(ClaimedRecovery)
    }

    @inline(never)
    private func begin(_ message: IncomingMessage, belongs: (RecoveryRoute) -> Bool, pickUp: (inout Recovery) -> Void) -> Begun {
        switch WorkEnvelope.decode(message.body) {
        case .recovery(var recovery):
            guard belongs(recovery.route) else {
                return .ended(
                    letters.deadLetter(
                        message, because: .unexpectedType,
                        explanation: "A recovery by way of \(recovery.route.word) on the \(stage.rawValue) queue.", now: environment.now()))
            }
            pickUp(&recovery)
            return .work(
                ClaimedRecovery(
                    recovery, standing: environment.claims.standing(of: recovery.reference, merchant: recovery.merchantID),
                    pause: environment.pauses.pause(of: recovery.merchantID, through: recovery.gatewayID, at: environment.now())))
        case .newer(let version):
            return .ended(handBack(message, version: version))
        case .unreadable(let why):
            return .ended(letters.deadLetter(message, because: .unexpectedType, explanation: why, now: environment.now()))
        }
    }

    @inline(never)
    private func ended(_ work: ClaimedRecovery, _ end: ClaimedRecovery.Finish, _ event: ResultEvent?, _ message: IncomingMessage)
        -> StageOutcome
    {
        if work.isPaused, case .stop(.park(let until)) = end {
            return park(work.recovery, for: until - environment.now(), message, because: "paused")
        }
        let outcome = finish(work.recovery, end, event, message)
        if case .stop(.park) = end { return outcome.noting(unsent: work.unsent) }
        return outcome
    }

    /// Claims and calls FlexFactor for as long as the recovery wants the next at once.
    ///
    /// - Returns: where it stops, and the result that was claimed last.
    func run(_ work: inout ClaimedRecovery, traceparent: String?) async -> (ClaimedRecovery.Finish, ResultEvent?) {
        var event: ResultEvent?
        // How long what was claimed last may be acted on, and how long what was read counts as all that was claimed.
        var (goodUntil, readUntil) = (ContinuousClock.now, ContinuousClock.now)
        // Whether the amount is to be looked up before the next step, and whether a charge was asked for: in the amount that it had then.
        var (isToAgree, isAgreed, hasAsked) = (true, false, false)
        while true {
            let now = environment.now()
            if isToAgree {
                // When its time is over nothing is asked for any more.
                isAgreed = await agree(&work, toAsk: true) || now >= work.recovery.chargingEnds
                isToAgree = false
            }
            let (merchant, gateway) = (work.recovery.merchantID, work.recovery.gatewayID)
            let limit = now + environment.callLimit
            // Nobody waits for a charge after the time for it; what became of it is looked up then.
            let chargeLimit = min(limit, work.recovery.chargingEnds)
            let isMisdirected = work.isMisdirected(to: flexFactor.account(of: merchant, gateway: gateway))
            work.noteGateway(isRetired: flexFactor.isRetired(gateway, of: merchant))
            switch work.next(now: now, timing: environment.timing) {
            case .finish(let end): return (end, event)
            // In which amount it was claimed cannot be read now: nothing is asked for, and what became of it is looked up all the same.
            case .claim(let act, _) where act.isSend && !isAgreed: return (.hold, event)
            case .call(let call) where call.saysAmount && !isAgreed: return (.hold, event)
            case .claim(let act, let draft):
                var isAmountKnown = true
                if !hasAsked, draft?.reason.kind == .approved {
                    isAmountKnown = await agree(&work, toAsk: false)
                    if !isAmountKnown, now < work.recovery.chargingEnds {
                        // As when no claim can be made.
                        work.judged(0, nil, isStale: false, beside: .init(), now: environment.now(), timing: environment.timing)
                        continue
                    }
                }
                if let draft { event = ResultEvent(of: work.recovery, draft, isAmountKnown: isAmountKnown, at: now) }
                let claimed = await environment.claims.claim(
                    ClaimRequest(
                        act, of: work.recovery, telling: draft == nil ? nil : event, isAmountKnown: isAmountKnown, at: now))
                if let claimed { readUntil = claimed.goodUntil }
                if act.isSend, let claimed { goodUntil = claimed.goodUntil }
                let beside = act.isSend ? await beside(work.recovery, claimed?.verdict) : .init()
                work.judged(
                    claimed?.id ?? 0, claimed?.verdict, isStale: claimed?.isStale ?? false, beside: beside, now: environment.now(),
                    timing: environment.timing)
                // What this copy claimed is taken back, or FlexFactor refused what it would repeat, and perhaps nothing stands any more.
                if case .unsent(let own) = act, own != 0 { isToAgree = true }
                if case .nextPost? = claimed?.verdict { isToAgree = true }
            case .call(let call) where isMisdirected:
                let answer = flexFactor.misdirected(call, merchant: merchant, gateway: gateway)
                work.learned(answer, now: environment.now(), timing: environment.timing)
            case .tokenize where isMisdirected:
                work.learned(.failed(.misdirected), now: environment.now(), timing: environment.timing)
            case .tokenize(let card, let charge):
                let answer = await flexFactor.tokenize(
                    card, of: charge, merchant: merchant, gateway: gateway, traceparent: traceparent, deadline: chargeLimit)
                work.learned(answer.beforeCharge, now: environment.now(), timing: environment.timing)
            case .call(let call) where call.cancels:
                if let end = await objection(toCancelling: work.recovery, &readUntil) { return (end, event) }
                let answer = await flexFactor.perform(
                    call, merchant: merchant, gateway: gateway, traceparent: traceparent, deadline: limit, writtenBy: readUntil)
                work.learned(answer, now: environment.now(), timing: environment.timing)
            case .call(let call):
                if call.takesMoney { hasAsked = true }
                let isCharge = if case .evaluate = call { true } else { false }
                let time = Duration.milliseconds((work.recovery.chargingEnds - now).milliseconds)
                let answer = await flexFactor.perform(
                    call, merchant: merchant, gateway: gateway, traceparent: traceparent, deadline: isCharge ? chargeLimit : limit,
                    writtenBy: call.takesMoney ? min(goodUntil, ContinuousClock.now.advanced(by: time)) : nil)
                work.learned(answer, now: environment.now(), timing: environment.timing)
            }
        }
    }

    /// What keeps FlexFactor from being asked to cancel its order: it may void what is paid, and another worker may have told it so.
    ///
    /// - Parameter readUntil: how long what was read counts as all that was claimed.
    private func objection(
        toCancelling recovery: Recovery, _ readUntil: inout ContinuousClock.Instant
    ) async -> ClaimedRecovery.Finish? {
        // What is left of it is enough to write the request.
        if ContinuousClock.now.advanced(by: .milliseconds(Claim.validity.milliseconds / 2)) >= readUntil {
            guard let until = await environment.claims.readAll(at: environment.now()) else { return .hold }
            readUntil = until
        }
        let standing = environment.claims.standing(of: recovery.reference, merchant: recovery.merchantID)
        guard standing?.told?.kind == .approved else { return nil }
        guard case .told(let record) = await environment.claims.told(of: recovery.reference, merchant: recovery.merchantID) else {
            return .hold
        }
        return .again(record)
    }

    /// What is known of another's request beside a granted one.
    private func beside(_ recovery: Recovery, _ verdict: ClaimVerdict<ClaimRecord>?) async -> ClaimedRecovery.Beside {
        guard let verdict, case .granted = verdict else { return .init() }
        let standing = environment.claims.standing(of: recovery.reference, merchant: recovery.merchantID)
        let isAnother = standing?.isClaimed(inAnother: recovery.amount) == true
        guard verdict.isBeside || isAnother else { return .init() }
        let first = await environment.claims.first(of: recovery.reference, merchant: recovery.merchantID)
        // In which amount it was claimed must be seen; but what names it first may say none, and then no copy's is another.
        let isSaid = first.map { $0.saleAmount.map { $0 != recovery.amount } ?? false } ?? true
        return ClaimedRecovery.Beside(begun: first?.at, gateway: standing?.gateway, isOfAnotherAmount: isAnother && isSaid)
    }

    /// Has the recovery ask for the amount that was claimed first, and tell that, where this copy of the decline says another.
    ///
    /// - Parameter toAsk: while FlexFactor can have nothing of it, its own amount is asked for. What turns out to be paid is of the first even so.
    /// - Returns: `false` where what was claimed cannot be read now.
    private func agree(_ work: inout ClaimedRecovery, toAsk: Bool) async -> Bool {
        let (reference, merchant, own) = (work.recovery.reference, work.recovery.merchantID, work.recovery.ownAmount)
        guard let standing = environment.claims.standing(of: reference, merchant: merchant), standing.isClaimed(inAnother: own),
            standing.told?.kind != .approved, !toAsk || standing.isBegun
        else {
            work.agree(on: own)
            return true
        }
        guard let first = await environment.claims.first(of: reference, merchant: merchant) else { return false }
        work.agree(on: first.saleAmount ?? own)
        return true
    }

    private func finish(_ recovery: Recovery, _ end: ClaimedRecovery.Finish, _ event: ResultEvent?, _ message: IncomingMessage)
        -> StageOutcome
    {
        switch end {
        case .stop(let stop): return finish(recovery, stop, event, message)
        case .hold: return park(recovery, for: ClaimWait.delay, message, because: ClaimWait.word)
        case .left(let other):
            var entry = entry(of: recovery, .ignored(StageOutcome.Kind.underWay))
            entry.other = other
            return StageOutcome(publishing: [], entry: entry)
        case .again(let record):
            let reply = record.claim.act.telling.flatMap { recovery.replyAddress(for: $0) }
            let messages = record.messages(reply: reply, traceparent: message.traceparent)
            let subject = DeadLetter.Subject(recovery)
            let second = event.flatMap { letters.secondOrder(message, $0, record, subject: subject, now: environment.now()) }
            let contradiction = letters.contradiction(
                message, record, environment.claims.standing(of: recovery.reference, merchant: recovery.merchantID), subject: subject,
                now: environment.now())
            if let refused = letters.refused(message, recovery, record, now: environment.now()) {
                return StageOutcome(publishing: messages + [refused], entry: self.entry(of: recovery, record.fate))
            }
            let spent = letters.attemptsSpent(message, recovery, record, now: environment.now())
            let entry =
                spent == nil
                ? entry(of: recovery, record.fate).telling(record, as: messages) : entry(of: recovery, .deadLettered(.attemptsSpent))
            // Whoever claimed it may have died before it was told, and with it what watches its order.
            let isOwn = record.claim.reference == recovery.reference
            let challenged = isOwn ? record.challengedOrderID : nil
            let watched = challenged.map { watch($0, of: recovery, since: record.claim.at, message) }
            return StageOutcome(publishing: messages + [second, contradiction, spent, watched].compactMap(\.self), entry: entry)
        case .tell(_, let corrects, let isSpent):
            // What is claimed is told: the very event.
            guard let result = event?.correcting(corrects) else {
                return park(recovery, for: ClaimWait.delay, message, because: "nothing to tell")
            }
            var publishing = result.messages(reply: recovery.replyAddress(for: result.kind), traceparent: message.traceparent)
            let contradiction = letters.contradiction(
                message, result, environment.claims.standing(of: recovery.reference, merchant: recovery.merchantID),
                subject: DeadLetter.Subject(recovery), now: environment.now())
            if let contradiction { publishing.append(contradiction) }
            if let open = recovery.openChallenge { publishing.append(watch(open, of: recovery, since: environment.now(), message)) }
            guard isSpent else {
                var entry = entry(of: recovery, .told(result.kind, reason: result.reason.code))
                entry.amount = result.amount
                return StageOutcome(publishing: publishing, entry: entry.telling(result))
            }
            let letter = letters.attemptsSpent(message, recovery, in: recovery.attempts, now: environment.now())
            return StageOutcome(publishing: publishing + [letter], entry: entry(of: recovery, .deadLettered(.attemptsSpent)))
        }
    }

    /// The order is looked at by who looks at what webhooks are of, for the webhook of its payment may be lost (truth.md §4).
    private func watch(
        _ order: FlexFactorOrderID, of recovery: Recovery, since told: Moment, _ message: IncomingMessage
    ) -> StageMessage {
        WebhookNews(watching: order, of: recovery, since: told)
            .message(to: .delayed(.outcomes, environment.timing.settle), traceparent: message.traceparent)
    }

    private func finish(_ recovery: Recovery, _ stop: RecoveryStop, _ event: ResultEvent?, _ message: IncomingMessage) -> StageOutcome {
        let now = environment.now()
        switch stop {
        case .park(let until):
            return park(recovery, for: until - now, message, because: recovery.phase.word)
        case .advance:
            return StageOutcome(
                publishing: [recovery.message(to: .stage(stage), traceparent: message.traceparent)],
                entry: entry(of: recovery, .passed(to: stage)))
        case .submitted(let id, let until):
            let result = ResultEvent(of: recovery, .submitted, flexFactorOrderID: id, at: now)
            return StageOutcome(
                publishing: result.messages(reply: nil, traceparent: message.traceparent)
                    + [recovery.putAway.message(to: .delayed(stage, until - now), traceparent: message.traceparent)],
                entry: entry(of: recovery, .told(result.kind, reason: result.reason.code), until: until).telling(result))
        case .refuse(.byFlexFactor(let status), let errors):
            // What is claimed is told: the very event. Of a card that could not be exchanged nothing is claimed.
            let claimed = event.flatMap { $0.reason == .rejected(.refusedByFlexFactor) ? $0 : nil }
            let result = claimed ?? refusal(of: recovery, .refusedByFlexFactor, errors, now)
            let letter = letters.refused(
                message, recovery, "FlexFactor answered with status \(status).", errors, as: result.id, in: recovery.attempts, now: now)
            return rejected(recovery, result, letter, message)
        case .refuse(.cardUnusable, let errors):
            let result = refusal(of: recovery, .cardUnusable, errors, now)
            let letter = letters.letter(
                message, because: .cardUnusable, explanation: "The encrypted card cannot be used.", faults: errors,
                subject: DeadLetter.Subject(recovery), attempts: recovery.attempts, now: now)
            return rejected(recovery, result, letter, message)
        case .giveUp(let reason):
            let result = ResultEvent(of: recovery, .unresolved, flexFactorOrderID: recovery.phase.orderID, at: now)
            let letter = letters.letter(
                message, because: DeadLetterReason(reason), explanation: reason.sentence,
                subject: DeadLetter.Subject(recovery), attempts: recovery.attempts, now: now)
            return StageOutcome(
                publishing: result.messages(reply: recovery.replyAddress(for: result.kind), traceparent: message.traceparent) + [letter],
                entry: entry(of: recovery, .deadLettered(DeadLetterReason(reason))))
        // Both are told by a claim.
        case .conclude, .spend: return park(recovery, for: ClaimWait.delay, message, because: recovery.phase.word)
        }
    }

    private func refusal(of recovery: Recovery, _ why: ResultReason.Rejection, _ errors: [FieldError], _ now: Moment) -> ResultEvent {
        ResultEvent(of: recovery, .rejected(why), faults: errors, edition: "post-\(recovery.post)", at: now)
    }

    private func rejected(_ recovery: Recovery, _ result: ResultEvent, _ letter: StageMessage, _ message: IncomingMessage) -> StageOutcome {
        StageOutcome(
            publishing: result.messages(reply: recovery.reply, traceparent: message.traceparent) + [letter],
            entry: entry(of: recovery, .rejected(reason: result.reason.code)))
    }

    private func park(_ recovery: Recovery, for delay: Moment.Span, _ message: IncomingMessage, because why: String) -> StageOutcome {
        StageOutcome(
            publishing: [recovery.putAway.message(to: .delayed(stage, delay), traceparent: message.traceparent)],
            entry: entry(of: recovery, .parked(delay, because: why)))
    }

    /// A newer worker wrote this envelope: one of its kind will understand it. Meanwhile it waits, rather than being guessed at.
    private func handBack(_ message: IncomingMessage, version: String) -> StageOutcome {
        let delay = Moment.Span.seconds(30)
        return StageOutcome(
            publishing: [
                StageMessage(
                    to: .delayed(stage, delay), messageID: message.messageID ?? "", type: message.type ?? version,
                    correlationID: message.correlationID, traceparent: message.traceparent, body: message.body)
            ],
            entry: StageOutcome.JournalEntry(fate: .parked(delay, because: "newer envelope \(version)")))
    }

    private func entry(of recovery: Recovery, _ fate: StageOutcome.Kind, until: Moment? = nil) -> StageOutcome.JournalEntry {
        StageOutcome.JournalEntry(
            merchantID: recovery.merchantID, reference: recovery.reference, gatewayID: recovery.gatewayID, fate: fate,
            declinedAt: recovery.declinedAt, attempts: recovery.attempts, wasUnknown: recovery.phase.mayBeCharged, until: until,
            amount: recovery.amount)
    }
}
