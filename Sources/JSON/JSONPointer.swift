/// A place in a JSON value (RFC 6901): the names and indexes that lead there from the root. No tokens: the root itself.
///
/// Names are the same only code point by code point, as the RFC has it. Swift's `==` also takes "é" and "e" with a combining accent for equal,
/// so this type does not use it.
package struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// Twice what the reader takes as depth.
    static let maxTokens = 64

    package let tokens: [String]

    package init(tokens: [String]) {
        self.tokens = tokens
    }

    /// `nil` where the text is neither empty nor begins with "/", has "~" otherwise than as ~0 or ~1, or has more than `maxTokens` tokens.
    package init?(_ text: String) {
        guard !text.isEmpty else {
            self.init(tokens: [])
            return
        }
        // By scalars: to a `Character` view, a slash and the accent after it are one and no slash.
        guard text.unicodeScalars.first == "/" else { return nil }
        var tokens: [String] = []
        let parts = text.unicodeScalars.dropFirst().split(separator: "/", maxSplits: Self.maxTokens, omittingEmptySubsequences: false)
        guard parts.count <= Self.maxTokens else { return nil }
        for part in parts {
            guard let token = Self.unescaped(part) else { return nil }
            tokens.append(token)
        }
        self.init(tokens: tokens)
    }

    private static func unescaped(_ part: Substring.UnicodeScalarView) -> String? {
        var token = String.UnicodeScalarView()
        var rest = part
        while let scalar = rest.popFirst() {
            guard scalar == "~" else {
                token.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "0": token.append("~")
            case "1": token.append("/")
            default: return nil
            }
        }
        return String(token)
    }

    package var description: String {
        var text = String.UnicodeScalarView()
        for token in tokens {
            text.append("/")
            for scalar in token.unicodeScalars {
                switch scalar {
                case "~": text.append(contentsOf: "~0".unicodeScalars)
                case "/": text.append(contentsOf: "~1".unicodeScalars)
                default: text.append(scalar)
                }
            }
        }
        return String(text)
    }

    package static func == (one: JSONPointer, other: JSONPointer) -> Bool {
        one.tokens.elementsEqual(other.tokens) { $0.hasSameCodePoints(as: $1) }
    }

    package func hash(into hasher: inout Hasher) {
        for token in tokens {
            for byte in token.utf8 { hasher.combine(byte) }
            hasher.combine(UInt8(0xFF))
        }
    }

    func appending(_ token: String) -> JSONPointer { JSONPointer(tokens: tokens + [token]) }

    func prefix(_ count: Int) -> JSONPointer { JSONPointer(tokens: Array(tokens.prefix(count))) }

    /// Whether the other place is inside this one, and not this one itself.
    func encloses(_ other: JSONPointer) -> Bool {
        tokens.count < other.tokens.count && self == other.prefix(tokens.count)
    }

    /// An array index as a pointer writes it: digits, no sign, no leading zero.
    static func index(_ token: String) -> Int? {
        guard token.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        if token.utf8.first == UInt8(ascii: "0"), token.utf8.count > 1 { return nil }
        return Int(token)
    }
}

extension JSONValue {
    /// What stands at the place; `nil` where nothing does.
    package subscript(_ pointer: JSONPointer) -> JSONValue? {
        var value = self
        for token in pointer.tokens {
            guard let position = value.position(of: token) else { return nil }
            value = value.child(at: position)
        }
        return value
    }

    /// Where the token's child stands among the members or elements.
    func position(of token: String) -> Int? {
        switch self {
        case .object(let members): members.firstIndex { $0.name.hasSameCodePoints(as: token) }
        case .array(let elements): JSONPointer.index(token).flatMap { elements.indices.contains($0) ? $0 : nil }
        case .null, .bool, .integer, .number, .string: nil
        }
    }

    /// The member or element at a position that `position(of:)` gave.
    func child(at position: Int) -> JSONValue {
        switch self {
        case .object(let members): members[position].value
        case .array(let elements): elements[position]
        case .null, .bool, .integer, .number, .string: fatalError("JSONValue.child(at:): a scalar has no children, so it gave no position")
        }
    }
}
