import Broker
import DeclineRecovery
import FlexFactor
import JSON
import Synchronization

/// W3C trace context: passed on as it came, and begun where it is missing or not of its form.
enum TraceParent {
    static func from(_ headers: FieldTable) -> String { from(noted(in: headers)) }

    /// As it stands in a message's headers, whatever it is.
    static func noted(in headers: FieldTable) -> String? {
        if case .string(let text)? = headers[HeaderName.traceparent] { text } else { nil }
    }

    /// Whether a message brought one.
    static func came(with headers: FieldTable) -> Bool { noted(in: headers).flatMap(read) != nil }

    static func from(_ text: String?) -> String { text.flatMap(read) ?? fresh() }

    /// As it travels on; `nil` for what is none. A later version may have more behind what this one knows, which is the whole of this one
    /// (W3C trace context, "Versioning of traceparent").
    static func read(_ text: String) -> String? {
        if text.utf8.count == length { return isValid(text) ? text : nil }
        guard text.utf8.count > length, text.utf8.count <= 512, !text.utf8.starts(with: "00".utf8),
            text.utf8.dropFirst(length).first == UInt8(ascii: "-")
        else { return nil }
        let known = String(decoding: text.utf8.prefix(length), as: UTF8.self)
        return isValid(known) ? "00\(known.dropFirst(2))" : nil
    }

    /// What came beside it and may travel on.
    static func state(in headers: FieldTable) -> String? {
        guard case .string(let text)? = headers[HeaderName.tracestate], came(with: headers), TraceState.isValid(text) else { return nil }
        return text
    }

    /// Random once for the process, counted from there: the system's randomness costs a call to the kernel for each number.
    private static let process = word()
    private static let count = Atomic<UInt64>(word())

    /// Half of an id by chance, with letters so spread that digits never stand together as in a card number: such an id would not travel.
    static func word() -> UInt64 { .random(in: 0 ... .max) | 0xA000_000A_0000_000A }

    /// Nobody records it yet: its flag says so.
    private static func fresh() -> String {
        // Counts in the last place but one, for the last is a letter.
        let number = count.add(16, ordering: .relaxed).newValue
        return text(traceID: (process, number), spanID: number, isSampled: false)
    }

    /// Written byte by byte: a CRM's messages bring none.
    static func text(traceID: (high: UInt64, low: UInt64), spanID: UInt64, isSampled: Bool) -> String {
        String(unsafeUninitializedCapacity: length) { text in
            var place = 0
            func put(_ mark: StaticString) {
                mark.withUTF8Buffer { bytes in
                    for byte in bytes {
                        text[place] = byte
                        place += 1
                    }
                }
            }
            func put(hex word: UInt64) {
                for shift in stride(from: 60, through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 0xF
                    text[place] = digit.hexCharacter
                    place += 1
                }
            }
            put("00-")
            put(hex: traceID.high)
            put(hex: traceID.low)
            put("-")
            put(hex: spanID)
            put(isSampled ? "-01" : "-00")
            return place
        }
    }

    private static let length = 55

    static func isValid(_ text: String) -> Bool {
        guard text.utf8.count == length else { return false }
        var place = 0
        var digits = 0
        var isVersion = false
        var hasParent = false
        for byte in text.utf8 {
            if place > 2, place < 35, (0x30...0x39).contains(byte) { digits += 1 }
            // ff is none, and nobody's step has an id of zeros.
            if place < 2, byte != 0x66 { isVersion = true }
            if place > 35, place < 52, byte != 0x30 { hasParent = true }
            let isOfForm =
                place == 2 || place == 35 || place == 52 ? byte == 0x2D : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
            if !isOfForm { return false }
            place += 1
        }
        // Sixteen digits fit it, or twice sixteen, which are no number to the guard; it travels on and is logged. By chance one in three
        // million has digits alone.
        return isVersion && hasParent && digits < 32 && CardDataGuard.finding(in: text) == nil
    }

    /// The trace's id, for logs.
    static func traceID(_ traceparent: String) -> Substring { traceparent.dropFirst(3).prefix(32) }
}
