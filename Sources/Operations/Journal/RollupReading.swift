import DeclineRecovery

/// Puts a book together from the parts of one roll-up, in their order.
///
/// A roll-up saves time and never changes a sum. So anything that is not exactly as it was written ends the reading, and the journal is read
/// instead.
struct RollupReading {
    private let id: UInt64
    private let place: JournalRollup.Place
    /// How many it has, as far as its head tells.
    private let parts: Int
    private var next = 0
    private var isBroken = false
    private var counts: [Int] = []
    private var book = FlowBook()
    /// What pages show, as soon as that is there: sums without what they go on by.
    private(set) var shown: FlowBook?
    /// All of it, as soon as that is there.
    private(set) var whole: FlowBook?

    /// - Parameter head: of any part of it; its last tells how much there is to be.
    init(_ head: JournalRollup.Head) {
        id = head.id
        place = head.place
        parts = head.part
    }

    /// Takes a part in. Those of others are passed by; nothing comes of it any more where its own is not the next, or not whole.
    mutating func take(_ bytes: [UInt8]) {
        guard var reader = RollupReader(sealed: bytes), let head = JournalRollup.Head(&reader), head.id == id else { return }
        guard !isBroken, whole == nil, head.place == place, head.part == next else {
            isBroken = true
            return
        }
        next += 1
        if head.section.rawValue > JournalRollup.Section.cells.rawValue, shown == nil {
            shown = book
            book.reserve(counts, parts: parts)
        }
        read(head, &reader)
        isBroken = reader.isBroken || !reader.isAtEnd
        if head.section == .end, !isBroken, book.counts == counts { whole = book }
    }

    private mutating func read(_ head: JournalRollup.Head, _ reader: inout RollupReader) {
        if head.section == .flow {
            guard next == 1 else { return reader.breakOff() }
            counts = book.unpackFlow(&reader)
            return
        }
        if head.section == .cells { return book.money.unpackCells(head.records, &reader) }
        let day = head.section == .ends ? reader.short() : 0
        for _ in 0..<head.records {
            if reader.isBroken { return }
            switch head.section {
            case .facts: if let facts = MoneyFacts(&reader) { book.money.restore(facts) } else { reader.breakOff() }
            case .cases: book.money.unpackCase(&reader)
            case .sales: book.money.unpackSale(&reader)
            case .returns:
                let key = reader.fixed(UInt64.self)
                book.money.returns[key] = reader.short()
            case .ends: book.money.unpackEnd(&reader, of: day)
            case .open:
                guard let entry = FlowBook.Open(&reader) else { return reader.breakOff() }
                book.open[MoneyBook.mark(entry.reference.text)] = entry
            case .flow, .cells, .end: return reader.breakOff()
            }
        }
    }
}
