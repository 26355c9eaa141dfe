import TestSupport

/// Makes bad inputs of good ones: flipped bits, cuts, splices, repeats, words that readers stumble over, numbers at the ends of their types.
struct Mutation {
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func of(_ samples: [[UInt8]]) -> [UInt8] {
        guard var bytes = samples.randomElement(using: &random) else { return [] }
        for _ in 0..<Int.random(in: 1...6, using: &random) { change(&bytes, samples) }
        return Array(bytes.prefix(1 << 19))
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: [.min, .max, 0, 1, .max - 1, .min + 1].randomElement(using: &random) ?? 0
        case 1: Number(truncatingIfNeeded: Int.random(in: -10...10, using: &random))
        default: Number.random(in: .min ... .max, using: &random)
        }
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random) }

    private mutating func place(_ bytes: [UInt8]) -> Int { Int.random(in: 0...bytes.count, using: &random) }

    private mutating func stretch(_ bytes: [UInt8], _ longest: Int = 64) -> Range<Int> {
        let start = place(bytes)
        return start..<min(bytes.count, start + Int.random(in: 0...longest, using: &random))
    }

    private mutating func change(_ bytes: inout [UInt8], _ samples: [[UInt8]]) {
        switch Int.random(in: 0..<11, using: &random) {
        case 0: if !bytes.isEmpty { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random) }
        case 1: if !bytes.isEmpty { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
        case 2: bytes.removeSubrange(stretch(bytes))
        case 3: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
        case 4:
            let range = stretch(bytes, 400)
            let piece = Array(bytes[range])
            let times = Int.random(in: 1...20, using: &random)
            bytes.insert(contentsOf: (0..<times).flatMap { _ in piece }, at: place(bytes))
        case 5:
            if let other = samples.randomElement(using: &random) {
                let range = stretch(other, 2_000)
                bytes.replaceSubrange(stretch(bytes, 2_000), with: other[range])
            }
        case 6, 7:
            // A number is replaced where one stands.
            let start = place(bytes)
            guard let first = bytes[start...].firstIndex(where: { (0x30...0x39).contains($0) }) else { return }
            let end = bytes[first...].firstIndex { !(0x30...0x39).contains($0) } ?? bytes.count
            bytes.replaceSubrange(first..<end, with: (Self.numbers.randomElement(using: &random) ?? "0").utf8)
        default: bytes.insert(contentsOf: (Self.words.randomElement(using: &random) ?? "").utf8, at: place(bytes))
        }
    }

    private static let numbers = [
        "-9223372036854775808", "9223372036854775807", "9223372036854775808", "18446744073709551615", "-1", "0", "2147483648", "1e400",
        "-0.0", "1e-9223372036854775808",
        "4999.0", "99999999999999999999999999", "1000000000", "4e18", "-9223372036854775807", "253402300800000",
    ]
    private static let words = [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u0000", "\\ud800", "\\uDFFF", "\u{0}", "\u{FEFF}", "null", "true", "[[[[[[[[", "\"\":",
        "%", "%25", "%u0034", "&#", "&#x",
        "&amp;", "=34", "-", "~", "~0", "~ZZ", ".", "..", "/", "\u{202E}", "\u{2028}", "\u{0301}", "\u{FF14}", "4012 8888 8888 1881",
        "cvv=", "<cvv>", "token:", "%B", "^", ";", "=",
        "NDAxMjg4ODg4ODg4MTg4MQ==", "H4sIAAAAAAAA", "\u{1F}", "2026-01-02T03:04:05.678+23:59", "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z", "R9223372036854775807", "\r\n\r\n",
    ]
}
