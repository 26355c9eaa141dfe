package import DeclineRecovery

/// When a process writes the next roll-up of the journal, if it does.
///
/// Writing costs by what the book remembers, reading by the records behind the last roll-up: neither is to cost much more than the other.
package struct RollupTurns: Sendable {
    /// Records that are read at a start at the least, before one is written.
    private let every: Int
    private(set) var writes: Bool
    /// Where the last one stands, its own or another's; -1 before the first.
    private var last: Int64 = -1
    private var isWriting = false
    private var failures = 0

    /// While so many are read, the last hours are looked at beside.
    static let longTail: Int64 = 100_000

    package init(every: Int = 20_000) {
        self.every = every
        writes = true
    }

    /// Of who looks, and writes nothing.
    package static var never: RollupTurns {
        var turns = RollupTurns()
        turns.writes = false
        return turns
    }

    mutating func begin(at offset: Int64) { last = offset }

    /// Whether one is due, which is begun then.
    ///
    /// - Parameters:
    ///   - entries: what the book remembers.
    ///   - isLive: whether the journal was read to its end. A long first reading leaves some behind as well, lest it be for nothing.
    mutating func isDue(at offset: Int64, entries: Int, isLive: Bool) -> Bool {
        guard writes, !isWriting else { return false }
        let enough = isLive ? max(every, entries / 10) : max(every * 50, entries)
        guard offset - last >= Int64(enough) else { return false }
        isWriting = true
        return true
    }

    /// Whether another process's makes this one needless.
    mutating func leaves(_ offset: Int64, to other: Int64) -> Bool {
        // One of another journal may stand anywhere.
        guard other > last, other <= offset + Int64(every) else { return false }
        last = other
        isWriting = false
        return true
    }

    mutating func ended(_ outcome: RollupShelf.Outcome, at offset: Int64) {
        isWriting = false
        last = offset
        switch outcome {
        case .written: failures = 0
        case .impossible: writes = false
        case .failed:
            // A login without the right loses its connection each time.
            failures += 1
            if failures >= 3 { writes = false }
        }
    }
}

/// What became of roll-ups, for the log.
package enum RollupNews: Sendable {
    /// - Parameter behind: how many records are to be read besides.
    case read(behind: Int)
    case ofAnotherJournal
    case written(entries: Int, took: Moment.Span)
    case impossible
    case failed(BrokerFailure)
}
