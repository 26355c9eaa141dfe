import DeclineRecovery

/// What is counted of declines that have something in common, all of one currency; amounts in its minor units.
///
/// What a decline came to is counted on the day it was taken in, so that the parts of a day add up to it; money on the day it was told.
package struct MoneySums: Sendable, Equatable {
    package struct Part: Sendable, Equatable {
        package internal(set) var count = 0
        package internal(set) var units: Int64 = 0

        package init(count: Int = 0, units: Int64 = 0) {
            self.count = count
            self.units = units
        }

        mutating func add(_ units: Int64, times sign: Int = 1) {
            count += sign
            self.units = self.units.adding(sign < 0 ? -units : units)
        }

        mutating func add(_ other: Part) {
            count += other.count
            units = units.adding(other.units)
        }
    }

    // By the day on which the decline was taken in.
    package internal(set) var declines = Part()
    package internal(set) var offered = Part()
    package internal(set) var notOffered = Part()
    /// Of those offered: ended, whatever came of it.
    package internal(set) var ended = Part()
    /// Of those offered: paid, before refunds.
    package internal(set) var recovered = Part()

    // By the day on which the CRM was told.
    package internal(set) var sales = Part()
    /// Sales of which nobody said how much they came to: in no amount.
    package internal(set) var unpriced = 0
    package internal(set) var refunded = Part()
    package internal(set) var chargedBack = Part()
    /// Of the sales.
    package internal(set) var times = RecoveryTimes()

    /// Of those offered: still under way.
    package var open: Part { Part(count: offered.count - ended.count, units: offered.units.adding(-ended.units)) }
    package var returned: Part { Part(count: refunded.count + chargedBack.count, units: refunded.units.adding(chargedBack.units)) }
    /// Sales whose amount is known.
    var priced: Int { sales.count - unpriced }
    /// What is left of the sales told in the time, less what went back in the time.
    package var net: Int64 { sales.units.adding(-returned.units) }

    package init() {}

    mutating func add(_ other: MoneySums) {
        declines.add(other.declines)
        offered.add(other.offered)
        notOffered.add(other.notOffered)
        ended.add(other.ended)
        recovered.add(other.recovered)
        sales.add(other.sales)
        unpriced += other.unpriced
        refunded.add(other.refunded)
        chargedBack.add(other.chargedBack)
        times.add(other.times)
    }
}

/// From the decline to the telling of the sale, in steps: what half of them took at most, and nine in ten.
package struct RecoveryTimes: Sendable, Equatable {
    private static let seconds: [Int64] = [
        1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 259_200, 432_000, 604_800,
        864_000, 1_209_600, 1_814_400, 2_592_000,
    ]

    /// Up to the longest that there was: most sales take seconds, and there are many of these.
    private(set) var counts: [UInt32] = []

    init() {}

    /// As they were counted; `nil` for counts of other steps.
    init?(counts: [UInt32]) {
        guard counts.count <= Self.seconds.count + 1, counts.last != 0 else { return nil }
        self.counts = counts
    }

    mutating func note(_ span: Moment.Span) {
        let step = Self.seconds.firstIndex { span.milliseconds <= $0 * 1_000 } ?? Self.seconds.count
        reach(step + 1)
        counts[step] += 1
    }

    mutating func add(_ other: RecoveryTimes) {
        reach(other.counts.count)
        for index in other.counts.indices { counts[index] += other.counts[index] }
    }

    private mutating func reach(_ length: Int) {
        if counts.count < length { counts += repeatElement(0, count: length - counts.count) }
    }

    /// Seconds within which so many of a hundred were told; `nil` where there are none, or it was longer than any step.
    package func seconds(ofHundred share: Int) -> Int64? {
        let all = counts.reduce(0) { $0 + Int($1) }
        var sum = 0
        for (index, count) in counts.enumerated() {
            sum += Int(count)
            if sum * 100 >= all * share { return index < Self.seconds.count ? Self.seconds[index] : nil }
        }
        return nil
    }
}

extension Int64 {
    /// A sum too large to tell is the largest that can be told: a report must not end on it.
    func adding(_ other: Int64) -> Int64 {
        let (sum, isTooLarge) = addingReportingOverflow(other)
        return isTooLarge ? (other > 0 ? .max - 1 : -(.max - 1)) : sum
    }
}
