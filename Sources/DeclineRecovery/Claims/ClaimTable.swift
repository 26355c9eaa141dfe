/// The entries of a claim book, packed: millions of them, in 64 bytes each and some for finding them.
///
/// Dictionaries of what a recovery is judged by took six times as much, and twice that for a moment whenever they grew.
struct ClaimTable: Sendable {
    typealias Slot = UInt32

    /// What is kept of a recovery for weeks; requests under way stand elsewhere, since few have any.
    struct Entry: Sendable {
        let key: Fingerprint
        private(set) var knownDebt = Fingerprint.none
        /// Where the recovery is first named, and where it was told; negative before.
        let first: Int64
        var told: Int64 = -1
        /// Seconds since 1970: how long it is remembered.
        fileprivate(set) var untilSeconds: UInt32
        /// Of two recoveries of one debt it says whether they are for the same amount.
        var amount: UInt32 = 0
        fileprivate(set) var answered: UInt8 = 0
        fileprivate(set) var refused: UInt8 = 0
        /// By which gateway it was sent last, as the book numbers them; 0 before.
        var gateway: UInt16 = 0
        var kind = ResultKind.submitted
        /// What was told before, where that turned out to be wrong.
        var corrected: ResultKind?
        fileprivate(set) var flags: UInt8 = 0

        init(_ key: Fingerprint, debt: Fingerprint?, first: Int64, until: Moment) {
            self.key = key
            self.first = first
            knownDebt = debt ?? .none
            untilSeconds = 0
            self.until = until
        }

        /// As it was packed (`ClaimSnapshot`).
        init(
            packed key: Fingerprint, knownDebt: Fingerprint, first: Int64, told: Int64, untilSeconds: UInt32, amount: UInt32,
            answered: UInt8,
            refused: UInt8, gateway: UInt16, kind: ResultKind, corrected: ResultKind?, flags: UInt8
        ) {
            self.key = key
            self.knownDebt = knownDebt
            self.first = first
            self.told = told
            self.untilSeconds = untilSeconds
            self.amount = amount
            self.answered = answered
            self.refused = refused
            self.gateway = gateway
            self.kind = kind
            self.corrected = corrected
            self.flags = flags
        }

        /// What is to be paid, once it is known.
        var debt: Fingerprint? { knownDebt == .none ? nil : knownDebt }
        mutating func learn(_ debt: Fingerprint?) { if knownDebt == .none, let debt { knownDebt = debt } }

        /// Kept in whole seconds, rounded up.
        var until: Moment {
            get { Moment(milliseconds: Int64(untilSeconds) * 1_000) }
            set { untilSeconds = UInt32(clamping: (newValue.milliseconds + 999) / 1_000) }
        }

        var answeredPost: Int32 {
            get { Int32(answered) }
            set { answered = UInt8(clamping: newValue) }
        }

        var refusedPost: Int32 {
            get { Int32(refused) }
            set { refused = UInt8(clamping: newValue) }
        }

        var exists: Bool {
            get { flags & 1 != 0 }
            set { set(1, newValue) }
        }
        /// A person has sent it again since it was told.
        var isReopened: Bool {
            get { flags & 2 != 0 }
            set { set(2, newValue) }
        }
        var isPaidBack: Bool {
            get { flags & 4 != 0 }
            set { set(4, newValue) }
        }

        /// Its place is free.
        fileprivate(set) var isGone: Bool {
            get { flags & 8 != 0 }
            set { set(8, newValue) }
        }

        /// Whether it is the one of its debt that is open, and the one that was paid last. The table alone keeps these in step with its index
        /// of debts, which is made from them again.
        fileprivate(set) var holdsOpen: Bool {
            get { flags & 16 != 0 }
            set { set(16, newValue) }
        }
        fileprivate(set) var holdsPaid: Bool {
            get { flags & 32 != 0 }
            set { set(32, newValue) }
        }
        fileprivate func holding(as kept: Entry) -> Entry {
            var entry = self
            entry.flags = flags & ~48 | kept.flags & 48
            return entry
        }

        private mutating func set(_ flag: UInt8, _ isSet: Bool) { flags = isSet ? flags | flag : flags & ~flag }

        var isTold: Bool { told >= 0 && !isReopened }
    }

    /// Who has a hand in a debt: at most one recovery of it is open, and one was paid last.
    struct Claimants: Sendable {
        fileprivate var openCell: UInt32 = 0
        fileprivate var paidCell: UInt32 = 0

        var open: Slot? {
            get { openCell == 0 ? nil : openCell - 1 }
            set { openCell = newValue.map { $0 + 1 } ?? 0 }
        }
        var paid: Slot? {
            get { paidCell == 0 ? nil : paidCell - 1 }
            set { paidCell = newValue.map { $0 + 1 } ?? 0 }
        }
    }

    private var entries = Entries()
    private var byKey = Probes<KeyCell>()
    private var byDebt = Probes<Claimants>()
    private(set) var openCount = 0

    var count: Int { byKey.count }

    subscript(slot: Slot) -> Entry {
        get { entries[slot] }
        set { entries[slot] = newValue.holding(as: entries[slot]) }
    }

    func slot(of key: Fingerprint) -> Slot? { byKey.find(key, entries)?.cell.slot }

    mutating func insert(_ entry: Entry) -> Slot {
        let slot = entries.add(entry)
        byKey.insert(KeyCell(slot), entry.key, entries)
        return slot
    }

