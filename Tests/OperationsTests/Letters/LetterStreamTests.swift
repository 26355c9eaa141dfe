import FoundationEssentials
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// Whatever happens to letters in whatever order, the book loses none of them.
@Suite struct LetterStreamTests {
    /// `SALVAGE_WORLDS` runs more of them.
    private static let seeds = ProcessInfo.processInfo.environment["SALVAGE_WORLDS"].flatMap(Int.init) ?? 320
    private static let batches = 8

    @Test(arguments: 0..<batches)
    func noLetterIsLost(batch: Int) {
        let size = Self.seeds / Self.batches
        for seed in batch * size..<(batch + 1) * size {
            var world = LetterWorld(seed: UInt64(seed))
            world.run()
            guard let fault = world.fault else { continue }
            Issue.record("seed \(seed): \(fault)\n\(world.story.joined(separator: "\n"))")
            return
        }
    }

    @Test func aStreamThatIsReadInPartsGivesTheSameBook() {
        for seed in 0..<UInt64(30) {
            var world = LetterWorld(seed: seed)
            world.run()
            let whole = LetterWorld.fold(world.stream[...])
            #expect(LetterWorld.sameBook(whole, world.book), "seed \(seed)")
            for cut in stride(from: 0, through: world.stream.count, by: 11) {
                var parts = LetterWorld.fold(world.stream[..<cut])
                let copy = parts
                LetterWorld.fold(world.stream[cut...], into: &parts)
                #expect(LetterWorld.sameBook(parts, whole), "seed \(seed), cut at \(cut)")
                #expect(LetterWorld.sameBook(copy, LetterWorld.fold(world.stream[..<cut])))
            }
        }
    }

    /// The worlds are not all alike: every state and every way there is seen.
    @Test func everyStateIsSeen() {
        var states: [LetterState: Int] = [:]
        var ways: [String: Int] = [:]
        for seed in 0..<UInt64(100) {
            var world = LetterWorld(seed: seed)
            world.run()
            states.merge(world.book.counts(), uniquingKeysWith: +)
            ways.merge(world.seen, uniquingKeysWith: +)
        }
        for state in LetterState.allCases { #expect(states[state, default: 0] > 20, "\(state): \(states)") }
        for way in ["died as itself", "died as another", "died before it was noted", "processed", "duplicate", "sent twice"] {
            #expect(ways[way, default: 0] > 10, "\(way): \(ways)")
        }
    }
}

/// Some messages, a publisher that repeats itself, a broker that redelivers, stages at which messages die of changing causes, and
/// operators who select, send, discard and restore. Everything random comes from the seed.
private struct LetterWorld {
    enum Entry {
        case letter(DeadLetter, trace: UUID5)
        case record(LetterRecord)
    }

    /// A message on its way, known by its trace.
    struct Delivery {
        let message: Int
        let trace: UUID5
        let replay: Replay?
        var isRedelivered = false
    }

    struct Replay: Hashable {
        let letter: UUID5
        let run: UUID5
    }

    private(set) var stream: [Entry] = []
    private(set) var book = LetterBook()
    private(set) var story: [String] = []
    private(set) var seen: [String: Int] = [:]
    private(set) var fault: String?
    /// Which message a letter is about.
    private var messages: [UUID5: Int] = [:]

    private var random: SeededRandom
    private var deliveries: [Delivery] = []
    /// Records that somebody is about to write; what was sent is noted a while later.
    private var notes: [LetterRecord.Act] = []
    /// Replays that have neither died nor been noted as processed.
    private var running: Set<Replay> = []
    private var traces: UInt64 = 0
    private var runs: UInt64 = 0
    private static let causes: [DeadLetterReason] = [.noCardKey, .unknownMerchant, .cardUnusable]
    private static let messages = 3
    /// By message and cause.
    private static let letters = (0..<messages).map { message in
        Dictionary(uniqueKeysWithValues: causes.map { ($0, DeadLetter.sample($0, message: "m-\(message)")) })
    }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func run() {
        for _ in 0..<60 where fault == nil {
            switch Int.random(in: 0..<13, using: &random) {
            case 0, 1: publish(Int.random(in: 0..<Self.messages, using: &random))
            case 2...5: deliver()
            case 6, 7: select()
            case 8, 9: note()
            case 10: act(.discarded(some()))
            case 11: act(.resolved(some(), .mended("A1-S0")))
            default: act(Bool.random(using: &random) ? .restored(some()) : .resolved(some(), .byHand))
            }
        }
    }

