/// The entries of a claim book, packed: millions of them, in 64 bytes each and some for finding them.
///
/// Dictionaries of what a recovery is judged by took six times as much, and twice that for a moment whenever they grew.
struct ClaimTable: Sendable {
    typealias Slot = UInt32

    /// What is kept of a recovery for weeks; requests under way stand elsewhere, since few have any.
    struct Entry: Sendable {
        let key: Fingerprint
        private(set) var knownDebt = Fingerprint.none
        /// Where what FlexFactor may have of it was claimed first, or else where it is first named; and where it was told, negative before (`named`).
        fileprivate(set) var first: Int64
        var told: Int64 = -1
        /// Seconds since 1970: how long it is remembered.
        fileprivate(set) var untilSeconds: UInt32
        /// Of two recoveries of one debt it says whether they are for the same amount; 0 where that is not known.
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
        fileprivate mutating func forget() { (knownDebt, amount) = (.none, 0) }
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

        /// Its place is free: nothing was claimed of it anywhere.
        var isGone: Bool { first < 0 }
        fileprivate mutating func leave() { first = -1 }

        /// A retry that is put away, of which nothing stands: nobody has sent it, or each request was withdrawn. It is posted when it wakes.
        var isWaiting: Bool {
            get { flags & 8 != 0 }
            set { set(8, newValue) }
        }

        /// Whether it is the one of its debt that is open, whether it stands among what was settled of its debt, and whether it is listed under its
        /// order. The table alone keeps these in step with its indexes.
        fileprivate(set) var holdsOpen: Bool {
            get { flags & 16 != 0 }
            set { set(16, newValue) }
        }
        fileprivate(set) var holdsSettled: Bool {
            get { flags & 32 != 0 }
            set { set(32, newValue) }
        }
        fileprivate(set) var isListed: Bool {
            get { flags & 64 != 0 }
            set { set(64, newValue) }
        }
        fileprivate func holding(as kept: Entry) -> Entry {
            var entry = self
            entry.flags = flags & ~112 | kept.flags & 112
            return entry
        }

        /// Where a claim names FlexFactor's order of it, or tells that FlexFactor refused it where it has none, until its end is told. It stands in
        /// the place of `told`, for there is no other; older workers read all of that as not told.
        var named: Int64? {
            get { told < -1 ? -2 - told : nil }
            set { if told < 0 { told = newValue.map { -2 - $0 } ?? -1 } }
        }

        /// Its money was taken and has not gone back.
        var isPaid: Bool { told >= 0 && kind.isPaid && !isPaidBack && knownDebt != .none }

        /// What was told of it answers a command to cancel it, whatever became of the money since; or it waits, and the command ends it.
        fileprivate var isSettled: Bool { (told >= 0 && kind.answersCancel || isWaiting) && knownDebt != .none }

        /// A command to cancel its debt means it: it is open, or waits, or was settled.
        var isCancellable: Bool { holdsOpen || holdsSettled }

        /// What was told names another recovery and ends nothing of the decline.
        var isPointer: Bool {
            get { flags & 128 != 0 }
            set { set(128, newValue) }
        }

        private mutating func set(_ flag: UInt8, _ isSet: Bool) { flags = isSet ? flags | flag : flags & ~flag }

        var isTold: Bool { told >= 0 && !isReopened }
    }

    private var entries = Entries()
    private var byKey = Probes<SlotCell<OfRecovery>>()
    /// The recovery of a debt that is open: at most one is.
    private var openByDebt = Probes<SlotCell<OfDebt>>()
    /// The recoveries of a debt that were told as paid or as cancelled, or wait unsent and stand in nobody's way: one, as a rule.
    private var settledByDebt = Probes<SlotCell<OfDebt>>()
    /// By their order, those that are open, wait or are settled and are charges of their own within a rebill: 16 bytes and some for each, and few
    /// recoveries are any.
    private var listedByOrder = Probes<NamedCell>()

    var count: Int { byKey.count }
    var openCount: Int { openByDebt.count }

    subscript(slot: Slot) -> Entry {
        get { entries[slot] }
        set { entries[slot] = newValue.holding(as: entries[slot]) }
    }

    func slot(of key: Fingerprint) -> Slot? { byKey.find(key, entries)?.cell.slot }

    mutating func insert(_ entry: Entry) -> Slot {
        let slot = entries.add(entry)
        byKey.insert(SlotCell(slot), entry.key, entries)
        return slot
    }

    /// What is kept of the other references of its decline: hardly ever any.
    func others(of entry: Entry) -> [Entry] {
        var others: [Entry] = []
        byKey.each(near: entry.key, entries) { cell in
            let other = entries[cell.slot]
            if other.key != entry.key { others.append(other) }
        }
        return others
    }

    // MARK: Debts

    func open(of debt: Fingerprint) -> Slot? { openByDebt.find(debt, entries)?.cell.slot }

    /// It is the one of its debt that is open, unless another is.
    mutating func open(_ slot: Slot) {
        guard let debt = entries[slot].debt, open(of: debt) == nil else { return }
        openByDebt.insert(SlotCell(slot), debt, entries)
        entries[slot].holdsOpen = true
    }

    mutating func close(_ slot: Slot) {
        guard entries[slot].holdsOpen, let found = openByDebt.find(entries[slot].knownDebt, entries) else { return }
        openByDebt.remove(at: found.position, entries)
        entries[slot].holdsOpen = false
    }

