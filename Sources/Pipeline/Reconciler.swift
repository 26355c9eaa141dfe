package import DeclineRecovery

/// Settles a dead letter whose charge may have happened: asks FlexFactor what became of the order, and says what the CRM is told then.
///
/// It is the recovery's own life that goes on here, from a phase in which nothing is charged any more; an order that is still open is
/// cancelled, so that nobody is charged after the CRM was told a failure (behaviour.md §5, §6).
package struct Reconciler: Sendable {
    private let environment: StageEnvironment
    private let flexFactor: any FlexFactorPort
    private let cancels: any CancelDirectory
    private let wait: @Sendable (Moment.Span) async -> Void
    /// How long FlexFactor may take to come to a state that says something.
    private let patience: Moment.Span
    /// How long after a letter was written a request of its worker may still be under way.
    private let underWay: Moment.Span

    /// - Parameter wait: lets time pass between two looks.
    package init(
        in environment: StageEnvironment, flexFactor: any FlexFactorPort, cancels: any CancelDirectory,
        wait: @escaping @Sendable (Moment.Span) async -> Void, patience: Moment.Span = .seconds(30),
        underWay: Moment.Span = .seconds(120)
    ) {
        // An operator asks as often as needed: nothing is given up here. Nothing is under way any more when the asking begins, and all
        // cancel commands are known; so a short while is enough.
        self.environment = environment.paced(RecoveryTiming(settle: .seconds(2), reconcileFor: .days(36_500)))
        self.flexFactor = flexFactor
        self.cancels = cancels
        self.wait = wait
        self.patience = patience
        self.underWay = underWay
    }

    package enum Reconciliation: Sendable {
        /// It is known how it ended. What is to be published, and the kind of the result.
        case told(ResultKind, [StageMessage])
        /// Its days are not over: its stage goes on with it.
        case handedBack(Stage, [StageMessage])
        /// Not known yet; what was seen.
        case open(String)
        /// Nor could FlexFactor be asked: it is away.
        case unanswered(String)
        /// The letter holds no recovery.
        case unreadable(String)
    }

    package func reconcile(_ letter: DeadLetter, traceparent: String?) async -> Reconciliation {
        guard case .recovery(var recovery) = WorkEnvelope.decode(letter.original.redactedBody) else {
            return .unreadable(
                "the letter's message is no recovery of this version; settle it by hand at FlexFactor and mark it as resolved")
        }
        // Asking for another order than the one that was charged would bring "no such order", and the CRM would be told a skip.
        let isTheSame =
            letter.subject.reference.map { $0 == recovery.reference } ?? !CardDataGuard.isMarked(Array(recovery.reference.text.utf8))
        guard isTheSame else {
            return .unreadable(
                "the letter's message names another recovery than the letter; settle it by hand at FlexFactor and mark it as resolved")
        }
        if cancels.isCancelRequested(recovery) {
            recovery.pickUp(redelivered: false, isCancelRequested: true)
        }
        switch recovery.takenUp(now: environment.now()) {
        case .handBack(let taken):
            return .handedBack(letter.stage, [taken.message(to: .stage(letter.stage), traceparent: traceparent)])
        case .ask(let taken):
            let settled = letter.writtenAt + underWay
            if environment.now() < settled {
                return .open(
                    "its worker ended only now, and a request of it may still be under way at FlexFactor; ask again after \(settled.rfc3339)"
                )
            }
            return await ask(taken, letter.stage, traceparent)
        }
    }

    private func ask(_ taken: Recovery, _ stage: Stage, _ traceparent: String?) async -> Reconciliation {
        var recovery = taken
        let recording = RecordingFlexFactor(flexFactor)
        let runner = RecoveryRunner(stage, in: environment, flexFactor: recording)
        let patient = environment.now() + patience
        while true {
            // The CRM may cancel while FlexFactor is asked.
            if cancels.isCancelRequested(recovery) {
                recovery.pickUp(redelivered: false, isCancelRequested: true)
            }
            var work = ClaimedRecovery(
                recovery, standing: environment.claims.standing(of: recovery.reference, merchant: recovery.merchantID))
            let (end, event) = await runner.run(&work, traceparent: traceparent)
            recovery = work.recovery
            switch end {
            case .tell(_, let corrects, _):
                guard let result = event?.correcting(corrects) else { return .open("nothing is to be told") }
                let told = StageOutcome(
                    publishing: result.messages(reply: nil, traceparent: traceparent),
                    entry: entry(of: recovery, .told(result.kind, reason: result.reason.code)).telling(result))
                return .told(result.kind, published(told, stage, traceparent))
            case .again(let record):
                // Somebody else was first, and the CRM has it or gets it once more; or died before it was told and journaled.
                guard let kind = record.claim.act.telling else { return .open("it was claimed before") }
                let told = StageOutcome(again: record, traceparent: traceparent, entry: entry(of: recovery, record.fate))
                return .told(kind, published(told, stage, traceparent))
            case .left(let other): return .open("the same decline runs as \(other), which tells its end")
            case .hold: return .unanswered("the stream of claims cannot be written now, so nothing was told; try again")
            case .stop(.park(let until)) where until <= patient:
                await wait(until - environment.now())
            case .stop:
                return await recording.wasAnswered ? .open(recording.lastWords) : .unanswered(recording.lastWords)
            }
        }
    }

    private func entry(of recovery: Recovery, _ fate: StageOutcome.Kind) -> StageOutcome.JournalEntry {
        StageOutcome.JournalEntry(
            merchantID: recovery.merchantID, reference: recovery.reference, gatewayID: recovery.gatewayID, fate: fate,
            declinedAt: recovery.declinedAt, attempts: recovery.attempts, amount: recovery.amount)
    }

    /// With the journal's line.
    private func published(_ outcome: StageOutcome, _ stage: Stage, _ traceparent: String?) -> [StageMessage] {
        outcome.publishing(from: stage, at: environment.now(), worker: environment.worker.id, traceparent: traceparent)
    }
}

