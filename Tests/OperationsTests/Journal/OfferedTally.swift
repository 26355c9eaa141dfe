@testable import DeclineRecovery
@testable import Operations

/// What was offered on a day, or with a code, and what came of it, all currencies together: as the overview has it.
struct OfferedTally: Equatable {
    var offered = 0
    var ended = 0
    var recovered = 0
    /// By currency, in minor units.
    var offeredAmounts: [String: Int64] = [:]
    var recoveredAmounts: [String: Int64] = [:]
}

extension FlowBook {
    /// By day since 1970, UTC.
    var dayTallies: [Int64: OfferedTally] {
        var days: [Int64: OfferedTally] = [:]
        for (text, tally) in tallies(by: .day) { days[MoneyReport.day(text) ?? -1] = tally }
        return days
    }

    var codeTallies: [String: OfferedTally] { tallies(by: .code).filter { $0.key != "" } }

    private func tallies(by group: MoneyReport.Group) -> [String: OfferedTally] {
        var tallies: [String: OfferedTally] = [:]
        for row in MoneyReport(money, .init(from: 0, through: 100_000, groups: [group])).rows where row.sums.offered.count > 0 {
            var tally = tallies[row.keys[0]] ?? OfferedTally()
            tally.offered += row.sums.offered.count
            tally.ended += row.sums.ended.count
            tally.recovered += row.sums.recovered.count
            if row.currency != "" {
                tally.offeredAmounts[row.currency] = row.sums.offered.units
                if row.sums.recovered.count > 0 { tally.recoveredAmounts[row.currency] = row.sums.recovered.units }
            }
            tallies[row.keys[0]] = tally
        }
        return tallies
    }
}
