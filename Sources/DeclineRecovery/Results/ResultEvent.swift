import Synchronization

/// What the CRM receives about a recovery (messages.md, "Result event").
///
/// Its id is derived from the recovery and the kind, so every repeat of a result has the same id and the CRM can drop it.
/// Kind, success and action follow from the reason and the order: a result cannot contradict itself.
///
/// An object that never changes: it goes from the claim to what is published and what is journaled.
package final class ResultEvent: Sendable, Equatable {
    package let subject: Subject
    package let merchantID: MerchantID?
    package let reason: ResultReason
    package let faults: [FieldError]
    package let verdict: DeclineVerdict?
    package let gatewayID: GatewayID?
    package let flexFactorOrderID: FlexFactorOrderID?
    package let amount: Money?
    /// Calls made to FlexFactor.
    package let attempts: Int
    package let occurredAt: Moment
    package let origin: DeclineOrigin
    /// What tells apart two results of one kind: refunds of one order, each its own.
    package let distinction: String?
    /// Of a refund or a chargeback: something of the sale is left.
    package let isPartial: Bool
    /// The kind of the final result that this one corrects.
    package let corrects: ResultKind?
    /// The recovery that stands in the way of this one: the CRM waits for its result, or has it.
    package let other: RecoveryReference?
    /// Which publication was rejected; the next may be of another content under the same id.
    package let edition: String?
    /// `<reference>/<kind>`, and for refunds and chargebacks `/<what tells them apart>` behind it; for an event that names no recovery `event:<event id>/<kind>`, and the like for a command. One command may
    /// name several recoveries, so its answer's id names the one that it speaks of.
    ///
    /// A correction's ends in what is true now, a rejection's in what tells one publication from the next.
    package let id: String
    /// Itself as a message body, once somebody has asked for it.
    let text = Mutex<[UInt8]?>(nil)

    /// What the result is about.
    package enum Subject: Sendable, Equatable {
        case recovery(RecoveryReference, RecoveredOrder)
        /// An event so faulty that it names no recovery; what of it could be read.
        case event(id: String, orderID: String?, OrderType? = nil)
        /// A command of the CRM, and what it names: the answer speaks of the command, and ends no recovery.
        case command(id: String, RecoveryReference? = nil, orderID: String? = nil, OrderType? = nil)
    }

    package init(
        subject: Subject, merchantID: MerchantID?, reason: ResultReason, faults: [FieldError] = [], verdict: DeclineVerdict? = nil,
        gatewayID: GatewayID? = nil, flexFactorOrderID: FlexFactorOrderID? = nil, amount: Money? = nil, attempts: Int = 0,
        occurredAt: Moment,
        origin: DeclineOrigin = DeclineOrigin(), corrects: ResultKind? = nil, other: RecoveryReference? = nil, edition: String? = nil,
        distinction: String? = nil, isPartial: Bool = false
    ) {
        self.subject = subject
        self.merchantID = merchantID
        self.reason = reason
        self.faults = faults
        self.verdict = verdict
        self.gatewayID = gatewayID
        self.flexFactorOrderID = flexFactorOrderID
        self.amount = amount
        self.attempts = attempts
        self.occurredAt = occurredAt
        self.origin = origin
        self.distinction = distinction
        self.isPartial = isPartial
        self.corrects = corrects
        self.other = other
        self.edition = edition
        let kind = corrects == nil ? reason.kind.rawValue : ResultKind.correction.rawValue
        let mark = corrects == nil ? edition ?? distinction : reason.kind.rawValue
        let (stroke, ending) = mark.map { ("/", $0) } ?? ("", "")
        id =
            switch subject {
            case .recovery(let reference, _): reference.text.with("/", kind, stroke, ending)
            case .event(let id, _, _): "event:".with(id, "/", kind, stroke, ending)
            case .command(let id, let reference?, _, _): "command:".with(id, "/", reference.text, "/", kind, stroke + ending)
            case .command(let id, _, _, _): "command:".with(id, "/", kind, stroke, ending)
            }
    }

    package var kind: ResultKind { corrects == nil ? reason.kind : .correction }

    /// The same as the correction of what was told before; `nil` where it corrects nothing.
    package func correcting(_ kind: ResultKind?) -> ResultEvent {
        kind == corrects ? self : changed(reason, corrects: kind, other: other)
    }

    /// The same for a recovery that another one stands in the way of.
    package func naming(_ other: RecoveryReference, _ reason: ResultReason) -> ResultEvent {
        changed(reason, corrects: corrects, other: other)
    }

    private func changed(_ reason: ResultReason, corrects: ResultKind?, other: RecoveryReference?) -> ResultEvent {
        ResultEvent(
            subject: subject, merchantID: merchantID, reason: reason, faults: faults, verdict: verdict, gatewayID: gatewayID,
            flexFactorOrderID: flexFactorOrderID, amount: amount, attempts: attempts, occurredAt: occurredAt, origin: origin,
            corrects: corrects,
            other: other, edition: edition, distinction: distinction, isPartial: isPartial)
    }

    package static func == (one: ResultEvent, other: ResultEvent) -> Bool {
        one === other
            || one.subject == other.subject && one.merchantID == other.merchantID && one.reason == other.reason
                && one.faults == other.faults && one.verdict == other.verdict && one.gatewayID == other.gatewayID
                && one.flexFactorOrderID == other.flexFactorOrderID && one.amount == other.amount && one.attempts == other.attempts
                && one.occurredAt == other.occurredAt && one.origin == other.origin && one.distinction == other.distinction
                && one.isPartial == other.isPartial && one.corrects == other.corrects && one.other == other.other
                && one.edition == other.edition
    }

    /// The id of the result that this one corrects.
    var correctedID: String? {
        guard let corrects, case .recovery(let reference, _) = subject else { return nil }
        return "\(reference.text)/\(corrects.rawValue)"
    }

    /// Whether it is the recovery's last word, or that of an event that became none. After it only what happens to the money is told.
    package var isFinal: Bool {
        if case .command = subject { false } else { kind.isFinal }
    }

    package var orderType: OrderType? {
        switch subject {
        case .recovery(_, let order): order.type
        case .event(_, _, let type): type
        case .command(_, let reference, _, let type): type ?? reference?.kind.orderType
        }
    }

    /// Why the decline was sent; the kind of a recovery says it as well.
    package var trigger: TriggerWord? {
        if let trigger = origin.trigger { return trigger }
        return if case .recovery(let reference, _) = subject { TriggerWord(reference.kind) } else { nil }
    }

    /// What the CRM is to do.
    package var action: CRMAction {
        switch subject {
        case .recovery where kind.isMoneyBack && isPartial: .recordRefund
        case .recovery(_, let order): CRMAction(after: reason, of: order)
        case .event, .command: CRMAction(after: reason, of: nil)
        }
    }
}
