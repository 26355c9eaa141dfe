import Broker
import DeclineRecovery
import FlexFactor
import Synchronization

/// W3C trace context: passed on as it came, and begun where it is missing or not of its form.
enum TraceParent {
    static func from(_ headers: FieldTable) -> String { from(noted(in: headers)) }

    /// As it stands in a message's headers, whatever it is.
    static func noted(in headers: FieldTable) -> String? {
        if case .string(let text)? = headers[HeaderName.traceparent] { text } else { nil }
    }

    /// Whether a message brought one.
    static func came(with headers: FieldTable) -> Bool { noted(in: headers).map(isValid) ?? false }

    static func from(_ text: String?) -> String {
        if let text, isValid(text) { text } else { fresh() }
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
        func hex(_ word: UInt64) -> String {
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }
        // Counts in the last place but one, for the last is a letter.
        let number = count.add(16, ordering: .relaxed).newValue
        return "00-\(hex(process))\(hex(number))-\(hex(number))-00"
    }

    static func isValid(_ text: String) -> Bool {
        guard text.utf8.count == 55 else { return false }
        var place = 0
        for byte in text.utf8 {
            let isOfForm =
                place == 2 || place == 35 || place == 52 ? byte == 0x2D : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
            if !isOfForm { return false }
            place += 1
        }
        // Sixteen digits fit it; it travels on and is logged.
        return CardDataGuard.finding(in: text) == nil
    }

    /// The trace's id, for logs.
    static func traceID(_ traceparent: String) -> Substring { traceparent.dropFirst(3).prefix(32) }
}
