import DeclineRecovery
import Synchronization

/// The stream of roll-ups. A fleet may have none, and anything odd about one means that the journal is read.
///
/// Each roll-up stands by itself: however many processes write, whichever of them dies in the middle, and whatever the broker has let go of,
/// the newest that is whole counts, and it is of this journal if its last record stands there.
struct RollupShelf {
    let stream: any RollupStream

    typealias Place = JournalRollup.Place

    // MARK: Reading

    /// The newest roll-up that is whole; `nil` where there is none to be trusted.
    ///
    /// - Parameter show: gets what pages show as soon as it is there.
    func newest(_ show: @escaping @Sendable (FlowBook) -> Void = { _ in }) async -> (book: FlowBook, place: Place)? {
        do throws(BrokerFailure) {
            guard var last = try await stream.lastOffset() else { return nil }
            // The newest may be in the making, or have lost its writer. Before it stands the one before.
            for _ in 0..<4 {
                guard let (head, offset) = try await head(atOrBefore: last) else { return nil }
                if head.section == .end, let book = try await read(head, endingAt: offset, show) { return (book, head.place) }
                last = offset - Int64(head.part) - 1
            }
            return nil
        } catch {
            return nil
        }
    }

    /// The place of the newest roll-up that was finished; `nil` where none stands at the end.
    func newestPlace() async -> Place? {
        do throws(BrokerFailure) {
            guard let last = try await stream.lastOffset(), let (head, _) = try await head(atOrBefore: last), head.section == .end else {
                return nil
            }
            return head.place
        } catch {
            return nil
        }
    }

    /// The part at an offset, or the nearest before it: where the broker begins a new file it takes an offset for itself, so there are offsets
    /// without a message. What is of another version is passed by.
    private func head(atOrBefore offset: Int64) async throws(BrokerFailure) -> (JournalRollup.Head, Int64)? {
        if offset < 0 { return nil }
        let found = Mutex<(JournalRollup.Head, Int64)?>(nil)
        let start = max(offset - 8, 0)
        try await read(from: start, through: offset) { message in
            guard var reader = RollupReader(sealed: message.body), let head = JournalRollup.Head(&reader) else { return }
            found.withLock { $0 = (head, message.offset) }
        }
        return found.withLock { $0 }
    }

    /// How far before its end a roll-up begins is known but for the parts of others in between, and for the offsets that have no message.
    private func read(
        _ head: JournalRollup.Head, endingAt last: Int64, _ show: @escaping @Sendable (FlowBook) -> Void
    ) async throws(BrokerFailure) -> FlowBook? {
        let parts = Int64(head.part)
        // Two that wrote at once have mixed theirs: then it began as far back again.
        for length in [parts, 2 * parts] {
            let reading = Mutex(RollupReading(head))
            try await read(from: max(last - length - length / 16 - 8, 0), through: last) { message in
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

    private func read(
        from start: Int64, through last: Int64, _ take: @escaping @Sendable (StreamMessage) -> Void
    ) async throws(BrokerFailure) {
        let follower = try await stream.follow(from: .offset(start), mostAhead: 16) { messages in
            for message in messages where (start...last).contains(message.offset) { take(message) }
        }
        do throws(BrokerFailure) { try await follower.reach(last, patience: 10) } catch {
            await follower.end()
            throw error
        }
        await follower.end()
    }

    // MARK: Writing

    enum Outcome: Sendable {
        case written
        /// Nobody can write one here: there is no such stream.
        case impossible
        case failed(BrokerFailure)
    }

    /// Writes a roll-up, a part at a time and with rests between, so that nothing has to wait behind it for long.
    func write(_ book: FlowBook, at place: Place, _ clock: any OperatorClock) async -> Outcome {
        do throws(BrokerFailure) {
            guard try await stream.isThere() else { return .impossible }
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
