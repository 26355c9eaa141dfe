/// Writes fixed words one behind the other, the lowest byte first.
package struct PackedWriter {
    private(set) var bytes: [UInt8] = []

    init(reservingCapacity capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func add(_ word: some FixedWidthInteger) {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func add(_ fingerprint: Fingerprint) {
        add(fingerprint.high)
        add(fingerprint.low)
    }

    mutating func add(_ text: [UInt8]) { bytes.append(contentsOf: text) }

    /// Ends with a word that tells whether anything of what stands before it was changed.
    mutating func seal() { add(Self.digest(bytes[...])) }

    package static func digest(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBytes { raw in
            var sum = UInt64(raw.count) &* 0x9e37_79b9_7f4a_7c15
            func mix(_ word: UInt64) {
                sum = (sum ^ word) &* 0xff51_afd7_ed55_8ccd
                sum ^= sum >> 32
            }
            let words = raw.count / 8
            for index in 0..<words { mix(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))) }
            for index in words * 8..<raw.count { mix(UInt64(raw[index])) }
            return sum
        }
    }
}

/// Reads what a `PackedWriter` wrote. Whoever reads has looked before whether so much is there.
struct PackedReader {
    private let bytes: ArraySlice<UInt8>
    private var position = 0

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    var left: Int { bytes.count - position }

    mutating func word<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type = Word.self) -> Word {
        precondition(left >= MemoryLayout<Word>.size, "PackedReader.word: \(left) bytes are left")
        defer { position += MemoryLayout<Word>.size }
        return bytes.withUnsafeBytes { Word(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Word.self)) }
    }

    mutating func fingerprint() -> Fingerprint {
        let high = word(UInt64.self)
        return Fingerprint(high: high, low: word())
    }

    /// Whether a part is as it was sealed.
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 8 else { return false }
        var seal = PackedReader(bytes.suffix(8))
        return seal.word(UInt64.self) == PackedWriter.digest(bytes.dropLast(8))
    }
}
