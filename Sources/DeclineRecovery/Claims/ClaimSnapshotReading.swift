import JSON

/// Puts a book together from the parts of one snapshot, in their order.
///
/// A snapshot may save time and must never change an answer. So anything that is not exactly as it was written ends the reading, and all
/// claims are read instead.
package struct ClaimSnapshotReading: Sendable {
    private let id: Claim.ID
    private let offset: Int64
    private let parts: Int
    private var next = 0
    private var isBroken = false

    private var frozen = ClaimBook.Frozen()
    private var table = ClaimTable()
    private var kinds: [ResultKind] = []
    private var (requestCount, refundCount, chargeCount) = (0, 0, 0)
    private var (requestsRead, refundsRead) = (0, 0)

    /// - Parameter head: of any part of it.
    package init(_ head: ClaimSnapshot.Head) {
        id = head.id
        offset = head.offset
        parts = head.parts
    }

    /// Takes the next part in; nothing comes of it any more where that is not the one, or not whole.
    package mutating func take(_ bytes: [UInt8]) {
        guard !isBroken, let head = ClaimSnapshot.Head(bytes), head.isReadable, head.id == id, head.offset == offset, head.parts == parts,
            head.part == next
        else {
            isBroken = true
            return
        }
        next += 1
        isBroken = !read(head, bytes.dropFirst(ClaimSnapshot.Head.size).dropLast(8))
    }

    /// - Parameter now: by one's own clock. One that was an hour ahead has let go of what others still remember.
    /// - Returns: the book; `nil` unless every part came, in its place and whole.
    package func finish(at now: Moment) -> ClaimBook? {
        guard !isBroken, next == parts, table.count == frozen.count, requestsRead == requestCount, refundsRead == refundCount,
            table.listing.count == chargeCount, frozen.forgottenBefore <= now + .minutes(60)
        else { return nil }
        return ClaimBook(frozen, table)
    }

    private mutating func read(_ head: ClaimSnapshot.Head, _ records: ArraySlice<UInt8>) -> Bool {
        switch head.section {
        case .preamble:
            return next == 1 && readPreamble(Array(records))
        case .recoveries:
            guard next > 1, records.count == head.records * ClaimTable.Entry.packedSize else { return false }
            var reader = PackedReader(records)
            for _ in 0..<head.records {
                guard let entry = ClaimTable.Entry(&reader, kinds), !entry.isGone, Int(entry.gateway) <= frozen.gateways.count,
                    table.restore(entry)
                else { return false }
            }
            return true
        case .requests:
            guard next > 1, records.count == head.records * ClaimBook.Request.packedSize else { return false }
            var reader = PackedReader(records)
            for _ in 0..<head.records {
                let key = reader.fingerprint()
                frozen.requests[key, default: []].append(ClaimBook.Request(id: reader.word(), post: reader.word()))
            }
            requestsRead += head.records
            return true
        case .refunds:
            guard next > 1, records.count == head.records * MoneyBackBook.Entry.packedSize else { return false }
            var reader = PackedReader(records)
            for _ in 0..<head.records {
                let key = reader.fingerprint()
                guard let entry = MoneyBackBook.Entry(&reader, kinds) else { return false }
                frozen.refunds[key, default: MoneyBackBook()].entries.append(entry)
            }
            refundsRead += head.records
            return true
        case .charges:
            guard next > 1, records.count == head.records * ClaimSnapshot.packedChargeSize else { return false }
            var reader = PackedReader(records)
            for _ in 0..<head.records {
                guard let slot = table.slot(of: reader.fingerprint()) else { return false }
                table.list(slot, under: reader.word())
            }
            return true
        }
    }

    private mutating func readPreamble(_ bytes: [UInt8]) -> Bool {
        guard let preamble = try? JSONValue(parsing: bytes.span), let names = preamble["kinds"]?.array,
            let gateways = preamble["gateways"]?.array, let forgottenBefore = preamble["forgottenBefore"]?.int64
        else { return false }
        func count(_ name: String) -> Int? { preamble[name]?.int64.flatMap { (0...1_000_000_000).contains($0) ? Int($0) : nil } }
        guard let recoveries = count("recoveries"), let settled = count("settled"), settled <= recoveries, let requests = count("requests"),
            let refunds = count("refunds"), let charges = count("charges"), recoveries <= parts * Int(Entries.size)
        else { return false }
        kinds = names.compactMap { $0.string.flatMap(ResultKind.init(rawValue:)) }
        frozen.gateways = gateways.compactMap { value in
            guard let merchant = value["merchantId"]?.string, let id = value["gateway"]?.string else { return nil }
            return ClaimedGateway(merchantID: MerchantID(merchant), id: GatewayID(id), account: value["account"]?.string)
        }
        frozen.forgottenBefore = Moment(milliseconds: forgottenBefore)
        frozen.count = recoveries
        (requestCount, refundCount, chargeCount) = (requests, refunds, charges)
        table = ClaimTable(entries: recoveries, settled: settled)
        return kinds.count == names.count && frozen.gateways.count == gateways.count
    }
}
