extension ClaimBook.Standing {
    /// What was told of money that went back.
    package struct MoneyBack: Sendable, Equatable {
        /// All of it: the debt may be paid again.
        package let isAll: Bool
        /// The refunds, in minor units; `nil` where one's amount is not known.
        package let refunded: Int64?
        /// The refunds may come to more.
        package let isRefundedLeast: Bool
        /// Some of it is what commands asked for, and not known to be what went back.
        package let isRefundedAsked: Bool
        /// The chargebacks, likewise, and those that were known alone.
        package let disputed: Int64?
        /// FlexFactor's list of orders was told to show it.
        package let isListed: Bool
        package let isDisputed: Bool
        /// The CRM was told of a chargeback.
        package let isDisputeTold: Bool
        /// FlexFactor was asked for some of it.
        package let isCommanded: Bool
        /// A command's refund was told of which FlexFactor's news have not been heard.
        let isUnheard: Bool
        /// What the commands ask for whose requests stand open, in minor units, in their order; `nil` for an amount that is not known.
        package let asks: [Int64?]
        /// How many these are, and what they ask for together; `nil` where one's amount is not known.
        package var askers: Int { asks.count }
        package var asked: Int64? { asks.reduce(Int64?(0)) { sum, ask in sum.flatMap { sum in ask.map { sum + $0 } } } }

        init(isAll: Bool, _ refunds: MoneyBackBook?) {
            self.isAll = isAll
            refunded = refunds.map(\.refunded) ?? 0
            isRefundedLeast = refunds?.isRefundedLeast ?? false
            isRefundedAsked = refunds?.isRefundedAsked ?? false
            disputed = refunds.map(\.disputed) ?? 0
            isListed = refunds?.isListed ?? false
            isDisputed = refunds?.isDisputed ?? false
            isDisputeTold = refunds?.isDisputeTold ?? false
            isCommanded = refunds?.isCommanded ?? false
            isUnheard = refunds?.isUnheard ?? false
            asks = refunds?.asks ?? []
        }
    }
}

extension ClaimBook.Standing.MoneyBack {
    /// What a command asked for in whose place news are told that do not say how much went back; 0 for none (`MoneyBackClaim.asked`).
    ///
    /// - Parameter readings: what it may be, where it is one of two.
    /// - Parameter most: it is less than that (`MoneyBackClaim.lessThan`).
    package func asked(byNewsOf readings: [Int64], lessThan most: Int64? = nil) -> Int64 {
        (candidates(byNewsOf: readings, most).first ?? nil) ?? 0
    }

    /// The most that one of several such commands asked for, which asked for different amounts: then nobody can say of which the news are. `nil`
    /// where it is known.
    package func mostAsked(byNewsOf readings: [Int64], lessThan most: Int64? = nil) -> Int64? {
        let units = candidates(byNewsOf: readings, most).compactMap(\.self)
        return Set(units).count > 1 ? units.max() : nil
    }

    private func candidates(byNewsOf readings: [Int64], _ most: Int64?) -> [Int64?] {
        // What says nothing at all is of what was told before it is of what may never have been done.
        if readings.isEmpty, isUnheard { return [] }
        return asks.filter { ask in
            guard let ask else { return true }
            return (readings.isEmpty || readings.contains(ask)) && most.map { ask < $0 } ?? true
        }
    }
}
