import DeclineRecovery
import Synchronization

/// The stream of roll-ups. A fleet may have none, and one that is not exactly as it was written means that the journal is read.
///
/// Each roll-up stands by itself: however many processes write, whichever of them dies in the middle, and whatever the broker has let go of,
/// the newest that is whole counts, and it is of this journal if its last record stands there.
///
/// That there is none is only said where the broker says so. Whoever begins without the one that stands knows less than it does, and what he
/// wrote would take its place for good.
struct RollupShelf {
    let stream: any RollupStream

    typealias Place = JournalRollup.Place
    typealias Head = JournalRollup.Head

    // MARK: Reading

    /// The newest roll-up that is whole; `nil` where there is none, or where this login may not know.
    ///
    /// - Parameter show: gets what pages show as soon as it is there.
    func newest(
        _ show: @escaping @Sendable (FlowBook) -> Void = { _ in }
    ) async throws(BrokerFailure) -> (book: FlowBook, place: Place)? {
        if case .whole(let book, let place) = try await find(show) { (book, place) } else { nil }
    }

    enum Finding {
        case whole(FlowBook, Place)
        /// There is none, or this login may not know.
        case none
        /// What stands there is of another version, or has lost parts. It may know what nobody can read anew.
        case unusable
    }

    func find(_ show: @escaping @Sendable (FlowBook) -> Void = { _ in }) async throws(BrokerFailure) -> Finding {
        do throws(BrokerFailure) {
            var last = try await stream.lastOffset()
            let hasOther = Atomic(false)
            for tries in 0..<Self.mostTries {
                guard let from = last,
                    let (head, offset) = try await end(atOrBefore: from, { hasOther.store(true, ordering: .relaxed) })
                else { return tries > 0 || hasOther.load(ordering: .relaxed) ? .unusable : .none }
                if let book = try await read(head, endingAt: offset, show) { return .whole(book, head.place) }
                // It has lost parts. Among its own may stand the end of another.
                last = offset - 1
            }
            return .unusable
        } catch {
            if error.isRefusal { return .none }
            throw error
        }
    }

    /// Of so many that have an end and are not whole, the newest are tried. The broker lets go of the oldest parts, so one that stands has lost
    /// some, or two where parts of several were mixed; where it is more, somebody has made them up, and the journal is to be believed.
    private static let mostTries = 8
    /// Parts that are on their way at a time, for each is large.
    private static let mostAhead = 16

    /// The end that stands last up to an offset. The newest roll-up may be in the making, or have lost its writer: before its parts stands the
    /// end of the one before, and among them that of another who wrote at the same time. Each message is read once, however many writers were
    /// lost, and in a few large spans, for each costs a question to the broker.
    private func end(
        atOrBefore offset: Int64, _ passByOther: @escaping @Sendable () -> Void = {}
    ) async throws(BrokerFailure) -> (Head, Int64)? {
        var (last, span): (Int64, Int64) = (offset, 8)
        while last >= 0 {
            let first = max(last - span + 1, 0)
            let (found, isThere) = try await end(in: first...last, passByOther)
            if let found { return found }
            // What stood before that the broker has let go.
            if !isThere { return nil }
            (last, span) = (first - 1, min(span * 16, 32_768))
        }
        return nil
    }

    /// The last end in a span. Where the broker begins a new file it takes an offset for itself, so there are offsets without a message. What is
    /// of another version is passed by.
    ///
    /// - Returns: as well whether there is any message in it.
    private func end(
        in span: ClosedRange<Int64>, _ passByOther: @escaping @Sendable () -> Void
    ) async throws(BrokerFailure) -> ((Head, Int64)?, isThere: Bool) {
        let found = Mutex<((Head, Int64)?, isThere: Bool)>((nil, false))
        try await stream.read(span, mostAhead: Self.mostAhead) { message in
            found.withLock { $0.isThere = true }
            if Head.isOfAnotherVersion(message.body) { passByOther() }
            // No roll-up has more parts than there are messages up to its last. An end holds nothing: what is longer is none.
            guard message.body.count <= Head.mostBytes, var reader = RollupReader(sealed: message.body), let head = Head(&reader),
                head.section == .end, head.part <= message.offset
            else {
                return
            }
            found.withLock { $0 = ((head, message.offset), true) }
        }
        return found.withLock { $0 }
    }

