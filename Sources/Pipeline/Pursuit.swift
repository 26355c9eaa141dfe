import DeclineRecovery

/// Pursues a recovery as far as it goes now: ask FlexFactor until the recovery knows how it ended or wants to wait, publish what that means.
///
/// All decisions are `Recovery`'s; a repeat of any step after a crash is the same call with the same key.
struct Pursuit: Sendable {
    let stage: Stage
    let flexFactor: any FlexFactorPort
    let clock: any WallClock
    let letters: LetterWriter
    let timing: RecoveryTiming
    /// The longest that one call may take.
    let callLimit: Moment.Span

    init(
        _ stage: Stage, flexFactor: any FlexFactorPort, clock: any WallClock, worker: DeadLetter.Worker, cards: any CardVault, timing: RecoveryTiming,
        callLimit: Moment.Span
    ) {
        self.stage = stage
        self.flexFactor = flexFactor
        self.clock = clock
        self.letters = LetterWriter(stage: stage, worker: worker, cards: cards)
        self.timing = timing
        self.callLimit = callLimit
    }

    /// Decodes an envelope and pursues its recovery.
    ///
    /// - Parameter belongs: whether a recovery of this route is this stage's.
    /// - Parameter pickUp: tells the recovery what is known besides.
    func handle(
        _ message: IncomingMessage, belongs: (RecoveryRoute) -> Bool, pickUp: (inout Recovery) -> Void
    ) async -> Handled {
        switch WorkEnvelope.decode(message.body) {
        case .recovery(var recovery):
            guard belongs(recovery.route) else {
                return letters.deadLetter(
                    message, because: .unexpectedType,
                    explanation: "A recovery by way of \(recovery.route.word) on the \(stage.rawValue) queue.", now: clock.now())
            }
            pickUp(&recovery)
            let stop = await pursue(&recovery, traceparent: message.traceparent)
            return finish(recovery, stop, message)
        case .newer(let version):
            return handBack(message, version: version)
        case .unreadable(let why):
            return letters.deadLetter(message, because: .unexpectedType, explanation: why, now: clock.now())
        }
    }

    /// Calls FlexFactor for as long as the recovery wants the next call at once.
    func pursue(_ recovery: inout Recovery, traceparent: String?) async -> RecoveryStop {
        while true {
            let limit = clock.now() + callLimit
            // Nobody waits for a charge after the time for it; what became of it is looked up then.
            let chargeLimit = min(limit, recovery.chargingEnds)
            let answer: FlexFactorAnswer
            let isMisdirected = recovery.isMisdirected(to: flexFactor.account(of: recovery.merchantID, gateway: recovery.gatewayID))
            switch recovery.next(now: clock.now(), timing: timing) {
            case .stop(let stop): return stop
            case .tokenize(let card, let charge):
                answer = await flexFactor.tokenize(
                    card, of: charge, merchant: recovery.merchantID, gateway: recovery.gatewayID, traceparent: traceparent, deadline: chargeLimit)
            case .call(let call) where isMisdirected:
                let failure = CallFailure.notSent(.misconfigured(
                    "the gateway points to another FlexFactor account than the one that has the order; point it back, or keep the old one as a retired gateway"))
                flexFactor.noteMisdirected(call, merchant: recovery.merchantID, gateway: recovery.gatewayID, failure)
                answer = .failed(failure)
            case .call(let call):
                let isCharge = if case .evaluate = call { true } else { false }
                answer = await flexFactor.perform(
                    call, merchant: recovery.merchantID, gateway: recovery.gatewayID, traceparent: traceparent,
                    deadline: isCharge ? chargeLimit : limit)
            }
            if let stop = recovery.learned(answer, now: clock.now(), timing: timing) { return stop }
        }
    }

