/// What a pod says on the stream of claims before it does what must not happen twice.
///
/// Every pod reads the stream in the same order. A claim is appended, read back, and what stands before it decides (`ClaimBook`): the
/// first wins everywhere, without a lock and without a database. Nothing of the card or the person stands in a claim.
package struct Claim: Sendable, Equatable {
    /// Who claims, once for each claim: a pod finds its own by it, and takes it back by it.
    package typealias ID = UInt64

    package let id: ID
    package let merchantID: MerchantID
    package let reference: RecoveryReference
    /// What is to be paid; `nil` where only the reference is at hand.
    package let debt: Fingerprint?
    package let amount: Money?
    package let act: Act
    package let at: Moment
    /// How long it must be remembered: as long as the same decline, or a step of its recovery, can come again.
    package let until: Moment
    package let worker: String
    /// By which gateway the request goes out; `nil` where nothing is sent.
    package let gateway: ClaimedGateway?
    /// With `exists`: FlexFactor's order, where its id is known.
    package let orderID: FlexFactorOrderID?
    /// With `send` and `waiting`: which charge of the order it is for, where the reference does not say all of that. Older workers do not say it.
    package let order: RecoveredOrder?
    /// With `send` and `waiting`: when what it recovers was declined, by the CRM's clock. Older workers do not say it.
    package let declinedAt: Moment?
    /// With `send` and `waiting` of a retry: the decline that it is made of. Older workers do not say it.
    package let decline: ClaimedDecline?
    /// With `refused`, where that is told: of which publication of the event. Older workers do not say it.
    package let edition: UInt64?

    package enum Act: Sendable, Equatable {
        /// A request that can take money is about to go out: a post of the order, or a capture.
        case send(post: Int)
        /// No byte of it was written.
        case unsent(ID)
        /// A retry is put away that nobody has sent: a command to cancel it comes to where nobody else knows of it. Older workers read an `unsent`
        /// of nothing.
        case waiting
        /// FlexFactor has the order: from here on "it never arrived" cannot be said. What FlexFactor has answered is not open any more.
        case exists(answering: ID?)
        /// FlexFactor refused the request as it stands, which is told with it unless that is no end: the next is another post, with a key of
        /// its own. `isLast`: that is told, so it must be the last request that stands, and FlexFactor have no such order.
        case refused(ID, isLast: Bool = false)
        /// A final result is about to be told.
        case told(Told)
        case reopened(Reopening)
        case moneyBack(MoneyBackClaim)

        /// The kind of what it tells, if it tells something.
        package var telling: ResultKind? {
            switch self {
            case .told(let told): told.kind
            case .moneyBack(let back): back.telling
            case .refused: .rejected
            case .send, .unsent, .waiting, .exists, .reopened: nil
            }
        }

        /// Whether it says for which charge of which order its recovery is, declined when.
        package var saysWhatItIsFor: Bool {
            switch self {
            case .send, .waiting: true
            case .unsent, .exists, .refused, .told, .reopened, .moneyBack: false
            }
        }
    }

    package struct Told: Sendable, Equatable {
        package let kind: ResultKind
        package let basis: Basis
        /// A request of the teller's own of which no byte was written.
        package let withdrawing: ID?
        /// Of an end that came of looking at FlexFactor: the last request that stood, as far as was known, when the looking began; 0 for none.
        /// `nil` where nobody looked, and in what older workers tell.
        package let seen: ID?
        /// Of an end that says that nothing was sent, or has arrived: the last post that FlexFactor refused and whose telling the teller knows of,
        /// as that of another publication of the event; 0 for none. `nil` in what older workers tell.
        package let refused: Int?
        /// It lets the CRM charge elsewhere, so it is not told of a debt that another recovery has paid. Older workers do not ask for that.
        package let unlessPaid: Bool

        package init(
            _ kind: ResultKind, _ basis: Basis, withdrawing: ID? = nil, seen: ID? = nil, refused: Int? = nil, unlessPaid: Bool = false
        ) {
            self.kind = kind
            self.basis = basis
            self.withdrawing = withdrawing
            self.seen = seen
            self.refused = refused
            self.unlessPaid = unlessPaid
        }
    }

    /// How the teller knows.
    package enum Basis: String, Sendable, CaseIterable {
        /// FlexFactor said what became of it.
        case known
        /// FlexFactor has no such order.
        case absent
        /// The teller has sent nothing, and nobody else may have.
        case unsent
        /// Another recovery of the same debt stands in the way, and is named.
        case pointer

        /// How it is known in whose place another recovery is named that has paid the debt: what FlexFactor said of this one stays known.
        package var besidesPaid: Basis { self == .unsent ? .pointer : .known }
    }

    package enum Reopening: Sendable, Equatable {
        /// The money went back: the debt may be paid again.
        case paidBack
        /// A person sends again what was told as ended.
        case byOperator(who: String, why: String)
    }

    package init(
        id: ID, merchantID: MerchantID, reference: RecoveryReference, debt: Fingerprint?, amount: Money?, act: Act, at: Moment,
        until: Moment, worker: String, gateway: ClaimedGateway? = nil, orderID: FlexFactorOrderID? = nil,
        order: RecoveredOrder? = nil, declinedAt: Moment? = nil, decline: ClaimedDecline? = nil, edition: UInt64? = nil
    ) {
        self.id = id
        self.merchantID = merchantID
        self.reference = reference
        self.debt = debt
        self.amount = amount
        self.act = act
        self.at = at
        self.until = until
        self.worker = worker
        self.gateway = gateway
        self.orderID = orderID
        self.order = order
        self.declinedAt = declinedAt
        self.decline = decline
        self.edition = edition
    }

    /// What the recovery is claimed for. What comes back has an amount of its own.
    package var saleAmount: Money? { if case .moneyBack = act { nil } else { amount } }

    /// How long a granted `send` is good for, by a clock that no one sets. A pod that was frozen for longer claims again.
    package static let validity: Moment.Span = .seconds(10)

    /// How long a decline that is as old as it may be can come again: so long it is remembered, and what is younger is not forgotten.
    package static let longestMemory: Moment.Span = .days(33)
}

