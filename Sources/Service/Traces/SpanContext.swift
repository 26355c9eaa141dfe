/// Where one step of a trace stands: W3C trace context as it travels in `traceparent` (version 00).
struct SpanContext: Sendable, Hashable {
    var traceID: (high: UInt64, low: UInt64) { (high, low) }
    private let high: UInt64
    private let low: UInt64
    let spanID: UInt64
    /// Whether whoever began the trace records it.
    let isSampled: Bool

    init(traceID: (high: UInt64, low: UInt64), spanID: UInt64, isSampled: Bool) {
        high = traceID.high
        low = traceID.low
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// - Parameter text: a `traceparent` of its form (`TraceParent.isValid`); of later versions what this one knows is read.
    init?(_ text: String) {
        let bytes = Array(text.utf8.prefix(55))
        guard bytes.count == 55, let high = Self.word(bytes[3..<19]), let low = Self.word(bytes[19..<35]),
            let span = Self.word(bytes[36..<52]), let flags = Self.word(bytes[53..<55]), high != 0 || low != 0, span != 0
        else { return nil }
        self.init(traceID: (high, low), spanID: span, isSampled: flags & 1 == 1)
    }

    var text: String { TraceParent.text(traceID: traceID, spanID: spanID, isSampled: isSampled) }

    /// In the trace's order of bytes.
    var traceBytes: [UInt8] { Self.bytes(high) + Self.bytes(low) }
    var spanBytes: [UInt8] { Self.bytes(spanID) }

    static func bytes(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }

    private static func word(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var word: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: word = word << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: word = word << 4 | UInt64(digit - 0x57)
            default: return nil
            }
        }
        return word
    }
}
