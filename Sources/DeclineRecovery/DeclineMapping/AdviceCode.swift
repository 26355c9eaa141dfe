/// An advice code as people write it: `03`, `M03`, `MAC 03`, `Mastercard advice code: 21`, `Visa category 1`.
struct AdviceCode: Equatable {
    /// Without leading zeros.
    let number: String
    /// Whose it says that it is.
    let network: CardNetwork?
    /// It says itself that it is an advice, so that it is one in any text.
    let isNamed: Bool
    /// One digit and nothing else, as Visa's are.
    let isBareDigit: Bool

    /// `nil` for what begins with neither a code nor the trade's words for one. What stands behind it are words: `03 : Do not try again`.
    init?(_ text: String) {
        let bytes = Array(text.utf8.drop { $0 <= 0x20 }.prefix(64)).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        var network: CardNetwork?
        var isNamed = false
        var at = 0
        while true {
            while at < bytes.count, Self.marks.contains(bytes[at]) { at += 1 }
            let start = at
            while at < bytes.count, (0x61...0x7A).contains(bytes[at]) { at += 1 }
            if at == start { break }
            let word = String(decoding: bytes[start..<at], as: UTF8.self)
            isNamed = isNamed || ["mac", "advice", "category"].contains(word)
            switch word {
            case "visa", "category", "cat": network = .visa
            case "m", "mac", "mc", "mastercard": network = .mastercard
            case "merchant", "advice", "code", "decline", "response": break
            default: return nil
            }
        }
        let digits = bytes[at...].prefix { (0x30...0x39).contains($0) }
        guard (1...4).contains(digits.count) else { return nil }
        number = CodeKey.number(String(decoding: digits, as: UTF8.self))
        self.network = network
        self.isNamed = isNamed
        isBareDigit = at == 0 && digits.count == 1 && bytes.count == 1
    }

    private static let marks = Set(" \t:=-_#.".utf8)
}
