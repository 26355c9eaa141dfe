import DeclineRecovery

/// The records that were read last, by their place on the stream.
///
/// Places count up one by one, so each has a cell until the one ten thousand behind it takes that over.
struct RecentClaims: Sendable {
    private var cells: ContiguousArray<(offset: Int64, record: ClaimRecord)?> = []
    private static let kept = 10_000

    subscript(offset: Int64) -> ClaimRecord? {
        guard !cells.isEmpty, offset >= 0, let cell = cells[Self.cell(of: offset)], cell.offset == offset else { return nil }
        return cell.record
    }

    mutating func remember(_ record: ClaimRecord, at offset: Int64) {
        if cells.isEmpty { cells = ContiguousArray(repeating: nil, count: Self.kept) }
        cells[Self.cell(of: offset)] = (offset, record)
    }

    private static func cell(of offset: Int64) -> Int { Int(offset % Int64(kept)) }
}
