import JSON

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
        let bytes = Self.lowered(text.utf8.drop { $0 <= 0x20 }.prefix(64))
        self.init(bytes.dropFirst(Self.fields.first { bytes.starts(with: $0) }?.count ?? 0))
    }

    /// The one that a text names, wherever it does: `Do not honor (MAC 03)`, `Declined - M03`, `Declined - Visa category 1`.
    init?(namedIn text: String) {
        let bytes = Self.lowered(text.utf8.prefix(200))
        for at in bytes.indices where Self.isLetter(bytes[at]) && (at == 0 || !Self.isLetter(bytes[at - 1])) {
            // Much else than a decline has a category.
            if at > 0, bytes[at...].starts(with: "cat".utf8) { continue }
            if let code = Self(bytes[at...].prefix(64)), code.isNamed {
                self = code
                return
            }
        }
        return nil
    }

    private init?(_ bytes: ArraySlice<UInt8>) {
        var network: CardNetwork?
        var isNamed = false
        var before = ""
        var at = bytes.startIndex
        while true {
            while at < bytes.endIndex, Self.marks.contains(bytes[at]) { at += 1 }
            let start = at
            while at < bytes.endIndex, Self.isLetter(bytes[at]) { at += 1 }
            if at == start { break }
            let word = String(decoding: bytes[start..<at], as: UTF8.self)
            switch word {
            case "visa": network = .visa
            case "category", "cat":
                // What a merchant sells has a category as well.
                if before == "merchant" { return nil }
                network = .visa
            case "m", "ma", "mac", "mc", "mastercard": network = .mastercard
            // `MAC is 03`; "advice is" may go on with anything.
            case "is" where before == "mac" || before == "code": continue
            case "merchant", "advice", "advicecode", "merchantadvicecode", "code", "decline", "response": break
            default: return nil
            }
            isNamed = isNamed || Self.names.contains(word) || word == "cat" && before == "visa" || word == "code" && before == "ma"
            before = word
        }
        let digits = bytes[at...].prefix { (0x30...0x39).contains($0) }
        guard (1...4).contains(digits.count) else { return nil }
        number = CodeKey.number(String(decoding: digits, as: UTF8.self))
        self.network = network
        // `M03` is written of nothing else; an M that stands alone may be anything.
        let isTight = before == "m" && digits.count == 2 && Self.isLetter(bytes[digits.startIndex - 1])
        self.isNamed = isNamed || isTight && !(digits.endIndex < bytes.endIndex && Self.isLetter(bytes[digits.endIndex]))
        isBareDigit = at == bytes.startIndex && digits.count == 1 && bytes.count == 1
    }

    private static func lowered(_ bytes: some Sequence<UInt8>) -> [UInt8] { bytes.map { $0.smallLetter } }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }

    /// Where a message of the network's has it, data element 48.84.
    private static let fields = ["de48.84", "de 48.84", "se84", "48.84", "48/84"].map { Array($0.utf8) }

    private static let names: Set<String> = ["mac", "advice", "advicecode", "merchantadvicecode", "category"]

    private static let marks = Set(" \t:=-_#.()[]{}\"'".utf8)
}
