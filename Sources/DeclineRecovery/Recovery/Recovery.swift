/// The attempt to salvage one decline, from acceptance to its one final result: everything the next step needs, and nothing else.
///
/// The message is the state: this value travels in the work envelope, so any pod can take any next step. Its life is a pure state
/// machine. `next(now:timing:)` says which FlexFactor call to make; `learned(_:now:timing:)` takes what came back, "no idea whether it
/// arrived" included, and says where to stop. Neither does anything itself.
///
/// The rule that everything here serves: a recovery concludes as a failure only when it is known that no money moved and that none
/// will. What is not known is asked of FlexFactor until it is (behaviour.md §5).
package struct Recovery: Sendable, Equatable {
    private var facts: RecoveryFacts
    package var merchantID: MerchantID { facts.merchantID }
    /// The FlexFactor gateway that is to take the money.
    package var gatewayID: GatewayID { facts.gatewayID }
    package var route: RecoveryRoute { facts.route }
    package var reference: RecoveryReference { facts.reference }
    package var amount: Money { agreedAmount ?? facts.amount }
    /// As this copy of the decline says it.
    package var ownAmount: Money { facts.amount }
    package var declinedAt: Moment { facts.declinedAt }
    package var order: RecoveredOrder { facts.order }
    package var verdict: DeclineVerdict { facts.verdict }
    /// Told with its results.
    package var origin: DeclineOrigin { facts.origin }
    /// Where to answer at once, beside the result event.
    package var reply: ReplyAddress? { facts.reply }
    /// All that `evaluate` needs, persons and card included; gone as soon as no step needs it any more (behaviour.md §9).
    package internal(set) var charge: Charge?
    package internal(set) var phase: RecoveryPhase
    /// Calls made so far for this recovery; counted here and never read from broker headers.
    package internal(set) var attempts: Int
    /// Calls that brought nothing, since something did: the waits grow with them.
    package internal(set) var failures: Int
    /// Which post of the order is due or under way. Only sync merchant-initiated charges have more than one.
    package internal(set) var post: Int
    /// The CRM wants it stopped: nothing is charged any more, and if nothing was, it ends as cancelled.
    package internal(set) var isCancelRequested: Bool
    /// What FlexFactor has let be known of the order.
    package internal(set) var evidence: OrderEvidence
    /// FlexFactor's id of the account that it was sent to. A gateway that points to another one now knows nothing of it, and what that
    /// account denies is no word about this recovery.
    package internal(set) var account: String?
    /// The CRM was told that FlexFactor has taken it on. Envelopes of before it was kept do not say so.
    var isSubmitted = false
    /// Which publication of the decline it was made of, or which sending of it by a person: what FlexFactor refused of one is told of the same
    /// again, and another is posted. `nil` in envelopes of before it was kept.
    package var edition: UInt64?
    /// Nobody can have sent anything for it yet. Told anew at every delivery, and never kept.
    var isKnownUnsent = false
    /// The post that may be out there unanswered, as the claims tell. Told anew at every delivery, and never kept.
    var askedPost: Int?
    /// FlexFactor has the order, as the claims tell, whoever heard it. Told anew at every delivery, and never kept.
    var isKnownToExist = false
    /// Another recovery has paid the debt while this one runs: nothing is charged any more. Told anew at every delivery, and never kept.
    var isPaidElsewhere = false
    /// Its gateway is kept for looking and cancelling alone: nothing new is sent there. Told anew at every delivery, and never kept.
    var isGatewayRetired = false
    /// The claims tell where it was sent. Told anew at every delivery, and never kept.
    private var isPlaced = false
    /// What was claimed of it, where that is not its own amount (`agree`). Told anew at every delivery, and never kept.
    var agreedAmount: Money?
    /// Steps in a row that followed at once; not kept.
    var stepsAtOnce = 0
    /// Of one that would be given up; not kept.
    var lastWord = LastWord.none

    package init(
        merchantID: MerchantID, gatewayID: GatewayID, route: RecoveryRoute, reference: RecoveryReference, amount: Money, declinedAt: Moment,
        order: RecoveredOrder, verdict: DeclineVerdict, reply: ReplyAddress?, charge: Charge?, phase: RecoveryPhase = .due,
        attempts: Int = 0,
        failures: Int = 0, post: Int = 1, isCancelRequested: Bool = false, origin: DeclineOrigin = DeclineOrigin(),
        evidence: OrderEvidence = OrderEvidence()
    ) {
        facts = RecoveryFacts(
            merchantID: merchantID, gatewayID: gatewayID, route: route, reference: reference, amount: amount, declinedAt: declinedAt,
            order: order, verdict: verdict, origin: origin, reply: reply)
        self.charge = charge
        self.phase = phase
        self.attempts = attempts
        self.failures = failures
        self.post = post
        self.isCancelRequested = isCancelRequested
        self.evidence = evidence
    }

    /// A recovery that begins with a charge.
    package init(
        merchantID: MerchantID, gatewayID: GatewayID, route: RecoveryRoute, charge: Charge, order: RecoveredOrder, verdict: DeclineVerdict,
        reply: ReplyAddress?, origin: DeclineOrigin = DeclineOrigin()
    ) {
        self.init(
            merchantID: merchantID, gatewayID: gatewayID, route: route, reference: charge.reference, amount: charge.amount,
            declinedAt: charge.declinedAt, order: order, verdict: verdict, reply: reply, charge: charge, origin: origin)
    }

    /// Takes the recovery out of a delivery.
    ///
    /// - Parameter redelivered: a pod that died may have worked on this very message, so a charge that looks due may have been sent.
    /// - Parameter isCancelRequested: whether the CRM's cancel command for it is known.
    /// - Parameter isKnownUnsent: nobody, on no pod and in no copy, can have sent a request for it. Only whoever sees all that is sent
    ///   may say so; then nobody has to be asked before its first charge, or when its time is over.
    package mutating func pickUp(redelivered: Bool, isCancelRequested: Bool = false, isKnownUnsent: Bool = false) {
        if isCancelRequested { self.isCancelRequested = true }
        self.isKnownUnsent = isKnownUnsent && !phase.mayBeCharged
        stepsAtOnce = 0
        lastWord = .none
        if self.isKnownUnsent { return }
        guard redelivered else { return }
        switch (route, phase) {
        // The customer waits: the charge is repeated at once with the same key, but not given up without asking FlexFactor.
        case (.cascade, .due): phase = .unanswered
        // Nobody waits: FlexFactor is asked first.
        case (.retry, .ready), (.retry, .unanswered): phase = .seeking(nil)
        default: break
        }
    }

    /// Whether nothing of it is under way, and what comes next is a charge: its first, or the next post of a retry that we repeat.
    var isBeforeCharge: Bool {
        switch phase {
        case .due, .ready, .resting: true
        default: false
        }
    }

    /// Whether the gateway's account, as it is configured now, is another than the one that may have the charge. What was never sent goes to
    /// whatever account the gateway has.
    package mutating func isMisdirected(to account: String?) -> Bool {
        guard phase.mayBeCharged || isPlaced, let own = self.account else {
            self.account = account ?? self.account
            return false
        }
        return account.map { $0 != own } ?? false
    }

    /// It may have been sent before, there: by another copy, or with another configuration. No other gateway and no other account knows its
    /// key, or can say what became of it.
    mutating func place(at gatewayID: GatewayID, account: String?) {
        if gatewayID != self.gatewayID {
            facts = facts.moved(to: gatewayID)
            // The other gateway's site is none of this one's.
            charge = charge?.withoutSite
        }
        self.account = account ?? self.account
        isPlaced = account != nil
    }

    /// As it is put away: for a cascade somebody waits however long it takes, for a retry nobody any more.
    package var putAway: Recovery {
        guard reply != nil, case .retry = route else { return self }
        var recovery = self
        recovery.facts = facts.withoutReply
        return recovery
    }

    /// Where a result of that kind is answered at once. Of a retry only that nothing is tried: what else comes of it the CRM hears as later results.
    package func replyAddress(for kind: ResultKind) -> ReplyAddress? {
        if case .retry = route, kind != .skipped, kind != .rejected { nil } else { reply }
    }

    /// What is to be done now: a call to FlexFactor, or a stop for which none is needed.
    package mutating func next(now: Moment, timing: RecoveryTiming) -> RecoveryStep {
        switch route {
        case .cascade: nextOfCascade(now: now, timing: timing)
        case .retry(let mode, let until): nextOfRetry(mode, until: until, now: now, timing: timing)
        }
    }

    /// Takes in what the call brought and says where the recovery stops for now; `nil` when the next step is due at once.
    package mutating func learned(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) -> RecoveryStop? {
        // An open circuit is no call: it must not make the waits longer.
        if case .failed(.notSent(.circuitOpen)) = answer {
        } else {
            attempts += 1
            failures += 1
        }
        if case .tokenized(let token, let facts) = answer, let charge {
            // Kept before it is used: a repeat of the charge must be the same bytes, and a second exchange would bring another token.
            self.charge = charge.paid(with: token, facts)
            return .advance
        }
        noteSending(answer, now: now)
        if answer != .failed(.conflict) || isAboutOurKey { evidence.note(answer, now: now) }
        var stop: RecoveryStop? =
            switch route {
            case .cascade: cascadeLearned(answer, now: now, timing: timing)
            case .retry(let mode, let until): retryLearned(answer, mode, until: until, now: now, timing: timing)
            }
        if stop == .giveUp(.outcomeUnknown) { stop = beforeGivingUp(answer, now: now, timing: timing) }
        stepsAtOnce = stop == nil ? stepsAtOnce + 1 : 0
        if stop != nil { lastWord = .none }
        // Whatever FlexFactor answers, it is not called in a circle. What is asked for a last time has its end.
        if stop == nil, stepsAtOnce >= Self.mostStepsAtOnce * (lastWord == .none ? 1 : 2) {
            stepsAtOnce = 0
            return .park(until: now + backoff)
        }
        return stop
    }

    /// Whether what was asked last went out under the key of the present post; a 409 to anything else says nothing of it.
    var isAboutOurKey: Bool {
        switch (route, phase) {
        // A retry that is due looks whether there is an order.
        case (.cascade, .due), (_, .ready), (_, .unanswered), (_, .reconciling(_, .recall)), (_, .closing(_, .recall)): true
        default: false
        }
    }

    /// Notes when the present post was first sent, once it is known that it was: what is wanted may be refused before it leaves.
    private mutating func noteSending(_ answer: FlexFactorAnswer, now: Moment) {
        let isCharge =
            switch (route, phase) {
            case (.cascade, .due), (.cascade, .unanswered), (.retry, .ready), (.retry, .unanswered): true
            default: false
            }
        guard isCharge else { return }
        isKnownUnsent = false
        switch answer {
        case .failed(.notSent), .failed(.throttled): break
        default: evidence.sentAt = evidence.sentAt ?? now
        }
    }

    /// The longest way that goes on at once has this many calls: look, cancel, recall, look, cancel.
    private static let mostStepsAtOnce = 6

    /// The step that takes the money; for a card that is still sealed, the step that must come before.
    func step(charging charge: Charge) -> RecoveryStep {
        if case .encrypted(let card) = charge.paymentMethod.card { return .tokenize(card, charge) }
        return .call(.evaluate(charge, idempotencyKey: idempotencyKey(of: .evaluate(post: post))))
    }

    /// The step that asks for the answer to what was sent; `nil` where nothing is left to ask with, or FlexFactor may have forgotten the key
    /// and would charge anew.
    func recall(now: Moment, timing: RecoveryTiming) -> FlexFactorCall? {
        // A later post of which nobody knows when it was sent may never have been: under its key this would be the first.
        guard evidence.exists, let charge, case .token = charge.paymentMethod.card, evidence.sentAt != nil || post == 1,
            now < keyDies(timing)
        else { return nil }
        return .recall(charge, idempotencyKey: idempotencyKey(of: .evaluate(post: post)))
    }

    /// Whether an approval is told only when its order was seen paid. What is recalled is FlexFactor's answer of then: a cancel that it accepted
    /// since, for whatever copy, is not in it. Where it names no order to look at, it holds unless a cancel is known to stand against it.
    func mustBeSeen(_ id: FlexFactorOrderID?) -> Bool {
        if evidence.hasAcceptedCancel || isCancelRequested { return true }
        return switch phase {
        case .reconciling(_, .recall), .closing(_, .recall): id != nil
        default: false
        }
    }

    /// Until when FlexFactor remembers the key of the present post.
    func keyDies(_ timing: RecoveryTiming) -> Moment { (evidence.sentAt ?? declinedAt) + timing.keysLive }
}

