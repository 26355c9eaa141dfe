import Pipeline
import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// A roll-up and what was journaled behind it come to the same as the whole journal, wherever it was cut and whatever became of others.
@Suite struct JournalRollupTests {
    private func parts(_ book: FlowBook, at message: StreamMessage, id: UInt64 = 7, size: Int = 900) async throws -> [[UInt8]] {
        var rollup = JournalRollup(id: id, place: JournalRollup.Place(message), book: book)
        rollup.partSize = size
        var parts: [[UInt8]] = []
        try await rollup.write { (part) throws(BrokerFailure) in parts.append(part) }
        return parts
    }

    private func read(_ parts: [[UInt8]]) throws -> RollupReading {
        let last = try #require(parts.last)
        var reader = try #require(RollupReader(sealed: last))
        var reading = RollupReading(try #require(JournalRollup.Head(&reader)))
        for part in parts { reading.take(part) }
        return reading
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func aRollupAndTheRestAreTheWhole(seed: UInt64) async throws {
        let journal = RandomJournal(seed: seed)
        let messages = journal.messages
        let whole = BookEssence(FlowBook(journal.records))
        var random = SeededRandom(seed: seed)
        for _ in 0..<2 {
            var cuts = [Int.random(in: 1..<messages.count, using: &random), Int.random(in: 1..<messages.count, using: &random)]
            cuts.sort()
            // Rolled up, begun with, rolled up again, and begun with once more.
            let first = FlowBook(journal.records[..<cuts[0]])
            let once = try #require(try read(try await parts(first, at: messages[cuts[0] - 1])).whole, "seed \(seed)")
            #expect(BookEssence(once) == BookEssence(first), "seed \(seed), cut \(cuts[0])")
            var book = once
            for record in journal.records[cuts[0]..<cuts[1]] { book.take(record) }
            book = try #require(
                try read(try await parts(book, at: messages[cuts[1] - 1], size: .random(in: 1...5_000, using: &random))).whole)
            for record in journal.records[cuts[1]...] { book.take(record) }
            #expect(BookEssence(book) == whole, "seed \(seed), cuts \(cuts)")
        }
    }

    /// What pages show is there before the rest is, and says the same.
    @Test func theSumsComeFirst() async throws {
        let journal = RandomJournal(seed: 3)
        let book = FlowBook(journal.records)
        let parts = try await parts(book, at: try #require(journal.messages.last))
        let heads = try parts.map { part in
            var reader = try #require(RollupReader(sealed: part))
            return try #require(JournalRollup.Head(&reader))
        }
        var reading = RollupReading(heads[0])
        var shownAt: Int?
        for (number, part) in parts.enumerated() {
            reading.take(part)
            if shownAt == nil, reading.shown != nil { shownAt = number }
        }
        let others = try #require(heads.firstIndex { $0.section.rawValue > JournalRollup.Section.cells.rawValue })
        #expect(shownAt == others && others < parts.count - 1 && reading.whole != nil)
        let shown = try #require(reading.shown)
        let question = MoneyReport.Question(from: 0, through: 100_000, groups: [.day, .code, .campaign])
        let (early, all) = (MoneyReport(shown.money, question), MoneyReport(book.money, question))
        #expect(!early.rows.isEmpty && early.rows == all.rows && early.totals == all.totals)
    }

    @Test func whatIsNotAsItWasWrittenIsNone() async throws {
        let journal = RandomJournal(seed: 5, recoveries: 60)
        let book = FlowBook(journal.records)
        let parts = try await parts(book, at: try #require(journal.messages.last))
        try #require(parts.count > 8)
        #expect(try read(parts).whole != nil)
        for lost in parts.indices.dropLast() {
            var fewer = parts
            fewer.remove(at: lost)
            #expect(try read(fewer).whole == nil, "without part \(lost)")
        }
        var twice = parts
        twice.insert(parts[2], at: 3)
        #expect(try read(twice).whole == nil)
        for damaged in [0, 1, parts.count / 2] {
            var worse = parts
            worse[damaged][worse[damaged].count / 2] ^= 0x10
            #expect(try read(worse).whole == nil)
        }
        for (offset, part) in [(-1, 0), (Int64.min, 0), (0, 1_000_001)] as [(Int64, Int)] {
            var writer = RollupWriter()
            JournalRollup.Head(id: 7, place: .init(offset: offset, digest: 0), part: part, section: .end, records: 0).write(to: &writer)
            writer.seal()
            var reader = try #require(RollupReader(sealed: writer.bytes))
            #expect(JournalRollup.Head(&reader) == nil, "at \(offset), part \(part)")
        }
        var greedy = FlowBook()
        greedy.reserve([400_000_000, 1, 1, 1, 1], parts: 1)
        #expect(greedy.money.cases.capacity < 1_000)
        var random = SeededRandom(seed: 1)
        // Sealed well and senseless: nothing may end the process.
        for _ in 0..<300 {
            var writer = RollupWriter()
            let section = try #require(JournalRollup.Section(rawValue: .random(in: 0...8, using: &random)))
            JournalRollup.Head(
                id: 7, place: .init(offset: 0, digest: 0), part: 0, section: section, records: .random(in: 0...1_000, using: &random)
            ).write(to: &writer)
            for _ in 0..<Int.random(in: 0...60, using: &random) { writer.fixed(UInt8.random(in: .min ... .max, using: &random)) }
            writer.seal()
            var reader = try #require(RollupReader(sealed: writer.bytes))
            var reading = RollupReading(try #require(JournalRollup.Head(&reader)))
            reading.take(writer.bytes)
            #expect(reading.whole == nil)
        }
    }

    // MARK: At its stream

    private func store(_ journal: PlacedStream, _ rollups: PlacedStream, _ turns: RollupTurns = .never) -> FlowStore {
        FlowStore(RollupWorld(journal, rollups), TopologyNames(), clock: RollupWorld.Clock(), rollups: turns)
    }

    /// Two write at once, one dies in the middle, parts are damaged, of the beginning the broker has let go, the journal was made anew or lost
    /// its beginning: whoever starts has the sums of the journal, or of all that there ever was.
    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func whateverBecameOfTheStreamTheSumsAreTrue(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed &* 31)
        let journal = RandomJournal(seed: seed, recoveries: 40)
        let messages = journal.messages
        let rollups = PlacedStream()
        var finished: [Int] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let cut = Int.random(in: 1...messages.count, using: &random)
            var writers: [[[UInt8]]] = []
            for id in 0..<UInt64.random(in: 1...2, using: &random) {
                writers.append(
                    try await parts(
                        FlowBook(journal.records[..<cut]), at: messages[cut - 1], id: seed &* 1_000 &+ UInt64(finished.count) &* 2 &+ id,
                        size: .random(in: 200...3_000, using: &random)))
            }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: writers[0].removeLast(Int.random(in: 1...writers[0].count, using: &random))
            case 1: writers[0][Int.random(in: 0..<writers[0].count, using: &random)][20] ^= 1
            default: finished.append(cut)
            }
            // Of two that write at once the parts are mixed.
            while let index = writers.indices.filter({ !writers[$0].isEmpty }).randomElement(using: &random) {
                try await rollups.append(writers[index].removeFirst())
            }
        }
        let stream = PlacedStream(messages)
        var kept = journal.records[...]
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            rollups.messages.removeFirst(rollups.messages.count / 2)
        case 1:
            // The journal lost its beginning. Sums that were rolled up are known all the same; else it says what it holds.
            let lost = Int.random(in: 1..<messages.count, using: &random)
            stream.messages.removeFirst(lost)
            kept = kept.dropFirst(lost)
        case 2:
            // Another stands in its place, with as many records.
            let other = RandomJournal(seed: seed &+ 999, recoveries: 40)
            stream.messages = other.messages
            kept = other.records[...]
        default: break
        }
        let store = store(stream, rollups, RollupTurns())
        try await store.follow()
        let found = store.look { BookEssence($0) }
        let ofAll = BookEssence(FlowBook(journal.records)) == found
        #expect(ofAll || BookEssence(FlowBook(kept)) == found, "seed \(seed)")
        if stream.messages.count == messages.count, stream.messages.first?.body == messages.first?.body { #expect(ofAll, "seed \(seed)") }
    }

    @Test func whoFollowsWritesAndWhoBeginsReadsNoMoreThanWhatIsBehind() async throws {
        let journal = RandomJournal(seed: 8, recoveries: 200)
        let messages = journal.messages
        let half = messages.count / 2
        let (stream, rollups) = (PlacedStream(Array(messages[..<half])), PlacedStream())
        let news = Mutex<[RollupNews]>([])
        let writer = FlowStore(
            RollupWorld(stream, rollups), TopologyNames(), clock: RollupWorld.Clock(),
            rollups: RollupTurns(every: half / 2, rest: .seconds(0))
        ) { said in news.withLock { $0.append(said) } }
        let other = FlowStore(
            RollupWorld(stream, rollups), TopologyNames(), clock: RollupWorld.Clock(),
            rollups: RollupTurns(every: half / 2, rest: .seconds(0))
        ) { said in news.withLock { $0.append(said) } }
        try await writer.follow()
        try await other.follow()
        #expect(stream.starts.contains(.first), "who rolls up is to know all days")
        for message in messages[half...] { stream.append(message) }
        try await eventually("a roll-up is written") {
            news.withLock { $0.contains { if case .written = $0 { true } else { false } } }
        }
        let late = store(stream, rollups)
        let begun = stream.starts.count
        try await late.follow()
        let starts = stream.starts[begun...]
        // The other may look just then whether a roll-up is of this journal.
        #expect(!starts.isEmpty)
        for start in starts {
            guard case .offset(let offset) = start, offset >= Int64(half) / 2 else {
                Issue.record("it began at \(start)")
                continue
            }
        }
        #expect(late.look { BookEssence($0) } == BookEssence(FlowBook(journal.records)) && late.isReady.journal)
        #expect(late.look { $0.money.isWhole })
    }

    @Test func onePerTurnIsEnough() {
        var turns = RollupTurns(every: 100, rest: .minutes(5))
        var now = Moment(milliseconds: 0)
        func isDue(_ offset: Int64, entries: Int = 0, isLive: Bool = true) -> Bool {
            turns.isDue(at: offset, entries: entries, isLive: isLive, now: now)
        }
        turns.begin(at: 0)
        let atOnce = isDue(1_000)
        now = now + .minutes(5)
        let early = [isDue(99), isDue(100, isLive: false), isDue(150, entries: 2_000)]
        #expect(!atOnce && early == [false, false, false], "after a start, in a first reading, with a large book: more seldom")
        let (first, second) = (isDue(100), isDue(300))
        #expect(first && !second, "it is being written")
        // Another console's stands there already.
        #expect([turns.leaves(300, to: 9_000), turns.leaves(300, to: 290)] == [false, true])
        turns.ended(.needless(at: 290), at: 300, now: now)
        let next = [isDue(380), isDue(390)]
        #expect(next == [false, true])
        // The journal was begun with anew meanwhile: where the last one stands there is not where it stood before.
        turns.begin(at: -1)
        turns.ended(.written, at: 390, isOfThisReading: false, now: now)
        #expect(isDue(100))
        turns.ended(.failed(BrokerFailure("no", advice: "")), at: 100, now: now)
        let tooSoon = isDue(500)
        now = now + .minutes(5)
        #expect(!tooSoon && isDue(500))
        for _ in 0...1 { turns.ended(.failed(BrokerFailure("no", advice: "")), at: 500, now: now) }
        now = now + .minutes(50)
        let (last, never) = (
            isDue(9_000),
            {
                var turns = RollupTurns.never
                return turns.isDue(at: 1_000_000, entries: 0, isLive: true, now: now)
            }()
        )
        #expect(!last && !never, "a viewer's login cannot")
    }

    // MARK: Answers

    @Test func theSumsAreShownWhileTheRestIsRead() async throws {
        let journal = RandomJournal(seed: 21, recoveries: 80)
        let messages = journal.messages
        let cut = messages.count - 30
        let rolled = FlowBook(journal.records[..<cut])
        let (stream, rollups) = (PlacedStream(messages), PlacedStream())
        for part in try await parts(rolled, at: messages[cut - 1]) { try await rollups.append(part) }
        stream.hold(from: Int64(cut) + 10)
        rollups.hold(from: Int64(rollups.messages.count) - 2, forThoseBefore: 1)
        let store = store(stream, rollups)
        async let reading: Void = store.follow()
        func total(_ book: FlowBook) -> [MoneyReport.Row] { MoneyReport(book.money, .init(from: 0, through: 100_000)).totals }
        try await eventually("the sums are shown") { store.look { total($0) } == total(rolled) }
        #expect(!store.isReady.journal && store.reading?.isBehindRollup == true && store.reading?.until == rolled.money.until)
        rollups.release()
        let tenMore = FlowBook(journal.records[..<(cut + 10)])
        try await eventually("what follows is counted as it comes") { store.look { BookEssence($0) } == BookEssence(tenMore) }
        #expect(!store.isReady.journal)
        stream.release()
        try await reading
        #expect(store.isReady.journal && store.reading == nil && store.look { BookEssence($0) } == BookEssence(FlowBook(journal.records)))
    }

    /// The command draws from the same: as far back as the roll-up knows, however little of the journal is left.
    @Test func aReportGoesOnBehindTheRollup() async throws {
        let journal = RandomJournal(seed: 34, recoveries: 150)
        let messages = journal.messages
        let cut = messages.count * 2 / 3
        var rolled = FlowBook(journal.records[..<cut])
        rolled.money.isWhole = true
        let (stream, rollups) = (PlacedStream(messages), PlacedStream())
        for part in try await parts(rolled, at: messages[cut - 1]) { try await rollups.append(part) }
        stream.messages.removeFirst(cut - 1)
        let from = Int64(MoneyBook.day(.in2026(0)))
        let world = RollupWorld(stream, rollups)
        let now = RollupWorld.Clock().now()
        let book = try await MoneyBook.read(from: from, in: world, now: now)
        let question = MoneyReport.Question(from: from, through: from + 300, groups: [.month, .code])
        var whole = MoneyBook()
        for record in journal.records { whole.take(record) }
        #expect(stream.starts == [.offset(Int64(cut) - 1)])
        #expect(MoneyReport(book, question).rows == MoneyReport(whole, question).rows && book.since == whole.since)
        // The record that ties them is gone: it says what the journal holds, and from when on.
        stream.messages.removeFirst()
        let part = try await MoneyBook.read(from: from, in: world, now: now)
        #expect(part.since == journal.records[cut].at)
    }

    // MARK: For how long

    @Test func sumsOutliveTheRecordsAndAreBounded() {
        var book = MoneyBook()
        func skip(_ number: Int, on day: Int64) {
            let decline = JournaledDecline(
                source: "nmi", code: "201", gatewayID: "7", networkCode: nil, network: .visa, advice: nil, text: nil, textDigest: nil,
                crmClass: nil, orderType: .newSale, isCascade: true, confidence: .code, campaign: "campaign \(number)")
            book.take(
                JournalRecord(
                    at: .in2026(day * 86_400), stage: .intake, merchantID: "acme",
                    reference: RecoveryReference(orderID: "O\(number)", kind: .sale, sequence: 0), gatewayID: nil, fate: .told,
                    detail: "skipped", reason: "hard_decline", rule: "table:nmi/201", attempts: 1,
                    amount: Money(minorUnits: 10, currency: .usd), declineCode: "nmi/201", decline: decline, workerID: "w"))
        }
        for number in 0..<3_000 { skip(number, on: 0) }
        func rows(_ day: Int64) -> [MoneyReport.Row] {
            let first = Int64(MoneyBook.day(.in2026(0)))
            return MoneyReport(book, .init(from: first + day, through: first + day, groups: [.campaign])).rows
        }
        #expect(rows(0).count == 3_000)
        skip(9_000, on: 36)
        #expect(
            rows(0).count == 1 && rows(0).first?.keys == ["(others)"] && rows(0).first?.sums.declines == .init(count: 3_000, units: 30_000))
        skip(9_001, on: 399)
        #expect(rows(0).first?.sums.declines.count == 3_000 && rows(36).first?.keys == ["campaign 9000"])
        skip(9_002, on: 401)
        #expect(rows(0).isEmpty && rows(36).count == 1)
    }

    /// One worker's clock must not cost the sums of a year.
    @Test func aClockThatIsAheadMakesNothingForgotten() {
        var book = FlowBook()
        let last = Moment.in2026(20 * 86_400)
        for record in RandomJournal(seed: 2, recoveries: 40, days: 20).records where record.at < last { book.take(record, now: record.at) }
        let far = JournalRecord(
            at: last + .days(5_000), stage: .cascade, merchantID: "acme",
            reference: RecoveryReference(orderID: "FAR", kind: .sale, sequence: 0), gatewayID: "42", fate: .parked, detail: "due",
            attempts: 1,
            workerID: "w")
        let before = MoneyReport(book.money, .init(from: 0, through: 100_000)).totals
        let (open, cases) = (book.open.count, book.money.cases.count)
        book.take(far, now: last)
        #expect(MoneyReport(book.money, .init(from: 0, through: 100_000)).totals == before)
        #expect(book.open.count == open + 1 && book.money.cases.count == cases && cases > 0)
    }
}
