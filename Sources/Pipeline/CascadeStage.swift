public import DeclineRecovery

/// Charges a declined sale again while the customer waits, and answers with the truth.
///
/// Decode, ask FlexFactor until the recovery knows how it ended or wants to wait, publish what that means. All decisions are
/// `Recovery`'s; a repeat of any step after a crash is the same call with the same key.
public struct CascadeStage: Sendable {
    let flexFactor: any FlexFactorPort
    let clock: any WallClock
    let letters: LetterWriter
    let timing: RecoveryTiming
    /// The longest that one call may take.
    let callLimit: Moment.Span

    public init(
        flexFactor: any FlexFactorPort, clock: any WallClock, worker: DeadLetter.Worker, timing: RecoveryTiming, callLimit: Moment.Span
    ) {
        self.flexFactor = flexFactor
        self.clock = clock
        self.letters = LetterWriter(stage: .cascade, worker: worker)
        self.timing = timing
        self.callLimit = callLimit
    }

    public func handle(_ message: IncomingMessage) async -> Handled {
        switch WorkEnvelope.decode(message.body) {
        case .recovery(var recovery):
            guard case .cascade = recovery.route else {
                return letters.deadLetter(
                    message, because: .unexpectedType, explanation: "A recovery by way of \(recovery.route.word) on the cascade queue.", now: clock.now())
            }
            recovery.pickUp(redelivered: message.redelivered)
            let stop = await pursue(&recovery, traceparent: message.traceparent)
            return finish(recovery, stop, message)
        case .newer(let version):
            return handBack(message, version: version)
        case .unreadable(let why):
            return letters.deadLetter(message, because: .unexpectedType, explanation: why, now: clock.now())
        }
    }

    /// Calls FlexFactor for as long as the recovery wants the next call at once.
    private func pursue(_ recovery: inout Recovery, traceparent: String?) async -> RecoveryStop {
        while true {
            let start = clock.now()
            let call = recovery.nextCall(now: start)
            var deadline = start + callLimit
            // Nobody waits for a charge after the deadline; what became of it is looked up then.
            if case .evaluate = call { deadline = min(deadline, recovery.chargingEnds) }
            let answer = await flexFactor.perform(
                call, merchant: recovery.merchantID, gateway: recovery.gatewayID, traceparent: traceparent, deadline: deadline)
            if let stop = recovery.learned(answer, now: clock.now(), timing: timing) { return stop }
        }
    }

    private func finish(_ recovery: Recovery, _ stop: RecoveryStop, _ message: IncomingMessage) -> Handled {
        let now = clock.now()
        switch stop {
        case .park(let until):
            return park(recovery, for: until - now, message)
        case .conclude(let outcome):
            return tell(ResultEvent(of: recovery, outcome, at: now), of: recovery, message)
        case .refuse(let status, let errors):
            let result = ResultEvent(of: recovery, .rejected(.refusedByFlexFactor), faults: errors, at: now)
            let letter = letters.letter(
                message, because: .refusedByFlexFactor, explanation: "FlexFactor answered evaluate with status \(status).", faults: errors,
                subject: DeadLetter.Subject(recovery), attempts: recovery.attempts, now: now)
            return Handled(
                publishing: result.messages(reply: recovery.reply, traceparent: message.traceparent) + [letter],
                account: account(of: recovery, .rejected(reason: result.reason.code)))
        case .giveUp(let reason):
            return letters.deadLetter(
                message, because: DeadLetterReason(reason), explanation: "FlexFactor could not tell in time whether it took the money.",
                subject: DeadLetter.Subject(recovery), attempts: recovery.attempts, now: now)
        }
    }

    private func tell(_ result: ResultEvent, of recovery: Recovery, _ message: IncomingMessage) -> Handled {
        Handled(
            publishing: result.messages(reply: recovery.reply, traceparent: message.traceparent),
            account: account(of: recovery, .told(result.kind, reason: result.reason.code)))
    }

    private func park(_ recovery: Recovery, for delay: Moment.Span, _ message: IncomingMessage) -> Handled {
        Handled(
            publishing: [recovery.message(to: .delayed(.cascade, delay), traceparent: message.traceparent)],
            account: account(of: recovery, .parked(delay, because: recovery.phase.word)))
    }

    /// A newer worker wrote this envelope: one of its kind will understand it. Meanwhile it waits, rather than being guessed at.
    private func handBack(_ message: IncomingMessage, version: String) -> Handled {
        let delay = Moment.Span.seconds(30)
        return Handled(
            publishing: [
                OutgoingMessage(
                    to: .delayed(.cascade, delay), messageID: message.messageID ?? "", type: message.type ?? version,
                    correlationID: message.correlationID, traceparent: message.traceparent, body: message.body)
            ],
            account: Handled.Account(fate: .parked(delay, because: "newer envelope \(version)")))
    }

    private func account(of recovery: Recovery, _ fate: Handled.Fate) -> Handled.Account {
        Handled.Account(
            merchantID: recovery.merchantID, reference: recovery.reference, gatewayID: recovery.gatewayID, fate: fate,
            declinedAt: recovery.charge.declinedAt, attempts: recovery.attempts, wasUnknown: recovery.phase.mayBeCharged)
    }
}