/// Remembers what FlexFactor said last, for a person.
private actor RecordingFlexFactor: FlexFactorPort {
    private let port: any FlexFactorPort
    private(set) var lastWords = "FlexFactor was not asked"
    private(set) var wasAnswered = true

    init(_ port: any FlexFactorPort) {
        self.port = port
    }

    nonisolated func account(of merchant: MerchantID, gateway: GatewayID) -> String? { port.account(of: merchant, gateway: gateway) }

    nonisolated func isRetired(_ gateway: GatewayID, of merchant: MerchantID) -> Bool { port.isRetired(gateway, of: merchant) }

    func perform(
        _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
        writtenBy: ContinuousClock.Instant?
    ) async -> FlexFactorAnswer {
        let answer = await port.perform(
            call, merchant: merchant, gateway: gateway, traceparent: traceparent, deadline: deadline, writtenBy: writtenBy)
        wasAnswered = if case .failed(let failure) = answer { !failure.isAbsence } else { true }
        lastWords =
            switch answer {
            case .found(let order): "FlexFactor's order \(order.id) is \(order.state)"
            case .notListed: "FlexFactor's list does not show the order, which proves nothing"
            case .noSuchOrder: "FlexFactor has no such order, and a request may still be under way"
            case .cancelAccepted: "FlexFactor accepted to cancel the order, and does not show it as cancelled yet"
            case .cancelRefused: "FlexFactor refused to cancel the order"
            case .failed(let failure): failure.description + ". " + failure.advice
            default: "FlexFactor's answer settles nothing"
            }
        return answer
    }

    /// A recovery that is only asked about is charged with no card.
    func tokenize(
        _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
    ) async -> FlexFactorAnswer {
        .failed(.notSent(.misconfigured("nothing is charged while a letter is settled")))
    }
}

extension CallFailure {
    /// Whether nobody is there, rather than somebody who says no.
    fileprivate var isAbsence: Bool {
        switch self {
        case .unknown(.unclear): false
        case .notSent(.circuitOpen), .notSent(.cannotConnect), .notSent(.cannotCall), .notSent(.deadline), .notSent(.noToken),
            .notSent(.noTokenYet), .unknown:
            true
        case .notSent(.rateLimited), .notSent(.misconfigured), .throttled, .conflict, .refused: false
        }
    }
}