    private func finish(_ recovery: Recovery, _ stop: RecoveryStop, _ message: IncomingMessage) -> Handled {
        let now = clock.now()
        switch stop {
        case .park(let until):
            return park(recovery, for: until - now, message)
        case .advance:
            return Handled(
                publishing: [recovery.message(to: .stage(stage), traceparent: message.traceparent)],
                account: account(of: recovery, .passed(to: stage)))
        case .submitted(let id, let until):
            let result = ResultEvent(of: recovery, .submitted, flexFactorOrderID: id, at: now)
            return Handled(
                publishing: result.messages(reply: nil, traceparent: message.traceparent)
                    + [recovery.message(to: .delayed(stage, until - now), traceparent: message.traceparent)],
                account: account(of: recovery, .told(result.kind, reason: result.reason.code), until: until))
        case .conclude(let outcome):
            let result = ResultEvent(of: recovery, outcome, at: now)
            return Handled(
                publishing: result.messages(reply: recovery.reply, traceparent: message.traceparent),
                account: account(of: recovery, .told(result.kind, reason: result.reason.code)))
        case .refuse(.byFlexFactor(let status), let errors):
            return reject(
                recovery, .refusedByFlexFactor, letter: .refusedByFlexFactor, "FlexFactor answered with status \(status).", errors, message, now)
        case .refuse(.cardUnusable, let errors):
            return reject(recovery, .cardUnusable, letter: .cardUnusable, "The encrypted card cannot be used.", errors, message, now)
        case .spend:
            let result = ResultEvent(of: recovery, .skipped(.flexFactorUnavailable), at: now)
            let letter = letters.letter(
                message, because: .attemptsSpent, explanation: "FlexFactor could not be reached in \(recovery.attempts) calls; nothing was sent.",
                subject: DeadLetter.Subject(recovery), attempts: recovery.attempts, now: now)
            return Handled(
                publishing: result.messages(reply: recovery.reply, traceparent: message.traceparent) + [letter],
                account: account(of: recovery, .deadLettered(.attemptsSpent)))
        case .giveUp(let reason):
            return letters.deadLetter(
                message, because: DeadLetterReason(reason), explanation: reason.sentence,
                subject: DeadLetter.Subject(recovery), attempts: recovery.attempts, now: now)
        }
    }

    private func reject(
        _ recovery: Recovery, _ rejection: ResultReason.Rejection, letter reason: DeadLetterReason, _ explanation: String,
        _ errors: [FieldError], _ message: IncomingMessage, _ now: Moment
    ) -> Handled {
        let result = ResultEvent(of: recovery, .rejected(rejection), faults: errors, at: now)
        let letter = letters.letter(
            message, because: reason, explanation: explanation, faults: errors, subject: DeadLetter.Subject(recovery),
            attempts: recovery.attempts, now: now)
        return Handled(
            publishing: result.messages(reply: recovery.reply, traceparent: message.traceparent) + [letter],
            account: account(of: recovery, .rejected(reason: result.reason.code)))
    }

    private func park(_ recovery: Recovery, for delay: Moment.Span, _ message: IncomingMessage) -> Handled {
        Handled(
            publishing: [recovery.message(to: .delayed(stage, delay), traceparent: message.traceparent)],
            account: account(of: recovery, .parked(delay, because: recovery.phase.word)))
    }

    /// A newer worker wrote this envelope: one of its kind will understand it. Meanwhile it waits, rather than being guessed at.
    private func handBack(_ message: IncomingMessage, version: String) -> Handled {
        let delay = Moment.Span.seconds(30)
        return Handled(
            publishing: [
                OutgoingMessage(
                    to: .delayed(stage, delay), messageID: message.messageID ?? "", type: message.type ?? version,
                    correlationID: message.correlationID, traceparent: message.traceparent, body: message.body)
            ],
            account: Handled.Account(fate: .parked(delay, because: "newer envelope \(version)")))
    }

    private func account(of recovery: Recovery, _ fate: Handled.Fate, until: Moment? = nil) -> Handled.Account {
        Handled.Account(
            merchantID: recovery.merchantID, reference: recovery.reference, gatewayID: recovery.gatewayID, fate: fate,
            declinedAt: recovery.declinedAt, attempts: recovery.attempts, wasUnknown: recovery.phase.mayBeCharged, until: until,
            amount: recovery.amount)
    }
}
