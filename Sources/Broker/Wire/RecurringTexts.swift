import CRabbitMQ
import Glibc

/// Texts that come again with nearly every message: types, exchanges, names of headers. Each is made once.
///
/// Whoever publishes chooses them, so there is an end to what is kept: a place holds the last text that fell to it.
struct RecurringTexts {
    private var places = [String](repeating: "", count: 64)

    /// Shorter ones need no memory, and longer ones are no names.
    private static let lengths = 16...64

    mutating func text(_ bytes: amqp_bytes_t) -> String {
        guard let start = bytes.bytes, Self.lengths.contains(bytes.len) else { return String(bytes) }
        // Names begin alike and end each in its own way.
        let ending = (start + bytes.len - 8).loadUnaligned(as: UInt64.self)
        let place = Int(((ending ^ UInt64(bytes.len)) &* 0x9e37_79b9_7f4a_7c15) >> 58)
        let isKnown = places[place].utf8.withContiguousStorageIfAvailable { known in
            known.count == bytes.len && known.baseAddress.map { memcmp($0, start, bytes.len) == 0 } ?? false
        }
        if isKnown ?? false { return places[place] }
        let text = String(bytes)
        places[place] = text
        return text
    }
}
