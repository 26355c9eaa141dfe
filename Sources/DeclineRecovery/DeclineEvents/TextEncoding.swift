/// Encodings of Unicode other than plain UTF-8, which a body may have come in.
enum TextEncoding: String {
    case marked = "UTF-8 with a byte order mark"
    case utf16 = "UTF-16"
    case utf32 = "UTF-32"

    /// The text as plain UTF-8; `nil` where the bytes are none of these. Told by the mark, or by where the zeros stand.
    static func undone(_ bytes: [UInt8]) -> (encoding: TextEncoding, text: [UInt8])? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return (.marked, Array(bytes.dropFirst(3))) }
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) { return (.utf32, utf32(bytes.dropFirst(4), isBigEndian: false)) }
        if bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return (.utf32, utf32(bytes.dropFirst(4), isBigEndian: true)) }
        if bytes.starts(with: [0xFF, 0xFE]) { return (.utf16, utf16(bytes.dropFirst(2), isBigEndian: false)) }
        if bytes.starts(with: [0xFE, 0xFF]) { return (.utf16, utf16(bytes.dropFirst(2), isBigEndian: true)) }
        return unmarked(bytes)
    }

    /// Latin text has a zero beside each letter.
    private static func unmarked(_ bytes: [UInt8]) -> (encoding: TextEncoding, text: [UInt8])? {
        guard bytes.count >= 8, bytes.count % 2 == 0 else { return nil }
        var zeros = [0, 0, 0, 0]
        let seen = min(bytes.count, 256) / 4
        for index in 0..<seen * 4 where bytes[index] == 0 { zeros[index % 4] += 1 }
        func isMostly(_ place: Int) -> Bool { zeros[place] * 4 >= seen * 3 }
        func isSeldom(_ place: Int) -> Bool { zeros[place] * 4 <= seen }
        switch (isMostly(0), isMostly(1), isMostly(2), isMostly(3)) {
        case (false, true, true, true) where bytes.count % 4 == 0 && isSeldom(0): return (.utf32, utf32(bytes[...], isBigEndian: false))
        case (true, true, true, false) where bytes.count % 4 == 0 && isSeldom(3): return (.utf32, utf32(bytes[...], isBigEndian: true))
        case (false, true, false, true) where isSeldom(0) && isSeldom(2): return (.utf16, utf16(bytes[...], isBigEndian: false))
        case (true, false, true, false) where isSeldom(1) && isSeldom(3): return (.utf16, utf16(bytes[...], isBigEndian: true))
        default: return nil
        }
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> [UInt8] {
        var units: [UInt16] = []
        var index = bytes.startIndex
        while index + 1 < bytes.endIndex {
            let (one, two) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            units.append(isBigEndian ? one << 8 | two : two << 8 | one)
            index += 2
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private static func utf32(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> [UInt8] {
        var units: [UInt32] = []
        var index = bytes.startIndex
        while index + 3 < bytes.endIndex {
            units.append((0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[isBigEndian ? index + $1 : index + 3 - $1]) })
            index += 4
        }
        return Array(String(decoding: units, as: UTF32.self).utf8)
    }
}
