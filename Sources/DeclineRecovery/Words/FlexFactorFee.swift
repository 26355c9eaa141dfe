/// What FlexFactor keeps of a sale, as it is agreed for one gateway: a share of the amount, so much for each sale, or both.
package struct FlexFactorFee: Sendable, Equatable {
    /// Hundredths of a percent of what was taken: 0...10 000.
    package let basisPoints: Int64
    /// In minor units of the sale's currency.
    package let unitsPerSale: Int64

    package init(basisPoints: Int64, unitsPerSale: Int64) {
        self.basisPoints = basisPoints
        self.unitsPerSale = unitsPerSale
    }
}