/// A claim as it stands on the stream: with it, for what is told, the whole result event, so that it can be told again as it was.
///
/// An object that never changes: it waits with who made it, and is kept with the last that came by.
package final class ClaimRecord: Sendable, Equatable {
    package let claim: Claim
    /// The text of the event.
    package let result: [UInt8]?
    /// The kind that it corrected in its place. It does not travel: the order of the stream says it.
    package let corrects: ResultKind?

    package init(_ claim: Claim, result: [UInt8]? = nil, corrects: ResultKind? = nil) {
        self.claim = claim
        self.result = result
        self.corrects = corrects
    }

    package func correcting(_ kind: ResultKind?) -> ClaimRecord {
        kind == corrects ? self : ClaimRecord(claim, result: result, corrects: kind)
    }

    package static func == (one: ClaimRecord, other: ClaimRecord) -> Bool {
        one === other || one.claim == other.claim && one.result == other.result && one.corrects == other.corrects
    }
}

/// What the order of the stream makes of a claim.
///
/// `Found` is the claim that stood before: its place for the book, the record itself for whoever asked.
package enum ClaimVerdict<Found: Sendable>: Sendable {
    /// It holds.
    ///
    /// - `alone`: whether nobody else has a request of this post out there, as far as is known.
    /// - `corrects`: the kind that was told before and turns out to be wrong.
    case granted(alone: Bool, corrects: ResultKind?)
    /// The recovery was told already.
    case told(Found, ResultKind)
    /// Somebody's request stands neither withdrawn nor answered: "nothing was charged", or "nothing was given back", is not known.
    case mayBeCharged
    /// A request stands that was claimed after the teller began to look at FlexFactor, which said nothing of it then.
    case askedTooEarly
    /// Another recovery of the same debt is open.
    case inRecovery(Found)
    /// The decline came in another form as well, and the recovery of that is open. The order of the stream is the same as of `inRecovery`, and
    /// older workers take it for that.
    ///
    /// - `exists`: FlexFactor is known to have that one's order, so it tells the one result.
    case otherForm(Found, exists: Bool)
    /// Another recovery of the same debt was paid.
    case recovered(Found)
    /// FlexFactor refused this post: the next is that one. What was told of that, where it was told: the same publication of the event is not
    /// posted again.
    case nextPost(Int, refusal: Found?)

    package func map<Other>(_ find: (Found) -> Other?) -> ClaimVerdict<Other>? {
        switch self {
        case .granted(let alone, let corrects): .granted(alone: alone, corrects: corrects)
        case .told(let found, let kind): find(found).map { .told($0, kind) }
        case .mayBeCharged: .mayBeCharged
        case .askedTooEarly: .askedTooEarly
        case .inRecovery(let found): find(found).map { .inRecovery($0) }
        case .otherForm(let found, let exists): find(found).map { .otherForm($0, exists: exists) }
        case .recovered(let found): find(found).map { .recovered($0) }
        case .nextPost(let post, nil): .nextPost(post, refusal: nil)
        case .nextPost(let post, let refusal?): find(refusal).map { .nextPost(post, refusal: $0) }
        }
    }
}

extension ClaimVerdict: Equatable where Found: Equatable {}

extension ClaimRecord {
    /// Whether it tells that FlexFactor refused this very publication of an event.
    package func isRefusal(of edition: UInt64?) -> Bool {
        guard case .refused = claim.act, let edition, result != nil else { return false }
        return claim.edition == edition
    }
}

extension ResultKind {
    /// Whether it says that the money was taken.
    var isPaid: Bool { self == .approved }
}

extension RecoveryOutcome {
    /// How it is known.
    func basis(by evidence: OrderEvidence) -> Claim.Basis {
        switch self {
        case .neverArrived, .expired(.neverArrived, _): .absent
        // No order is named: FlexFactor accepted to cancel it by our reference, or knows none.
        case .cancelled(nil): evidence.exists ? .known : .absent
        case .unavailable, .misconfigured: .unsent
        case .approved, .declined, .expired, .cancelled: .known
        }
    }
}

extension FlexFactorOrder {
    /// Whether it is so old that the claims can have let go of its recovery; `nil` where it does not say how old it is. A date before there
    /// was any order, as programs write one that they do not have (0001-01-01, 1970-01-01), says nothing.
    package func mayBeForgotten(at now: Moment) -> Bool? {
        guard let placedAt, placedAt.milliseconds >= 1_420_070_400_000 else { return nil }
        // A day is more than clocks differ.
        return now + .days(1) >= placedAt + Claim.longestMemory
    }
}
