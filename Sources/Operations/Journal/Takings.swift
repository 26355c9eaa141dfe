import DeclineRecovery

/// What FlexFactor took and what went back, by the day on which the CRM was told so.
///
/// A sale that was declined in March and approved in April is April's here: this is what somebody finds who compares it with the account.
package struct Takings: Sendable {
    package struct Day: Sendable, Equatable {
        package var approved = 0
        /// Refunds and chargebacks.
        package var returned = 0
        /// By currency, in minor units: what was taken, less what went back.
        package var net: [String: Int64] = [:]
        /// What of it went back.
        package var gone: [String: Int64] = [:]

        init(approved: Int = 0, returned: Int = 0, net: [String: Int64] = [:], gone: [String: Int64] = [:]) {
            self.approved = approved
            self.returned = returned
            self.net = net
            self.gone = gone
        }
    }

    private struct Sale: Sendable {
        let day: Int64
        let amount: Money?
        /// Of its amount; nothing goes back that is not there.
        var left: Int64
    }

    /// By day since 1970, UTC.
    package private(set) var days: [Int64: Day] = [:]
    private var sales: [UInt64: Sale] = [:]

    /// - Parameter mark: of the recovery. An approval that is told again is the same.
    mutating func approved(_ mark: UInt64, _ amount: Money?, day: Int64) {
        guard sales[mark] == nil else { return }
        sales[mark] = Sale(day: day, amount: amount, left: amount?.minorUnits ?? 0)
        days[day, default: Day()].approved += 1
        if let amount { days[day]?.net[amount.currency.code, default: 0] += amount.minorUnits }
    }

    /// - Parameter amount: what went back; `nil` where nobody says how much, which is taken for all.
    mutating func returned(_ mark: UInt64, _ amount: Money?, day: Int64) {
        let sale = sales[mark]
        // All of it is gone already: the same told twice.
        if let sale, sale.amount != nil, sale.left == 0 { return }
        days[day, default: Day()].returned += 1
        guard let currency = sale?.amount?.currency ?? amount?.currency else { return }
        let known = sale?.amount == nil ? nil : sale?.left
        let units = min(amount?.minorUnits ?? known ?? 0, known ?? .max)
        sales[mark]?.left -= known == nil ? 0 : units
        days[day]?.net[currency.code, default: 0] -= units
        days[day]?.gone[currency.code, default: 0] += units
    }

    mutating func forget(before day: Int64) {
        days = days.filter { $0.key >= day }
        sales = sales.filter { $0.value.day >= day }
    }
}