    /// By what else a recovery's debt was paid, in whatever amounts.
    func paid(beside slot: Slot) -> [Entry] {
        guard let debt = entries[slot].debt else { return [] }
        var paid: [Entry] = []
        settledByDebt.each(near: debt, entries) { cell in
            let entry = entries[cell.slot]
            if cell.slot != slot, entry.debt == debt, entry.isPaid { paid.append(entry) }
        }
        return paid
    }

    /// What was told of a debt as paid, though the money may have gone back, or as cancelled; and what waits.
    func settled(of debt: Fingerprint) -> [Slot] {
        var slots: [Slot] = []
        settledByDebt.each(near: debt, entries) { if entries[$0.slot].debt == debt { slots.append($0.slot) } }
        return slots
    }

    /// It stands among them for as long as it is one.
    mutating func settle(_ slot: Slot) {
        let entry = entries[slot]
        if entry.isSettled == entry.holdsSettled { return }
        guard entry.isSettled else { return unsettle(slot) }
        settledByDebt.insert(SlotCell(slot), entry.knownDebt, entries)
        entries[slot].holdsSettled = true
    }

    /// It no longer counts. What else of the debt was told so still does.
    mutating func unsettle(_ slot: Slot) {
        guard entries[slot].holdsSettled, let position = settledByDebt.position(near: entries[slot].knownDebt, where: { $0.slot == slot })
        else { return }
        settledByDebt.remove(at: position, entries)
        entries[slot].holdsSettled = false
    }

    /// Nothing of it can be with FlexFactor: what is posted now says anew what it is for. A corrected event may be for another amount or debt.
    mutating func begin(_ slot: Slot, debt: Fingerprint?, amount: UInt32, at offset: Int64) {
        close(slot)
        unsettle(slot)
        entries[slot].forget()
        entries[slot].first = offset
        learn(slot, debt: debt, amount: amount)
    }

    /// What it is for stands there.
    mutating func name(_ slot: Slot, at offset: Int64) { entries[slot].first = offset }

    /// What is said of a recovery's debt and amount for the first time stays.
    mutating func learn(_ slot: Slot, debt: Fingerprint?, amount: UInt32) {
        var entry = entries[slot]
        entry.learn(debt)
        if entry.amount == 0 { entry.amount = amount }
        self[slot] = entry
        settle(slot)
    }

    // MARK: Charges of their own

    func listed(under order: UInt64) -> [Slot] {
        var slots: [Slot] = []
        listedByOrder.each(near: NamedCell.fingerprint(of: order), entries) { slots.append($0.slot) }
        return slots
    }

    /// What no command means is not listed.
    mutating func list(_ slot: Slot, under order: UInt64) {
        guard entries[slot].isCancellable, !entries[slot].isListed else { return }
        listedByOrder.insert(NamedCell(slot, order), NamedCell.fingerprint(of: order), entries)
        entries[slot].isListed = true
    }

    mutating func unlist(_ slot: Slot, under order: UInt64) {
        guard entries[slot].isListed,
            let position = listedByOrder.position(near: NamedCell.fingerprint(of: order), where: { $0.slot == slot })
        else { return }
        listedByOrder.remove(at: position, entries)
        entries[slot].isListed = false
    }

    // MARK: Packing

    /// The entries as they stand, in pieces; those that are gone among them. Nothing is copied but the pieces that change afterwards.
    var pieces: [ContiguousArray<Entry>] { entries.pieces }
    var settledCount: Int { settledByDebt.count }
    var listing: Probes<NamedCell> { listedByOrder }

    /// A table to be filled with so many entries.
    init(entries count: Int, settled: Int) {
        byKey.reserve(count)
        settledByDebt.reserve(settled)
    }

    init() {}

    /// Puts an entry back as it was packed; `false` for one that says it holds a debt and names none.
    mutating func restore(_ entry: Entry) -> Bool {
        let slot = insert(entry)
        (entries[slot].holdsOpen, entries[slot].holdsSettled, entries[slot].isListed) = (false, false, false)
        if entry.holdsOpen { open(slot) }
        settle(slot)
        return !entry.isCancellable || entry.debt != nil
    }

    /// Each recovery of which a debt is open.
    func forEachOpen(_ body: (Entry) -> Void) { openByDebt.each { body(entries[$0.slot]) } }

    /// Lets go of entries whose time is over, looking at so many at most; goes on behind them the next time.
    mutating func forget(before now: Moment, atMost limit: Int) -> [Fingerprint] {
        var gone: [Fingerprint] = []
        var unlisted: Set<Slot> = []
        for slot in entries.next(limit) where entries[slot].until < now {
            let entry = entries[slot]
            close(slot)
            unsettle(slot)
            guard let found = byKey.find(entry.key, entries) else { continue }
            byKey.remove(at: found.position, entries)
            entries.remove(slot)
            gone.append(entry.key)
            if entry.isListed { unlisted.insert(slot) }
        }
        // Their entries do not say the order.
        if !unlisted.isEmpty {
            var cells: [NamedCell] = []
            listedByOrder.each { if unlisted.contains($0.slot) { cells.append($0) } }
            for cell in cells { unlist(cell.slot, under: cell.name) }
        }
        return gone
    }
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
        self[slot].leave()
    }

    /// The next slots in use, behind those of the last time. Behind the last comes the first, though more come meanwhile.
    mutating func next(_ limit: Int) -> [UInt32] {
        let end = UInt32(min(UInt64(used), UInt64(cursor) + UInt64(limit)))
        defer { cursor = end < used ? end : 0 }
        return (cursor..<end).filter { !self[$0].isGone }
    }
}
