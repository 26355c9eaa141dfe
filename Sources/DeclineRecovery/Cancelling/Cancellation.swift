/// The CRM's cancel command on its way (behaviour.md §6): a state machine of its own beside the recovery, which waits somewhere in the
/// delay ladder and cannot be reached.
///
/// ```
/// make the command known to every pod
///    \--> looking: is there an order?   paid --> tell approved; closed --> nothing, its end is told already
///            \--open, or not shown--> cancelling --> settling: look --> tell cancelled | approved
/// ```
///
/// FlexFactor may void what is paid, so the order is looked at first; and it may accept a cancel and take the money in that very moment, so it
/// is looked at afterwards: by its id, where the list has shown it or a claim names it. Where neither does, the list not showing ours,
/// FlexFactor's answer to the cancel is what is known: accepted, and it is cancelled; refused, and the recovery, which has the order's id or
/// asks for it, tells how it ended.
///
/// A retry that waits, and of which nothing was sent, is told as cancelled in its place, and FlexFactor is asked nothing (`RetryStage`).
///
/// What was told of the recovery as paid or cancelled answers the command, and FlexFactor is asked nothing: it may void what is paid. So who
/// asks it to cancel has read all claims before.
///
/// The command is made known before anything is asked: FlexFactor may be away for days, and what was not sent yet must not be sent when it
/// comes back. Whoever sees the order closed afterwards waits a while, then knows of it, and tells `cancelled` too: one final kind, whoever
/// is first.
package struct Cancellation: Sendable, Equatable {
    package let merchantID: MerchantID
    package let reference: RecoveryReference
    /// The command that it carries out, for the answer when there is nothing to cancel; commands of earlier versions do not say.
    package let commandID: String?
    /// What else the command may mean: it named a rebill by order, purchase and cycle, and neither which gateway declined it nor which charge.
    package let others: [RecoveryReference]
    /// Where the order may be; after it was found, where it is.
    package internal(set) var gateways: [GatewayID]
    package let since: Moment
    /// When the command was given, by the clock that says when something was declined: what was declined later is not meant by it (`CancelBook`).
    package let time: Moment
    /// How far that clock may be ahead of ours, as one that shows another time zone is. A time that is wrong by more means what is to come.
    private static let mostAhead: Moment.Span = .days(1)
    package internal(set) var phase: Phase
    package internal(set) var attempts: Int
    /// What FlexFactor said to the cancel.
    package internal(set) var word: Word?
    /// FlexFactor's id of the order, where it is known.
    package var orderID: FlexFactorOrderID?
    /// What its recovery does that was not told yet. An order of it that shows as cancelled is no end: where we repeat the charge, it is
    /// "declined" for now, and the recovery would tell of the command when it wakes, days later.
    package var running: Running?

    package enum Running: Sendable {
        case rests
        /// A request of it is without an answer, which may be that it is paid.
        case asks
    }

    /// Since when what is looked at before anything is cancelled cannot be had: the order's page, or what the claims say of it.
    package internal(set) var unseenSince: Moment?

    /// Every pod is told of the command, once.
    package private(set) var isAnnounced: Bool

    package enum Word: String, Sendable, CaseIterable {
        case accepted, refused
    }

    package enum Phase: Sendable, Equatable {
        /// The number says which gateway is next.
        case looking(Int)
        case cancelling(Int)
        case settling(Int)
    }

    package init(
        merchantID: MerchantID, reference: RecoveryReference, commandID: String? = nil, others: [RecoveryReference] = [],
        gateways: [GatewayID], since: Moment, time: Moment? = nil,
        phase: Phase = .looking(0), attempts: Int = 0, word: Word? = nil, orderID: FlexFactorOrderID? = nil, unseenSince: Moment? = nil,
        isAnnounced: Bool = false
    ) {
        self.merchantID = merchantID
        self.reference = reference
        self.commandID = commandID
        self.others = others
        self.gateways = gateways
        self.since = since
        self.time = Self.time(of: time, takenIn: since)
        self.phase = phase
        self.attempts = attempts
        self.word = word
        self.orderID = orderID
        self.unseenSince = unseenSince
        // Nothing was ever cancelled of which the pods had not been told.
        self.isAnnounced = if case .looking = phase { isAnnounced } else { true }
    }

    /// When a command counts as given.
    package static func time(of said: Moment?, takenIn since: Moment) -> Moment { min(said ?? since, since + mostAhead) }

    /// The cancellations that a command asks for. A rebill is named without the gateway that declined, so each it can be is tried.
    package static func all(of command: CancelCommand, merchant: Merchant, now: Moment) -> [Cancellation] {
        let references: [RecoveryReference] =
            switch command.target {
            case .recovery(let reference): [reference]
            case .rebill(let order, let purchase, let cycle):
                merchant.gateways.keys.sorted { $0.text < $1.text }.map { gateway in
                    RecoveryReference(
                        orderID: order, kind: .recurring, sequence: cycle,
                        subscription: RecoveryReference.Subscription(purchaseID: purchase, gatewayID: gateway))
                }
            }
        // A cascade is over before a command could reach it.
        return each(
            of: references.filter(\.kind.isRetry), merchantID: merchant.id, commandID: command.id,
            gateways: merchant.flexFactorGatewayIDs, since: now, time: command.time)
    }

    /// One for each recovery that a command means.
    package static func each(
        of references: [RecoveryReference], merchantID: MerchantID, commandID: String?, gateways: [GatewayID], since: Moment, time: Moment?
    ) -> [Cancellation] {
        references.map { reference in
            Cancellation(
                merchantID: merchantID, reference: reference, commandID: commandID, others: references.filter { $0 != reference },
                gateways: gateways, since: since, time: time)
        }
    }

    /// Whether the command's answer is this one's, where nothing is found under any name that it may mean: one speaks for all.
    package var speaksForAll: Bool { others.allSatisfy { reference.text < $0.text } }

    /// Before it says that there is nothing to cancel, it lets the others find what they find.
    ///
    /// - Returns: `false` when they had the time already.
    package mutating func letOthersFinish() -> Bool {
        if others.isEmpty || phase == .settling(gateways.count) { return false }
        phase = .settling(gateways.count)
        return true
    }

    /// Where it stops for now.
    package enum Stop: Sendable, Equatable {
        case park(until: Moment)
        /// Make the command known to every pod, and go on at once.
        case announce
        /// Published to its own stage at once: whoever gets it again must know that it may have been cancelled.
        case advance
        case tell(ResultReason, FlexFactorOrderID?, GatewayID)
        /// There is nothing to cancel; why.
        case end(CancelEnd)
        case giveUp
    }

    package var isLooking: Bool { if case .looking = phase { true } else { false } }
    /// Whether it asks FlexFactor to cancel next.
    package var isCancelling: Bool { if case .cancelling = phase { true } else { false } }
    /// Whether it may ask FlexFactor to cancel yet.
    package var mayCancel: Bool { if case .settling = phase { false } else { true } }

    /// Whether FlexFactor accepted to cancel an order of which it has shown nothing.
    package var isBlind: Bool { if case .settling = phase { word == .accepted && orderID == nil } else { false } }
    /// Whether it looks for an order next whose id it does not know.
    package var isSearching: Bool { isLooking && orderID == nil }

    /// What comes before the first call.
    ///
    /// - Returns: `nil` when it was done.
    package mutating func begin() -> Stop? {
        if isAnnounced { return nil }
        isAnnounced = true
        return .announce
    }

    /// The CRM was told so of its recovery. What is told as paid is not asked to be cancelled any more; where that may have been asked already,
    /// its order says what came of it.
    ///
    /// - Parameter order: of which it was told.
    /// - Returns: whether that answers the command.
    package mutating func hears(_ told: ResultKind, of order: FlexFactorOrderID?) -> Bool {
        guard told.answersCancel else { return false }
        if isLooking { return true }
        guard told == .approved else { return false }
        var isAsked = isBlind
        if case .cancelling = phase {
            phase = .settling(0)
            isAsked = true
        }
        // Of several gateways it is not known which has it.
        if isAsked, gateways.count == 1 { orderID = orderID ?? order }
        return false
    }

    /// Only there can the order be: the claims tell where it was sent.
    package mutating func place(at possible: [GatewayID]) {
        if possible == gateways { return }
        // Several are left where nobody showed it: the claim may have come after that look.
        let isNarrower = gateways.count > 1 && possible.allSatisfy(gateways.contains)
        switch phase {
        case .looking: phase = .looking(0)
        case .cancelling where isNarrower: phase = .cancelling(0)
        case .settling(let index) where isNarrower && index < gateways.count: phase = .settling(0)
        case .cancelling, .settling: return
        }
        gateways = possible
    }

    package var nextCall: (FlexFactorCall, gateway: GatewayID)? {
        let index = phase.index
        guard gateways.indices.contains(index) else { return nil }
        let call: FlexFactorCall =
            switch phase {
            case .cancelling: .cancelByReference(reference)
            case .looking, .settling: orderID.map(FlexFactorCall.lookUp) ?? .find(reference)
            }
        return (call, gateways[index])
    }

    /// Takes in what the call brought; `nil` when the next call is due at once.
    package mutating func learned(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) -> Stop? {
        attempts += 1
        if case .failed(let failure) = answer {
            if !isSilence(failure, at: now) { return askAgain(now, timing, after: answer.retryAfter) }
        } else {
            unseenSince = nil
        }
        switch phase {
        case .looking(let index): return looked(answer, at: index, now: now, timing: timing)
        case .cancelling(let index): return cancelled(answer, at: index, now: now, timing: timing)
        case .settling(let index): return settled(answer, at: index, now: now, timing: timing)
        }
    }

    /// The same later, until it is given up.
    package func askAgain(_ now: Moment, _ timing: RecoveryTiming, after wait: Moment.Span = .seconds(0)) -> Stop {
        now >= since + timing.grace + timing.reconcileFor ? .giveUp : .park(until: now + max(.doubling(attempts), wait))
    }

    /// An order that is known, and cannot be seen for so long, is cancelled unseen: the CRM asked for that.
    package mutating func isUnseenForLong(_ now: Moment) -> Bool {
        let since = unseenSince ?? now
        unseenSince = since
        return now >= since + .minutes(5)
    }

    /// A list that cannot be had says as much as one that shows nothing. An order whose id is known is asked for until it is shown, and
    /// so is one that the list shows, before the end of it is told.
    private mutating func isSilence(_ failure: CallFailure, at now: Moment) -> Bool {
        switch phase {
        case .cancelling: return false
        // Nobody has looked yet.
        case .looking where failure.isUnasked:
            unseenSince = nil
            return false
        // FlexFactor may void what is paid.
        case .looking where failure.isUnclear: return false
        case .looking where orderID != nil || failure.isUnconfirmed:
            if !isUnseenForLong(now) { return false }
        case .settling where orderID != nil || failure.isUnconfirmed: return false
        case .looking, .settling: break
        }
        return switch failure {
        case .unknown, .refused, .conflict: true
        case .notSent, .throttled: false
        }
    }

    private mutating func looked(_ answer: FlexFactorAnswer, at index: Int, now: Moment, timing: RecoveryTiming) -> Stop? {
        if case .found(let order) = answer {
            let gateway = gateways[index]
            switch order.state {
            case .completed, .returned, .chargeback: return .tell(.approved(.reconciled), order.id, gateway)
            // It may have been told as expired already; whoever sees it closed next tells the same.
            case .cancelled where running == nil: return .end(.alreadyClosed)
            case .cancelled where running == .asks: return askAgain(now, timing)
            case .cancelled, .draft, .onHold, .processing, .problem, .captureRequired, .unrecognised:
                (gateways, orderID) = ([gateway], order.id)
                phase = .cancelling(0)
                return .advance
            }
        }
        if index + 1 < gateways.count {
            phase = .looking(index + 1)
            return nil
        }
        phase = .cancelling(0)
        return .advance
    }

    private mutating func cancelled(_ answer: FlexFactorAnswer, at index: Int, now: Moment, timing: RecoveryTiming) -> Stop? {
        switch answer {
        case .cancelAccepted, .cancelRefused:
            word = answer == .cancelAccepted ? .accepted : word ?? .refused
            gateways = [gateways[index]]
        default:
            if index + 1 < gateways.count {
                phase = .cancelling(index + 1)
                return nil
            }
        }
        phase = .settling(0)
        return .park(until: now + timing.settle)
    }

    private mutating func settled(_ answer: FlexFactorAnswer, at index: Int, now: Moment, timing: RecoveryTiming) -> Stop? {
        let gateway = gateways[index]
        if case .found(let order) = answer {
            switch order.state {
            case .completed, .returned, .chargeback: return .tell(.approved(.reconciled), order.id, gateway)
            case .cancelled where running == .asks: return askAgain(now, timing)
            case .cancelled: return .tell(.cancelled, order.id, gateway)
            case .draft, .onHold, .processing, .problem, .captureRequired, .unrecognised:
                // The recovery has heard of the command, and asks FlexFactor again when it looks at the order.
                if word == .refused, now >= since + .milliseconds(5 * timing.settle.milliseconds) { return .end(.leftToRecovery) }
                (gateways, orderID) = ([gateway], order.id)
                phase = .cancelling(0)
                return askAgain(now, timing)
            }
        }
        // It denies what it named itself: that is no knowledge.
        if orderID != nil { return askAgain(now, timing) }
        switch word {
        case .accepted: return .tell(.cancelled, nil, gateway)
        case .refused: return .end(.leftToRecovery)
        case nil: break
        }
        if index + 1 < gateways.count {
            phase = .settling(index + 1)
            return nil
        }
        // Each gateway has denied it in between, and the list shows nothing twice. A recovery that is only on its way there knows of the
        // command by the notice, and ends itself.
        return .end(.nothingToCancel)
    }
}
