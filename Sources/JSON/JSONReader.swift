/// Reads JSON (RFC 8259) from bytes: strictly, within limits, numbers exactly (ARCHITECTURE.md, "Threads and flow").
///
/// Refused, because two readers could understand them differently: names that occur twice, half surrogate pairs, a byte order mark,
/// ill-formed UTF-8, anything after the value. Where the limits are tolerant the first three are taken (`JSONLimits`).
struct JSONReader {
    var position = 0
    private var depth = 0
    let limits: JSONLimits
    private var index = JSONIndex()

    static func read(_ text: Span<UInt8>, limits: JSONLimits) throws(JSONError) -> JSONIndex {
        let longest = min(limits.bytes, Int(UInt32.max) - 1)
        if text.count > longest { throw JSONError(.tooLarge(bytes: text.count, limit: longest), at: longest) }
        var reader = JSONReader(limits: limits)
        reader.index.entries.reserveCapacity(text.count / 8 + 4)
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF {
            guard limits.isTolerant else { throw JSONError(.byteOrderMark, at: 0) }
            reader.position = 3
        }
        reader.skipSpace(text)
        if reader.position == text.count { throw JSONError(.empty, at: reader.position) }
        try reader.value(text)
        reader.skipSpace(text)
        if reader.position < text.count { throw JSONError(.trailingBytes, at: reader.position) }
        return reader.index
    }

    init(limits: JSONLimits = JSONLimits()) {
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

    private mutating func note(_ kind: JSONIndex.Kind, from start: Int, to end: Int) {
        index.entries.append(
            JSONIndex.Entry(kind: kind, start: UInt32(start), end: UInt32(end), next: UInt32(index.entries.count + 1)))
    }

    private mutating func value(_ text: Span<UInt8>) throws(JSONError) {
        switch try peek(text) {
        case UInt8(ascii: "{"): try object(text)
        case UInt8(ascii: "["): try array(text)
        case UInt8(ascii: "\""):
            let (written, isPlain) = try string(text)
            note(isPlain ? .plain : .escaped, from: written.lowerBound, to: written.upperBound)
        case UInt8(ascii: "t"): try word("true", .true, text)
        case UInt8(ascii: "f"): try word("false", .false, text)
        case UInt8(ascii: "n"): try word("null", .null, text)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let start = position
            let isWhole = try number(text)
            note(isWhole ? .whole : .number, from: start, to: position)
        default: throw unexpected(text)
        }
    }

    private mutating func word(_ word: StaticString, _ kind: JSONIndex.Kind, _ text: Span<UInt8>) throws(JSONError) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < text.count, text[position] == word.utf8Start[offset] else { throw unexpected(text) }
            position += 1
        }
        note(kind, from: 0, to: 0)
    }

    /// Notes a list or an object, whose end is noted when it is known.
    private mutating func enter(_ kind: JSONIndex.Kind) throws(JSONError) -> Int {
        depth += 1
        if depth > limits.depth { throw JSONError(.tooDeep(limit: limits.depth), at: position) }
        position += 1
        index.entries.append(JSONIndex.Entry(kind: kind, start: 0))
        return index.entries.count - 1
    }

    private mutating func leave(_ place: Int, _ count: Int) {
        depth -= 1
        index.entries[place].start = UInt32(count)
        index.entries[place].next = UInt32(index.entries.count)
    }

    private mutating func object(_ text: Span<UInt8>) throws(JSONError) {
        let place = try enter(.object)
        var count = 0
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
                let (written, isPlain) = try string(text)
                if !limits.isTolerant {
                    if count == 32 { names = self.names(of: place, text) }
                    let isNew = count < 32 ? !has(written, isPlain, place, text) : names.insert(Self.decoded(written, of: text)).inserted
                    if !isNew { throw JSONError(.duplicateName, at: start) }
                }
                note(isPlain ? .name : .escapedName, from: written.lowerBound, to: written.upperBound)
                skipSpace(text)
                guard try peek(text) == UInt8(ascii: ":") else { throw unexpected(text) }
                position += 1
                skipSpace(text)
                try value(text)
                count += 1
                skipSpace(text)
                let next = try peek(text)
                guard next == UInt8(ascii: ",") || next == UInt8(ascii: "}") else { throw unexpected(text) }
                position += 1
                if next == UInt8(ascii: "}") { break }
            }
        }
        leave(place, count)
    }

    /// Whether an object that is still open has a name already.
    private func has(_ written: Range<Int>, _ isPlain: Bool, _ object: Int, _ text: Span<UInt8>) -> Bool {
        index.entries.withUnsafeBufferPointer { entries in
            text.withUnsafeBufferPointer { bytes in
                let new = UnsafeBufferPointer(rebasing: bytes[written])
                var name = object + 1
                while name < entries.count {
                    let other = entries[name]
                    let isSame =
                        isPlain && other.kind == .name
                        ? Int(other.end &- other.start) == new.count && new.isWritten(in: bytes, at: Int(other.start))
                        : Self.decoded(Int(other.start)..<Int(other.end), of: text) == Self.decoded(written, of: text)
                    if isSame { return true }
                    name = Int(entries[name + 1].next)
                }
                return false
            }
        }
    }

    private func names(of object: Int, _ text: Span<UInt8>) -> Set<[UInt8]> {
        var names: Set<[UInt8]> = []
        var name = object + 1
        while name < index.entries.count {
            names.insert(Self.decoded(Int(index.entries[name].start)..<Int(index.entries[name].end), of: text))
            name = Int(index.entries[name + 1].next)
        }
        return names
    }

    private mutating func array(_ text: Span<UInt8>) throws(JSONError) {
        let place = try enter(.array)
        var count = 0
        skipSpace(text)
        if try peek(text) == UInt8(ascii: "]") {
            position += 1
        } else {
            while true {
                skipSpace(text)
                try value(text)
                count += 1
                skipSpace(text)
                let next = try peek(text)
                guard next == UInt8(ascii: ",") || next == UInt8(ascii: "]") else { throw unexpected(text) }
                position += 1
                if next == UInt8(ascii: "]") { break }
            }
        }
        leave(place, count)
    }
}
