package import DeclineRecovery

/// When a process writes the next roll-up of the journal, if it does.
///
/// Writing costs by what the book remembers, reading by the records behind the last roll-up: neither is to cost much more than the other.
package struct RollupTurns: Sendable {
    /// Records that are read at a start at the least, before one is written.
    private let every: Int
    /// For how long none is begun after a start, and after one that was not finished. Writing takes as much memory again as the book: a process
    /// that has too little of it is not to end of that each time as soon as it has begun.
    private let rest: Moment.Span
    private(set) var writes: Bool
    /// What stands there cannot be read and may know more: it is not written over.
    var isHeldBack = false
    /// Where the last one stands, its own or another's; -1 before the first.
    private var last: Int64 = -1
    private var isWriting = false
    private var failures = 0
    /// By the clock that nobody sets.
    private var notBefore: Moment?

    /// While so many are read, the last hours are looked at beside.
    static let longTail: Int64 = 100_000

    package init(every: Int = 20_000, rest: Moment.Span = .minutes(5)) {
        self.every = every
        self.rest = rest
        writes = true
    }

    /// Of who looks, and writes nothing.
    package static var never: RollupTurns {
        var turns = RollupTurns()
        turns.writes = false
        return turns
    }

    mutating func begin(at offset: Int64) { last = offset }

    /// This login may not.
    mutating func forbid() { writes = false }

    /// Whether one is due, which is begun then.
    ///
    /// - Parameters:
    ///   - entries: what the book remembers.
    ///   - isLive: whether the journal was read to its end. A long first reading leaves some behind as well, lest it be for nothing.
    ///   - now: by the clock that nobody sets.
    mutating func isDue(at offset: Int64, entries: Int, isLive: Bool, now: Moment) -> Bool {
        guard writes, !isHeldBack, !isWriting else { return false }
        let earliest = notBefore ?? now + rest
        notBefore = earliest
        let enough = isLive ? max(every, entries / 10) : max(every * 50, entries)
        guard now >= earliest, offset - last >= Int64(enough) else { return false }
        isWriting = true
        return true
    }

    /// Whether another process's, of the same journal, makes this one needless.
    func leaves(_ offset: Int64, to other: Int64) -> Bool { other > last && other <= offset + Int64(every) }

    /// - Parameter isOfThisReading: whether the journal is still read as it was when it began. Else its offset means nothing any more.
    mutating func ended(_ outcome: RollupShelf.Outcome, at offset: Int64, isOfThisReading: Bool = true, now: Moment) {
        isWriting = false
        var place = offset
        switch outcome {
        case .written: failures = 0
        case .needless(let other): place = other
        case .poorer: break
        case .impossible: writes = false
        case .failed(let failure):
            // An alarm of the broker's passes, and says nothing of what may be written.
            if !failure.isAlarm { failures += 1 }
            notBefore = now + rest
            if failures >= 3 || failure.isRefusal { writes = false }
        }
        if isOfThisReading { last = place }
    }
}

/// What became of roll-ups, for the log.
package enum RollupNews: Sendable {
    /// - Parameter behind: how many records are to be read besides.
    case read(behind: Int)
    case ofAnotherJournal
    /// What stands there is of another version or not whole; none is written over it.
    case unusable
    /// Whether there is one is not known yet; it is asked again.
    case unknown(BrokerFailure)
    /// One stands there that knows more of this journal; it is begun with anew.
    case poorer
    case written(entries: Int, took: Moment.Span)
    case impossible
    case failed(BrokerFailure)
}
