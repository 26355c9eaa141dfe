/// A text as its characters, each with the bytes that it stands in: what an escape hides is found at its place.
///
/// Bytes that are no UTF-8 are characters of their own. Values instead of strings, because what is scanned is hostile, may be large, and
/// is gone through several times.
struct ScannedText {
    private(set) var values: [UInt32] = []
    private(set) var starts: [Int32] = []
    private(set) var ends: [Int32] = []

    var count: Int { values.count }

    /// Values beyond Unicode stand for bytes that are no UTF-8.
    static let noCharacter: UInt32 = 0x11_0000

    private init(reserving count: Int) {
        values.reserveCapacity(count)
        starts.reserveCapacity(count)
        ends.reserveCapacity(count)
    }

    init(_ bytes: [UInt8]) {
        self.init(reserving: bytes.count)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            let length = byte < 0x80 ? 1 : byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0
            var value = length == 1 ? UInt32(byte) : UInt32(byte) & (0x7F >> UInt32(max(length, 1)))
            var isWhole = length > 0 && position + length <= bytes.count
            if isWhole, length > 1 {
                for offset in 1..<length {
                    let next = bytes[position + offset]
                    isWhole = isWhole && next & 0xC0 == 0x80
                    value = value << 6 | UInt32(next & 0x3F)
                }
            }
            let width = isWhole ? length : 1
            append(isWhole ? value : Self.noCharacter + UInt32(byte), position, position + width)
            position += width
        }
    }

    private mutating func append(_ value: UInt32, _ start: Int, _ end: Int) {
        values.append(value)
        starts.append(Int32(truncatingIfNeeded: start))
        ends.append(Int32(truncatingIfNeeded: end))
    }

    func bytes(_ range: Range<Int>) -> Range<Int> {
        range.isEmpty ? 0..<0 : Int(starts[range.lowerBound])..<Int(ends[range.upperBound - 1])
    }

    // MARK: Escapes

    /// The text with one layer of escapes undone: percent, backslash, HTML entities, quoted-printable. `nil` where there are none.
    func undone() -> ScannedText? {
        var result = ScannedText(reserving: count)
        var position = 0
        var found = false
        while position < count {
            let escape: (value: UInt32, length: Int)? =
                switch values[position] {
                case 0x25: percent(at: position)
                case 0x5C: backslash(at: position)
                case 0x26: entity(at: position)
                case 0x3D: quotedPrintable(at: position)
                default: nil
                }
            if let (value, length) = escape {
                found = true
                if value != Self.nothing { result.append(value, Int(starts[position]), Int(ends[position + length - 1])) }
                position += length
            } else {
                result.append(values[position], Int(starts[position]), Int(ends[position]))
                position += 1
            }
        }
        return found ? result : nil
    }

    /// An escape that stands for no character.
    private static let nothing = UInt32.max

    private func hex(_ position: Int, _ digits: Int) -> UInt32? {
        guard position + digits <= count else { return nil }
        var number: UInt32 = 0
        for index in position..<position + digits {
            guard let digit = Self.hexDigit(values[index]) else { return nil }
            number = number << 4 | digit
        }
        return number
    }

    static func hexDigit(_ value: UInt32) -> UInt32? {
        switch value {
        case 0x30...0x39: value - 0x30
        case 0x41...0x46: value - 0x37
        case 0x61...0x66: value - 0x57
        default: nil
        }
    }

    private func percent(at position: Int) -> (UInt32, Int)? {
        if position + 1 < count, values[position + 1] | 0x20 == 0x75, let value = hex(position + 2, 4) { return (value, 6) }
        guard let first = hex(position + 1, 2) else { return nil }
        // A character of several bytes is escaped byte by byte.
        let length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1
        if length == 1 { return (first, 3) }
        var value = first & (0x7F >> UInt32(length))
        for index in 1..<length {
            let place = position + 3 * index
            guard place < count, values[place] == 0x25, let next = hex(place + 1, 2), next & 0xC0 == 0x80 else { return (first, 3) }
            value = value << 6 | next & 0x3F
        }
        return (value, 3 * length)
    }

    private func backslash(at position: Int) -> (UInt32, Int)? {
        guard position + 1 < count else { return nil }
        switch values[position + 1] {
        case 0x75, 0x55, 0x78, 0x58:  // u U x X
            if position + 2 < count, values[position + 2] == 0x7B { return braced(at: position + 3, from: position) }
            let digits =
                switch values[position + 1] {
                case 0x75: 4
                case 0x55: 8
                default: 2
                }
            return hex(position + 2, digits).map { ($0, digits + 2) }
        case 0x6E, 0x72, 0x74, 0x66, 0x76, 0x62: return (0x20, 2)  // n r t f v b
        case 0x30...0x33:  // octal
            var number: UInt32 = 0
            for index in position + 1..<position + 4 {
                guard index < count, (0x30...0x37).contains(values[index]) else { return values[position + 1] == 0x30 ? (0x20, 2) : nil }
                number = number << 3 | (values[index] - 0x30)
            }
            return (number, 4)
        case 0x22, 0x27, 0x2F, 0x5C: return (values[position + 1], 2)
        default: return nil
        }
    }

    private func braced(at start: Int, from position: Int) -> (UInt32, Int)? {
        var number: UInt32 = 0
        var index = start
        while index < count, index < start + 8, let digit = Self.hexDigit(values[index]) {
            number = number << 4 | digit
            index += 1
        }
        return index > start && index < count && values[index] == 0x7D ? (number, index + 1 - position) : nil
    }

    private func entity(at position: Int) -> (UInt32, Int)? {
        var index = position + 1
        guard index < count else { return nil }
        if values[index] == 0x23 {
            index += 1
            let isHex = index < count && values[index] | 0x20 == 0x78
            if isHex { index += 1 }
            let first = index
            var number: UInt32 = 0
            while index < count, index < first + 7, let digit = Self.hexDigit(values[index]), isHex || digit < 10 {
                number = number &* (isHex ? 16 : 10) &+ digit
                index += 1
            }
            guard index > first else { return nil }
            if index < count, values[index] == 0x3B { index += 1 }
            return (number, index - position)
        }
        var name = ""
        while index < count, name.utf8.count < 10, values[index] < 0x80, values[index] != 0x3B, let scalar = Unicode.Scalar(values[index]) {
            name.unicodeScalars.append(scalar)
            index += 1
        }
        guard index < count, values[index] == 0x3B, let value = Self.entities[name.lowercased()] else { return nil }
        return (value, index + 1 - position)
    }

    /// Those that join or part digits, and those that hide another escape.
    private static let entities: [String: UInt32] = [
        "amp": 0x26, "lt": 0x3C, "gt": 0x3E, "quot": 0x22, "apos": 0x27, "nbsp": 0x20, "ensp": 0x20, "emsp": 0x20, "thinsp": 0x20,
        "tab": 0x20,
        "newline": 0x20, "ndash": 0x2D, "mdash": 0x2D, "hyphen": 0x2D, "dash": 0x2D, "minus": 0x2D, "horbar": 0x2D, "shy": 0x2D,
        "lowbar": 0x5F,
        "sol": 0x2F, "period": 0x2E, "comma": 0x2C, "colon": 0x3A, "equals": 0x3D, "middot": 0x2E, "bull": 0x2E, "zwj": 0x20, "zwnj": 0x20,
        "lrm": 0x20,
        "rlm": 0x20, "percnt": 0x25, "bsol": 0x5C, "num": 0x23, "semi": 0x3B,
    ]

    private func quotedPrintable(at position: Int) -> (UInt32, Int)? {
        guard position + 1 < count else { return nil }
        if values[position + 1] == 0x0A { return (Self.nothing, 2) }
        if values[position + 1] == 0x0D, position + 2 < count, values[position + 2] == 0x0A { return (Self.nothing, 3) }
        guard let value = hex(position + 1, 2), (0x20..<0x7F).contains(value) else { return nil }
        return (value, 3)
    }
}
