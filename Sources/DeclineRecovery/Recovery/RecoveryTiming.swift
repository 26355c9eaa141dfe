/// The spans a recovery's life is measured by.
package struct RecoveryTiming: Sendable, Equatable {
    /// How long FlexFactor may still be working on a request that nobody waits for any more, and how long a pod may take to hear of a
    /// cancel command. Only then does "no such order" mean that there will be none.
    package let settle: Moment.Span
    /// How long a recovery whose outcome stays unknown is reconciled before a person must look.
    package let reconcileFor: Moment.Span
    /// Managed: the first look at a submitted order; each later one comes after twice the time, up to `longestPoll`.
    package let firstPoll: Moment.Span
    package let longestPoll: Moment.Span
    /// Sync: the pause before the second post; each later one is twice as long, up to `longestRepost`.
    package let firstRepost: Moment.Span
    package let longestRepost: Moment.Span
    /// After a retry's expiry, how long FlexFactor has to close the order itself before we do.
    package let grace: Moment.Span
    /// Calls in a row that may fail before a retry that FlexFactor never got is given up.
    package let attempts: Int
    /// How long after it was first sent a request may be repeated under its idempotency key. FlexFactor's memory of keys is read as a
    /// day; after it a repeat would be a new charge.
    package let keysLive: Moment.Span

    package init(
        settle: Moment.Span = .seconds(120), reconcileFor: Moment.Span = .days(1), firstPoll: Moment.Span = .minutes(10),
        longestPoll: Moment.Span = .minutes(360), firstRepost: Moment.Span = .minutes(360), longestRepost: Moment.Span = .days(2),
        grace: Moment.Span = .minutes(60), attempts: Int = 200, keysLive: Moment.Span = .minutes(1_200)
    ) {
        self.settle = settle
        self.reconcileFor = reconcileFor
        self.firstPoll = firstPoll
        self.longestPoll = longestPoll
        self.firstRepost = firstRepost
        self.longestRepost = longestRepost
        self.grace = grace
        self.attempts = attempts
        self.keysLive = keysLive
    }
}
