/// What the claims know of what a refund command is about.
extension Refund {
    package struct Sale: Sendable, Equatable {
        /// The CRM was told that it was paid, and nothing else since.
        package let isApproved: Bool
        /// The order that it was told of.
        package let orderID: FlexFactorOrderID?
        package let amount: Money?
        /// What was told of it as refunded, in minor units; 0 where an amount among it is not known.
        package var refunded: Int64
        /// What the claims say of it beside the reference.
        package let order: RecoveredOrder?

        package init(
            isApproved: Bool, orderID: FlexFactorOrderID?, amount: Money?, refunded: Int64 = 0, order: RecoveredOrder? = nil
        ) {
            self.isApproved = isApproved
            self.orderID = orderID
            self.amount = amount
            self.refunded = refunded
            self.order = order
        }
    }

    /// No document tells of a dispute that was won, nor does any news: what a chargeback took counts as gone, and whoever knows better gives
    /// the money back in FlexFactor's portal.
    package struct Back: Sendable, Equatable {
        /// All of the money was told as back.
        package let isAll: Bool
        /// What was told of chargebacks, in minor units; `nil` where an amount among it is not known.
        package let disputed: Int64?
        /// FlexFactor's list of orders was told to show it: whoever gave the money back, this command perhaps.
        package let isListed: Bool
        /// Commands whose request stands open, this one's perhaps among them, and what they ask for together; `nil` where that is not known.
        package let askers: Int
        package let asked: Int64?
        /// What was told as refunded is in part what commands asked for, and not known to be what went back.
        package let isRefundedAsked: Bool

        package init(
            isAll: Bool = false, disputed: Int64? = 0, isListed: Bool = false, askers: Int = 0, asked: Int64? = 0,
            isRefundedAsked: Bool = false
        ) {
            self.isAll = isAll
            self.disputed = disputed
            self.isListed = isListed
            self.askers = askers
            self.asked = asked
            self.isRefundedAsked = isRefundedAsked
        }

        /// Something went back that FlexFactor need not count among its refunds.
        var isDisputed: Bool { disputed != 0 }
    }
}
