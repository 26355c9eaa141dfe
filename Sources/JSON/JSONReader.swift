/// Reads JSON (RFC 8259) from bytes: strictly, within limits, numbers exactly (ARCHITECTURE.md, "Threads and flow").
///
/// Refused, because two readers could understand them differently: names that occur twice, half surrogate pairs, ill-formed UTF-8,
/// anything after the value.
struct JSONReader {
    var position = 0
    private var depth = 0
    private let limits: JSONLimits

    static func read(_ text: Span<UInt8>, limits: JSONLimits) throws(JSONError) -> JSONValue {
        if text.count > limits.bytes { throw JSONError(.tooLarge(bytes: text.count, limit: limits.bytes), at: limits.bytes) }
        var reader = JSONReader(limits: limits)
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { throw JSONError(.byteOrderMark, at: 0) }
        reader.skipSpace(text)
        if reader.position == text.count { throw JSONError(.empty, at: reader.position) }
        let value = try reader.value(text)
        reader.skipSpace(text)
        if reader.position < text.count { throw JSONError(.trailingBytes, at: reader.position) }
        return value
    }

    private init(limits: JSONLimits) {
        self.limits = limits
    }

    private mutating func skipSpace(_ text: Span<UInt8>) {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private func peek(_ text: Span<UInt8>) throws(JSONError) -> UInt8 {
        guard position < text.count else { throw JSONError(.unexpectedEnd, at: position) }
        return text[position]
    }

    private func unexpected(_ text: Span<UInt8>) -> JSONError {
        position < text.count ? JSONError(.unexpectedByte(text[position]), at: position) : JSONError(.unexpectedEnd, at: position)
    }

    private mutating func value(_ text: Span<UInt8>) throws(JSONError) -> JSONValue {
        switch try peek(text) {
        case UInt8(ascii: "{"): return try object(text)
        case UInt8(ascii: "["): return try array(text)
        case UInt8(ascii: "\""): return .string(try string(text))
        case UInt8(ascii: "t"): return try word("true", .bool(true), text)
        case UInt8(ascii: "f"): return try word("false", .bool(false), text)
        case UInt8(ascii: "n"): return try word("null", .null, text)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(text)
        default: throw unexpected(text)
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue, _ text: Span<UInt8>) throws(JSONError) -> JSONValue {
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < text.count, text[position] == word.utf8Start[offset] else { throw unexpected(text) }
            position += 1
        }
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        if depth > limits.depth { throw JSONError(.tooDeep(limit: limits.depth), at: position) }
        position += 1
    }

    private mutating func object(_ text: Span<UInt8>) throws(JSONError) -> JSONValue {
        try enter()
        var members: [JSONValue.Member] = []
        // Only a large object gets a set, so that ten thousand members do not cost their square.
        var names: Set<[UInt8]> = []
        skipSpace(text)
        if try peek(text) == UInt8(ascii: "}") {
            position += 1
        } else {
            while true {
                skipSpace(text)
                guard try peek(text) == UInt8(ascii: "\"") else { throw unexpected(text) }
                let start = position
                let name = try string(text)
                if members.count == 32 { names = Set(members.map { Array($0.name.utf8) }) }
                let isNew =
                    members.count < 32 ? !members.contains { $0.name.hasSameCodePoints(as: name) } : names.insert(Array(name.utf8)).inserted
                if !isNew { throw JSONError(.duplicateName, at: start) }
                skipSpace(text)
                guard try peek(text) == UInt8(ascii: ":") else { throw unexpected(text) }
                position += 1
                skipSpace(text)
                members.append(JSONValue.Member(name, try value(text)))
                skipSpace(text)
                let next = try peek(text)
                guard next == UInt8(ascii: ",") || next == UInt8(ascii: "}") else { throw unexpected(text) }
                position += 1
                if next == UInt8(ascii: "}") { break }
            }
        }
        depth -= 1
        return .object(members)
    }

    private mutating func array(_ text: Span<UInt8>) throws(JSONError) -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        skipSpace(text)
        if try peek(text) == UInt8(ascii: "]") {
            position += 1
        } else {
            while true {
                skipSpace(text)
                elements.append(try value(text))
                skipSpace(text)
                let next = try peek(text)
                guard next == UInt8(ascii: ",") || next == UInt8(ascii: "]") else { throw unexpected(text) }
                position += 1
                if next == UInt8(ascii: "]") { break }
            }
        }
        depth -= 1
        return .array(elements)
    }
}
