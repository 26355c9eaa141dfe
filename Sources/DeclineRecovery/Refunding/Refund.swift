/// A refund on its way: looks the order up, has FlexFactor give the money back once, looks again, and tells.
///
/// ```
/// looking --paid--> refunding --claimed, answered--> told
///    |               |  \--no answer--> checking --returned--> told; otherwise nobody knows: a dead letter
///    |               \--claimed by another copy of the command--> waits, and tells what that one told
///    \--not there, not paid--> told as failed
/// ```
///
/// FlexFactor has no key that makes a repeated refund one, so each request is claimed before it goes out (`MoneyBackClaim`), and nothing is
/// repeated that may have been carried out.
package struct Refund: Sendable, Equatable {
    package let command: RefundCommand
    /// Where the order may be; once it is found, where it is.
    package internal(set) var gateways: [GatewayID]
    package let since: Moment
    package internal(set) var phase: Phase
    package internal(set) var attempts: Int
    /// Which request is due or under way: the next after it was seen that the one before did nothing. 0 in messages of workers that claimed
    /// no refunds.
    package internal(set) var round: Int
    /// FlexFactor answered a request and did not say that it is done: it may be under way, and nothing is asked for again.
    package internal(set) var isAnswered: Bool
    /// What the claims have of the sale; `nil` where they know of no request and no result. Then the command's word and the order's count,
    /// where the order names the recovery or is as old as what the claims forget.
    package var sale: Sale?
    /// What the claims have of money that went back otherwise, whatever else they remember of the recovery.
    package var back = Back()
    /// Its claim is this delivery's own.
    var isClaimed = false

    package enum Phase: Sendable, Equatable {
        /// The number says which gateway is next.
        case looking(Int)
        /// The order is paid; the money is asked back next.
        case refunding(FlexFactorOrderID, Money)
        /// It may have been carried out.
        case checking(FlexFactorOrderID, Money)
        /// FlexFactor gave it back; the order says whether something is left.
        case refunded(FlexFactorOrderID, Money)
    }

    package init(
        _ command: RefundCommand, gateways: [GatewayID], since: Moment, phase: Phase = .looking(0), attempts: Int = 0, round: Int = 1,
        isAnswered: Bool = false
    ) {
        self.command = command
        self.gateways = gateways
        self.since = since
        self.phase = phase
        self.attempts = attempts
        self.round = round
        self.isAnswered = isAnswered
    }

    /// What is given back, as far as it is known.
    package var amount: Money? {
        switch phase {
        case .looking: command.amount
        case .refunding(_, let amount), .checking(_, let amount), .refunded(_, let amount): amount
        }
    }

    package enum Stop: Sendable, Equatable {
        case park(until: Moment)
        /// Published to its own stage at once: what comes next must be known to have begun.
        case advance
        case tell(ResultReason, amount: Money?, Extent, FlexFactorOrderID?, [FieldError])
        /// It may have been carried out, and nobody can tell.
        case giveUp
    }

    /// How much of the sale went back.
    package enum Extent: Sendable, Equatable {
        /// Something of the sale is left.
        case part
        /// Nothing is left, and parts went back before.
        case rest
        case whole
        /// FlexFactor's order did not say in time, and nothing else does.
        case unknown
    }

    /// - Parameter redelivered: a pod that died may have sent it.
    package mutating func pickUp(redelivered: Bool) {
        if round > 0 { return }
        if redelivered, case .refunding(let id, let amount) = phase { phase = .checking(id, amount) }
        round = 1
    }

    /// Why nothing is asked for at all. One account may serve several merchants, so an id alone does not make an order the command's.
    package var objection: Stop? {
        guard case .looking = phase else { return nil }
        if let sale, !sale.isApproved { return failed("The CRM was not told that this recovery is approved; nothing was refunded.", nil) }
        return back.isAll ? failed(Self.allIsBack, nil) : nil
    }

    private static let allIsBack = "All of the money went back before, by refunds or a chargeback; nothing was refunded."

    package var isLooking: Bool { if case .looking = phase { true } else { false } }

    /// What must be claimed before the next call.
    package var claim: MoneyBackClaim? {
        guard case .refunding = phase, !isClaimed else { return nil }
        return claim(.send(round: round))
    }

    package func claim(_ step: MoneyBackClaim.Step) -> MoneyBackClaim {
        MoneyBackClaim(Fingerprint(command.id), command: command.source.map { Fingerprint($0, command.id) }, step)
    }

    /// The request is claimed, and all that stands before its claim is known by now (`back`).
    ///
    /// - Returns: what comes in the place of the request, where the money went back since the order was looked at. It is to be withdrawn then.
    package mutating func granted() -> Stop? {
        isClaimed = true
        guard case .refunding(let id, let amount) = phase else { return nil }
        if let why = objection(to: amount) {
            isClaimed = false
            // An earlier request may have arrived after all.
            return round > 1 ? .giveUp : failed(why, id)
        }
        // All that is left is less by now.
        guard round == 1, command.amount == nil, sold(in: amount.currency).map({ before + amount.minorUnits > $0 }) == true else {
            return nil
        }
        isClaimed = false
        phase = .looking(0)
        return .advance
    }

    /// Its request was granted behind that of another command, which stands yet. Where they ask for more than is left FlexFactor may answer
    /// both as done, and give it back once: what comes of the other is waited for.
    ///
    /// - Returns: what comes in the place of the request then, which is to be withdrawn.
    package mutating func isBesideAnother(now: Moment, timing: RecoveryTiming) -> Stop? {
        guard case .refunding(let id, let amount) = phase else { return nil }
        if let asked = back.asked, let sold = sold(in: amount.currency), before + asked <= sold { return nil }
        isClaimed = false
        attempts += 1
        if isOver(now, timing) {
            return round > 1
                ? .giveUp : failed("Another refund of the sale was asked for, and what came of it is not known; nothing was refunded.", id)
        }
        if round == 1 { phase = .looking(0) }
        return .park(until: now + pause)
    }

    /// Why so much cannot be given back beside what chargebacks took.
    private func objection(to amount: Money) -> String? {
        if back.isAll { return Self.allIsBack }
        guard back.isDisputed else { return nil }
        guard let disputed = back.disputed else {
            return command.amount == nil ? "The amount of a chargeback is not known; name the amount that is to be refunded." : nil
        }
        guard let sold = sale?.amount, sold.currency == amount.currency else { return nil }
        let left = sold.minorUnits - disputed - (sale?.refunded ?? 0)
        if amount.minorUnits <= left { return nil }
        return left > 0 ? "A chargeback took a part; of the sale \(left) minor units are left." : Self.allIsBack
    }

    /// Another's request for this command stands: that of a pod that died with this very message, or of another copy of the command.
    package mutating func isSentByAnother(redelivered: Bool, now: Moment, timing: RecoveryTiming) -> Stop {
        attempts += 1
        guard case .refunding(let id, let amount) = phase, redelivered || now >= since + timing.grace else {
            return .park(until: now + pause)
        }
        phase = .checking(id, amount)
        return .park(until: now + timing.settle)
    }

    /// Which of its own requests it speaks of: also one whose answer was lost, for what the order shows it shows of that one too.
    package var ownRound: Int { if case .checking = phase { round } else { isClaimed ? round : 0 } }

    /// Only there can the order be: the claims tell where it was sent.
    package mutating func place(at possible: [GatewayID]) {
        guard case .looking = phase, possible != gateways else { return }
        gateways = possible
        phase = .looking(0)
    }

    package var nextCall: (FlexFactorCall, gateway: GatewayID)? {
        switch phase {
        case .looking(let index):
            gateways.indices.contains(index)
                ? ((command.orderID ?? sale?.orderID).map(FlexFactorCall.lookUp) ?? .find(command.reference), gateways[index]) : nil
        case .refunding(let id, let amount): gateways.first.map { (.refund(id, amount), $0) }
        case .checking(let id, _), .refunded(let id, _): gateways.first.map { (.lookUp(id), $0) }
        }
    }

    /// Takes in what the call brought; `nil` when the next call is due at once.
    package mutating func learned(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) -> Stop? {
        attempts += 1
        switch phase {
        case .looking(let index): return looked(answer, at: index, now: now, timing: timing)
        case .refunding(let id, let amount): return answered(answer, id, amount, now: now, timing: timing)
        case .checking(let id, let amount):
            guard case .found(let order) = answer else {
                return isOver(now, timing) ? .giveUp : .park(until: now + max(pause, answer.retryAfter))
            }
            if order.state == .returned { return returned(amount, order, id, now: now, timing: timing) }
            // All that is left can be asked for again: what was given back already is refused then. A part could be given back twice.
            guard command.amount == nil, order.state == .completed else { return .giveUp }
            if isAnswered { return isOver(now, timing) ? .giveUp : .park(until: now + pause) }
            phase = .refunding(id, amount)
            round += 1
            isClaimed = false
            return .advance
        case .refunded(let id, let amount):
            if case .found(let order) = answer { return told(amount, extent(of: amount, order), id) }
            // What was sold says how much of it that was. News that come before the command has told it may not say so much.
            let isKnown = sold(in: amount.currency) != nil
            return isKnown || now >= since + timing.grace
                ? told(amount, extent(of: amount), id) : .park(until: now + max(pause, answer.retryAfter))
        }
    }

    /// Nothing is left of the order, and FlexFactor does not say who asked for it: this command did, where it asked for all that was not told as
    /// back by others. News of theirs may be on their way.
    private func returned(_ amount: Money, _ order: FlexFactorOrder, _ id: FlexFactorOrderID, now: Moment, timing: RecoveryTiming) -> Stop {
        // What the list told is told again then, as the claims have it.
        if back.isListed { return told(amount, .whole, id) }
        let left = whole(order, in: amount.currency).map { $0 - before }
        if back.isAll || left.map({ $0 <= 0 }) == true { return failed(Self.allIsBack, id) }
        // Another command may have done it, and tells that.
        if back.askers > 1 { return isOver(now, timing) ? .giveUp : .park(until: now + pause) }
        if left.map({ $0 == amount.minorUnits }) ?? (command.amount == nil) { return told(amount, extent(of: amount, order), id) }
        return isOver(now, timing) ? .giveUp : .park(until: now + pause)
    }

    /// What was told as back before, in minor units.
    private var before: Int64 { (sale?.refunded ?? 0) + (back.disputed ?? 0) }

    private func sold(in currency: Currency) -> Int64? { sale?.amount.flatMap { $0.currency == currency ? $0.minorUnits : nil } }

    /// What was asked for counts before what an order shows, whose unit no document tells; and the larger, where they differ.
    private func whole(_ order: FlexFactorOrder, in currency: Currency) -> Int64? {
        [sold(in: currency), order.minorUnits].compactMap { $0 }.max()
    }

    /// The order may show a moment later that nothing of it is left.
    private func extent(of amount: Money, _ order: FlexFactorOrder) -> Extent {
        let isAllOfIt = whole(order, in: amount.currency).map { before + amount.minorUnits >= $0 } == true
        if isAllOfIt, !back.isRefundedAsked || order.state == .returned { return before > 0 ? .rest : .whole }
        // Nothing is left where the order says so; but others gave the rest back, and that is told by news of its own.
        return order.state == .returned && sold(in: amount.currency).map { before + amount.minorUnits >= $0 } ?? true ? .whole : .part
    }

    /// The order did not say in time: what was asked for, and was told as back before, does.
    private func extent(of amount: Money) -> Extent {
        guard let sold = sold(in: amount.currency) else { return command.amount == nil ? .unknown : .part }
        if before + amount.minorUnits < sold || back.isRefundedAsked { return .part }
        return before > 0 ? .rest : .whole
    }

    private mutating func looked(_ answer: FlexFactorAnswer, at index: Int, now: Moment, timing: RecoveryTiming) -> Stop? {
        switch answer {
        case .found(let order):
            if let echo = order.echo, echo != command.reference {
                return failed("FlexFactor's order of that id belongs to another reference.", order.id)
            }
            if order.echo == nil, let told = sale?.orderID, !told.isSame(as: order.id) {
                return failed("FlexFactor's order of that id is not the one that the CRM was told of as approved.", order.id)
            }
            // What was never known is not what is forgotten, and the account's other orders may be another merchant's.
            if order.echo == nil, sale == nil, order.mayBeForgotten(at: now) != true {
                return failed("Nothing is known of this recovery, and FlexFactor's order of that id does not name it.", order.id)
            }
            switch order.state {
            case .completed: break
            case .returned: return failed("FlexFactor shows the order as refunded already.", order.id)
            case .chargeback: return failed("FlexFactor shows the order as disputed.", order.id)
            case .unrecognised(let word): return failed("FlexFactor's order is in a state that is not known: \(word).", order.id)
            default: return failed("FlexFactor's order is not paid: its state is \(order.state).", order.id)
            }
            let whole = order.minorUnits.flatMap { units in order.currency.map { Money(minorUnits: units, currency: $0) } }
            // 30 yen are not 30 cents, and FlexFactor is told a bare number.
            if let asked = command.amount?.currency,
                let other = [order.currency, sale?.amount?.currency].compactMap({ $0 }).first(where: { $0 != asked })
            {
                return failed("The order is in \(other.code); name the amount in that currency.", order.id)
            }
            guard let amount = command.amount ?? (sale?.amount ?? whole).map(left) else {
                return failed("FlexFactor does not say what the order is for; name the amount.", order.id)
            }
            if let why = objection(to: amount) { return failed(why, order.id) }
            if amount.minorUnits <= 0 { return failed("All of it was told as refunded already.", order.id) }
            gateways = [gateways[index]]
            phase = .refunding(order.id, amount)
            // Whoever gets it again must know that it may have been sent.
            return .advance
        case .failed(.notSent), .failed(.throttled):
            return isOver(now, timing)
                ? failed("FlexFactor could not be asked in time; nothing was refunded.", nil)
                : .park(until: now + max(pause, answer.retryAfter))
        default:
            if index + 1 < gateways.count {
                phase = .looking(index + 1)
                return nil
            }
            if case .failed(let why) = answer {
                if isOver(now, timing) { return failed("FlexFactor did not show the order in time (\(why)); nothing was refunded.", nil) }
                phase = .looking(0)
                return .park(until: now + max(pause, answer.retryAfter))
            }
            return failed("FlexFactor shows no such order; name flexFactorOrderId as the approval told it.", nil)
        }
    }

    /// What of the whole did not go back yet.
    private func left(of whole: Money) -> Money {
        Money(minorUnits: whole.minorUnits - (sale?.refunded ?? 0) - (back.disputed ?? 0), currency: whole.currency)
    }

    private mutating func answered(
        _ answer: FlexFactorAnswer, _ id: FlexFactorOrderID, _ amount: Money, now: Moment, timing: RecoveryTiming
    ) -> Stop? {
        switch answer {
        case .refunded:
            phase = .refunded(id, amount)
            return nil
        // An earlier request may have arrived after all, and this one be refused for that.
        case .refundFailed where round > 1, .failed(.refused) where round > 1: return .giveUp
        case .refundFailed(let code, let words):
            return failed(words, id, path: code.map { "responseCode \($0)" } ?? "status")
        case .failed(.refused(_, let errors)):
            return .tell(.refundFailed, amount: amount, .unknown, id, errors)
        case .failed(.notSent), .failed(.throttled):
            // It did not leave; what comes after the wait is the first.
            return isOver(now, timing)
                ? failed("FlexFactor could not be asked in time; nothing was refunded.", id)
                : .park(until: now + max(pause, answer.retryAfter))
        default:
            // What is never answered is not asked for without end.
            if round > 1, isOver(now, timing) { return .giveUp }
            if case .failed(.unknown(.unreadable)) = answer { isAnswered = true }
            phase = .checking(id, amount)
            return .park(until: now + max(timing.settle, answer.retryAfter))
        }
    }

    private func told(_ amount: Money, _ extent: Extent, _ id: FlexFactorOrderID) -> Stop {
        .tell(.refunded, amount: amount, extent, id, [])
    }

    private func failed(_ words: String, _ id: FlexFactorOrderID?, path: String = "order") -> Stop {
        .tell(.refundFailed, amount: command.amount, .unknown, id, [FieldError(path: path, message: words)])
    }

    package func isOver(_ now: Moment, _ timing: RecoveryTiming) -> Bool { now >= since + timing.reconcileFor }

    private var pause: Moment.Span { .doubling(attempts) }
}
