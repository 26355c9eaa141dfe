/// Strings as JSON writes them: quotes, backslashes and control characters escaped, the rest as it is.
enum JSONText {
    /// How many bytes it takes in its quotes.
    static func escapedCount(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        text.reduce(text.count + 2) { $0 + (needsEscape($1) ? $1 == 0x22 || $1 == 0x5C || letter(for: $1) != nil ? 1 : 5 : 0) }
    }

    /// Writes it in its quotes to where there is room for `escapedCount`.
    ///
    /// - Returns: how many bytes it has there.
    static func escape(_ text: UnsafeBufferPointer<UInt8>, into start: UnsafeMutablePointer<UInt8>) -> Int {
        var place = start
        func put(_ byte: UInt8) {
            place.initialize(to: byte)
            place += 1
        }
        put(UInt8(ascii: "\""))
        for byte in text {
            guard needsEscape(byte) else {
                put(byte)
                continue
            }
            put(UInt8(ascii: "\\"))
            if byte == 0x22 || byte == 0x5C {
                put(byte)
            } else if let letter = letter(for: byte) {
                put(letter)
            } else {
                put(UInt8(ascii: "u"))
                put(UInt8(ascii: "0"))
                put(UInt8(ascii: "0"))
                put((byte >> 4).hexCharacter)
                put((byte & 0xF).hexCharacter)
            }
        }
        put(UInt8(ascii: "\""))
        return place - start
    }

    private static func needsEscape(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

    private static func letter(for control: UInt8) -> UInt8? {
        switch control {
        case 0x0A: UInt8(ascii: "n")
        case 0x0D: UInt8(ascii: "r")
        case 0x09: UInt8(ascii: "t")
        default: nil
        }
    }

    /// Looks at every byte, without a way out before the end: so the machine takes many at a time.
    static func needsEscape(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var found: UInt8 = 0
        for byte in text { found |= (byte < 0x20 ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0) }
        return found != 0
    }

    /// The first byte from a place on that is not a text's own: its end, an escape, a control character, or of a character beyond ASCII.
    ///
    /// Eight at a time: a byte with such a sign in it takes from the byte above, never from one below, so the lowest that shows is one.
    static func endOfPlain(_ text: Span<UInt8>, from start: Int) -> Int {
        let bytes = text.bytes
        var place = start
        while place &+ 8 <= bytes.byteCount {
            let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: place, as: UInt64.self))
            let found = (word | belowByte(word, 0x20) | zeroByte(word ^ ones &* 0x22) | zeroByte(word ^ ones &* 0x5C)) & (ones &* 0x80)
            if found != 0 { return place &+ found.trailingZeroBitCount / 8 }
            place &+= 8
        }
        while place < bytes.byteCount {
            let byte = text[place]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
            place &+= 1
        }
        return place
    }

    private static var ones: UInt64 { 0x0101_0101_0101_0101 }

    @inline(__always)
    private static func belowByte(_ word: UInt64, _ limit: UInt64) -> UInt64 { (word &- ones &* limit) & ~word }

    @inline(__always)
    private static func zeroByte(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }
}
