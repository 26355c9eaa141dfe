/// Base64 (RFC 4648 §4) with padding.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBufferPointer { bytes in String(unsafeUninitializedCapacity: length(of: bytes.count)) { write(bytes, to: $0) } }
    }

    /// How long so many bytes are.
    package static func length(of count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes it to where there is room.
    ///
    /// - Returns: how many bytes it has.
    @discardableResult
    package static func write(_ bytes: UnsafeBufferPointer<UInt8>, to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        alphabet.withUnsafeBufferPointer { alphabet in
            var place = 0
            for index in stride(from: 0, to: bytes.count, by: 3) {
                let left = bytes.count - index
                let word =
                    UInt32(bytes[index]) << 16 | UInt32(left > 1 ? bytes[index + 1] : 0) << 8 | UInt32(left > 2 ? bytes[index + 2] : 0)
                text[place] = alphabet[Int(word >> 18)]
                text[place + 1] = alphabet[Int(word >> 12 & 63)]
                text[place + 2] = left > 1 ? alphabet[Int(word >> 6 & 63)] : UInt8(ascii: "=")
                text[place + 3] = left > 2 ? alphabet[Int(word & 63)] : UInt8(ascii: "=")
                place += 4
            }
            return place
        }
    }

    /// `nil` unless the text is the one encoding of some bytes: right length, right padding, no foreign character.
    package static func decode(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 4 == 0 else { return nil }
        let padding = characters.reversed().prefix(2).prefix { $0 == UInt8(ascii: "=") }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 4 * 3)
        var word: UInt32 = 0
        for (index, character) in characters.enumerated() {
            let isPadding = index >= characters.count - padding
            guard let value = isPadding ? 0 : alphabet.firstIndex(of: character) else { return nil }
            word = word << 6 | UInt32(value)
            if index % 4 == 3 {
                bytes.append(UInt8(truncatingIfNeeded: word >> 16))
                bytes.append(UInt8(truncatingIfNeeded: word >> 8))
                bytes.append(UInt8(truncatingIfNeeded: word))
                word = 0
            }
        }
        bytes.removeLast(padding)
        return encode(bytes) == text ? bytes : nil
    }
}
