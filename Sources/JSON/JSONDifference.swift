/// One place where two JSON values differ, for a person to read.
///
/// An added or removed object or array is one difference, not one for each of its leaves. Values that say the same
/// (``JSONValue/saysTheSame(as:)``) do not differ.
package struct JSONDifference: Hashable, Sendable {
    /// In the value before for what was removed, in the value after for what was added; a change has the same place in both.
    package let path: JSONPointer
    package let change: Change

    package enum Change: Hashable, Sendable {
        case added(JSONValue)
        case removed(JSONValue)
        /// Before, after.
        case changed(JSONValue, JSONValue)
    }

    package init(_ path: JSONPointer, _ change: Change) {
        self.path = path
        self.change = change
    }

    /// In the order of the value before; what an object gained comes at its end.
    ///
    /// Arrays: what is alike at both ends is kept, what lies between is compared index by index. So in one array nothing is both added and
    /// removed, and what is added or removed comes after all that is changed; ``JSONPatch/between(_:_:)`` relies on it.
    package static func between(_ before: JSONValue, _ after: JSONValue) -> [JSONDifference] {
        var found: [JSONDifference] = []
        compare(before, after, at: JSONPointer(tokens: []), into: &found)
        return found
    }

    private static func compare(_ before: JSONValue, _ after: JSONValue, at path: JSONPointer, into found: inout [JSONDifference]) {
        switch (before, after) {
        case (.object(let old), .object(let new)) where path.tokens.count < JSONPointer.maxTokens:
            compareMembers(old, new, at: path, into: &found)
        case (.array(let old), .array(let new)) where path.tokens.count < JSONPointer.maxTokens:
            compareElements(old, new, at: path, into: &found)
        default:
            if !before.saysTheSame(as: after) { found.append(JSONDifference(path, .changed(before, after))) }
        }
    }

    private static func compareMembers(
        _ old: [JSONValue.Member], _ new: [JSONValue.Member], at path: JSONPointer, into found: inout [JSONDifference]
    ) {
        let oldByName = MembersByName(old)
        let newByName = MembersByName(new)
        for member in old {
            let place = path.appending(member.name)
            if let value = newByName[member.name] {
                compare(member.value, value, at: place, into: &found)
            } else {
                found.append(JSONDifference(place, .removed(member.value)))
            }
        }
        for member in new where oldByName[member.name] == nil {
            found.append(JSONDifference(path.appending(member.name), .added(member.value)))
        }
    }

    private static func compareElements(_ old: [JSONValue], _ new: [JSONValue], at path: JSONPointer, into found: inout [JSONDifference]) {
        let shorter = min(old.count, new.count)
        var start = 0
        while start < shorter, old[start].saysTheSame(as: new[start]) { start += 1 }
        var end = 0
        while end < shorter - start, old[old.count - 1 - end].saysTheSame(as: new[new.count - 1 - end]) { end += 1 }

        let paired = shorter - end
        for index in start..<paired { compare(old[index], new[index], at: path.appending(String(index)), into: &found) }
        for index in paired..<old.count - end { found.append(JSONDifference(path.appending(String(index)), .removed(old[index]))) }
        for index in paired..<new.count - end { found.append(JSONDifference(path.appending(String(index)), .added(new[index]))) }
    }
}

extension JSONValue {
    /// Whether both say the same, as JSON Patch's `test` asks: numbers by value (1, 1.0, 10e-1), members in any order,
    /// strings code point by code point.
    ///
    /// `==` is narrower in numbers and order, and wider in strings.
    package func saysTheSame(as other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let one), .bool(let two)): one == two
        case (.integer(let one), .integer(let two)): one == two
        case (.integer(let one), .number(let two)): JSONNumber.sameValue(String(one), two)
        case (.number(let one), .integer(let two)): JSONNumber.sameValue(one, String(two))
        case (.number(let one), .number(let two)): JSONNumber.sameValue(one, two)
        case (.string(let one), .string(let two)): one.hasSameCodePoints(as: two)
        case (.array(let one), .array(let two)): one.count == two.count && zip(one, two).allSatisfy { $0.saysTheSame(as: $1) }
        case (.object(let one), .object(let two)): one.count == two.count && Self.say(one, two)
        default: false
        }
    }

    private static func say(_ one: [Member], _ two: [Member]) -> Bool {
        let byName = MembersByName(two)
        return one.allSatisfy { member in byName[member.name].map { member.value.saysTheSame(as: $0) } ?? false }
    }
}

/// Finds members by name. Only a large object gets a table, so that ten thousand members do not cost their square.
private struct MembersByName {
    private let members: [JSONValue.Member]
    private let table: [[UInt8]: JSONValue]?

    init(_ members: [JSONValue.Member]) {
        self.members = members
        table =
            members.count <= 32 ? nil : Dictionary(members.map { (Array($0.name.utf8), $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(_ name: String) -> JSONValue? {
        if let table { return table[Array(name.utf8)] }
        return members.first { $0.name.hasSameCodePoints(as: name) }?.value
    }
}

/// A number's value: its digits without zeros at either end, and the power of ten of the last one. Zero has no digits and no sign.
package struct JSONNumber: Equatable {
    private var isNegative = false
    private var digits: [UInt8] = []
    private var exponent = 0

    /// Where the values cannot be told exactly (an exponent beyond 64 bits), only the same text is the same number.
    static func sameValue(_ one: String, _ two: String) -> Bool {
        if one == two { return true }
        guard let one = JSONNumber(one), let two = JSONNumber(two) else { return false }
        return one == two
    }

    package init?(_ text: String) {
        var rest = Substring(text).utf8
        if rest.first == UInt8(ascii: "-") {
            isNegative = true
            rest.removeFirst()
        }
        var decimals = 0
        var isFraction = false
        var sawDigit = false
        loop: while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                sawDigit = true
                if byte > UInt8(ascii: "0") || !digits.isEmpty { digits.append(byte) }
                if isFraction { decimals += 1 }
            case UInt8(ascii: ".") where !isFraction: isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): break loop
            default: return nil
            }
            rest.removeFirst()
        }
        guard sawDigit else { return nil }
        if digits.isEmpty {
            isNegative = false
            return
        }
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            decimals -= 1
        }
        if !rest.isEmpty {
            guard let written = Int(Substring(rest.dropFirst())) else { return nil }
            exponent = written
        }
        let (shifted, overflow) = exponent.subtractingReportingOverflow(decimals)
        if overflow { return nil }
        exponent = shifted
    }

    /// Its digits without zeros at either end, then as many zeros as make it whole, up to twenty digits.
    package var digitsWritten: String {
        String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: max(0, min(exponent, 20 - digits.count)))
    }

    /// `nil` where it has a fraction or more digits than 64 bits hold for certain.
    var int64: Int64? {
        if digits.isEmpty { return 0 }
        guard (0...18).contains(exponent), digits.count + exponent <= 18 else { return nil }
        let magnitude = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        return (0..<exponent).reduce(isNegative ? -magnitude : magnitude) { number, _ in number * 10 }
    }
}

extension JSONValue {
    /// A whole number however it is written: 4999, 4999.0, 4.999e3. JSON Schema calls them all integers.
    package var whole: Int64? {
        switch self {
        case .integer(let number): number
        case .number(let text): JSONNumber(text)?.int64
        default: nil
        }
    }
}
