import DeclineRecovery

/// What the journal comes to up to one of its records, written down: whoever begins reads it, and the records behind that one, instead of
/// all. It carries the sums of every day as well, so that they outlive the records that they are made of.
///
/// It is a `FlowBook` in parts of some hundred kilobytes: first what pages show, so that they can before the rest is there, then what goes on
/// with the records that follow needs: what is open, which ends and sales were told. No person and no card is in it,
/// for none is in the journal. Each part says which roll-up it is of and where it stands in it, and ends with a digest; `RollupReading`
/// takes nothing but all of it, as it was written.
struct JournalRollup {
    /// Of what is packed and what it means. Whoever changes that, or what the books make of a record, takes the next: another version's
    /// roll-ups are passed by.
    static let version: UInt16 = 3

    enum Section: UInt16 {
        case flow, facts, cells
        // What is shown ends here.
        case cases, sales, returns, ends, open, end
    }

    /// A record of the journal: up to here everything is in, and nothing behind it. It ties a roll-up to its journal, for no other has this
    /// record there.
    struct Place: Sendable, Equatable {
        let offset: Int64
        let digest: UInt64

        init(offset: Int64, digest: UInt64) {
            self.offset = offset
            self.digest = digest
        }

        init(_ message: StreamMessage) {
            offset = message.offset
            digest = PackedWriter.digest(message.body[...])
        }
    }

    /// What stands before the records of each part.
    struct Head: Sendable, Equatable {
        let id: UInt64
        let place: Place
        let part: Int
        let section: Section
        let records: Int

        static let magic: UInt32 = 0x5352_4a53
        /// With the seal.
        static let mostBytes = 64
        /// The stream keeps 4 GB, which are some ten thousands.
        static let mostParts = 1_000_000

        init(id: UInt64, place: Place, part: Int, section: Section, records: Int) {
            self.id = id
            self.place = place
            self.part = part
            self.section = section
            self.records = records
        }

        func write(to writer: inout RollupWriter) {
            writer.fixed(Self.magic)
            writer.fixed(version)
            writer.fixed(section.rawValue)
            writer.fixed(id)
            writer.fixed(place.offset)
            writer.fixed(place.digest)
            writer.fixed(UInt32(part))
            writer.fixed(UInt32(records))
        }

        /// Whether it is a part as another version writes them.
        static func isOfAnotherVersion(_ bytes: [UInt8]) -> Bool {
            guard var reader = RollupReader(sealed: bytes) else { return false }
            return reader.fixed(UInt32.self) == magic && reader.fixed(UInt16.self) != version && !reader.isBroken
        }

        /// `nil` for what is no part of a roll-up of this version. Leaves the reader at its records.
        init?(_ reader: inout RollupReader) {
            guard reader.fixed(UInt32.self) == Self.magic, reader.fixed(UInt16.self) == version,
                let section = Section(rawValue: reader.fixed())
            else { return nil }
            self.section = section
            id = reader.fixed()
            place = Place(offset: reader.fixed(), digest: reader.fixed())
            part = Int(reader.fixed(UInt32.self))
            records = Int(reader.fixed(UInt32.self))
            if reader.isBroken || place.offset < 0 || part > Self.mostParts { return nil }
        }
    }

    let id: UInt64
    let place: Place
    let book: FlowBook
    var partSize = 128 * 1_024

    /// Hands out its parts, one after the other; each is made when the one before is done with.
    func write(_ emit: ([UInt8]) async throws(BrokerFailure) -> Void) async throws(BrokerFailure) {
        var next = 0
        func part(_ section: Section, _ records: Int, _ body: RollupWriter) -> [UInt8] {
            var writer = RollupWriter(reservingCapacity: body.bytes.count + 64)
            Head(id: id, place: place, part: next, section: section, records: records).write(to: &writer)
            writer.append(body)
            writer.seal()
            next += 1
            return writer.bytes
        }
        func all<Items: Sequence>(
            _ section: Section, _ items: Items, _ pack: (Items.Element, inout RollupWriter) -> Void
        ) async throws(BrokerFailure) {
            var (body, records) = (RollupWriter(reservingCapacity: partSize + 1_024), 0)
            for item in items {
                pack(item, &body)
                records += 1
                guard body.bytes.count >= partSize else { continue }
                try await emit(part(section, records, body))
                (body, records) = (RollupWriter(reservingCapacity: partSize + 1_024), 0)
            }
            if records > 0 { try await emit(part(section, records, body)) }
        }
        let money = book.money
        let numbering = money.numbering
        var flow = RollupWriter()
        book.packFlow(into: &flow)
        try await emit(part(.flow, 1, flow))
        try await all(.facts, numbering.used) { money.facts[Int($0)].pack(into: &$1) }
        try await all(.cells, money.cells) { cell, writer in
            writer.signed(Int64(cell.day))
            writer.signed(Int64(numbering.new[Int(cell.number)]))
            cell.sums.pack(into: &writer)
        }
        try await all(.cases, money.cases) { entry, writer in
            writer.fixed(entry.key)
            entry.value.pack(into: &writer, numbering)
        }
        try await all(.sales, money.sales) { entry, writer in
            writer.fixed(entry.key)
            entry.value.pack(into: &writer, numbering)
        }
        try await all(.returns, money.returns) { entry, writer in
            writer.fixed(entry.key)
            writer.signed(Int64(entry.value))
        }
        for (day, ends) in money.ends {
            try await all(.ends, ends) { entry, writer in
                if writer.bytes.isEmpty { writer.signed(Int64(day)) }
                writer.fixed(entry.key)
                entry.value.pack(into: &writer, numbering)
            }
        }
        try await all(.open, book.open.values) { $0.pack(into: &$1) }
        try await emit(part(.end, 0, RollupWriter()))
    }
}
