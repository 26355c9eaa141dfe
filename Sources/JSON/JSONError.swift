/// Why bytes are no JSON that we take, and where. Never holds what stood there.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package let fault: Fault
    /// Counted from 0.
    package let byteOffset: Int

    package enum Fault: Hashable, Sendable {
        case empty
        case tooLarge(bytes: Int, limit: Int)
        case tooDeep(limit: Int)
        case unexpectedByte(UInt8)
        case unexpectedEnd
        case trailingBytes
        case byteOrderMark
        case notUTF8
        case badEscape
        case loneSurrogate
        case controlCharacter
        case badNumber
        case duplicateName
    }

    package init(_ fault: Fault, at byteOffset: Int) {
        self.fault = fault
        self.byteOffset = byteOffset
    }

    package var description: String { "not acceptable JSON at byte \(byteOffset): \(fault)" }
}

extension JSONError.Fault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the body is empty; expected a JSON object"
        case .tooLarge(let bytes, let limit): "the body has \(bytes) bytes; expected at most \(limit)"
        case .tooDeep(let limit): "nested deeper than \(limit)"
        case .unexpectedByte(let byte): "unexpected byte 0x\(String(byte, radix: 16, uppercase: true))"
        case .unexpectedEnd: "the text ends in the middle of a value"
        case .trailingBytes: "something follows the JSON value"
        case .byteOrderMark: "begins with a byte order mark"
        case .notUTF8: "not UTF-8"
        case .badEscape: "an escape that JSON does not have"
        case .loneSurrogate: "half of a surrogate pair"
        case .controlCharacter: "a control character in a string; it must be escaped"
        case .badNumber: "a number that JSON does not have"
        case .duplicateName: "a name that the object has already"
        }
    }
}

/// How much JSON we take.
package struct JSONLimits: Hashable, Sendable {
    package let bytes: Int
    package let depth: Int
    /// For what others write and nobody here can mend: a byte order mark is skipped, half a surrogate pair is U+FFFD, and names may occur
    /// twice. Who reads a name asks first whether it says two things (`JSONValue.contradictsItself(in:)`).
    package let isTolerant: Bool

    package init(bytes: Int = 256 * 1_024, depth: Int = 32, isTolerant: Bool = false) {
        self.bytes = bytes
        self.depth = depth
        self.isTolerant = isTolerant
    }
}
