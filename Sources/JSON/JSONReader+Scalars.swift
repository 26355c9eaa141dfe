extension JSONReader {
    /// A string, with the opening quote next.
    mutating func string(_ text: Span<UInt8>) throws(JSONError) -> String {
        position += 1
        let start = position
        // Most strings are plain ASCII without escapes: found in one pass, copied in one go.
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                let plain = text.extracting(start..<position)
                position += 1
                return plain.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
            }
            if byte == UInt8(ascii: "\\") || byte >= 0x80 { break }
            if byte < 0x20 { throw JSONError(.controlCharacter, at: position) }
            position += 1
        }
        var bytes: [UInt8] = text.extracting(start..<position).withUnsafeBufferPointer { Array($0) }
        while position < text.count {
            let byte = text[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(text, into: &bytes)
            case 0x20..<0x80:
                bytes.append(byte)
                position += 1
            case 0..<0x20: throw JSONError(.controlCharacter, at: position)
            default: try character(text, into: &bytes)
            }
        }
        throw JSONError(.unexpectedEnd, at: position)
    }

    private mutating func escape(_ text: Span<UInt8>, into bytes: inout [UInt8]) throws(JSONError) {
        let start = position
        position += 1
        guard position < text.count else { throw JSONError(.unexpectedEnd, at: position) }
        let letter = text[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(letter)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try fourDigits(text)
            if (0xD800..<0xDC00).contains(scalar) {
                guard position + 1 < text.count, text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u") else {
                    throw JSONError(.loneSurrogate, at: start)
                }
                position += 2
                let low = try fourDigits(text)
                guard (0xDC00..<0xE000).contains(low) else { throw JSONError(.loneSurrogate, at: start) }
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let character = Unicode.Scalar(scalar) else { throw JSONError(.loneSurrogate, at: start) }
            bytes.append(contentsOf: Character(character).utf8)
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
    private mutating func character(_ text: Span<UInt8>, into bytes: inout [UInt8]) throws(JSONError) {
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
        for offset in 0..<length { bytes.append(text[position + offset]) }
        position += length
    }

    /// A number, with its first byte next.
    mutating func number(_ text: Span<UInt8>) throws(JSONError) -> JSONValue {
        let start = position
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
        let written = text.extracting(start..<position).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        if isWhole, let number = Int64(written), written != "-0" { return .integer(number) }
        return .number(written)
    }
}

extension JSONValue {
    /// Reads a JSON text within limits.
    package init(parsing text: Span<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        self = try JSONReader.read(text, limits: limits)
    }
}
