import JSON

/// A name-based UUID (RFC 9562, version 5): the same namespace and name give the same id on every pod and at every repeat.
package struct UUID5: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// The id of a name within a namespace.
    package init(namespace: UUID5, name: String) {
        self.init(namespace: namespace, of: name)
    }

    /// The id of the name that some texts make, one behind the other. They are put together in memory that is given back at once: every
    /// recovery has such an id, and each of its calls.
    init(namespace: UUID5, of name: String...) {
        let length = name.reduce(16) { $0 + $1.utf8.count }
        let digest: SHA1.Digest = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length) { message in
            var place = 0
            func put(_ byte: UInt8) {
                message[place] = byte
                place += 1
            }
            for index in 0..<16 {
                let word = index < 8 ? namespace.high : namespace.low
                put(UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index & 7))))
            }
            for part in name { for byte in part.utf8 { put(byte) } }
            return SHA1.digest(UnsafeBufferPointer(message))
        }
        high = (UInt64(digest.0) << 32 | UInt64(digest.1)) & 0xFFFF_FFFF_FFFF_0FFF | 0x5000
        low = (UInt64(digest.2) << 32 | UInt64(digest.3)) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    }

    /// A fixed id, for namespaces.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The empty GUID, which programs write where they have none.
    package static let empty = UUID5(high: 0, low: 0)

    /// Reads the form that `description` writes, capitals allowed.
    package init?(_ text: String) {
        var text = text
        guard let words = text.withUTF8({ Self.words(of: $0) }) else { return nil }
        (high, low) = words
    }

    /// A GUID in whichever form .NET writes one: as `description` does, in braces or parentheses, or without its dashes.
    package static func guid(_ text: String) -> UUID5? {
        if let plain = UUID5(text) { return plain }
        var bare = Substring(text)
        for (open, close) in [("{", "}"), ("(", ")")] where bare.hasPrefix(open) && bare.hasSuffix(close) {
            bare = bare.dropFirst().dropLast()
        }
        let digits = Array(bare.utf8)
        guard digits.count == 32 else { return UUID5(String(bare)) }
        let groups = [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
        return UUID5(groups.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-"))
    }

    private static func words(of text: UnsafeBufferPointer<UInt8>) -> (UInt64, UInt64)? {
        guard text.count == length else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var nibbles = 0
        for index in 0..<length {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard text[index] == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = text[index].hexDigit else { return nil }
            if nibbles < 16 { words.0 = words.0 << 4 | UInt64(digit) } else { words.1 = words.1 << 4 | UInt64(digit) }
            nibbles += 1
        }
        return words
    }

    /// Lower-case 8-4-4-4-12 form.
    package var description: String { String(unsafeUninitializedCapacity: Self.length) { write(to: $0) } }

    package static var length: Int { 36 }

    /// Writes it as `description` says it to where there is room for it.
    ///
    /// - Returns: how many bytes that are.
    package func write(to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var place = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text[place] = UInt8(ascii: "-")
                place += 1
            }
            let word = index < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index & 15))) & 0xF
            text[place] = digit.hexCharacter
            place += 1
        }
        return place
    }
}
