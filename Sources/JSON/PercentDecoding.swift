extension StringProtocol {
    /// Percent escapes of UTF-8 undone (RFC 3986); a text with escapes that are none stays as it is.
    package var percentDecoded: String {
        guard utf8.contains(UInt8(ascii: "%")) else { return String(self) }
        return Array(utf8).percentDecoded(keepingOthers: false).flatMap { String(validating: $0, as: UTF8.self) } ?? String(self)
    }
}

extension [UInt8] {
    /// Percent escapes undone; what is none stays as it is, or is a fault.
    package func percentDecoded(keepingOthers keeps: Bool) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(count)
        var at = 0
        while at < count {
            if self[at] == UInt8(ascii: "%"), at + 2 < count, let high = self[at + 1].hexDigit, let low = self[at + 2].hexDigit {
                decoded.append(high << 4 | low)
                at += 3
            } else if self[at] != UInt8(ascii: "%") || keeps {
                decoded.append(self[at])
                at += 1
            } else {
                return nil
            }
        }
        return decoded
    }
}
