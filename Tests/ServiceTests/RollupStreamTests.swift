import Broker
import DeclineRecovery
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Operations
@testable import Service

/// Roll-ups of the journal on a real broker: written by who follows, begun with by who starts.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["SALVAGE_TEST_AMQP"] != nil || ProcessInfo.processInfo.environment["CI"] == "true",
        "no broker: run deploy/local/test")
) struct RollupStreamTests {
    static func record(_ number: Int, _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, at moment: Moment) -> JournalRecord {
        JournalRecord(
            at: moment, stage: stage, merchantID: MerchantID("m\(number % 20)"),
            reference: RecoveryReference(orderID: "O\(number)", kind: .sale, sequence: 0),
            gatewayID: "42", fate: fate, detail: detail, rule: stage == .intake ? "table:nmi/201" : nil, attempts: 1,
            amount: Money(minorUnits: 100 + Int64(number % 900), currency: .usd),
            declineCode: stage == .intake ? "nmi/\(200 + number / 20 % 50)" : nil,
            workerID: "w")
    }

    /// A decline, and the sale that most become.
    static func recovery(_ number: Int, at moment: Moment) -> [JournalRecord] {
        let begun = record(number, .intake, .passed, "cascade", at: moment)
        return number % 10 == 0 ? [begun] : [begun, record(number, .cascade, .told, number % 3 == 0 ? "approved" : "declined", at: moment)]
    }

    static func publish(_ records: [JournalRecord], _ link: BrokerLink, _ names: TopologyNames) async throws {
        for start in stride(from: 0, to: records.count, by: 500) {
            try await link.publish(
                records[start..<min(start + 500, records.count)].map {
                    Broker.OutgoingMessage(
                        exchange: names.journal, routingKey: "", properties: MessageProperties(type: JournalRecord.type), body: $0.encoded()
                    )
                })
        }
    }

    static func withWorld(rollups: Bool = true, _ body: (BrokerLink, TopologyNames) async throws -> Void) async throws {
        let url = try #require(
            ProcessInfo.processInfo.environment["SALVAGE_TEST_AMQP"], "SALVAGE_TEST_AMQP names no broker; run deploy/local/test")
        let link = try await BrokerLink.open(BrokerConfiguration(url: url))
        let names = TopologyNames(prefix: "test-\(UUID().uuidString.prefix(8))")
        let own = [names.journal] + (rollups ? [names.rollups] : [])
        let all = Topology(recovery: names)
        try await link.declare(
            Topology(
                exchanges: all.exchanges.filter { own.contains($0.name) }, queues: all.queues.filter { own.contains($0.name) },
                bindings: all.bindings.filter { own.contains($0.exchange) }))
        do {
            try await body(link, names)
        } catch {
            Issue.record(error)
        }
        for name in own { try? await link.delete(queue: name) }
        await link.close()
    }

    @Test func aStartReadsTheRollupAndWhatIsBehindIt() async throws {
        try await Self.withWorld { link, names in
            let news = Mutex<[RollupNews]>([])
            let now = SystemClock().now()
            let early = (0..<200).flatMap { Self.recovery($0, at: now + .days(-20)) }
            let late = (200..<300).flatMap { Self.recovery($0, at: now) }
            try await Self.publish(early, link, names)
            let first = FlowStore(link, names, rollups: RollupTurns(every: 150, rest: .seconds(0))) { said in
                news.withLock { $0.append(said) }
            }
            try await first.follow()
            try await Self.publish(late, link, names)
            try await eventually("a roll-up is written") {
                news.withLock { $0.contains { if case .written = $0 { true } else { false } } }
            }
            let begun = Mutex<Int?>(nil)
            let second = FlowStore(link, names) { if case .read(let behind) = $0 { begun.withLock { $0 = behind } } }
            try await second.follow()
            let behind = try #require(begun.withLock { $0 }, "it began with the journal")
            #expect(behind < early.count)
            var whole = MoneyBook()
            for record in early + late { whole.take(record) }
            let day = now.milliseconds / 86_400_000
            let question = MoneyReport.Question(from: day - 60, through: day, groups: [.day, .code])
            let expected = MoneyReport(whole, question)
            #expect(expected.totals.first?.sums.sales.count == 90 && second.look { MoneyReport($0.money, question).rows } == expected.rows)
            #expect(MoneyReport(try await link.money(from: day - 60, names), question).rows == expected.rows)
            // The journal is made anew, and there are no roll-ups of it.
            try await link.delete(queue: names.journal)
            let all = Topology(recovery: names)
            let journal = Topology(
                exchanges: [], queues: all.queues.filter { $0.name == names.journal },
                bindings: all.bindings.filter { $0.exchange == names.journal })
            // Whoever reads a queue that is gone connects anew, and nothing can be declared meanwhile.
            try await eventually("the journal is made anew") {
                try await link.declare(journal)
                return true
            }
            try await Self.publish((0..<400).flatMap { Self.recovery($0 + 1_000, at: now) }, link, names)
            let third = FlowStore(link, names, rollups: RollupTurns())
            try await third.follow()
            #expect(third.look { $0.money.sums(ofDay: day)["USD"]?.declines.count } == 400)
        }
    }

    @Test func aFleetWithoutTheStreamReadsItsJournal() async throws {
        try await Self.withWorld(rollups: false) { link, names in
            let now = SystemClock().now()
            let news = Mutex<[RollupNews]>([])
            try await Self.publish((0..<100).flatMap { Self.recovery($0, at: now) }, link, names)
            let store = FlowStore(link, names, rollups: RollupTurns(every: 50, rest: .seconds(0))) { said in
                news.withLock { $0.append(said) }
            }
            try await store.follow()
            try await Self.publish((100..<200).flatMap { Self.recovery($0, at: now) }, link, names)
            try await eventually("nothing can be written") {
                news.withLock { $0.contains { if case .impossible = $0 { true } else { false } } }
            }
            try await eventually("all is counted") {
                store.look { $0.money.sums(ofDay: now.milliseconds / 86_400_000)["USD"]?.declines.count } == 200
            }
        }
    }

    /// What a start costs behind so many recoveries (`SALVAGE_MEASURE_ROLLUP`), a tenth of them still open; printed, and judged by nobody.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SALVAGE_MEASURE_ROLLUP"] != nil)) func aStartBehindManyRecoveries() async throws
    {
        let count = ProcessInfo.processInfo.environment["SALVAGE_MEASURE_ROLLUP"].flatMap(Int.init) ?? 0
        try await Self.withWorld { link, names in
            let now = SystemClock().now()
            var book = FlowBook()
            let folding = ContinuousClock.now
            for number in 0..<count {
                // Over five weeks.
                let at = now + .milliseconds(-Int64(35 * 86_400_000) + Int64(number) * 35 * 86_400_000 / Int64(count))
                for record in Self.recovery(number, at: at) { book.take(record) }
            }
            print("folded \(count) recoveries in \(ContinuousClock.now - folding): \(book.entryCount) entries")
            let last = Self.record(count, .intake, .passed, "cascade", at: now)
            book.take(last)
            try await Self.publish([last], link, names)
            let place = JournalRollup.Place(
                StreamMessage(offset: 0, type: nil, messageID: nil, traceparent: nil, body: last.encoded()))
            let operators = BrokerOperators(link: link, names: names)
            let writing = ContinuousClock.now
            _ = await RollupShelf(stream: operators.rollups).write(book, at: place, of: operators.journal, SystemClock())
            let parts = (try await operators.rollups.lastOffset() ?? 0) + 1
            print("written in \(ContinuousClock.now - writing): \(parts) parts")
            let tail = (1...10_000).flatMap { Self.recovery(count + $0, at: now) }
            try await Self.publish(tail, link, names)
            let started = ContinuousClock.now
            let store = FlowStore(operators, names, clock: SystemClock()) { _ in
                print("the roll-up is read after \(ContinuousClock.now - started)")
            }
            async let reading: Void = store.follow()
            while store.look({ $0.money.until }) == nil { try await Task.sleep(for: .milliseconds(1)) }
            print(
                "sums shown after \(ContinuousClock.now - started): \(store.look { $0.money.days.values.reduce(0) { $0 + $1.count } }) rows"
            )
            try await reading
            print("all of it, and \(tail.count) records behind it, after \(ContinuousClock.now - started)")
            let sums = store.look { MoneyReport($0.money, .init(from: 0, through: 100_000)).totals.first?.sums }
            #expect(sums?.declines.count == count + 10_001)
        }
    }
}
