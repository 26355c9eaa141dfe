/// Hears bytes that stood coded, one by one, and tells when they can be neither packed nor a text, whatever follows: of an id that is seen
/// after a few. What it does not tell, ``CardDataScan/isReadable(_:)`` decides.
struct ReadingDoubt {
    private let count: Int
    private var heard = 0
    private var first: UInt8 = 0
    private var mayBePacked = true
    private var unprintable = 0
    private var controls = 0
    /// Bytes that the character at hand has yet to come.
    private var awaited = 0
    private var isUTF8 = true

    /// - Parameter count: how many bytes there are in all.
    init(of count: Int) {
        self.count = count
    }

    mutating func isCertain(after byte: UInt8) -> Bool {
        switch heard {
        case 0: first = byte
        case 1: mayBePacked = first == 0x1F && byte == 0x8B || Inflate.mayBeginZlib(first, byte)
        default: break
        }
        heard += 1
        switch byte {
        case 0x20..<0x7F: if awaited > 0 { isUTF8 = false }
        case 0x80..<0xC0:
            unprintable += 1
            if awaited == 0 { isUTF8 = false } else { awaited -= 1 }
        case 0xC0...:
            unprintable += 1
            if awaited > 0 || byte > 0xF4 { isUTF8 = false } else { awaited = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3 }
        // Zero, and what ends a line or sets words apart, is part of texts.
        case 0, 0x09, 0x0A, 0x0D:
            if awaited > 0 { isUTF8 = false }
            if byte == 0 { controls += 1 }
        default:
            if awaited > 0 { isUTF8 = false }
            unprintable += 1
            if byte < 0x20 { controls += 1 }
        }
        return !mayBePacked && unprintable * 10 > count * 2 && (!isUTF8 || controls * 16 > count)
    }
}
