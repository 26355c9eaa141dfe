import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What FlexFactor keeps, and the gain that is left.
@Suite struct MoneyFeesTests {
    private struct Journal {
        var book = MoneyBook()

        mutating func tell(
            _ order: String, _ kind: ResultKind, _ units: Int64?, _ currency: String = "USD", gateway: GatewayID? = "42", on day: Int64 = 0,
            result: String? = nil
        ) {
            book.take(
                JournalRecord(
                    at: .in2026(day * 86_400), stage: .cascade, merchantID: "acme",
                    reference: RecoveryReference(orderID: order, kind: .sale, sequence: 0), gatewayID: gateway, fate: .told,
                    detail: kind.rawValue, attempts: 1, amount: units.map { Money(minorUnits: $0, currency: Currency(currency)!) },
                    resultID: result, workerID: "w"))
        }

        func report(_ fees: MoneyFees, _ groups: MoneyReport.Group..., gateway: GatewayID? = nil) -> MoneyReport {
            MoneyReport(book, .init(from: 0, through: .max >> 32, groups: groups, gateway: gateway), fees: fees)
        }
    }

    private func fees(_ all: [GatewayID: (basisPoints: Int64, unitsPerSale: Int64)], of merchant: MerchantID = "acme") -> MoneyFees {
        let gateways = all.map { id, fee in
            FlexFactorGateway(id: id, fee: FlexFactorFee(basisPoints: fee.basisPoints, unitsPerSale: fee.unitsPerSale))
        }
        return MoneyFees([Merchant(id: merchant, flexFactorGateways: gateways + [FlexFactorGateway(id: "feeless")])])
    }

    @Test(
        arguments: [
            (4_999, 1, 250, 0, 125), (20, 1, 250, 0, 1), (19, 1, 250, 0, 0), (4_999, 1, 250, 30, 155), (10_000, 3, 0, 30, 90),
            (10_000, 3, 29, 1, 32), (0, 0, 10_000, 30, 0), (.max - 1, 1, 10_000, 0, .max - 1), (.max - 1, .max, 9_999, 1_000_000, .max - 1),
        ] as [(Int64, Int, Int64, Int64, Int64)])
    func halfAMinorUnitIsRoundedUpAndNoAmountEndsIt(units: Int64, count: Int, basisPoints: Int64, unitsPerSale: Int64, fee: Int64) {
        var sums = MoneySums()
        sums.sales = MoneySums.Part(count: count, units: units)
        #expect(FlexFactorFee(basisPoints: basisPoints, unitsPerSale: unitsPerSale).units(of: sums) == fee)
    }

    @Test func rowsAddUpWhateverTheyAreByAndCurrenciesAreKeptApart() {
        var journal = Journal()
        // Half a cent is rounded up on each of two days, whether rows are by days or not.
        journal.tell("A", .approved, 20)
        journal.tell("B", .approved, 20, on: 1)
        journal.tell("C", .approved, 1_010, gateway: "43", on: 1)
        journal.tell("D", .approved, 5_000, "JPY", on: 1)
        let fees = fees(["42": (250, 30), "43": (25, 0)])
        let groups: [[MoneyReport.Group]] = [[], [.day], [.month], [.gateway], [.day, .gateway], [.merchant]]
        for groups in groups {
            let report = MoneyReport(journal.book, .init(from: 0, through: .max >> 32, groups: groups), fees: fees)
            #expect(report.totals.map(\.currency) == ["JPY", "USD"] && report.totals.map(\.fee) == [155, 65], "\(groups)")
            #expect(report.totals.map(\.gain) == [4_845, 985], "\(groups)")
            for total in report.totals {
                let rows = report.rows.filter { $0.currency == total.currency }
                let fee: Int64 = rows.reduce(0) { $0 + ($1.fee ?? -1_000) }
                let gain: Int64 = rows.reduce(0) { $0 + ($1.gain ?? -1_000) }
                #expect(fee == total.fee && gain == total.gain, "\(groups)")
            }
            #expect(report.hasFees && report.withoutFee.isEmpty && report.feeNote == nil)
        }
    }

    @Test func whatGoesBackGivesNoneOfItBack() {
        var journal = Journal()
        journal.tell("A", .approved, 10_000)
        journal.tell("B", .approved, 10_000)
        journal.tell("A", .refunded, 10_000, on: 1, result: "A/1")
        journal.tell("B", .chargeback, 4_000, on: 1, result: "B/1")
        let report = journal.report(fees(["42": (250, 30)]), .day)
        #expect(report.totals.map(\.fee) == [560] && report.totals.map(\.gain) == [6_000 - 560])
        // A day on which money only went back has no fee, and a gain below zero.
        #expect(report.rows.map(\.fee) == [560, 0] && report.rows.map(\.gain) == [19_440, -14_000])
        #expect(report.csv.contains(",-140.00,,,0.00,-140.00\r\n"), "\(report.csv)")
    }

    @Test func aSaleWithoutAnAmountIsInNoFee() {
        var journal = Journal()
        journal.tell("A", .approved, nil)
        journal.tell("B", .approved, nil, gateway: "43")
        let report = journal.report(fees(["42": (250, 30)]))
        #expect(report.totals.map(\.fee) == [0] && report.totals.map(\.sums.unpriced) == [2] && report.withoutFee.isEmpty)
    }

    @Test func withoutFeesNothingIsSaidToBeNone() {
        var journal = Journal()
        journal.tell("A", .approved, 4_999)
        for fees in [MoneyFees(), self.fees([:])] {
            let report = journal.report(fees, .gateway)
            #expect((report.rows + report.totals).allSatisfy { $0.fee == nil && $0.gain == nil } && !report.hasFees)
            #expect(report.csv.hasSuffix(",,\r\n") && report.feeNote?.contains("no fee") == true)
            let json = report.json(from: nil, asOf: nil)
            #expect(json["fees"] == .bool(false) && json["totals"]?.array?.allSatisfy { $0["fee"] == nil && $0["gain"] == nil } == true)
        }
    }

    /// A gain without a fee that there is would be too high.
    @Test func whereOnlySomeHaveAFeeTheOthersHaveNoGain() {
        var journal = Journal()
        journal.tell("A", .approved, 10_000)
        journal.tell("B", .approved, 10_000, gateway: "43")
        journal.tell("C", .approved, 5_000, "JPY")
        let fees = fees(["42": (250, 30)])
        let report = journal.report(fees, .gateway)
        #expect(report.rows.map { "\($0.keys[0]) \($0.currency) \($0.gain ?? -1)" } == ["42 USD 9720", "43 USD -1", "42 JPY 4845"])
        #expect(report.totals.map(\.gain) == [4_845, nil])
        #expect(report.withoutFee == [.init(merchant: "acme", gateway: "43")] && report.feeNote?.contains("acme 43") == true)
        #expect(report.json(from: nil, asOf: nil)["withoutFee"]?.array?.first?["gateway"]?.string == "43")
        // Who asks for one of them is told all of it; and none is another merchant's.
        #expect(
            journal.report(fees, gateway: "42").totals.map(\.gain) == [4_845, 9_720] && journal.report(fees, gateway: "42").feeNote == nil)
        #expect(journal.report(self.fees(["42": (250, 30)], of: "bold")).totals.map(\.gain) == [nil, nil])
        // That one has none can be said.
        #expect(journal.report(self.fees(["42": (250, 30), "43": (0, 0)])).totals.map(\.gain) == [4_845, 19_720])
    }
}
