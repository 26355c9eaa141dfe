/// A cell of an index that knows whose it is by the entry that it points to.
protocol ProbeCell: Sendable {
    static var empty: Self { get }
    var isEmpty: Bool { get }
    func fingerprint(in entries: borrowing Entries) -> Fingerprint
}

/// An index by linear probing: nothing but the cells, at most three quarters of them taken.
struct Probes<Cell: ProbeCell>: Sendable {
    private var cells: ContiguousArray<Cell> = []
    private(set) var count = 0

    private var mask: Int { cells.count - 1 }
    private func home(_ fingerprint: Fingerprint) -> Int { Int(truncatingIfNeeded: fingerprint.low) & mask }

    func find(_ fingerprint: Fingerprint, _ entries: borrowing Entries) -> (position: Int, cell: Cell)? {
        guard !cells.isEmpty else { return nil }
        var position = home(fingerprint)
        while !cells[position].isEmpty {
            if cells[position].fingerprint(in: entries) == fingerprint { return (position, cells[position]) }
            position = (position + 1) & mask
        }
        return nil
    }

    /// All that are looked for at the same place, and are of it.
    func each(near fingerprint: Fingerprint, _ entries: borrowing Entries, _ body: (Cell) -> Void) {
        guard !cells.isEmpty else { return }
        var position = home(fingerprint)
        while !cells[position].isEmpty {
            if cells[position].fingerprint(in: entries).low == fingerprint.low { body(cells[position]) }
            position = (position + 1) & mask
        }
    }

    /// Where one stands of those that are looked for at the same place.
    func position(near fingerprint: Fingerprint, where isOne: (Cell) -> Bool) -> Int? {
        guard !cells.isEmpty else { return nil }
        var position = home(fingerprint)
        while !cells[position].isEmpty {
            if isOne(cells[position]) { return position }
            position = (position + 1) & mask
        }
        return nil
    }

    /// - Parameter cell: one that is not there yet.
    mutating func insert(_ cell: Cell, _ fingerprint: Fingerprint, _ entries: borrowing Entries) {
        if (count + 1) * 4 > cells.count * 3 { grow(entries) }
        place(cell, fingerprint)
        count += 1
    }

    /// Makes room for so many, so that it does not grow while they come. Only of one that is empty.
    mutating func reserve(_ count: Int) {
        guard cells.isEmpty, count > 0 else { return }
        var size = 16
        while size * 3 < (count + 1) * 4 { size *= 2 }
        cells = ContiguousArray(repeating: .empty, count: size)
    }

    func each(_ body: (Cell) -> Void) { for cell in cells where !cell.isEmpty { body(cell) } }

    /// Takes a cell out and moves those behind it to where they are looked for.
    mutating func remove(at position: Int, _ entries: borrowing Entries) {
        var hole = position
        var next = (hole + 1) & mask
        while !cells[next].isEmpty {
            let wanted = home(cells[next].fingerprint(in: entries))
            // Whether the hole lies between where it is looked for and where it stands.
            if (next - wanted) & mask >= (next - hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        cells[hole] = .empty
        count -= 1
    }

    private mutating func place(_ cell: Cell, _ fingerprint: Fingerprint) {
        var position = home(fingerprint)
        while !cells[position].isEmpty { position = (position + 1) & mask }
        cells[position] = cell
    }

    private mutating func grow(_ entries: borrowing Entries) {
        let old = cells
        cells = ContiguousArray(repeating: .empty, count: max(16, old.count * 2))
        for cell in old where !cell.isEmpty { place(cell, cell.fingerprint(in: entries)) }
    }
}

/// What an index finds an entry by.
protocol SlotKey: Sendable {
    static func fingerprint(of entry: ClaimTable.Entry) -> Fingerprint
}

enum OfRecovery: SlotKey {
    static func fingerprint(of entry: ClaimTable.Entry) -> Fingerprint { entry.key }
}

enum OfDebt: SlotKey {
    static func fingerprint(of entry: ClaimTable.Entry) -> Fingerprint { entry.knownDebt }
}

/// A slot as it stands in an index; 0 is none.
struct SlotCell<Key: SlotKey>: ProbeCell {
    private var cell: UInt32 = 0

    init(_ slot: ClaimTable.Slot) { cell = slot + 1 }
    private init() {}

    var slot: ClaimTable.Slot { cell - 1 }
    static var empty: Self { Self() }
    var isEmpty: Bool { cell == 0 }
    func fingerprint(in entries: borrowing Entries) -> Fingerprint { Key.fingerprint(of: entries[slot]) }
}

/// A slot and what it is found by, where its entry does not hold that.
struct NamedCell: ProbeCell {
    private var cell: UInt32 = 0
    private(set) var name: UInt64 = 0

    init(_ slot: ClaimTable.Slot, _ name: UInt64) {
        cell = slot + 1
        self.name = name
    }
    private init() {}

    var slot: ClaimTable.Slot { cell - 1 }
    static var empty: Self { Self() }
    var isEmpty: Bool { cell == 0 }
    func fingerprint(in entries: borrowing Entries) -> Fingerprint { Self.fingerprint(of: name) }
    static func fingerprint(of name: UInt64) -> Fingerprint { Fingerprint(high: 0, low: name) }
}
