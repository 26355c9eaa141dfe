package import DeclineRecovery
import JSON
import Synchronization

/// The dead letters as this process sees them: the book, folded from their stream and kept up to date, and the letters themselves, read
/// from the stream when somebody opens one. Looking writes nothing.
package final class LetterStore: Sendable {
    package let broker: any OperatorBroker
    package let names: TopologyNames
    let clock: any OperatorClock

    private struct State {
        var book = LetterBook()
        /// What the book is folded from.
        var reading: (any StreamFollower)?
        var unreadable: (count: Int, last: [Unreadable]) = (0, [])
        var lastOffset: Int64 = -1
        /// Records of ours that are on their way into the stream.
        var awaited: Set<UUID5> = []
    }

    private let state = Mutex(State())

    /// What the stream holds.
    package enum Entry: Sendable {
        case letter(DeadLetter)
        case record(LetterRecord)
    }

    /// What can be told of a message that cannot be read.
    package struct Unreadable: Sendable {
        package let offset: Int64
        package let type: String?
        package let messageID: String?
        package let byteCount: Int

        init(_ entry: StreamMessage) {
            offset = entry.offset
            type = entry.type
            messageID = entry.messageID
            byteCount = entry.body.count
        }

        package var sentence: String { "offset \(offset), type \(type ?? "unknown"), id \(messageID ?? "unknown"), \(byteCount) bytes" }
    }

    package init(_ broker: any OperatorBroker, _ names: TopologyNames, clock: any OperatorClock) {
        self.broker = broker
        self.names = names
        self.clock = clock
    }

    /// Begins to follow the stream, once; it goes on for as long as the link does.
    package func follow() async throws(BrokerFailure) {
        let reading = try await broker.letters.follow(from: .first, fold)
        state.withLock { $0.reading = reading }
    }

    private func fold(_ entries: [StreamMessage]) {
        for entry in entries {
            let read = Self.read(entry)
            state.withLock { state in
                // What stood in a stream that is no more would be shown, and acted on, by places at which other letters stand.
                if entry.offset <= state.lastOffset {
                    state.book = LetterBook()
                    state.unreadable = (0, [])
                }
                state.lastOffset = entry.offset
                switch read {
                case .letter(let letter): state.book.take(letter, trace: Self.trace(of: entry), at: entry.offset)
                case .record(let record):
                    state.book.take(record, at: entry.offset)
                    state.awaited.remove(record.id)
                case nil:
                    state.unreadable.count += 1
                    state.unreadable.last = state.unreadable.last.suffix(19) + [Unreadable(entry)]
                }
            }
        }
    }

    package static func read(_ entry: StreamMessage) -> Entry? {
        if entry.type == LetterRecord.type {
            if case .success(let record) = LetterRecord.decode(entry.body) { return .record(record) }
        } else if case .success(let letter) = DeadLetter.decode(entry.body) {
            return .letter(letter)
        }
        return nil
    }

    static func trace(of entry: StreamMessage) -> UUID5? {
        entry.traceparent.flatMap(ReplayTrace.id(ofTraceparent:))
    }

    // MARK: Looking

    package func look<Answer>(_ body: (LetterBook) -> Answer) -> Answer { state.withLock { body($0.book) } }

    /// Messages of the stream that this version cannot read, written by a later one perhaps; they stay there. How many, and the last.
    package var unreadable: (count: Int, last: [Unreadable]) { state.withLock { $0.unreadable } }

    /// Waits until the book holds all that stands in the stream now.
    package func catchUp() async throws(BrokerFailure) {
        guard let last = try await broker.letters.lastOffset() else { return }
        try await state.withLock { $0.reading }?.reach(last, patience: 30)
    }

    /// Appends records and waits until the book holds them: then it holds everything that came before them.
    ///
    /// - Returns: `false` when they do not come back in time.
    func append(_ records: [LetterRecord], under lock: any HeldLock) async throws(BrokerFailure) -> Bool {
        state.withLock { $0.awaited.formUnion(records.map(\.id)) }
        defer { state.withLock { $0.awaited.subtract(records.map(\.id)) } }
        try await lock.publish(records.map { .record($0) })
        let deadline = clock.uptime + .seconds(30)
        while state.withLock({ state in records.contains { state.awaited.contains($0.id) } }) {
            if clock.uptime > deadline || Task.isCancelled { return false }
            await clock.sleep(.milliseconds(5))
        }
        return true
    }

    /// A page of the letters that are meant, the newest first, and how many there are in all.
    package func page(_ filter: LetterFilter, offset: Int, limit: Int) async throws(BrokerFailure) -> (total: Int, letters: [LetterSummary])
    {
        if filter.hasText {
            let found = try await select(filter)
            return (found.count, Array(found.dropFirst(offset).prefix(limit)))
        }
        return look { book in
            var total = 0
            var page: [LetterSummary] = []
            for letter in book.newestFirst where filter.matches(letter) {
                if total >= offset, page.count < limit { page.append(letter) }
                total += 1
            }
            return (total, page)
        }
    }

    /// The letters that are meant, by what they died of.
    package func groups(_ filter: LetterFilter) async throws(BrokerFailure) -> [LetterGroup] {
        if filter.hasText { return LetterGroup.of(try await select(filter)) }
        return look { book in LetterGroup.of(book.newestFirst.lazy.filter(filter.matches)) }
    }

    /// The letters that are meant, the newest first.
    package func select(_ filter: LetterFilter) async throws(BrokerFailure) -> [LetterSummary] {
        let found = look { book in book.newestFirst.filter(filter.matches) }
        guard let text = filter.text, filter.hasText else { return found }
        let wanted = text.lowercased()
        let rest = found.filter { !$0.says(wanted) }
        let inBodies = try await search(wanted, in: rest)
        return found.filter { $0.says(wanted) || inBodies.contains($0.id) }
    }

    /// Which letters hold a text in their message or faults.
    private func search(_ lowercased: String, in letters: [LetterSummary]) async throws(BrokerFailure) -> Set<UUID5> {
        guard let first = letters.map(\.offset).min() else { return [] }
        let wanted = Set(letters.map(\.id))
        let needle = Array(lowercased.utf8)
        let found = Mutex<Set<UUID5>>([])
        try await broker.letters.readToEnd(from: .offset(first)) { entries in
            for entry in entries where entry.type == DeadLetter.type {
                guard let id = entry.messageID.flatMap({ UUID5($0) }), wanted.contains(id), entry.body.containsIgnoringCase(needle) else {
                    continue
                }
                found.withLock { _ = $0.insert(id) }
            }
        }
        return found.withLock { $0 }
    }

    /// A letter as it was last written; `nil` where the stream holds it no more.
    package func letter(_ id: UUID5) async throws(BrokerFailure) -> DeadLetter? {
        guard let offset = look({ $0[id]?.offset }) else { return nil }
        return try await letters(at: [offset]).first
    }

    /// The letters that stand at some offsets, in their order.
    func letters(at offsets: [Int64]) async throws(BrokerFailure) -> [DeadLetter] {
        try await entries(at: offsets).compactMap { entry in
            if case .letter(let letter)? = Self.read(entry) { letter } else { nil }
        }
    }

    /// Hands out letters as they stand in the stream, the oldest first, some hundreds at a time, for as many as there are.
    package func export(_ letters: [LetterSummary], _ body: (LetterSummary, StreamMessage) throws -> Void) async throws {
        let byOffset = Dictionary(letters.map { ($0.offset, $0) }, uniquingKeysWith: { first, _ in first })
        for part in byOffset.keys.sorted().parts(of: 500) {
            for entry in try await entries(at: Array(part)) {
                if let letter = byOffset[entry.offset] { try body(letter, entry) }
            }
        }
    }

    /// The letters whose ids begin so; a person types no more than is needed.
    package func ids(beginningWith text: String) -> [UUID5] {
        if let whole = UUID5(text) { return look { $0[whole] == nil ? [] : [whole] } }
        let wanted = text.lowercased()
        return look { book in book.newestFirst.map(\.id).filter { $0.description.hasPrefix(wanted) } }
    }

    /// What was done with a letter, the oldest first.
    package func history(of id: UUID5) async throws(BrokerFailure) -> [LetterRecord] {
        try await entries(at: look { $0[id]?.records ?? [] }).compactMap { entry in
            if case .record(let record)? = Self.read(entry) { record } else { nil }
        }
    }

    /// Neighbours are read in one go; a far one is gone to.
    private func entries(at offsets: [Int64]) async throws(BrokerFailure) -> [StreamMessage] {
        let wanted = Set(offsets)
        var entries: [StreamMessage] = []
        var stretch: ClosedRange<Int64>?
        func readStretch() async throws(BrokerFailure) {
            guard let range = stretch else { return }
            let found = Mutex<[StreamMessage]>([])
            try await broker.letters.read(range, mostAhead: min(range.count, 500)) { entry in
                if wanted.contains(entry.offset) { found.withLock { $0.append(entry) } }
            }
            entries += found.withLock { $0 }
        }
        for offset in wanted.sorted() {
            if let range = stretch, offset - range.upperBound < 500 {
                stretch = range.lowerBound...offset
            } else {
                try await readStretch()
                stretch = offset...offset
            }
        }
        try await readStretch()
        return entries
    }
}

extension LetterSummary {
    /// Whether what is kept of the letter says a text.
    fileprivate func says(_ lowercased: String) -> Bool {
        [explanation, id.description, orderID, reference?.text, merchantID?.text, gatewayID?.text, reason.rawValue].contains { text in
            text.map { Array($0.utf8).containsIgnoringCase(Array(lowercased.utf8)) } ?? false
        }
    }
}

extension [UInt8] {
    /// Whether bytes stand in these, ASCII letters compared without case.
    ///
    /// - Parameter needle: in lower case.
    func containsIgnoringCase(_ needle: [UInt8]) -> Bool {
        guard let first = needle.first else { return true }
        return withUnsafeBytes { bytes in
            guard bytes.count >= needle.count else { return false }
            outer: for start in 0...bytes.count - needle.count where bytes[start].smallLetter == first {
                for index in 1..<needle.count where bytes[start + index].smallLetter != needle[index] { continue outer }
                return true
            }
            return false
        }
    }
}
