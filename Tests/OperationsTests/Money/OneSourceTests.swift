import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// Overview, page *Money* and report say the same of any journal, and it is what happened.
@Suite struct OneSourceTests {
    /// What happened, counted recovery by recovery and without a book: the slow way.
    private struct Truth {
        var declines = MoneySums.Part()
        var offered = MoneySums.Part()
        var notOffered = MoneySums.Part()
        var ended = MoneySums.Part()
        var recovered = MoneySums.Part()
        var sales = MoneySums.Part()

        init(_ records: [JournalRecord], currency: String) {
            for own in Dictionary(grouping: records, by: \.reference.text).values { add(own, currency) }
        }

        private mutating func add(_ own: [JournalRecord], _ currency: String) {
            let decline = own.first { $0.stage == .intake && $0.reason != "told_again" }?.amount
            guard let decline, decline.currency.code == currency else { return }
            let units = decline.minorUnits
            declines.add(units)
            if own[0].stage == .intake, own[0].fate == .told { return notOffered.add(units) }
            let told = own.enumerated().filter { $0.element.fate == .told && $0.element.reason != "told_again" }
            let sale = told.first { $0.element.detail == "approved" || $0.element.becomes == .approved }
            let last = own.last { $0.fate.isLetter || $0.fate == .parked }
            let isOver = told.contains { ["declined", "expired", "cancelled"].contains($0.element.detail) }
            if sale == nil, !isOver, last?.detail == "attempts_spent" { return notOffered.add(units) }
            offered.add(units)
            if sale != nil || isOver || last?.fate.isLetter == true { ended.add(units) }
            guard let (place, record) = sale else { return }
            recovered.add(record.amount?.minorUnits ?? units)
            // Where the decline is heard of later, a sale without an amount has none, and is of no currency.
            let isKnown = own[..<place].contains { $0.stage == .intake }
            if let amount = record.amount ?? (isKnown ? decline : nil) { sales.add(amount.minorUnits) }
        }
    }

