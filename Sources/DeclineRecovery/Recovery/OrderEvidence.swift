/// What FlexFactor has let be known of a recovery's order, as far as it bears on whether there is one.
///
/// There is no list that can be trusted to be whole, so absence is never read from silence. One call is keyed by our reference: a cancel
/// that FlexFactor accepts, or refuses because of the order's state, proves an order; FlexFactor's own word that it knows none, said
/// twice with the settling time between, proves that there will be none.
package struct OrderEvidence: Sendable, Equatable {
    package internal(set) var order: Word
    /// When the present post was first sent, as far as this recovery knows.
    package internal(set) var sentAt: Moment?
    /// Since when FlexFactor answers 409 to our key, and nothing else.
    package internal(set) var conflictSince: Moment?
    /// With what FlexFactor refuses the repeats of the request that was not answered, and nothing else.
    package internal(set) var refusal: Refusal?
    /// FlexFactor answered that it is approved: beside a cancel that it accepted, only the order itself tells which of the two holds.
    package internal(set) var isApproved: Bool
    /// What FlexFactor named in answer to an earlier post: all posts of a sync retry are of one order.
    package internal(set) var named: FlexFactorOrderID?
    /// The claim of the last request that stood when this was learned.
    package internal(set) var seen: UInt64?

    package enum Word: Sendable, Equatable {
        case none
        /// FlexFactor said that it knows no such order, first then.
        case denied(since: Moment)
        /// There is one.
        case known
        /// There is one, and FlexFactor accepted to cancel it.
        case cancelled(since: Moment)
    }

    package struct Refusal: Sendable, Equatable {
        let since: Moment
        let status: Int
        /// In its own words.
        let errors: [FieldError]
    }

    init(
        order: Word = .none, sentAt: Moment? = nil, conflictSince: Moment? = nil, refusal: Refusal? = nil, isApproved: Bool = false,
        named: FlexFactorOrderID? = nil, seen: UInt64? = nil
    ) {
        self.order = order
        self.sentAt = sentAt
        self.conflictSince = conflictSince
        self.refusal = refusal
        self.isApproved = isApproved
        self.named = named
        self.seen = seen
    }

    var exists: Bool {
        switch order {
        case .known, .cancelled: true
        case .none, .denied: false
        }
    }

    /// Whether FlexFactor's denial that comes now is the second, and nothing can have been under way between.
    func isAbsence(now: Moment, timing: RecoveryTiming) -> Bool {
        if case .denied(let since) = order { now >= since + timing.settle } else { false }
    }

    /// Whether FlexFactor accepted a cancel so long ago that all it may do beside it is done, and has not said that it took the money.
    func isCancelled(now: Moment, timing: RecoveryTiming) -> Bool {
        if case .cancelled(let since) = order { !isApproved && now >= since + timing.settle } else { false }
    }

    /// Whether FlexFactor accepted a cancel, however lately.
    var hasAcceptedCancel: Bool { if case .cancelled = order { true } else { false } }

    /// Whether 409 has gone on for longer than any request is in progress: other content went out under our key.
    func isOtherContent(now: Moment, timing: RecoveryTiming) -> Bool {
        conflictSince.map { now >= $0 + timing.settle } ?? false
    }

    /// Whether repeats were refused for longer than any request is in progress. Mostly the first was refused as well; but FlexFactor may look at the
    /// fields before it looks at the key, and refuse today what it took yesterday. So that is asked before it is believed.
    func isRefused(now: Moment, timing: RecoveryTiming) -> Bool {
        refusal.map { !exists && now >= $0.since + timing.settle } ?? false
    }

    mutating func noteRefusal(_ status: Int, _ errors: [FieldError], now: Moment) {
        refusal = Refusal(since: refusal?.since ?? now, status: status, errors: FieldError.told(errors))
    }

    /// What was learned of the post before says nothing of the next, which has a key of its own; but it is of the same order.
    mutating func beginPost(of order: FlexFactorOrderID? = nil) {
        (sentAt, conflictSince, refusal) = (nil, nil, nil)
        named = order ?? named
    }

    /// What an answer proves by itself. A denial is noted by whoever knows which call it answers.
    mutating func note(_ answer: FlexFactorAnswer, now: Moment) {
        switch answer {
        case .evaluated, .found, .captured, .captureFailed, .cancelRefused:
            if !exists { order = .known }
            if case .evaluated(.approved, _) = answer { isApproved = true }
            if case .evaluated = answer { refusal = nil }
            conflictSince = nil
        case .cancelAccepted:
            if case .cancelled = order {} else { order = .cancelled(since: now) }
            conflictSince = nil
        case .failed(.conflict):
            conflictSince = conflictSince ?? now
            refusal = nil
        case .refunded, .refundFailed, .notListed, .noSuchOrder, .tokenized, .cardUnusable, .failed: break
        }
    }

    mutating func noteDenial(now: Moment) {
        if case .none = order { order = .denied(since: now) }
    }
}
