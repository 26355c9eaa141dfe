import JSON

/// A book of claims as it was at a mark of their stream, in parts of some hundred kilobytes: whoever begins reads them, and the claims behind
/// the mark, instead of all.
///
/// Each part says which snapshot it is of, where that one's mark stands, and which of how many parts it is; its last word is a digest. A part
/// holds one kind of record: first a preamble, then recoveries, requests under way, refunds, charges of their own. `ClaimSnapshotReading` takes
/// nothing but all of it, as it was written.
package struct ClaimSnapshot: Sendable {
    /// Of what is packed and what it means. Whoever changes the entries, or what the book makes of a claim, takes the next: another version's
    /// snapshots are passed by. Their heads are read: whoever changes those takes another `magic`.
    static let version: UInt16 = 15

    enum Section: UInt16 {
        case preamble, recoveries, requests, refunds, charges
    }

    /// What stands before the records of each part.
    package struct Head: Sendable, Equatable {
        /// That of its mark.
        package let id: Claim.ID
        /// Where its mark stands on the stream of claims: what stands before it is in it.
        package let offset: Int64
        package let part: Int
        package let parts: Int
        let section: Section
        let records: Int
        /// Whether its records are of this version. Whose mark it names is known of any: it may be the sign that the claims are lost.
        package let isReadable: Bool

        static let size = 38
        static let magic: UInt32 = 0x5343_5653

        /// `nil` for what is no part of a snapshot, or is damaged.
        package init?(_ bytes: [UInt8]) {
            guard bytes.count >= Self.size + 8, PackedReader.isWhole(bytes) else { return nil }
            var reader = PackedReader(bytes[...])
            guard reader.word(UInt32.self) == Self.magic else { return nil }
            isReadable = reader.word(UInt16.self) == version
            guard let section = Section(rawValue: reader.word()) ?? (isReadable ? nil : .preamble) else { return nil }
            self.section = section
            id = reader.word()
            offset = reader.word()
            part = Int(reader.word(UInt32.self))
            parts = Int(reader.word(UInt32.self))
            records = Int(reader.word(UInt32.self))
            // For what is to come.
            guard reader.word(UInt16.self) == 0, part < parts, offset >= 0 else { return nil }
        }

        init(id: Claim.ID, offset: Int64, part: Int, parts: Int, section: Section, records: Int) {
            self.id = id
            self.offset = offset
            self.part = part
            self.parts = parts
            self.section = section
            self.records = records
            isReadable = true
        }

        func write(to writer: inout PackedWriter) {
            writer.add(Self.magic)
            writer.add(version)
            writer.add(section.rawValue)
            writer.add(id)
            writer.add(offset)
            writer.add(UInt32(part))
            writer.add(UInt32(parts))
            writer.add(UInt32(records))
            writer.add(UInt16(0))
        }
    }

    package let id: Claim.ID
    package let offset: Int64
    package let parts: Int
    /// How many recoveries it holds.
    package let count: Int

    private var frozen: ClaimBook.Frozen
    private let requests: [(key: Fingerprint, request: ClaimBook.Request)]
    private let refunds: [(key: Fingerprint, entry: MoneyBackBook.Entry)]
    private let charges: [(key: Fingerprint, order: UInt64)]
    private var next = 0

    private static let requestsEach = 8_192
    private static let refundsEach = 4_096
    private static let chargesEach = 8_192

    /// - Parameter offset: of the mark before which everything was taken in, and nothing behind it.
    package init(of frozen: ClaimBook.Frozen, id: Claim.ID, offset: Int64) {
        self.id = id
        self.offset = offset
        self.frozen = frozen
        count = frozen.count
        requests = frozen.requests.flatMap { key, requests in requests.map { (key, $0) } }
        refunds = frozen.refunds.flatMap { key, book in book.entries.map { (key, $0) } }
        var charges: [(key: Fingerprint, order: UInt64)] = []
        frozen.listing.each { cell in
            let entry = frozen.pieces[Int(cell.slot / Entries.size)][Int(cell.slot % Entries.size)]
            charges.append((entry.key, cell.name))
        }
        self.charges = charges
        self.frozen.requests = [:]
        self.frozen.refunds = [:]
        self.frozen.listing = Probes()
        parts =
            1 + frozen.pieces.count + Self.parts(of: requests.count, Self.requestsEach) + Self.parts(of: refunds.count, Self.refundsEach)
            + Self.parts(of: charges.count, Self.chargesEach)
    }

    private static func parts(of count: Int, _ each: Int) -> Int { (count + each - 1) / each }

    /// The next part; `nil` behind the last. What was written is let go of.
    package mutating func nextPart() -> [UInt8]? {
        guard next < parts else { return nil }
        defer { next += 1 }
        if next == 0 { return part(.preamble, 1, bytes: 1_024) { $0.add(preamble) } }
        var index = next - 1
        if index < frozen.pieces.count {
            let entries = frozen.pieces[index].filter { !$0.isGone }
            frozen.pieces[index] = []
            return part(.recoveries, entries.count, bytes: entries.count * ClaimTable.Entry.packedSize) { writer in
                for entry in entries { entry.pack(into: &writer) }
            }
        }
        index -= frozen.pieces.count
        if index * Self.requestsEach < requests.count {
            let some = requests.dropFirst(index * Self.requestsEach).prefix(Self.requestsEach)
            return part(.requests, some.count, bytes: some.count * ClaimBook.Request.packedSize) { writer in
                for (key, request) in some {
                    writer.add(key)
                    writer.add(request.id)
                    writer.add(request.post)
                }
            }
        }
        index -= Self.parts(of: requests.count, Self.requestsEach)
        if index * Self.refundsEach < refunds.count {
            let some = refunds.dropFirst(index * Self.refundsEach).prefix(Self.refundsEach)
            return part(.refunds, some.count, bytes: some.count * MoneyBackBook.Entry.packedSize) { writer in
                for (key, entry) in some {
                    writer.add(key)
                    entry.pack(into: &writer)
                }
            }
        }
        index -= Self.parts(of: refunds.count, Self.refundsEach)
        let some = charges.dropFirst(index * Self.chargesEach).prefix(Self.chargesEach)
        return part(.charges, some.count, bytes: some.count * Self.packedChargeSize) { writer in
            for (key, order) in some {
                writer.add(key)
                writer.add(order)
            }
        }
    }

    static let packedChargeSize = 24

    private func part(_ section: Section, _ records: Int, bytes: Int, _ write: (inout PackedWriter) -> Void) -> [UInt8] {
        var writer = PackedWriter(reservingCapacity: Head.size + bytes + 8)
        Head(id: id, offset: offset, part: next, parts: parts, section: section, records: records).write(to: &writer)
        write(&writer)
        writer.seal()
        return writer.bytes
    }

    /// What the records are read by, and counted by. Kinds are named, so that their order may change.
    private var preamble: [UInt8] {
        var json = JSONWriter(reservingCapacity: 1_024)
        json.object { preamble in
            preamble.member("recoveries", Int64(frozen.count))
            preamble.member("settled", Int64(frozen.settledCount))
            preamble.member("requests", Int64(requests.count))
            preamble.member("refunds", Int64(refunds.count))
            preamble.member("charges", Int64(charges.count))
            preamble.member("forgottenBefore", frozen.forgottenBefore.milliseconds)
            preamble.array("kinds") { kinds in for kind in ResultKind.allCases { kinds.element(kind.rawValue) } }
            preamble.array("gateways") { gateways in
                for gateway in frozen.gateways {
                    gateways.object { object in
                        object.member("merchantId", gateway.merchantID.text)
                        object.member("gateway", gateway.id.text)
                        object.optional("account", gateway.account)
                    }
                }
            }
        }
        return json.bytes
    }
}

