extension ClaimBook {
    /// What is known of a recovery.
    package struct Standing: Sendable, Equatable {
        /// What was told and where, if it was and nobody has reopened it since.
        package let told: Told?
        /// FlexFactor is known to have the order.
        package let exists: Bool
        /// Whether a request stands open, or FlexFactor is known to have the order.
        package let mayBeCharged: Bool
        /// Whether a request stands open: nobody knows yet what became of it.
        package let isAsking: Bool
        /// The last request that stands open.
        package let lastRequest: Claim.ID?
        /// The post that may be out there unanswered; the first, where FlexFactor has the order and nobody has heard of any answer.
        package let askedPost: Int?
        /// The last post that FlexFactor has answered, to whichever copy.
        package let answeredPost: Int
        /// Where a claim names FlexFactor's order of it; known until its end is told.
        package let namedAt: Int64?
        /// Where what may be charged was sent first.
        package let gateway: ClaimedGateway?
        /// It was sent, found or told here. What else is claimed of a reference, such as a refund that somebody asks for, opens no order.
        package let isOpened: Bool
        /// It will be told how it ends, be it by the name of the decline's other form: it was sent, or it waits. What FlexFactor refused waits
        /// for nobody.
        package let isUnderWay: Bool
        /// A retry that is put away, of which FlexFactor has nothing: nobody has sent it, or each request was withdrawn.
        package let isWaiting: Bool
        /// Its debt is paid by another, which was told first: in whatever amount, and in its own.
        let isDebtPaid: Bool
        let isAmountPaid: Bool
        /// What its amount is compared by; 0 where none is known.
        let amount: UInt32
        package let back: MoneyBack

        /// Whether it was claimed in another amount than this.
        package func isClaimed(inAnother amount: Money) -> Bool { self.amount != 0 && self.amount != ClaimBook.mark(of: amount) }

        /// FlexFactor may have of it what was claimed first, and what is posted next is no claim of its own (`isUnsent`).
        package var isBegun: Bool { told == nil && (mayBeCharged || answeredPost > 0) }

        /// Whether another has paid what a recovery of this kind is for (`ClaimBook.obstacle`). Its key does not say the kind.
        package func isPaidByAnother(_ kind: RecoveryReference.Kind) -> Bool { kind.isRetry ? isDebtPaid : isAmountPaid }

        package struct Told: Sendable, Equatable {
            package let offset: Int64
            package let kind: ResultKind
        }
    }
}
