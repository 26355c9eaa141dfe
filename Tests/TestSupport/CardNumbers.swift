/// Numbers that pass every check and are nobody's card, made here so that they stand in no file.
package enum CardNumbers {
    package static let visa = complete("4000123412341", length: 16)

    /// A number of a length with the check digit it needs.
    package static func complete(_ start: String, length: Int) -> String {
        let padded = start + String(repeating: "7", count: length - 1 - start.count)
        let sum = padded.reversed().enumerated().reduce(0) { sum, digit in
            let value = Int(String(digit.element))!
            let weighted = digit.offset % 2 == 0 ? value * 2 : value
            return sum + (weighted > 9 ? weighted - 9 : weighted)
        }
        return padded + String((10 - sum % 10) % 10)
    }

    /// A text as a dump of its bytes shows it: `34 30 31 32`.
    package static func dumped(_ text: String, joining: String = " ") -> String {
        text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: joining)
    }
}
