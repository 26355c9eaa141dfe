/// Where the values of a JSON text stand, in their order. Nothing of the text is copied until somebody asks for it: of an event with a hundred
/// values a dozen decide.
struct JSONIndex: Sendable {
    enum Kind: UInt8 {
        case null, `true`, `false`
        /// Written without fraction or exponent.
        case whole
        case number
        /// A text as it stands there, and one with escapes in it.
        case plain, escaped
        /// A member's name, as texts are.
        case name, escapedName
        case array, object
    }

    /// A value, or the name of a member, behind which its value follows.
    struct Entry {
        let kind: Kind
        /// Of a text behind its mark, of a number with its first byte; of a list or object how many elements or members it has.
        var start: UInt32
        /// Behind the last byte of what was written.
        var end: UInt32 = 0
        /// The entry behind this one and all that it holds.
        var next: UInt32 = 0
    }

    var entries: [Entry] = []

    /// The members of an object: the entry of the name, and behind it that of the value.
    @inline(__always)
    func members(of place: Int, _ body: (_ name: Int) -> Bool) {
        var name = place + 1
        for _ in 0..<entries[place].start {
            if !body(name) { return }
            name = Int(entries[name + 1].next)
        }
    }

    func member(_ wanted: UnsafeBufferPointer<UInt8>, of place: Int, _ text: Span<UInt8>) -> Int? {
        entries.withUnsafeBufferPointer { entries in
            text.withUnsafeBufferPointer { bytes in
                guard entries[place].kind == .object else { return nil }
                let length = UInt32(truncatingIfNeeded: wanted.count)
                var name = place + 1
                for _ in 0..<entries[place].start {
                    let entry = entries[name]
                    let isIt =
                        entry.kind == .name
                        ? entry.end &- entry.start == length && wanted.isWritten(in: bytes, at: Int(entry.start))
                        : JSONReader.decoded(Int(entry.start)..<Int(entry.end), of: text).elementsEqual(wanted)
                    if isIt { return name + 1 }
                    name = Int(entries[name + 1].next)
                }
                return nil
            }
        }
    }

    /// The first member of an object whose name is that one but for the case of ASCII letters.
    func member(anyCase wanted: String, of place: Int, _ text: Span<UInt8>) -> Int? {
        guard entries[place].kind == .object else { return nil }
        var found: Int?
        members(of: place) { name in
            let entry = entries[name]
            let written = Int(entry.start)..<Int(entry.end)
            let isIt =
                entry.kind == .name
                ? Self.isSame(wanted.utf8, in: text, written)
                : JSONReader.decoded(written, of: text).elementsEqual(wanted.utf8, by: Self.isSame)
            if isIt { found = name + 1 }
            return !isIt
        }
        return found
    }

    /// Whether an object may have a name twice, the case of ASCII letters ignored. Of what cannot be seen at a glance it may.
    func mayRepeatItself(_ text: Span<UInt8>) -> Bool {
        for place in entries.indices where entries[place].kind == .object {
            if entries[place].start > 32 { return true }
            var isRepeated = false
            members(of: place) { name in
                let entry = entries[name]
                let written = Int(entry.start)..<Int(entry.end)
                isRepeated = entry.kind != .name || written.contains { text[$0] >= 0x80 }
                members(of: place) { earlier in
                    if earlier == name || isRepeated { return false }
                    let other = Int(entries[earlier].start)..<Int(entries[earlier].end)
                    isRepeated = other.count == written.count && zip(other, written).allSatisfy { Self.isSame(text[$0], text[$1]) }
                    return true
                }
                return !isRepeated
            }
            if isRepeated { return true }
        }
        return false
    }

    private static func isSame(_ wanted: String.UTF8View, in text: Span<UInt8>, _ written: Range<Int>) -> Bool {
        wanted.count == written.count && zip(wanted, written).allSatisfy { isSame($0, text[$1]) }
    }

    private static func isSame(_ byte: UInt8, _ other: UInt8) -> Bool { byte.smallLetter == other.smallLetter }

    /// The text of a string or name.
    func text(at place: Int, _ text: Span<UInt8>) -> String {
        let entry = entries[place]
        let written = Int(entry.start)..<Int(entry.end)
        if entry.kind == .escaped || entry.kind == .escapedName {
            return String(decoding: JSONReader.decoded(written, of: text), as: UTF8.self)
        }
        return text.extracting(written).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether a string is a text, byte by byte.
    func says(_ wanted: String, at place: Int, _ text: Span<UInt8>) -> Bool {
        let entry = entries[place]
        guard entry.kind == .plain else { return entry.kind == .escaped && self.text(at: place, text).hasSameCodePoints(as: wanted) }
        return wanted.withBytes { wanted in
            text.withUnsafeBufferPointer { bytes in
                Int(entry.end &- entry.start) == wanted.count && wanted.isWritten(in: bytes, at: Int(entry.start))
            }
        }
    }

    /// The bytes of a string.
    func bytes(at place: Int, _ text: Span<UInt8>) -> [UInt8] {
        let entry = entries[place]
        let written = Int(entry.start)..<Int(entry.end)
        return entry.kind == .escaped
            ? JSONReader.decoded(written, of: text) : text.extracting(written).withUnsafeBufferPointer { Array($0) }
    }

    /// `nil` where it needs more than 64 bits, and of -0.
    func integer(at place: Int, _ text: Span<UInt8>) -> Int64? {
        let entry = entries[place]
        guard entry.kind == .whole else { return nil }
        let isNegative = text[Int(entry.start)] == UInt8(ascii: "-")
        var number: Int64 = 0
        for position in Int(entry.start) + (isNegative ? 1 : 0)..<Int(entry.end) {
            let digit = Int64(text[position] & 0xF)
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isTooMuch) = tens.subtractingReportingOverflow(digit)
            if isTooLarge || isTooMuch { return nil }
            number = sum
        }
        if isNegative { return number == 0 ? nil : number }
        return number == .min ? nil : -number
    }

    func value(at place: Int, _ text: Span<UInt8>) -> JSONValue {
        let entry = entries[place]
        switch entry.kind {
        case .null: return .null
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .whole, .number: return integer(at: place, text).map(JSONValue.integer) ?? .number(self.text(at: place, text))
        case .plain, .escaped, .name, .escapedName: return .string(self.text(at: place, text))
        case .array:
            var elements: [JSONValue] = []
            elements.reserveCapacity(Int(entry.start))
            var next = place + 1
            for _ in 0..<entry.start {
                elements.append(value(at: next, text))
                next = Int(entries[next].next)
            }
            return .array(elements)
        case .object:
            var all: [JSONValue.Member] = []
            all.reserveCapacity(Int(entry.start))
            members(of: place) { name in
                all.append(JSONValue.Member(self.text(at: name, text), value(at: name + 1, text)))
                return true
            }
            return .object(all)
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these bytes stand in a text from a place on; it has as many.
    @inline(__always)
    func isWritten(in text: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
        for index in 0..<count where self[index] != text[place &+ index] { return false }
        return true
    }
}
