import DeclineRecovery

/// Sums, and what FlexFactor keeps of their sales.
///
/// The fee is rounded where the book's sums are: for each day and kind of decline. So rows add up to their total whatever they are by.
struct ChargedSums {
    private(set) var sums = MoneySums()
    /// `nil` once a sale is among them whose gateway has none: less than all of it would make the gain too high.
    private(set) var fee: Int64? = 0

    mutating func add(_ more: MoneySums, _ price: FlexFactorFee?) {
        sums.add(more)
        if more.priced > 0 { charge(price?.units(of: more)) }
    }

    mutating func add(_ other: ChargedSums) {
        sums.add(other.sums)
        charge(other.fee)
    }

    private mutating func charge(_ units: Int64?) { fee = fee.flatMap { known in units.map(known.adding) } }
}