    // MARK: What happens

    private mutating func publish(_ message: Int) {
        // Some publishers send again in the trace of the first time.
        if traces == 0 || Bool.random(using: &random) { traces += 1 }
        deliveries.append(Delivery(message: message, trace: UUID5(high: 0x7AACE, low: traces), replay: nil))
    }

    private mutating func deliver() {
        guard let index = deliveries.indices.randomElement(using: &random) else { return }
        let delivery = deliveries[index]
        // A stage that dies before it acknowledges gets the message once more.
        if Int.random(in: 0..<4, using: &random) > 0 { deliveries.remove(at: index) } else { deliveries[index].isRedelivered = true }
        guard Int.random(in: 0..<4, using: &random) > 0 else {
            if let replay = delivery.replay { notes.append(.resolved([replay.letter], .processed("told approved", run: replay.run))) }
            return
        }
        die(delivery, Self.causes.randomElement(using: &random)!)
    }

    private mutating func die(_ delivery: Delivery, _ cause: DeadLetterReason) {
        let sample = Self.letters[delivery.message][cause]!
        let letter = DeadLetter(
            id: sample.id, reason: cause, explanation: sample.explanation, faults: [], stage: sample.stage, attempts: 0,
            subject: sample.subject,
            original: delivery.isRedelivered
                ? DeadLetter.sample(cause, message: "m-\(delivery.message)", redelivered: true).original : sample.original,
            worker: sample.worker, writtenAt: .in2026(Int64(stream.count)))
        let isNew = book[letter.id]?.trace != delivery.trace || !delivery.isRedelivered
        let before = book[letter.id]
        append(
            .letter(letter, trace: delivery.trace),
            "m-\(delivery.message) dies of \(cause.rawValue)\(delivery.replay == nil ? "" : ", replayed")")
        guard let after = book[letter.id] else {
            fault = "the letter is not in the book"
            return
        }
        if after.occurrences != (before?.occurrences ?? 0) + 1 { fault = "a death was not counted" }
        if let replay = delivery.replay, running.remove(replay) != nil {
            count(replay.letter == letter.id ? "died as itself" : "died as another")
            if book.runs[replay.run]?.replayed.contains(replay.letter) != true { count("died before it was noted") }
            let origin = book[replay.letter]
            if origin?.state != .failedAgain || origin?.failedRun != replay.run {
                fault = "a replay died, and its letter is \(origin?.state.rawValue ?? "gone")"
            }
            if book.runs[replay.run]?.failed.contains(replay.letter) != true { fault = "a replay died, and its run does not know" }
            if (origin?.successor ?? replay.letter) != letter.id { fault = "a replay died, and its letter names another successor" }
        } else if !isNew {
            count("duplicate")
            if before?.state != after.state || before?.successor != after.successor {
                fault = "a duplicate changed \(before!.state) to \(after.state)"
            }
        }
        if isNew, !after.isToDo { fault = "a message died, and nobody is to see to it" }
        if isNew, after.state != .open && after.state != .failedAgain {
            fault = "a message died, and its letter is \(after.state.rawValue)"
        }
    }

    /// As a job does it: what may not be replayed is left out, by the book as it stands when the selection is in the stream.
    private mutating func select() {
        let meant = some()
        if meant.isEmpty { return }
        runs += 1
        let run = UUID5(high: 0x12, low: runs)
        act(.selected(meant, run: run, ReplayPlan(total: meant.count)))
        for id in meant where book[id]?.isToDo == true {
            let delivery = Delivery(
                message: messages[id]!, trace: ReplayTrace.id(run: run, letter: id), replay: Replay(letter: id, run: run))
            running.insert(Replay(letter: id, run: run))
            deliveries.append(delivery)
            if Int.random(in: 0..<5, using: &random) == 0 {
                // The sender died before it noted that it had sent; another process sends again.
                count("sent twice")
                deliveries.append(delivery)
            }
            notes.append(.replayed([id], run: run))
        }
    }

