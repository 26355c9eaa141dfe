import DequeModule

/// The deliveries of one channel that are not acknowledged yet, by their tags.
///
/// Turns what was finished during one loop turn into the fewest acknowledgements: one "up to and including" for the unbroken run at the
/// front, single ones behind it. A tag is acknowledged once, however often it is finished.
///
/// Not thread-safe: it lives on its connection's thread.
struct AcknowledgementLedger {
    enum Acknowledgement: Hashable {
        case upTo(UInt64)
        case only(UInt64)
    }

    private var isDone: Deque<Bool> = []
    private var base: UInt64 = 1
    private var finished: [UInt64] = []

    /// Deliveries handed out and not finished.
    private(set) var outstanding = 0

    mutating func delivered(_ tag: UInt64) {
        if isDone.isEmpty { base = tag }
        isDone.append(false)
        outstanding += 1
    }

    /// Takes a tag out; `false` when it is not outstanding.
    private mutating func take(_ tag: UInt64) -> Bool {
        guard tag >= base, let index = Int(exactly: tag - base), index < isDone.count, !isDone[index] else { return false }
        isDone[index] = true
        outstanding -= 1
        return true
    }

    mutating func finish(_ tag: UInt64) {
        if take(tag) { finished.append(tag) }
    }

    /// The delivery goes back to the broker instead; `false` when it is not outstanding.
    mutating func handBack(_ tag: UInt64) -> Bool {
        guard take(tag) else { return false }
        trim()
        return true
    }

    private mutating func trim() {
        while let first = isDone.first, first {
            isDone.removeFirst()
            base += 1
        }
    }

    /// What to send for all that was finished since the last call.
    mutating func acknowledgements() -> [Acknowledgement] {
        if finished.isEmpty { return [] }
        trim()
        var result: [Acknowledgement] = []
        // The tag named must itself be outstanding, so it is the last that was finished, not the last before the gap.
        var front: UInt64?
        for tag in finished where tag < base { front = max(front ?? tag, tag) }
        if let front { result.append(.upTo(front)) }
        for tag in finished where tag >= base { result.append(.only(tag)) }
        finished.removeAll(keepingCapacity: true)
        return result
    }
}
