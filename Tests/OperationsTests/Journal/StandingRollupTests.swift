import Pipeline
import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// Of a journal that has lost its beginning the roll-up alone knows what was there: it is found, however the broker is and whoever wrote beside
/// it, and nothing that knows less takes its place.
@Suite struct StandingRollupTests {
    private let records: [JournalRecord]
    private let cut: Int
    /// From the last record that was rolled up on.
    private let journal: PlacedStream
    private let rollups = PlacedStream()
    private var rolled: FlowBook { FlowBook(records[..<cut]) }
    private var whole: BookEssence { BookEssence(FlowBook(records)) }

    init() {
        let random = RandomJournal(seed: 11, recoveries: 60)
        records = random.records
        cut = records.count * 2 / 3
        journal = PlacedStream(Array(random.messages[(cut - 1)...]))
    }

    private func parts(_ book: FlowBook, id: UInt64, at place: JournalRollup.Place? = nil, size: Int = 900) async throws -> [[UInt8]] {
        var rollup = JournalRollup(id: id, place: try place ?? JournalRollup.Place(#require(journal.messages.first)), book: book)
        rollup.partSize = size
        var parts: [[UInt8]] = []
        try await rollup.write { (part) throws(BrokerFailure) in parts.append(part) }
        return parts
    }

    private func store(_ turns: RollupTurns = RollupTurns(), tell: @escaping @Sendable (RollupNews) -> Void = { _ in }) -> FlowStore {
        FlowStore(RollupWorld(journal, rollups), TopologyNames(), clock: RollupWorld.Clock(), rollups: turns, tell: tell)
    }

    /// It could not keep what it had read: it reads what its pages show, as `salvage status` does, and not all of the journal at each start.
    @Test func whoMayNotWriteReadsNoMoreThanItShows() async throws {
        let news = Mutex<[RollupNews]>([])
        let all = PlacedStream(RandomJournal(seed: 11, recoveries: 60).messages)
        rollups.forbidWriting()
        let viewer = FlowStore(
            RollupWorld(all, rollups), TopologyNames(), clock: RollupWorld.Clock(), rollups: RollupTurns(every: 1, rest: .seconds(0))
        ) { said in news.withLock { $0.append(said) } }
        try await viewer.follow()
        let reads = all.starts.contains { if case .first = $0 { true } else { false } }
        #expect(!reads && viewer.isReady.journal && viewer.look { !$0.money.isWhole })
        let said = news.withLock { $0.map { if case .impossible = $0 { true } else { false } } }
        #expect(said == [true] && rollups.messages.isEmpty)
        // Who may write reads all of it once.
        let (other, stream) = (PlacedStream(), PlacedStream(all.messages))
        try await FlowStore(RollupWorld(stream, other), TopologyNames(), clock: RollupWorld.Clock(), rollups: RollupTurns()).follow()
        #expect(stream.starts.contains { if case .first = $0 { true } else { false } })
    }

    /// Nobody is told then whether he may write; what stands there is read all the same.
    @Test func underAnAlarmTheJournalIsReadAsEver() async throws {
        let all = PlacedStream(RandomJournal(seed: 11, recoveries: 60).messages)
        rollups.raiseAlarm()
        let console = FlowStore(RollupWorld(all, rollups), TopologyNames(), clock: RollupWorld.Clock(), rollups: RollupTurns())
        try await console.follow()
        #expect(console.isReady.journal && all.starts.contains { if case .first = $0 { true } else { false } })
    }

    /// A chargeback is of a sale of months ago, and names no amount, or one that went back already: its cents are the operator's, however little
    /// the console itself has read.
    @Test func whoReadsLittleShowsNoOtherCents() async throws {
        let today = Int64(250)
        func told(_ order: String, _ kind: ResultKind, _ units: Int64?, day: Int64) -> JournalRecord {
            JournalRecord(
                at: .in2026((today + day) * 86_400 - 60), stage: .retry, merchantID: "acme",
                reference: RecoveryReference(orderID: order, kind: .rerun, sequence: 1), gatewayID: "42", fate: .told,
                detail: kind.rawValue,
                attempts: 1, amount: units.map { Money(minorUnits: $0, currency: .usd) },
                resultID: kind == .approved ? nil : "\(order)/\(kind.rawValue)", workerID: "w")
        }
        let records = [
            told("X", .approved, 1, day: -89), told("A", .approved, 5_000, day: -60), told("B", .approved, 5_000, day: -60),
            told("B", .refunded, 5_000, day: -50), told("A", .chargeback, nil, day: -3), told("B", .chargeback, 5_000, day: -3),
        ]
        let stream = PlacedStream(
            records.enumerated().map {
                StreamMessage(offset: 1_000 + Int64($0), type: nil, messageID: nil, traceparent: nil, body: $1.encoded())
            })
        rollups.forbidWriting()
        let world = RollupWorld(stream, rollups)
        let viewer = FlowStore(world, TopologyNames(), clock: RollupWorld.Clock())
        try await viewer.follow()
        let from = Int64(MoneyBook.day(.in2026((today - 6) * 86_400)))
        func money(_ book: MoneyBook) -> [Int64] {
            MoneyReport(book, .init(from: from, through: from + 6)).totals.map(\.sums.chargedBack.units)
        }
        // What it has read itself does not do.
        #expect(viewer.isReady.journal && viewer.look { !$0.money.covers(from) && money($0.money) != [5_000] })
        let read = try await MoneyBook.read(from: from, in: world, now: RollupWorld.Clock().now())
        #expect(money(read) == [5_000] && money(FlowBook(records).money) == [5_000])
        // Of a young fleet it has all.
        stream.messages = stream.messages.suffix(2).enumerated().map {
            StreamMessage(offset: Int64($0), type: nil, messageID: nil, traceparent: nil, body: $1.body)
        }
        let young = FlowStore(world, TopologyNames(), clock: RollupWorld.Clock())
        try await young.follow()
        #expect(young.look { $0.money.covers(from) })
    }

    /// What nobody can read here may be all that is known of last year: it is left as it stands.
    @Test(arguments: [false, true]) func whatCannotBeReadIsNotWrittenOver(isOfAnotherVersion: Bool) async throws {
        var parts = try await parts(rolled, id: 1)
        if isOfAnotherVersion {
            var writer = RollupWriter()
            writer.fixed(JournalRollup.Head.magic)
            writer.fixed(JournalRollup.version + 1)
            writer.fixed(JournalRollup.Section.end.rawValue)
            writer.seal()
            parts = [writer.bytes]
        }
        for part in parts { try await rollups.append(part) }
        if !isOfAnotherVersion { rollups.messages.remove(at: 2) }
        let left = rollups.messages.count
        let isTold = Mutex(false)
        let store = store(RollupTurns(every: 1, rest: .seconds(0))) { if case .unusable = $0 { isTold.withLock { $0 = true } } }
        try await store.follow()
        let last = try #require(journal.messages.last)
        for number in 1...5 as ClosedRange<Int64> {
            journal.append(
                StreamMessage(offset: last.offset + number, type: nil, messageID: nil, traceparent: nil, body: last.body))
        }
        #expect(store.isReady.journal && isTold.withLock { $0 } && store.look { $0.money.isWhole })
        #expect(rollups.messages.count { !$0.body.isEmpty } == left)
        guard case .unusable = try await RollupShelf(stream: rollups).find() else {
            Issue.record("it passes for none")
            return
        }
        var turns = RollupTurns(every: 1, rest: .seconds(0))
        turns.isHeldBack = true
        let isDue = turns.isDue(at: 9, entries: 1, isLive: true, now: .in2026(0))
        #expect(!isDue)
        guard case .none = try await RollupShelf(stream: PlacedStream()).find() else {
            Issue.record("none passes for one")
            return
        }
    }

    /// Thousands that died at once cost a few questions, and ends that somebody made up no more than a few tries.
    @Test func aStartLooksForItInFewSteps() async throws {
        for part in try await parts(rolled, id: 1) { try await rollups.append(part) }
        let place = try JournalRollup.Place(#require(journal.messages.first))
        func append(_ section: JournalRollup.Section, part: Int, times: Int) async throws {
            for id in 2..<UInt64(times + 2) {
                var writer = RollupWriter()
                JournalRollup.Head(id: id, place: place, part: part, section: section, records: 0).write(to: &writer)
                writer.seal()
                try await rollups.append(writer.bytes)
            }
        }
        try await append(.flow, part: 0, times: 5_000)
        let found = try await RollupShelf(stream: rollups).newest()
        #expect(found.map { BookEssence($0.book) } == BookEssence(rolled) && rollups.starts.count < 10)
        try await append(.end, part: 3, times: 7)
        #expect(try await RollupShelf(stream: rollups).newest()?.place == place)
        try await append(.end, part: 3, times: 200)
        let before = rollups.starts.count
        #expect(try await RollupShelf(stream: rollups).newest() == nil && rollups.starts.count - before < 50)
    }

    /// Others wrote at the same time and died, or were done as well; then some more began and died.
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func itIsFoundWhoeverWroteBeside(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        var writers = [try await parts(rolled, id: 1)]
        for id in 2...UInt64.random(in: 2...4, using: &random) {
            var other = try await parts(rolled, id: id, size: .random(in: 500...1_500, using: &random))
            if Bool.random(using: &random) { other.removeLast(Int.random(in: 1..<other.count, using: &random)) }
            writers.append(other)
        }
        while let index = writers.indices.filter({ !writers[$0].isEmpty }).randomElement(using: &random) {
            try await rollups.append(writers[index].removeFirst())
        }
        for id in 0..<UInt64.random(in: 0...6, using: &random) {
            for part in try await parts(rolled, id: 10 + id).dropLast(Int(id) + 1) { try await rollups.append(part) }
        }
        let store = store()
        try await store.follow()
        #expect(store.look { BookEssence($0) } == whole, "seed \(seed)")
    }

    /// Equally quick, each has its parts among those of three others.
    @Test(arguments: 2...4) func itIsFoundWhereSeveralWroteAtOnce(writers: Int) async throws {
        var all: [[[UInt8]]] = []
        for id in 0..<writers { all.append(try await parts(rolled, id: UInt64(id), size: 300)) }
        for index in 0..<(all.map(\.count).max() ?? 0) {
            for parts in all where index < parts.count { try await rollups.append(parts[index]) }
        }
        let newest = try await RollupShelf(stream: rollups).newest()
        #expect(newest.map { BookEssence($0.book) } == BookEssence(rolled))
    }

    @Test(arguments: 1...4) func aBrokerThatIsAwayIsWaitedFor(questions: Int) async throws {
        for part in try await parts(rolled, id: 1) { try await rollups.append(part) }
        rollups.beAway(for: questions)
        let waits = Mutex(0)
        let store = store { if case .unknown = $0 { waits.withLock { $0 += 1 } } }
        try await store.follow()
        #expect(waits.withLock { $0 } == questions && store.isReady.journal)
        #expect(store.look { BookEssence($0) } == whole)
    }

    /// Smaller figures must not pass for the journal's.
    @Test func whoLooksOnceSaysThatTheBrokerIsAway() async throws {
        for part in try await parts(rolled, id: 1) { try await rollups.append(part) }
        rollups.beAway(for: 1)
        await #expect(throws: BrokerFailure.self) {
            try await MoneyBook.read(
                from: Int64(MoneyBook.day(.in2026(0))), in: RollupWorld(journal, rollups), now: RollupWorld.Clock().now())
        }
        rollups.beAway(for: 1)
        let store = store(.never)
        await #expect(throws: BrokerFailure.self) { try await store.follow() }
        #expect(!store.isReady.journal)
    }

    /// After a reconnect the broker hands everything out from its beginning, of which little is left.
    @Test func whatIsReadOnceMoreIsBegunWithTheRollup() async throws {
        for part in try await parts(rolled, id: 1) { try await rollups.append(part) }
        let store = store(RollupTurns(every: 1, rest: .seconds(0)))
        try await store.follow()
        let begun = journal.starts.count
        rollups.beAway(for: 3)
        journal.handOutAgain()
        try await eventually("it is begun with anew") { store.isReady.journal && journal.starts.count > begun && !rollups.isAway }
        #expect(store.look { BookEssence($0) } == whole)
        let newest = try await RollupShelf(stream: rollups).newest()
        #expect(newest?.book.money.since == rolled.money.since, "what knows less was rolled up meanwhile")
    }

    @Test func whatKnowsLessIsNotWrittenOverIt() async throws {
        let parts = try await parts(rolled, id: 1)
        for part in parts { try await rollups.append(part) }
        let shelf = RollupShelf(stream: rollups)
        let poor = FlowBook(records[(cut - 1)...])
        let place = JournalRollup.Place(try #require(journal.messages.last))
        func write() async -> RollupShelf.Outcome { await shelf.write(poor, at: place, of: journal, RollupWorld.Clock()) }
        guard case .poorer = await write() else {
            Issue.record("it was written over what knows more")
            return
        }
        #expect(rollups.messages.count == parts.count)
        rollups.beAway(for: 1)
        guard case .failed = await write() else {
            Issue.record("nobody knows what stands there")
            return
        }
        #expect(rollups.messages.count == parts.count)
        // Of use to nobody: a part of it is gone.
        rollups.messages.remove(at: 3)
        guard case .written = await write() else {
            Issue.record("what cannot be read is in the way")
            return
        }
    }

    /// What had no room of its own is taken out where it was counted, also when there is room by then.
    @Test func aFallenCaseIsTakenOutWhereItWasCounted() throws {
        func record(_ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String) -> JournalRecord {
            let decline = JournaledDecline(
                source: "nmi", code: "201", gatewayID: "7", networkCode: nil, network: .visa, advice: nil, text: nil, textDigest: nil,
                crmClass: nil, orderType: .newSale, isCascade: true, confidence: .code, campaign: "spring")
            return JournalRecord(
                at: .in2026(0), stage: stage, merchantID: "acme", reference: RecoveryReference(orderID: "O1", kind: .sale, sequence: 0),
                gatewayID: nil, fate: fate, detail: detail, rule: "table:nmi/201", attempts: 1,
                amount: Money(minorUnits: 10, currency: .usd), declineCode: "nmi/201", decline: stage == .intake ? decline : nil,
                workerID: "w")
        }
        var book = MoneyBook()
        book.take(record(.intake, .passed, "cascade"))
        book.take(record(.cascade, .deadLettered, DeadLetterReason.attemptsSpent.rawValue))
        let day = MoneyBook.day(.in2026(0))
        let (number, cell) = try #require(book.days[day]?.first { $0.value.notOffered.count == 1 })
        book.days[day]?[number] = nil
        book.restore(book.facts[Int(number)].withoutCampaign)
        book.days[day]?[Int32(book.facts.count - 1)] = cell
        book.take(record(.cascade, .parked, "due"))
        #expect(book.days[day]?.values.contains { $0.notOffered.count != 0 } == false)
    }
}
