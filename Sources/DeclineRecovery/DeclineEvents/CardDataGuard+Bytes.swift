extension CardDataGuard {
    /// A copy of any bytes without card numbers and without the values of members that are named as a token or a security code.
    ///
    /// For what is no JSON, and for what must not be parsed. It looks at each quotation mark by itself, as if a name began there, so
    /// that a missing or doubled mark before it hides nothing. It rather takes too much than too little.
    public static func redactedUnparsed(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var from = 0
        var position = 0
        while position < bytes.count {
            guard bytes[position] == quote, let (mark, value) = secretMember(at: position, in: bytes), !value.isEmpty else {
                position += 1
                continue
            }
            result += bytes[from..<value.lowerBound]
            result.append(quote)
            result += Array(mark.utf8)
            result.append(quote)
            from = value.upperBound
            position = value.upperBound
        }
        return withoutNumbers(result + bytes[from...])
    }

    /// The value of the member whose name begins at a quotation mark, if its name says that it is a secret.
    private static func secretMember(at start: Int, in bytes: [UInt8]) -> (mark: String, value: Range<Int>)? {
        var position = start + 1
        guard let name = shortName(at: &position, in: bytes) else { return nil }
        let mark: String
        if name == "token" { mark = tokenMark } else if namesSecurityCode(name) { mark = codeMark } else { return nil }
        skipSpace(&position, bytes)
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { return nil }
        position += 1
        skipSpace(&position, bytes)
        let end = endOfValue(at: position, in: bytes)
        return bytes[position..<end].elementsEqual("null".utf8) ? nil : (mark, position..<end)
    }

    /// The text up to the next quotation mark, if it is as short as the names in question; an escaped letter is read as the letter.
    private static func shortName(at position: inout Int, in bytes: [UInt8]) -> String? {
        var name: [UInt8] = []
        while position < bytes.count, name.count < 64 {
            switch bytes[position] {
            case quote:
                position += 1
                return String(decoding: name, as: UTF8.self)
            case backslash:
                guard position + 5 < bytes.count, bytes[position + 1] == UInt8(ascii: "u"),
                    let code = UInt8(String(decoding: bytes[position + 2...position + 5], as: UTF8.self), radix: 16)
                else { return nil }
                name.append(code)
                position += 6
            default:
                name.append(bytes[position])
                position += 1
            }
        }
        return nil
    }

    private static func skipSpace(_ position: inout Int, _ bytes: [UInt8]) {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    /// Behind a value: a string to its mark, a list or object to its bracket, anything else to what can follow a value. What has no end
    /// goes to the end.
    private static func endOfValue(at start: Int, in bytes: [UInt8]) -> Int {
        guard start < bytes.count else { return start }
        if bytes[start] == quote { return endOfString(at: start, in: bytes) }
        var position = start
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case quote where depth > 0:
                position = endOfString(at: position, in: bytes)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}") where depth == 0, UInt8(ascii: "]") where depth == 0: return position
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return position + 1 }
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","):
                if depth == 0 { return position }
            default: break
            }
            position += 1
        }
        return position
    }

    private static func endOfString(at start: Int, in bytes: [UInt8]) -> Int {
        var position = start + 1
        while position < bytes.count {
            if bytes[position] == quote { return position + 1 }
            position += bytes[position] == backslash ? 2 : 1
        }
        return bytes.count
    }

    private static var quote: UInt8 { UInt8(ascii: "\"") }
    private static var backslash: UInt8 { UInt8(ascii: "\\") }
}