    func claimants(of debt: Fingerprint) -> Claimants? { byDebt.find(debt, entries)?.cell }

    /// - Parameter debt: of the entry whose slot is put in or taken out.
    mutating func setClaimants(of debt: Fingerprint, _ change: (inout Claimants) -> Void) {
        let found = byDebt.find(debt, entries)
        let before = found?.cell ?? Claimants()
        var after = before
        change(&after)
        openCount += (after.open == nil ? 0 : 1) - (before.open == nil ? 0 : 1)
        if before.open != after.open {
            if let slot = before.open { entries[slot].holdsOpen = false }
            if let slot = after.open { entries[slot].holdsOpen = true }
        }
        if before.paid != after.paid {
            if let slot = before.paid { entries[slot].holdsPaid = false }
            if let slot = after.paid { entries[slot].holdsPaid = true }
        }
        switch (found, after.isEmpty) {
        case (nil, true): break
        case (nil, false): byDebt.insert(after, debt, entries)
        case (let found?, true): byDebt.remove(at: found.position, entries)
        case (let found?, false): byDebt.replace(at: found.position, after)
        }
    }

    // MARK: Packing

    /// The entries as they stand, in pieces; those that are gone among them. Nothing is copied but the pieces that change afterwards.
    var pieces: [ContiguousArray<Entry>] { entries.pieces }
    var debtCount: Int { byDebt.count }

    /// A table to be filled with so many entries.
    init(entries count: Int, debts: Int) {
        byKey.reserve(count)
        byDebt.reserve(debts)
    }

    init() {}

    /// Puts an entry back as it was packed; `false` for one that says it holds a debt and names none.
    mutating func restore(_ entry: Entry) -> Bool {
        let slot = insert(entry)
        guard entry.holdsOpen || entry.holdsPaid else { return true }
        guard let debt = entry.debt else { return false }
        setClaimants(of: debt) { claimants in
            if entry.holdsOpen { claimants.open = slot }
            if entry.holdsPaid { claimants.paid = slot }
        }
        return true
    }

    /// Each recovery of which a debt is open.
    func forEachOpen(_ body: (Entry) -> Void) {
        byDebt.each { claimants in if let open = claimants.open { body(entries[open]) } }
    }

    /// Lets go of entries whose time is over, looking at so many at most; goes on behind them the next time.
    mutating func forget(before now: Moment, atMost limit: Int) -> [Fingerprint] {
        var gone: [Fingerprint] = []
        for slot in entries.next(limit) where entries[slot].until < now {
            let entry = entries[slot]
            if let debt = entry.debt, claimants(of: debt) != nil {
                setClaimants(of: debt) { claimants in
                    if claimants.open == slot { claimants.open = nil }
                    if claimants.paid == slot { claimants.paid = nil }
                }
            }
            guard let found = byKey.find(entry.key, entries) else { continue }
            byKey.remove(at: found.position, entries)
            entries.remove(slot)
            gone.append(entry.key)
        }
        return gone
    }
}

extension ClaimTable.Claimants: ProbeCell {
    static var empty: Self { Self() }
    var isEmpty: Bool { openCell == 0 && paidCell == 0 }
    func fingerprint(in entries: borrowing Entries) -> Fingerprint { entries[(openCell == 0 ? paidCell : openCell) - 1].knownDebt }
}

/// A slot as it stands in an index; 0 is none.
private struct KeyCell: ProbeCell {
    private var cell: UInt32 = 0

    init(_ slot: ClaimTable.Slot) { cell = slot + 1 }
    private init() {}

    var slot: ClaimTable.Slot { cell - 1 }
    static var empty: Self { Self() }
    var isEmpty: Bool { cell == 0 }
    func fingerprint(in entries: borrowing Entries) -> Fingerprint { entries[slot].key }
}

/// Entries in pieces, so that nothing is copied when they become more.
struct Entries: Sendable {
    private static let shift: UInt32 = 12
    /// Of a piece.
    static let size: UInt32 = 1 << shift

    private(set) var pieces: [ContiguousArray<ClaimTable.Entry>] = []
    private var free: [UInt32] = []
    private var used: UInt32 = 0
    private var cursor: UInt32 = 0

    subscript(slot: UInt32) -> ClaimTable.Entry {
        get { pieces[Int(slot >> Self.shift)][Int(slot & (Self.size - 1))] }
        set { pieces[Int(slot >> Self.shift)][Int(slot & (Self.size - 1))] = newValue }
    }

    mutating func add(_ entry: ClaimTable.Entry) -> UInt32 {
        if let slot = free.popLast() {
            self[slot] = entry
            return slot
        }
        if used & (Self.size - 1) == 0 {
            var piece = ContiguousArray<ClaimTable.Entry>()
            piece.reserveCapacity(Int(Self.size))
            pieces.append(piece)
        }
        pieces[pieces.count - 1].append(entry)
        used += 1
        return used - 1
    }

    mutating func remove(_ slot: UInt32) {
        free.append(slot)
        self[slot].isGone = true
    }

    /// The next slots in use, behind those of the last time.
    mutating func next(_ limit: Int) -> [UInt32] {
        if cursor >= used { cursor = 0 }
        let end = UInt32(min(UInt64(used), UInt64(cursor) + UInt64(limit)))
        defer { cursor = end }
        return (cursor..<end).filter { !self[$0].isGone }
    }
}

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

    /// - Parameter fingerprint: of what is not there yet.
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

    mutating func replace(at position: Int, _ cell: Cell) { cells[position] = cell }

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
