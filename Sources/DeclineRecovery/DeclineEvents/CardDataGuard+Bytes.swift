extension CardDataGuard {
    /// A copy of any bytes without card data, tokens and keys, none of it parsed: for what is no JSON, and for what must not be parsed.
    package static func redactedUnparsed(_ bytes: [UInt8]) -> [UInt8] {
        readable(bytes).map(redactedText) ?? unreadable(bytes)
    }

    /// The bytes as a text that can be searched, every encoding undone that can be; `nil` where they are no text.
    static func readable(_ bytes: [UInt8], depth: Int = 0) -> [UInt8]? {
        guard depth < CardDataScan.deepest else { return nil }
        if Inflate.isPacked(bytes), let unpacked = Inflate.unpacked(bytes, limit: 1 << 20) { return readable(unpacked, depth: depth + 1) }
        if let (_, text) = TextEncoding.undone(bytes) { return isText(text) ? text : nil }
        if String(validating: bytes, as: UTF8.self) != nil { return isText(bytes) ? bytes : nil }
        // Some older system's letters: all that is asked of them is that the digits and the names are where they seem.
        let plain = bytes.count { (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
        guard plain * 10 >= bytes.count * 9, isText(bytes) else { return nil }
        return bytes.flatMap { $0 < 0x80 ? [$0] : [0xC0 | $0 >> 6, 0x80 | $0 & 0x3F] }
    }

    /// Control characters are no text but for a few that some system left.
    static func isText(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.count { $0 < 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 } * 16 <= bytes.count
    }

    /// What is kept of bytes that nobody can read. The digest tells two of them apart and is too short to prove a guess of what they held.
    static func unreadable(_ bytes: [UInt8]) -> [UInt8] {
        let digits = String(SHA1.digest(Array(bytes.prefix(1 << 20))).0, radix: 16)
        let digest = String(repeating: "0", count: 8 - digits.utf8.count) + digits
        return Array("\(CardDataMark.unreadable) \(bytes.count) bytes, digest \(digest)]".utf8)
    }

    /// It looks at each quotation mark by itself, as if a name began there, so that a missing or doubled mark before it hides nothing. It
    /// rather takes too much than too little.
    static func redactedText(_ bytes: [UInt8]) -> [UInt8] {
        var edits: [(range: Range<Int>, with: [UInt8])] = []
        var position = 0
        while position < bytes.count {
            guard bytes[position] == quote, let (mark, value) = secretMember(at: position, in: bytes), !value.isEmpty else {
                position += 1
                continue
            }
            edits.append((value, Array("\"\(mark)\"".utf8)))
            position = value.upperBound
        }
        var scan = CardDataScan(isStrict: false)
        let found = scan.search(bytes)
        // Those of the first kind take their quotation marks along; what lies in them is gone with them.
        let others = found.filter { one in !contains(edits, one.range) }
        return replaced(edits + others.map { ($0.range, Array($0.mark.utf8)) }, in: bytes)
    }

    /// Whether a range lies within one of those that are sorted.
    private static func contains(_ edits: [(range: Range<Int>, with: [UInt8])], _ range: Range<Int>) -> Bool {
        var low = 0
        var high = edits.count
        while low < high {
            let middle = (low + high) / 2
            if edits[middle].range.upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low < edits.count && edits[low].range.lowerBound <= range.lowerBound && edits[low].range.upperBound >= range.upperBound
    }

    /// The bytes with ranges replaced; of two that overlap the first's text stands for both.
    static func replaced(_ edits: [(range: Range<Int>, with: [UInt8])], in bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var from = 0
        for edit in edits.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            if edit.range.lowerBound >= from {
                result += bytes[from..<edit.range.lowerBound]
                result += edit.with
            }
            from = max(from, edit.range.upperBound)
        }
        return result + bytes[from...]
    }

    /// The value of the member whose name begins at a quotation mark, if its name says that it is a secret.
    private static func secretMember(at start: Int, in bytes: [UInt8]) -> (mark: String, value: Range<Int>)? {
        var position = start + 1
        guard let name = shortName(at: &position, in: bytes), let secret = SecretName(name), secret != .cardNumber else { return nil }
        skipSpace(&position, bytes)
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { return nil }
        position += 1
        skipSpace(&position, bytes)
        let end = endOfValue(at: position, in: bytes)
        return bytes[position..<end].elementsEqual("null".utf8) ? nil : (secret.mark, position..<end)
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
        while position < bytes.count, bytes[position] == 0x20 || (0x09...0x0D).contains(bytes[position]) { position += 1 }
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