extension ResultKind {
    /// Its place among the kinds, as packed records have it.
    fileprivate var number: UInt8 { kindNumbers[self] ?? noKind }
}

private let kindNumbers = Dictionary(uniqueKeysWithValues: zip(ResultKind.allCases, UInt8(0)...))

/// In the place of a kind: none.
private let noKind = UInt8.max

extension PackedReader {
    /// `nil` for a number that names none.
    fileprivate mutating func kind(_ kinds: [ResultKind]) -> ResultKind? {
        let number = Int(word(UInt8.self))
        return number < kinds.count ? kinds[number] : nil
    }
}

extension ClaimTable.Entry {
    static let packedSize = 63

    func pack(into writer: inout PackedWriter) {
        writer.add(key)
        writer.add(knownDebt)
        writer.add(first)
        writer.add(told)
        writer.add(untilSeconds)
        writer.add(amount)
        writer.add(answered)
        writer.add(refused)
        writer.add(gateway)
        writer.add(kind.number)
        writer.add(corrected?.number ?? noKind)
        writer.add(flags)
    }

    init?(_ reader: inout PackedReader, _ kinds: [ResultKind]) {
        let key = reader.fingerprint()
        let debt = reader.fingerprint()
        let (first, told) = (reader.word(Int64.self), reader.word(Int64.self))
        let (until, amount) = (reader.word(UInt32.self), reader.word(UInt32.self))
        let (answered, refused) = (reader.word(UInt8.self), reader.word(UInt8.self))
        let gateway = reader.word(UInt16.self)
        guard let kind = reader.kind(kinds) else { return nil }
        let corrected = reader.kind(kinds)
        self.init(
            packed: key, knownDebt: debt, first: first, told: told, untilSeconds: until, amount: amount, answered: answered,
            refused: refused,
            gateway: gateway, kind: kind, corrected: corrected, flags: reader.word())
    }
}

extension ClaimBook.Request {
    static let packedSize = 28
}

extension MoneyBackBook.Entry {
    static let packedSize = 86

    fileprivate func pack(into writer: inout PackedWriter) {
        let flags: [Bool] = [command != nil, news != nil, minorUnits != nil, isOpen, sourced != nil, isUntold, isLeast, isAsked]
        writer.add(flags.reversed().reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) })
        writer.add(command ?? .none)
        writer.add(sourced ?? .none)
        writer.add(news ?? .none)
        writer.add(minorUnits ?? 0)
        writer.add(round)
        writer.add(told)
        writer.add(kind.number)
    }

    init?(_ reader: inout PackedReader, _ kinds: [ResultKind]) {
        let flags = reader.word(UInt8.self)
        let (command, sourced, news) = (reader.fingerprint(), reader.fingerprint(), reader.fingerprint())
        let minorUnits = reader.word(Int64.self)
        let (round, told) = (reader.word(Int32.self), reader.word(Int64.self))
        guard let kind = reader.kind(kinds) else { return nil }
        self.init(
            command: flags & 1 == 0 ? nil : command, sourced: flags & 16 == 0 ? nil : sourced, news: flags & 2 == 0 ? nil : news,
            minorUnits: flags & 4 == 0 ? nil : minorUnits,
            round: round, isOpen: flags & 8 != 0, told: told, kind: kind, isUntold: flags & 32 != 0, isLeast: flags & 64 != 0,
            isAsked: flags & 128 != 0)
    }
}
