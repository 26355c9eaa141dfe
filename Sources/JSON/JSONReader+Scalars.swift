extension JSONReader {
    /// A string, with the opening quote next: where it stands between its quotes, and whether it stands there as it is meant.
    mutating func string(_ text: Span<UInt8>) throws(JSONError) -> (written: Range<Int>, isPlain: Bool) {
        position += 1
        let start = position
        var isPlain = true
        while true {
            position = JSONText.endOfPlain(text, from: position)
            guard position < text.count else { break }
            switch text[position] {
            case UInt8(ascii: "\""):
                position += 1
                return (start..<position - 1, isPlain)
            case UInt8(ascii: "\\"):
                isPlain = false
                _ = try escape(text)
            case 0..<0x20: throw JSONError(.controlCharacter, at: position)
            default: try character(text)
            }
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    /// The bytes that a string means, which was read before: never more than stand there.
    static func decoded(_ written: Range<Int>, of text: Span<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: written.count) { bytes, count in
            // What half a pair stands for takes fewer bytes than it is written with.
            var reader = JSONReader(limits: JSONLimits(isTolerant: true))
            reader.position = written.lowerBound
            func put(_ byte: UInt8) {
                bytes[count] = byte
                count += 1
            }
            while reader.position < written.upperBound {
                let byte = text[reader.position]
                guard byte == UInt8(ascii: "\\") else {
                    // As it stands up to the next escape; what is beyond ASCII stands for itself, a byte at a time.
                    let end = max(min(JSONText.endOfPlain(text, from: reader.position), written.upperBound), reader.position + 1)
                    text.extracting(reader.position..<end).withUnsafeBufferPointer { run in
                        _ = UnsafeMutableBufferPointer(rebasing: bytes[count...]).update(fromContentsOf: run)
                    }
                    count += end - reader.position
                    reader.position = end
                    continue
                }
                guard let character = try? reader.escape(text) else { break }
                if character.isASCII { put(UInt8(character.value)) } else { for byte in UTF8.encode(character) ?? .init() { put(byte) } }
            }
        }
    }

    private mutating func escape(_ text: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        let start = position
        position += 1
        guard position < text.count else { throw JSONError(.unexpectedEnd, at: position) }
        let letter = text[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var scalar = try fourDigits(text)
            let end = position
            if (0xD800..<0xDC00).contains(scalar), position + 1 < text.count, text[position] == UInt8(ascii: "\\"),
                text[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try fourDigits(text)
                if (0xDC00..<0xE000).contains(low) { scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00) }
            }
            if let character = Unicode.Scalar(scalar) { return character }
            guard limits.isTolerant else { throw JSONError(.loneSurrogate, at: start) }
            // What follows half a pair stands for itself.
            position = end
            return "\u{FFFD}"
        default: throw JSONError(.badEscape, at: start)
        }
    }

    private mutating func fourDigits(_ text: Span<UInt8>) throws(JSONError) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard position < text.count else { throw JSONError(.unexpectedEnd, at: position) }
            guard let digit = text[position].hexDigit else { throw JSONError(.badEscape, at: position) }
            number = number << 4 | UInt32(digit)
            position += 1
        }
        return number
    }

    /// One character of two to four bytes, well-formed as the Unicode Standard's table 3-7 says.
    private mutating func character(_ text: Span<UInt8>) throws(JSONError) {
        let first = text[position]
        let (length, second): (Int, ClosedRange<UInt8>) =
            switch first {
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: throw JSONError(.notUTF8, at: position)
            }
        guard position + length <= text.count, second.contains(text[position + 1]) else { throw JSONError(.notUTF8, at: position) }
        for offset in 2..<max(length, 2) where text[position + offset] & 0xC0 != 0x80 { throw JSONError(.notUTF8, at: position) }
        position += length
    }

    /// A number, with its first byte next; whether it has neither fraction nor exponent.
    mutating func number(_ text: Span<UInt8>) throws(JSONError) -> Bool {
        var isWhole = true
        func digit(_ reader: JSONReader, _ text: Span<UInt8>) -> Bool {
            reader.position < text.count && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[reader.position])
        }
        func digits(_ reader: inout JSONReader, _ text: Span<UInt8>) throws(JSONError) {
            guard digit(reader, text) else { throw JSONError(.badNumber, at: reader.position) }
            while digit(reader, text) { reader.position += 1 }
        }
        if text[position] == UInt8(ascii: "-") { position += 1 }
        if position < text.count, text[position] == UInt8(ascii: "0") {
            position += 1
            if digit(self, text) { throw JSONError(.badNumber, at: position) }
        } else {
            try digits(&self, text)
        }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            try digits(&self, text)
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") { position += 1 }
            try digits(&self, text)
        }
        return isWhole
    }
}

extension JSONValue {
    /// Reads a JSON text within limits.
    package init(parsing text: Span<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        self = try JSONReader.read(text, limits: limits).value(at: 0, text)
    }
}