    /// The oldest note of a run first: who writes `processed` has written `replayed` before.
    private mutating func note() {
        guard let index = notes.indices.randomElement(using: &random) else { return }
        let act = notes.remove(at: index)
        if case .resolved(let letters, .processed(_, let run)) = act {
            if let waiting = notes.firstIndex(where: { if case .replayed(letters, run) = $0 { true } else { false } }) {
                self.act(notes.remove(at: waiting))
            }
            count("processed")
            running.remove(Replay(letter: letters[0], run: run))
        }
        self.act(act)
    }

    private mutating func act(_ act: LetterRecord.Act) {
        if act.letters.isEmpty { return }
        let before = act.letters.map { book[$0] }
        append(
            .record(LetterRecord(id: .numbered(UInt64(stream.count)), at: .in2026(Int64(stream.count)), by: .ada, act: act)),
            "\(act.word) \(act.letters.map { "\(messages[$0] ?? 0)/\(book[$0]!.reason.rawValue)" })")
        for (id, before) in zip(act.letters, before) {
            let after = book[id]!
            let expected: LetterState? =
                switch act {
                case .discarded: .discarded
                case .restored: .open
                case .resolved(_, .byHand): .resolved
                case .selected, .lookedUp, .runEnded: before?.state
                // The same run may have told that it failed already; then that stays.
                case .replayed(_, let run): before?.failedRun == run ? before?.state : .replayed
                case .resolved(_, .processed(_, let run)): before?.failedRun == run ? before?.state : .resolved
                case .resolved(_, .mended): before?.isToDo == true ? .resolved : before?.state
                case .resolved(_, .reconciled): nil
                }
            if after.state != expected {
                fault = "\(act.word) made \(before!.state) \(after.state), expected \(String(describing: expected))"
            }
            if after.records.count != before!.records.count + 1 { fault = "a record is not kept with its letter" }
        }
    }

    private mutating func append(_ entry: Entry, _ words: String) {
        Self.fold([entry], at: stream.count, into: &book)
        stream.append(entry)
        if case .letter(let letter, _) = entry { messages[letter.id] = letter.original.messageID.flatMap { Int($0.dropFirst(2)) } }
        story.append(words)
        if book.counts().values.reduce(0, +) != messages.count
            || book.newestFirst.count(where: { messages[$0.id] != nil }) != messages.count
        {
            fault = "a letter has no state, or two"
        }
        for id in messages.keys {
            // Whoever follows the successors comes to the letter at which something is to be done or was done.
            var seen: Set<UUID5> = []
            var next: UUID5? = id
            while let id = next, seen.insert(id).inserted { next = book[id]!.state == .failedAgain ? book[id]!.successor : nil }
            if next != nil { fault = "letters became each other, and nobody is to see to them" }
        }
        for id in messages.keys
        where book[id]!.isToDo != (book[id]!.state == .open || book[id]!.state == .failedAgain && book[id]!.successor == nil) {
            fault = "a letter is to do, or not, against its state"
        }
    }

    private mutating func some() -> [UUID5] {
        let ids = book.newestFirst.map(\.id)
        return ids.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    }

    private mutating func count(_ way: String) { seen[way, default: 0] += 1 }

    // MARK: Folding

    static func fold(_ stream: ArraySlice<Entry>) -> LetterBook {
        var book = LetterBook()
        fold(stream, into: &book)
        return book
    }

    static func fold(_ stream: ArraySlice<Entry>, into book: inout LetterBook) {
        for index in stream.indices { fold([stream[index]], at: index, into: &book) }
    }

    private static func fold(_ entries: [Entry], at offset: Int, into book: inout LetterBook) {
        for entry in entries {
            switch entry {
            case .letter(let letter, let trace): book.take(letter, trace: trace, at: Int64(offset))
            case .record(let record): book.take(record, at: Int64(offset))
            }
        }
    }

    static func sameBook(_ one: LetterBook, _ two: LetterBook) -> Bool {
        one.cases == two.cases && one.runs == two.runs && Array(one.newestFirst) == Array(two.newestFirst)
            && one.runsNewestFirst == two.runsNewestFirst
    }
}
