/// The header fields of a request as they go out, line behind line: written once, where they are known, in one piece of memory.
package struct HeaderFields: Sendable {
    private(set) var bytes: [UInt8] = []

    /// - Parameter room: how many bytes are expected.
    package init(reserving room: Int = 256) {
        bytes.reserveCapacity(room)
    }

    /// Each as it goes out.
    package var fields: [(name: String, value: String)] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").map { line in
            let name = line.prefix { $0 != ":" }
            return (String(name), String(line.dropFirst(name.count + 2)))
        }
    }

    mutating func add(_ name: String, _ value: String) {
        put(name)
        put(mark: ": ")
        put(value)
        put(mark: "\r\n")
    }

    /// A value from whoever can write its bytes where they will stand.
    ///
    /// - Parameter write: is given room for `most` bytes, and says how many it wrote.
    mutating func add(_ name: String, atMost most: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) {
        put(name)
        put(mark: ": ")
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: most) { room in
            let length = write(room)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: room[..<length]))
        }
        put(mark: "\r\n")
    }

    mutating func add(_ name: String, _ value: UnsafeBufferPointer<UInt8>) {
        put(name)
        put(mark: ": ")
        bytes.append(contentsOf: value)
        put(mark: "\r\n")
    }

    private mutating func put(mark line: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount))
    }

    /// A text, whatever it holds, ends no line and begins no field.
    private mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { text in
            var marks: UInt8 = 0
            for byte in text { marks |= byte < 0x20 ? 1 : 0 }
            if marks == 0 {
                bytes.append(contentsOf: text)
            } else {
                bytes.append(contentsOf: text.lazy.map { $0 < 0x20 ? 0x20 : $0 })
            }
        }
    }
}
