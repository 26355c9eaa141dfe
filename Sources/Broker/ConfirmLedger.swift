import DequeModule

/// The publishes of one channel that the broker has not settled yet, oldest first.
///
/// RabbitMQ numbers publishes from 1 on every fresh channel and settles them one by one or "up to and including". The ledger keeps that
/// numbering, so a tag finds its entry by subtraction. Every entry leaves exactly once: settled by the broker, or with all others when
/// the channel is lost.
///
/// Not thread-safe: it lives on its connection's thread.
struct ConfirmLedger<Entry> {
    private var entries: Deque<Entry?> = []
    /// The tag of the first entry.
    private var base: UInt64 = 1
    private(set) var outstanding = 0

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        outstanding += 1
    }

    /// Settles a tag, or all up to it; calls `settled` once for each entry that leaves, oldest first. A tag that is settled already or
    /// was never given is ignored: the broker may repeat itself, and must not make us settle twice.
    mutating func settle(_ tag: UInt64, multiple: Bool, _ settled: (Entry) -> Void) {
        guard tag >= base else { return }
        let last = Int(clamping: tag - base)
        guard last < entries.count else { return }
        for index in (multiple ? 0 : last)...last {
            guard let entry = entries[index] else { continue }
            entries[index] = nil
            outstanding -= 1
            settled(entry)
        }
        while let first = entries.first, first == nil {
            entries.removeFirst()
            base += 1
        }
    }

    /// The entry that waits longest.
    var oldest: Entry? { entries.first ?? nil }

    /// The oldest unsettled entry that matches, changed in place.
    mutating func update(where matches: (Entry) -> Bool, _ change: (inout Entry) -> Void) {
        for index in entries.indices {
            if var entry = entries[index], matches(entry) {
                change(&entry)
                entries[index] = entry
                return
            }
        }
    }

    /// Takes everything out; the next publish is number 1 again.
    mutating func removeAll() -> [Entry] {
        let left = entries.compactMap { $0 }
        entries.removeAll(keepingCapacity: true)
        base = 1
        outstanding = 0
        return left
    }
}
