import DeclineRecovery
import JSON

extension RecoveryReference {
    /// A text of FlexFactor without the reference that it may quote, as it is or as it may stand in a path, in whatever case.
    func removed(from text: String) -> String {
        let quoted = self.text.lowercased()
        return [quoted, quoted.replacing("~", with: "%7e")].reduce(text) { Self.removed(Array($1.utf8), from: $0) }
    }

    /// - Parameter sought: in small letters.
    private static func removed(_ sought: [UInt8], from text: String) -> String {
        let bytes = Array(text.utf8)
        let folded = bytes.map { $0.smallLetter }
        var kept: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if folded[place...].starts(with: sought) {
                // What stands before and behind it is not one word.
                kept.append(UInt8(ascii: " "))
                place += sought.count
            } else {
                kept.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }
}
