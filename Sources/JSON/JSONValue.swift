/// A JSON text as a value. Members keep their order; numbers keep their exact text unless they are whole.
///
/// Names and texts are the same byte by byte. Swift's own `==` takes two spellings of "é" for one, and then the value that is checked need
/// not be the value that is used.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// Written without fraction or exponent, and within 64 bits.
    case integer(Int64)
    /// Any other number, as it was written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    package struct Member: Hashable, Sendable {
        package let name: String
        package let value: JSONValue

        @inlinable package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }

        package static func == (one: Member, other: Member) -> Bool {
            one.name.hasSameCodePoints(as: other.name) && one.value == other.value
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(bytesOf: name)
            hasher.combine(value)
        }
    }

    package static func == (one: JSONValue, other: JSONValue) -> Bool {
        switch (one, other) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.integer(let one), .integer(let other)): one == other
        case (.number(let one), .number(let other)), (.string(let one), .string(let other)): one.hasSameCodePoints(as: other)
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)): one == other
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(UInt8(0))
        case .bool(let flag): hasher.combine(flag)
        case .integer(let number): hasher.combine(number)
        case .number(let text), .string(let text): hasher.combine(bytesOf: text)
        case .array(let elements): hasher.combine(elements)
        case .object(let members): hasher.combine(members)
        }
    }

    /// The member of an object; `nil` where there is none, and where this is no object.
    @inlinable package subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        for index in members.indices where members[index].name.hasSameCodePoints(as: name) { return members[index].value }
        return nil
    }

    @inlinable package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    @inlinable package var int64: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    @inlinable package var bool: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    @inlinable package var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    @inlinable package var object: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    @inlinable package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The text of this value, without white space.
    package var bytes: [UInt8] {
        JSONBuffer.lent(reserving: 256) { buffer in
            buffer.put(self)
            return buffer.bytes
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    @inlinable package init(stringLiteral text: String) { self = .string(text) }
}

extension JSONValue {
    /// A member by its name, ASCII case ignored: FlexFactor's own texts differ in it.
    package subscript(anyCase name: String) -> JSONValue? {
        if let exact = self[name] { return exact }
        return object?.first { $0.name.utf8.count == name.utf8.count && Self.isSame($0.name, name) }?.value
    }
}

extension JSONValue {
    /// Whether one of these names, in lower case, stands twice in an object and with two values, here or deeper: then nobody knows what was
    /// meant. What a reader passes over may be said as often as it pleases.
    package func contradictsItself(in names: Set<String>) -> Bool {
        switch self {
        case .array(let elements): return elements.contains { $0.contradictsItself(in: names) }
        case .object(let members):
            if members.contains(where: { $0.value.contradictsItself(in: names) }) { return true }
            // Most objects are small and say nothing twice, and that is seen without a table and small letters for each name.
            let isPlain = members.count <= 32 && members.allSatisfy { $0.name.utf8.allSatisfy { $0 < 0x80 } }
            if isPlain, !Self.saysTwoThings(members) { return false }
            var said: [String: JSONValue] = [:]
            for member in members {
                guard names.contains(member.name.lowercased()) else { continue }
                if let other = said.updateValue(member.value, forKey: member.name.lowercased()), other != member.value { return true }
            }
            return false
        default: return false
        }
    }

    /// Whether two members have names that differ in the case of ASCII letters at most, and values that differ.
    private static func saysTwoThings(_ members: [Member]) -> Bool {
        for (place, member) in members.enumerated() {
            for other in members[..<place]
            where other.name.utf8.count == member.name.utf8.count && isSame(other.name, member.name) && other.value != member.value {
                return true
            }
        }
        return false
    }

    private static func isSame(_ name: String, _ other: String) -> Bool {
        name.utf8.elementsEqual(other.utf8) { $0.smallLetter == $1.smallLetter }
    }
}

extension Hasher {
    /// A text's bytes, and not what it looks like.
    package mutating func combine(bytesOf text: String) {
        var text = text
        text.withUTF8 { bytes in
            combine(bytes.count)
            combine(bytes: UnsafeRawBufferPointer(bytes))
        }
    }
}