    private func restarted(_ book: FlowBook) async throws -> FlowBook {
        var rollup = JournalRollup(id: 1, place: .init(offset: 1, digest: 1), book: book)
        rollup.partSize = 3_000
        var parts: [[UInt8]] = []
        try await rollup.write { (part) throws(BrokerFailure) in parts.append(part) }
        let last = try #require(parts.last)
        var reader = try #require(RollupReader(sealed: last))
        var reading = RollupReading(try #require(JournalRollup.Head(&reader)))
        for part in parts { reading.take(part) }
        return try #require(reading.whole)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func whatHappenedIsCountedOnceAndToldEverywhere(seed: UInt64) async throws {
        let records = RandomJournal(seed: seed, isDisordered: seed % 3 != 0).records
        var random = SeededRandom(seed: seed)
        var book = FlowBook()
        let cut = Int.random(in: 1..<records.count, using: &random)
        for record in records[..<cut] { book.take(record) }
        book = try await restarted(book)
        for record in records[cut...] { book.take(record) }
        let all = MoneyReport(book.money, .init(from: 0, through: 100_000))
        for total in all.totals where total.currency != "" {
            let (sums, truth) = (total.sums, Truth(records, currency: total.currency))
            #expect(sums.declines == truth.declines && sums.offered == truth.offered && sums.notOffered == truth.notOffered, "seed \(seed)")
            #expect(sums.ended == truth.ended && sums.recovered == truth.recovered, "seed \(seed), \(total.currency)")
            #expect(sums.sales == truth.sales, "seed \(seed), \(total.currency)")
        }
        // A correction is in the rate as it is in the sales.
        let sales = all.totals.reduce(0) { $0 + $1.sums.sales.count }
        #expect(all.totals.reduce(0) { $0 + $1.sums.recovered.count } == sales && sales > 10)
        // The pages, on any day.
        let first = Int64(MoneyBook.day(.in2026(0)))
        for day in [first + 20, first + 60, first + 115] { try agree(book, on: day) }
    }

    /// Overview and page *Money*, in their own words.
    private func agree(_ book: FlowBook, on day: Int64) throws {
        let now = Moment(milliseconds: day * 86_400_000 + 7)
        for (group, shown) in [(MoneyReport.Group.day, Overview.days(book, now)), (.code, Overview.codes(book, now))] {
            let page = MoneyReport(book.money, try MoneyReport.Question(["days": "30", "by": group.rawValue], now: now))
            let rows = try #require(page.json(from: nil, asOf: nil)["rows"]?.array)
            let entries = try #require(shown.array)
            #expect(!entries.isEmpty)
            for name in ["offered", "recovered"] {
                let counts = entries.reduce(0) { $0 + ($1[name]?.int64 ?? 0) }
                #expect(counts == rows.reduce(0) { $0 + ($1[name]?["count"]?.int64 ?? 0) })
            }
            for entry in entries {
                for amount in entry["amounts"]?.array ?? [] {
                    let row = rows.first { $0[group.rawValue] == entry[group.rawValue] && $0["currency"] == amount["currency"] }
                    for name in ["offered", "recovered"] { #expect(row?[name]?["minorUnits"] == amount[name]) }
                }
            }
        }
        let report = MoneyReport(book.money, .init(from: day, through: day)).totals
        let tile = Overview.today(book, now)
        #expect(tile["approved"]?.int64 == Int64(report.reduce(0) { $0 + $1.sums.sales.count }))
        for amount in tile["amounts"]?.array ?? [] {
            #expect(report.first { $0.currency == amount["currency"]?.string }?.sums.net == amount["net"]?.int64)
        }
    }

    /// What is due this minute is not late: not in the status, not among the slots of what is parked, not in the list.
    @Test func oneRecoveryIsOverdueWhereverThatIsSaid() {
        let now = Moment.in2026(1_000)
        var book = FlowBook()
        for (order, due) in [("A", -90), ("B", -30), ("C", 30), ("D", 4_000)] as [(String, Int64)] {
            book.take(
                JournalRecord(
                    at: .in2026(0), stage: .retry, merchantID: "acme",
                    reference: RecoveryReference(orderID: order, kind: .rerun, sequence: 1),
                    gatewayID: "42", fate: .parked, detail: "due", until: now + .seconds(due), attempts: 1,
                    amount: Money(minorUnits: 500, currency: .usd), workerID: "w"))
        }
        let slots = (Overview.parked(book, now).array ?? []).compactMap { $0["count"]?.int64 }
        #expect(slots == [1, 2, 0, 1, 0, 0] && book.overdue(now: now).map(\.entry.reference.orderID) == ["A"])
        #expect(Overview.overdue(book, now).array?.count == 1)
    }

    /// A correction changes what was told otherwise, whatever that was, and once.
    @Test(arguments: [("declined", nil), ("skipped", "flexfactor_unavailable")] as [(String, String?)])
    func whatIsCorrectedIsInTheRateAsInTheSales(first: String, reason: String?) {
        func record(_ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, day: Int64, _ reason: String? = nil) -> JournalRecord {
            JournalRecord(
                at: .in2026(day * 86_400), stage: stage, merchantID: "acme",
                reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1), gatewayID: "42", fate: fate, detail: detail,
                reason: reason, rule: stage == .intake ? "table:nmi/201" : nil, attempts: 1, amount: Money(minorUnits: 500, currency: .usd),
                declineCode: stage == .intake ? "nmi/201" : nil, becomes: detail == "correction" ? .approved : nil, workerID: "w")
        }
        var book = MoneyBook()
        book.take(record(.intake, .passed, "retry", day: 0))
        book.take(record(.retry, .told, first, day: 20, reason))
        func sums() -> MoneySums { MoneyReport(book, .init(from: 0, through: 100_000)).totals[0].sums }
        #expect(sums().recovered.count == 0 && sums().notOffered.count == (first == "skipped" ? 1 : 0) && sums().open.count == 0)
        for day in [50, 51] as [Int64] {
            book.take(record(.outcomes, .told, "correction", day: day, day == 51 ? "told_again" : nil))
            #expect(sums().sales == .init(count: 1, units: 500) && sums().recovered == sums().sales && sums().offered == sums().sales)
            #expect(sums().notOffered.count == 0 && sums().ended == sums().offered && sums().declines == sums().offered)
        }
        // What goes on behind it is a repeat.
        book.take(record(.intake, .passed, "retry", day: 52))
        book.take(record(.retry, .told, "declined", day: 52))
        #expect(sums().declines.count == 1 && sums().recovered.count == 1)
    }
}
