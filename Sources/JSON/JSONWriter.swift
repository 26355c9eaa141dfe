/// Writes JSON text straight into bytes, members in the order they are written: the same calls give the same bytes.
///
/// The bytes are handed from writer to writer by exchange, so that each has them alone: a buffer that two held would be copied as a whole
/// at every nested object.
package struct JSONWriter {
    package private(set) var bytes: [UInt8]

    package init(reservingCapacity capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// One object; the closure writes its members.
    package mutating func object(_ write: (inout JSONObjectWriter) -> Void) {
        var object = JSONObjectWriter(taking: &bytes)
        write(&object)
        object.end(givingBack: &bytes)
    }
}

/// Writes the members of one object.
package struct JSONObjectWriter {
    private var bytes: [UInt8] = []
    private var isFirst = true

    init(taking whole: inout [UInt8]) {
        swap(&bytes, &whole)
        bytes.append(UInt8(ascii: "{"))
    }

    mutating func end(givingBack whole: inout [UInt8]) {
        bytes.append(UInt8(ascii: "}"))
        swap(&bytes, &whole)
    }

    private mutating func name(_ name: String) {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
        JSONText.append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    package mutating func member(_ name: String, _ text: String) {
        self.name(name)
        JSONText.append(text, to: &bytes)
    }

    package mutating func member(_ name: String, _ number: Int64) {
        self.name(name)
        bytes.append(contentsOf: String(number).utf8)
    }

    package mutating func member(_ name: String, _ flag: Bool) {
        self.name(name)
        bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    }

    package mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        value.append(to: &bytes)
    }

    package mutating func optional(_ name: String, _ text: String?) {
        if let text { member(name, text) }
    }

    package mutating func optional(_ name: String, _ number: Int64?) {
        if let number { member(name, number) }
    }

    package mutating func object(_ name: String, _ write: (inout JSONObjectWriter) -> Void) {
        self.name(name)
        var object = JSONObjectWriter(taking: &bytes)
        write(&object)
        object.end(givingBack: &bytes)
    }

    package mutating func array(_ name: String, _ write: (inout JSONArrayWriter) -> Void) {
        self.name(name)
        var array = JSONArrayWriter(taking: &bytes)
        write(&array)
        array.end(givingBack: &bytes)
    }
}

/// Writes the elements of one array.
package struct JSONArrayWriter {
    private var bytes: [UInt8] = []
    private var isFirst = true

    init(taking whole: inout [UInt8]) {
        swap(&bytes, &whole)
        bytes.append(UInt8(ascii: "["))
    }

    mutating func end(givingBack whole: inout [UInt8]) {
        bytes.append(UInt8(ascii: "]"))
        swap(&bytes, &whole)
    }

    private mutating func next() {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    package mutating func element(_ text: String) {
        next()
        JSONText.append(text, to: &bytes)
    }

    package mutating func object(_ write: (inout JSONObjectWriter) -> Void) {
        next()
        var object = JSONObjectWriter(taking: &bytes)
        write(&object)
        object.end(givingBack: &bytes)
    }
}

/// Strings as JSON writes them: quotes, backslashes and control characters escaped, the rest as it is.
enum JSONText {
    static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        // Most texts need no escape and go in as a whole.
        let isWritten =
            text.utf8.withContiguousStorageIfAvailable { text in
                if needsEscape(text) { return false }
                bytes.append(contentsOf: text)
                return true
            } ?? false
        if isWritten { return bytes.append(UInt8(ascii: "\"")) }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
            case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
            case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
            case 0..<0x20:
                bytes.append(contentsOf: Array("\\u00".utf8))
                for digit in [byte >> 4, byte & 0xF] { bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Looks at every byte, without a way out before the end: so the machine takes many at a time.
    private static func needsEscape(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var found: UInt8 = 0
        for byte in text { found |= (byte < 0x20 ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0) }
        return found != 0
    }
}
