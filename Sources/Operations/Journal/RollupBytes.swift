import DeclineRecovery

/// Writes numbers and words one behind the other; small numbers are short.
struct RollupWriter {
    private(set) var bytes: [UInt8] = []

    init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// In as many bytes as it has, the lowest first.
    mutating func fixed(_ word: some FixedWidthInteger) {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func number(_ value: UInt64) {
        var left = value
        while left > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        bytes.append(UInt8(left))
    }

    mutating func count(_ value: Int) { number(UInt64(max(value, 0))) }

    mutating func signed(_ value: Int64) { number(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func optional(_ value: Int64?) {
        bytes.append(value == nil ? 0 : 1)
        if let value { signed(value) }
    }

    mutating func text(_ text: String?) {
        guard let text else { return number(0) }
        number(UInt64(text.utf8.count) + 1)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func flag(_ isSet: Bool) { bytes.append(isSet ? 1 : 0) }

    mutating func append(_ other: RollupWriter) { bytes.append(contentsOf: other.bytes) }

    /// Ends with a word that tells whether anything of what stands before it was changed.
    mutating func seal() { fixed(PackedWriter.digest(bytes[...])) }
}

/// Reads what a `RollupWriter` wrote. What is not there reads as nothing, and breaks the whole.
struct RollupReader {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int
    private(set) var isBroken = false

    /// A part as it was sealed; `nil` for one that is not.
    init?(sealed bytes: [UInt8]) {
        guard bytes.count >= 8 else { return nil }
        self.bytes = bytes
        end = bytes.count - 8
        position = 0
        let digest = PackedWriter.digest(bytes.dropLast(8))
        let seal = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: $0.count - 8, as: UInt64.self)) }
        guard seal == digest else { return nil }
    }

    var isAtEnd: Bool { position == end }

    /// It reads well, and makes no sense.
    mutating func breakOff() { isBroken = true }

    private mutating func take(_ count: Int) -> Int? {
        guard count >= 0, count <= end - position else {
            isBroken = true
            return nil
        }
        defer { position += count }
        return position
    }

    mutating func fixed<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type = Word.self) -> Word {
        guard let start = take(MemoryLayout<Word>.size) else { return 0 }
        return bytes.withUnsafeBytes { Word(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: Word.self)) }
    }

    mutating func number() -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while shift < 64, let at = take(1) {
            value |= UInt64(bytes[at] & 0x7F) << shift
            if bytes[at] & 0x80 == 0 { return value }
            shift += 7
        }
        isBroken = true
        return 0
    }

    mutating func count() -> Int {
        guard let value = Int(exactly: number()) else {
            isBroken = true
            return 0
        }
        return value
    }

    mutating func signed() -> Int64 {
        let value = number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func short() -> Int32 {
        guard let value = Int32(exactly: signed()) else {
            isBroken = true
            return 0
        }
        return value
    }

    mutating func optional() -> Int64? { flag() ? signed() : nil }

    mutating func text() -> String? {
        let length = count()
        guard length > 0, let start = take(length - 1) else { return nil }
        return String(decoding: bytes[start..<start + length - 1], as: UTF8.self)
    }

    /// A word that must be one.
    mutating func word<Value>(_ make: (String) -> Value?) -> Value? {
        let value = text().flatMap(make)
        if value == nil { isBroken = true }
        return value
    }

    mutating func flag() -> Bool { fixed(UInt8.self) == 1 }
}
