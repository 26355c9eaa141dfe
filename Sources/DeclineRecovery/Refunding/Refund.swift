/// A refund on its way: looks the order up, has FlexFactor give the money back once, looks again, and tells.
///
/// ```
/// looking --paid--> refunding --answered--> told
///    |                  \--no answer--> checking --returned--> told; otherwise nobody knows: a dead letter
///    \--not there, not paid--> told as failed
/// ```
///
/// FlexFactor has no key that makes a repeated refund one, so nothing is repeated that may have been carried out.
public struct Refund: Sendable, Equatable {
    public let command: RefundCommand
    /// Where the order may be; once it is found, where it is.
    public internal(set) var gateways: [GatewayID]
    public let since: Moment
    public internal(set) var phase: Phase
    public internal(set) var attempts: Int

    public enum Phase: Sendable, Equatable {
        /// The number says which gateway is next.
        case looking(Int)
        /// The order is paid; the money is asked back next.
        case refunding(FlexFactorOrderID, Money)
        /// It may have been carried out.
        case checking(FlexFactorOrderID, Money)
        /// FlexFactor gave it back; the order says whether something is left.
        case refunded(FlexFactorOrderID, Money)
    }

    public init(_ command: RefundCommand, gateways: [GatewayID], since: Moment, phase: Phase = .looking(0), attempts: Int = 0) {
        self.command = command
        self.gateways = gateways
        self.since = since
        self.phase = phase
        self.attempts = attempts
    }

    public enum Stop: Sendable, Equatable {
        case park(until: Moment)
        /// Published to its own stage at once: what comes next must be known to have begun.
        case advance
        case tell(ResultReason, amount: Money?, isPartial: Bool, FlexFactorOrderID?, [FieldError])
        /// It may have been carried out, and nobody can tell.
        case giveUp
    }

    /// - Parameter redelivered: a pod that died may have sent it.
    public mutating func pickUp(redelivered: Bool) {
        if redelivered, case .refunding(let id, let amount) = phase { phase = .checking(id, amount) }
    }

    public var nextCall: (FlexFactorCall, gateway: GatewayID)? {
        switch phase {
        case .looking(let index):
            gateways.indices.contains(index) ? (command.orderID.map(FlexFactorCall.lookUp) ?? .find(command.reference), gateways[index]) : nil
        case .refunding(let id, let amount): gateways.first.map { (.refund(id, amount), $0) }
        case .checking(let id, _), .refunded(let id, _): gateways.first.map { (.lookUp(id), $0) }
        }
    }

    /// Takes in what the call brought; `nil` when the next call is due at once.
    public mutating func learned(_ answer: FlexFactorAnswer, now: Moment, timing: RecoveryTiming) -> Stop? {
        attempts += 1
        switch phase {
        case .looking(let index): return looked(answer, at: index, now: now, timing: timing)
        case .refunding(let id, let amount): return answered(answer, id, amount, now: now, timing: timing)
        case .checking(let id, let amount):
            guard case .found(let order) = answer else { return isOver(now, timing) ? .giveUp : .park(until: now + pause) }
            if order.state == .returned || order.state == .chargeback { return told(amount, false, id) }
            // All that is left can be asked for again: what was given back already is refused then. A part could be given back twice.
            guard command.amount == nil, order.state == .completed else { return .giveUp }
            phase = .refunding(id, amount)
            return .advance
        case .refunded(let id, let amount):
            if case .found(let order) = answer { return told(amount, order.state == .completed, id) }
            return now >= since + timing.grace ? told(amount, false, id) : .park(until: now + pause)
        }
    }

    private mutating func looked(_ answer: FlexFactorAnswer, at index: Int, now: Moment, timing: RecoveryTiming) -> Stop? {
        switch answer {
        case .found(let order):
            if let echo = order.echo, echo != command.reference.text { return failed("FlexFactor's order of that id belongs to another reference.", order.id) }
            switch order.state {
            case .completed: break
            case .returned: return failed("FlexFactor shows the order as refunded already.", order.id)
            default: return failed("FlexFactor's order is not paid: its state is \(order.state).", order.id)
            }
            let whole = order.minorUnits.flatMap { units in order.currency.map { Money(minorUnits: units, currency: $0) } }
            guard let amount = command.amount ?? whole else { return failed("FlexFactor does not say what the order is for; name the amount.", order.id) }
            gateways = [gateways[index]]
            phase = .refunding(order.id, amount)
            // Whoever gets it again must know that it may have been sent.
            return .advance
        case .failed(.notSent), .failed(.throttled):
            return isOver(now, timing) ? failed("FlexFactor could not be asked in time; nothing was refunded.", nil) : .park(until: now + pause)
        default:
            if index + 1 < gateways.count {
                phase = .looking(index + 1)
                return nil
            }
            if case .failed = answer, !isOver(now, timing) {
                phase = .looking(0)
                return .park(until: now + pause)
            }
            return failed("FlexFactor shows no such order; name flexFactorOrderId as the approval told it.", nil)
        }
    }

    private mutating func answered(_ answer: FlexFactorAnswer, _ id: FlexFactorOrderID, _ amount: Money, now: Moment, timing: RecoveryTiming) -> Stop? {
        switch answer {
        case .refunded:
            phase = .refunded(id, amount)
            return nil
        case .refundFailed(let code, let words):
            return failed(words, id, path: code.map { "responseCode \($0)" } ?? "status")
        case .failed(.refused(_, let errors)):
            return .tell(.refundFailed, amount: amount, isPartial: false, id, errors)
        case .failed(.notSent), .failed(.throttled):
            // It did not leave; what comes after the wait is the first.
            return isOver(now, timing) ? failed("FlexFactor could not be asked in time; nothing was refunded.", id) : .park(until: now + pause)
        default:
            phase = .checking(id, amount)
            return .park(until: now + timing.settle)
        }
    }

    private func told(_ amount: Money, _ isPartial: Bool, _ id: FlexFactorOrderID) -> Stop { .tell(.refunded, amount: amount, isPartial: isPartial, id, []) }

    private func failed(_ words: String, _ id: FlexFactorOrderID?, path: String = "order") -> Stop {
        .tell(.refundFailed, amount: command.amount, isPartial: false, id, [FieldError(path: path, message: words)])
    }

    private func isOver(_ now: Moment, _ timing: RecoveryTiming) -> Bool { now >= since + timing.reconcileFor }

    /// Doubles from two seconds to a quarter of an hour.
    private var pause: Moment.Span { .milliseconds(min(2_000 << Int64(min(attempts, 9)), 900_000)) }
}
