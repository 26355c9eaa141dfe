extension ClaimedRecovery {
    package enum Action: Sendable, Equatable {
        /// Append it, wait until it is read back, and give the verdict to `judged`. What is told goes along with it.
        case claim(Claim.Act, telling: Draft?)
        case call(FlexFactorCall)
        case tokenize(SealedCard, Charge)
        case finish(Finish)
    }

    /// A final result to be.
    package struct Draft: Sendable, Equatable {
        package let reason: ResultReason
        package let orderID: FlexFactorOrderID?
        /// The recovery that stands in the way.
        package let other: RecoveryReference?
        /// What FlexFactor refuses of the charge, and of which post.
        package let faults: [FieldError]
        package let post: Int?

        package init(
            _ reason: ResultReason, orderID: FlexFactorOrderID? = nil, other: RecoveryReference? = nil, faults: [FieldError] = [],
            post: Int? = nil
        ) {
            self.reason = reason
            self.orderID = orderID
            self.other = other
            self.faults = faults
            self.post = post
        }
    }

    package enum Finish: Sendable, Equatable {
        /// Nothing is told that ends it.
        case stop(RecoveryStop)
        /// The claim holds: tell it. `spent`: and keep a letter.
        case tell(Draft, corrects: ResultKind?, spent: Bool)
        /// It was told already: tell the same.
        case again(ClaimRecord)
        /// The recovery of the decline's other form tells the end of both: nothing more comes of this message.
        case left(to: RecoveryReference)
        /// No claim can be made now: nothing was charged and nothing is told.
        case hold
    }
}