    /// How far before its end a roll-up begins is known but for the parts of others in between, and for the offsets that have no message: of
    /// those who wrote at once each has put its parts among them, so it may have begun several times as far back.
    private func starts(of head: Head, endingAt last: Int64) -> [Int64] {
        var starts: [Int64] = []
        for times in [1, 2, 4, 8] as [Int64] {
            let length = times * Int64(head.part)
            let start = max(last - length - length / 16 - 8, 0)
            if start != starts.last { starts.append(start) }
        }
        return starts
    }

    private func read(
        _ head: Head, endingAt last: Int64, _ show: @escaping @Sendable (FlowBook) -> Void
    ) async throws(BrokerFailure) -> FlowBook? {
        for start in starts(of: head, endingAt: last) {
            let reading = Mutex(RollupReading(head))
            try await stream.read(start...last, mostAhead: Self.mostAhead) { message in
                let shown = reading.withLock { reading in
                    let wasShown = reading.shown != nil
                    reading.take(message.body)
                    return wasShown ? nil : reading.shown
                }
                if let shown { show(shown) }
            }
            if let whole = reading.withLock({ $0.whole }) { return whole }
        }
        return nil
    }

    /// Where the newest finished roll-up stands, and since when it knows its journal; `nil` where none stands, or no longer its beginning.
    func standing() async throws(BrokerFailure) -> (place: Place, since: Moment?)? {
        guard let last = try await stream.lastOffset(), let (head, offset) = try await end(atOrBefore: last) else { return nil }
        for start in starts(of: head, endingAt: offset) {
            let found = Mutex<FlowBook?>(nil)
            // As many parts as it has follow its first.
            try await stream.read(start...(offset - Int64(head.part)), mostAhead: Self.mostAhead) { message in
                guard var reader = RollupReader(sealed: message.body), let first = Head(&reader), first.id == head.id,
                    first.section == .flow
                else { return }
                var book = FlowBook()
                _ = book.unpackFlow(&reader)
                found.withLock { [book] in $0 = book }
            }
            if let book = found.withLock({ $0 }) { return (head.place, book.money.since) }
        }
        return nil
    }

    // MARK: Writing

    enum Outcome: Sendable {
        case written
        /// Another's stands there that is as good.
        case needless(at: Int64)
        /// What stands there knows more of this journal.
        case poorer
        /// Nobody can write one here: there is no such stream.
        case impossible
        case failed(BrokerFailure)
    }

    /// Writes a roll-up, a part at a time and with rests between, so that nothing has to wait behind it for long.
    ///
    /// - Parameter isNeedless: whether one that stands at an offset of the same journal does as well.
    func write(
        _ book: FlowBook, at place: Place, of journal: any MessageStream, _ clock: any OperatorClock,
        isNeedless: (Int64) -> Bool = { _ in false }
    ) async -> Outcome {
        do throws(BrokerFailure) {
            guard try await stream.isThere() else { return .impossible }
            // Another console may have been first.
            if let (other, since) = try await standing(), try await Self.holds(other, journal) {
                let isPoorer = since.map { since in book.money.since.map { $0 > since } ?? true } ?? false
                // One that has lost parts is of no use to anybody.
                if isPoorer, let whole = try await newest(), whole.place == other { return .poorer }
                if !isPoorer, isNeedless(other.offset) { return .needless(at: other.offset) }
            }
            try await JournalRollup(id: .random(in: 0 ... .max), place: place, book: book).write { (part) throws(BrokerFailure) in
                let begun = clock.uptime
                try await stream.append(part)
                await clock.sleep(max(.milliseconds(3 * (clock.uptime - begun).milliseconds), .milliseconds(2)))
            }
            return .written
        } catch {
            return .failed(error)
        }
    }

    /// Whether a journal has the record that a roll-up goes up to.
    private static func holds(_ place: Place, _ journal: any MessageStream) async throws(BrokerFailure) -> Bool {
        guard let end = try await journal.lastOffset(), end >= place.offset else { return false }
        let isHeld = Mutex(false)
        try await journal.read(place.offset...place.offset, mostAhead: 1) { message in
            if Place(message) == place { isHeld.withLock { $0 = true } }
        }
        return isHeld.withLock { $0 }
    }
}

/// Whether a journal is the one of a roll-up, and still has everything behind it.
struct RollupTie {
    private let place: JournalRollup.Place
    private(set) var isHeld = false
    private(set) var isBroken = false

    init(_ place: JournalRollup.Place) { self.place = place }

    /// Whether a message of the journal follows what was rolled up: the roll-up's last record has to come before it.
    mutating func admits(_ message: StreamMessage) -> Bool {
        if isHeld { return true }
        if isBroken || message.offset < place.offset { return false }
        if JournalRollup.Place(message) == place { isHeld = true } else { isBroken = true }
        return false
    }
}