/// How a recovery is made, with what only that way has.
package enum RecoveryRoute: Sendable, Equatable {
    /// An instant answer; no new charge is started after the deadline.
    case cascade(deadline: Moment)
    /// Handed to FlexFactor, at the latest until then.
    case retry(MITMode, until: Moment)

    package var word: String {
        switch self {
        case .cascade: "cascade"
        case .retry: "retry"
        }
    }
}

/// What a result must say of the order, beside what the reference holds.
///
/// An object that never changes: a recovery, its claims and its results hold it.
package final class RecoveredOrder: Sendable, Equatable {
    package let id: String
    package let type: OrderType
    package let trialCompletion: Bool
    package let hasRecurringProducts: Bool
    package let purchaseID: String?
    package let billingCycle: Int?
    /// The gateway that declined: where later billing goes back to.
    package let declinedGatewayID: GatewayID
    /// Which charge of the order it is, where the CRM says so.
    package let chargeID: String?

    package init(
        id: String, type: OrderType, trialCompletion: Bool, hasRecurringProducts: Bool, purchaseID: String?, billingCycle: Int?,
        declinedGatewayID: GatewayID, chargeID: String? = nil
    ) {
        self.id = id
        self.type = type
        self.trialCompletion = trialCompletion
        self.hasRecurringProducts = hasRecurringProducts
        self.purchaseID = purchaseID
        self.billingCycle = billingCycle
        self.declinedGatewayID = declinedGatewayID
        self.chargeID = chargeID
    }

    package convenience init(_ event: DeclineEvent) {
        self.init(
            id: event.order.id, type: event.order.type, trialCompletion: event.order.trialCompletion,
            hasRecurringProducts: event.order.hasRecurringProducts, purchaseID: event.order.purchaseID,
            billingCycle: event.order.billingCycle, declinedGatewayID: event.decline.gatewayID, chargeID: event.order.chargeID)
    }

    package static func == (one: RecoveredOrder, other: RecoveredOrder) -> Bool {
        one === other
            || one.id == other.id && one.type == other.type && one.trialCompletion == other.trialCompletion
                && one.hasRecurringProducts == other.hasRecurringProducts && one.purchaseID == other.purchaseID
                && one.billingCycle == other.billingCycle && one.declinedGatewayID == other.declinedGatewayID
                && one.chargeID == other.chargeID
    }
}

