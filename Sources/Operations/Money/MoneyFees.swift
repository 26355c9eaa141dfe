package import DeclineRecovery

/// The fees that the configuration names, each of one merchant's FlexFactor gateway.
package struct MoneyFees: Sendable {
    private let fees: [MerchantID: [GatewayID: FlexFactorFee]]

    package init(_ merchants: [Merchant] = []) {
        var fees: [MerchantID: [GatewayID: FlexFactorFee]] = [:]
        for merchant in merchants {
            for gateway in merchant.flexFactorGateways.values {
                if let fee = gateway.fee { fees[merchant.id, default: [:]][gateway.id] = fee }
            }
        }
        self.fees = fees
    }

    var isEmpty: Bool { fees.isEmpty }

    /// `nil` where none is named, or nobody knows whose sale it is.
    func fee(of facts: MoneyFacts) -> FlexFactorFee? {
        guard let merchant = facts.merchantID, let gateway = facts.gatewayID else { return nil }
        return fees[merchant]?[gateway]
    }
}

extension FlexFactorFee {
    /// Of these sales together; half a minor unit is rounded up. A sale without an amount is in no sum, so in no fee either.
    func units(of sums: MoneySums) -> Int64 {
        let (whole, rest) = sums.sales.units.quotientAndRemainder(dividingBy: 10_000)
        let (fixed, isTooLarge) = Int64(sums.priced).multipliedReportingOverflow(by: unitsPerSale)
        return (whole * basisPoints).adding((rest * basisPoints + 5_000) / 10_000).adding(isTooLarge ? .max : fixed)
    }
}
