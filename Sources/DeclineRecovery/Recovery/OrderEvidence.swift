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
    /// Since when FlexFactor refuses the request that was not answered, under its key, and nothing else.
    package internal(set) var refusedSince: Moment?
    /// FlexFactor answered that it is approved: beside a cancel that it accepted, only the order itself tells which of the two holds.
    package internal(set) var isApproved: Bool
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

    init(
        order: Word = .none, sentAt: Moment? = nil, conflictSince: Moment? = nil, refusedSince: Moment? = nil, isApproved: Bool = false,
        seen: UInt64? = nil
    ) {
        self.order = order
        self.sentAt = sentAt
        self.conflictSince = conflictSince
        self.refusedSince = refusedSince
        self.isApproved = isApproved
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

    /// Whether a refusal has gone on for longer than any request is in progress: the same bytes under the same key, which FlexFactor would answer as
    /// it answered the first, were refused from the first on.
    func isRefused(now: Moment, timing: RecoveryTiming) -> Bool {
        refusedSince.map { !exists && now >= $0 + timing.settle } ?? false
    }

    /// What an answer proves by itself. A denial is noted by whoever knows which call it answers.
    mutating func note(_ answer: FlexFactorAnswer, now: Moment) {
        switch answer {
        case .evaluated, .found, .captured, .captureFailed, .cancelRefused:
            if !exists { order = .known }
            if case .evaluated(.approved, _) = answer { isApproved = true }
            (conflictSince, refusedSince) = (nil, nil)
        case .cancelAccepted:
            if case .cancelled = order {} else { order = .cancelled(since: now) }
            (conflictSince, refusedSince) = (nil, nil)
        case .failed(.conflict):
            conflictSince = conflictSince ?? now
            refusedSince = nil
        case .refunded, .refundFailed, .notListed, .noSuchOrder, .tokenized, .cardUnusable, .failed: break
        }
    }

    mutating func noteDenial(now: Moment) {
        if case .none = order { order = .denied(since: now) }
    }
}