/// What decline mapping decided, as results and letters tell it.
package struct DeclineVerdict: Sendable, Equatable {
    package let declineClass: DeclineClass
    /// The stable code of the rule that decided, e.g. `table:nmi/202`.
    package let rule: String

    package init(declineClass: DeclineClass, rule: String) {
        self.declineClass = declineClass
        self.rule = rule
    }
}

/// The queue on which the CRM waits for this answer, from the decline's `reply_to` and `correlation_id`.
package struct ReplyAddress: Sendable, Equatable {
    package let queue: String
    package let correlationID: String?

    package init(queue: String, correlationID: String?) {
        self.queue = queue
        self.correlationID = correlationID
    }
}

/// What is known of the charge.
package enum RecoveryPhase: Sendable, Equatable {
    /// No request has been sent, as far as this message knows.
    case due
    /// Retry: FlexFactor has no such order yet; it is sent next.
    case ready
    /// A request may have reached FlexFactor; it is repeated with the same key.
    case unanswered
    /// FlexFactor authorised the charge and waits for the capture.
    case capturing(FlexFactorOrderID)
    /// Cascade: FlexFactor asks the customer for something, and no customer is there. The order is cancelled before that is told.
    case challenged(FlexFactorOrderID?, ReconciliationStep)
    /// Cascade: nothing more is charged; FlexFactor is asked what became of the order.
    case reconciling(FlexFactorOrderID?, ReconciliationStep)
    /// Retry: a request may have reached FlexFactor; it is asked for the order before anything is repeated.
    case seeking(FlexFactorOrderID?)
    /// Retry, managed: FlexFactor works on the order, and is asked about it from time to time.
    case watching(FlexFactorOrderID, polls: Int)
    /// Retry, sync: declined for now; the order is posted again later.
    case resting(FlexFactorOrderID?)
    /// Retry: the time is over, or the CRM wants no more; the order is looked up, and cancelled where it is not captured.
    case closing(FlexFactorOrderID?, ReconciliationStep)
    /// Retry: seen closed and unpaid. Told a while later, so that every pod knows by then whether the CRM had cancelled it.
    case closed(FlexFactorOrderID?)

    /// Whether a request may have reached FlexFactor.
    package var mayBeCharged: Bool { ![.due, .ready].contains(self) }
}

package enum ReconciliationStep: String, Sendable, CaseIterable {
    case look, cancel
    /// There is an order, and its FlexFactor id is not known: the request is repeated for its answer.
    case recall
}

extension RecoveryPhase {
    /// The phase in one word, for envelopes and logs.
    package var word: String {
        switch self {
        case .due: "due"
        case .ready: "ready"
        case .unanswered: "unanswered"
        case .capturing: "capturing"
        case .challenged: "challenged"
        case .reconciling: "reconciling"
        case .seeking: "seeking"
        case .watching: "watching"
        case .resting: "resting"
        case .closing: "closing"
        case .closed: "closed"
        }
    }

    /// FlexFactor's id of the order, where it is known.
    package var orderID: FlexFactorOrderID? {
        switch self {
        case .due, .ready, .unanswered: nil
        case .capturing(let id), .watching(let id, _): id
        case .seeking(let id), .reconciling(let id, _), .challenged(let id, _), .resting(let id), .closing(let id, _), .closed(let id): id
        }
    }
}
