/// Writes JSON text straight into bytes, members in the order they are written: the same calls give the same bytes.
package struct JSONWriter {
    private let buffer: JSONBuffer

    package init(reservingCapacity capacity: Int = 256) {
        buffer = JSONBuffer(capacity: capacity)
    }

    package var bytes: [UInt8] { buffer.bytes }

    /// One object as bytes, written in memory that many are written in, one after the other. For what is written with every message.
    package static func bytes(reserving capacity: Int, ofObject write: (inout JSONObjectWriter) -> Void) -> [UInt8] {
        JSONBuffer.lent(reserving: capacity) { buffer in
            JSONObjectWriter.write(into: buffer, write)
            return buffer.bytes
        }
    }

    /// One object; the closure writes its members.
    package mutating func object(_ write: (inout JSONObjectWriter) -> Void) { JSONObjectWriter.write(into: buffer, write) }
}

/// Writes the members of one object.
///
/// Names stand in the source; those that come from elsewhere are `named`, and escaped like any text.
package struct JSONObjectWriter {
    private let buffer: JSONBuffer
    private var isFirst = true

    fileprivate static func write(into buffer: JSONBuffer, _ write: (inout JSONObjectWriter) -> Void) {
        buffer.put(UInt8(ascii: "{"))
        var object = JSONObjectWriter(buffer: buffer)
        write(&object)
        buffer.put(UInt8(ascii: "}"))
    }

    private mutating func name(_ name: StaticString) {
        buffer.put(name: name, isFirst: isFirst)
        isFirst = false
    }

    private mutating func name(named name: String) {
        if isFirst { isFirst = false } else { buffer.put(UInt8(ascii: ",")) }
        buffer.put(name)
        buffer.put(UInt8(ascii: ":"))
    }

    package mutating func member(_ name: StaticString, _ text: String) {
        self.name(name)
        buffer.put(text)
    }

    /// A text of which the bytes are at hand.
    package mutating func member(_ name: StaticString, utf8 text: [UInt8]) {
        self.name(name)
        text.withUnsafeBufferPointer { buffer.put(text: $0) }
    }

    package mutating func member(named name: String, _ text: String) {
        self.name(named: name)
        buffer.put(text)
    }

    /// A text that needs no escape, from whoever can write its bytes where they will stand.
    ///
    /// - Parameter write: is given room for `most` bytes, and says how many it wrote.
    package mutating func member(_ name: StaticString, atMost most: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) {
        self.name(name)
        buffer.put(atMost: most, write)
    }

    package mutating func member(_ name: StaticString, _ number: Int64) {
        self.name(name)
        buffer.put(number)
    }

    package mutating func member(named name: String, _ number: Int64) {
        self.name(named: name)
        buffer.put(number)
    }

    package mutating func member(_ name: StaticString, _ flag: Bool) {
        self.name(name)
        buffer.put(flag)
    }

    package mutating func member(_ name: StaticString, _ value: JSONValue) {
        self.name(name)
        buffer.put(value)
    }

    package mutating func member(named name: String, _ value: JSONValue) {
        self.name(named: name)
        buffer.put(value)
    }

    package mutating func optional(_ name: StaticString, _ text: String?) {
        if let text { member(name, text) }
    }

    package mutating func optional(_ name: StaticString, _ number: Int64?) {
        if let number { member(name, number) }
    }

    package mutating func object(_ name: StaticString, _ write: (inout JSONObjectWriter) -> Void) {
        self.name(name)
        Self.write(into: buffer, write)
    }

    package mutating func object(named name: String, _ write: (inout JSONObjectWriter) -> Void) {
        self.name(named: name)
        Self.write(into: buffer, write)
    }

    package mutating func array(_ name: StaticString, _ write: (inout JSONArrayWriter) -> Void) {
        self.name(name)
        JSONArrayWriter.write(into: buffer, write)
    }
}

/// Writes the elements of one array.
package struct JSONArrayWriter {
    private let buffer: JSONBuffer
    private var isFirst = true

    fileprivate static func write(into buffer: JSONBuffer, _ write: (inout JSONArrayWriter) -> Void) {
        buffer.put(UInt8(ascii: "["))
        var array = JSONArrayWriter(buffer: buffer)
        write(&array)
        buffer.put(UInt8(ascii: "]"))
    }

    private mutating func next() {
        if isFirst { isFirst = false } else { buffer.put(UInt8(ascii: ",")) }
    }

    package mutating func element(_ text: String) {
        next()
        buffer.put(text)
    }

    package mutating func object(_ write: (inout JSONObjectWriter) -> Void) {
        next()
        JSONObjectWriter.write(into: buffer, write)
    }
}
