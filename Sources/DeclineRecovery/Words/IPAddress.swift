/// Whether a text is an address on the network, as FlexFactor takes the customer's.
package enum IPAddress {
    /// A dotted IPv4 address of four decimal numbers without leading zeros, or an IPv6 address (RFC 4291 §2.2) without a zone.
    package static func isValid(_ text: String) -> Bool {
        isIPv4(text[...]) || isIPv6(text[...])
    }

    /// The customer's address in what a web server noted: with a port, in brackets, with a zone, or a list with the proxies behind it. Of a
    /// list the first that the network at large knows, and else the first.
    package static func found(in text: String) -> String? {
        if isValid(text) { return text }
        let addresses = text.split(separator: ",").prefix(16).compactMap(address)
        return addresses.first { !isPrivate($0) } ?? addresses.first
    }

    private static func address(_ entry: Substring) -> String? {
        let blanks: Set<Unicode.Scalar> = [" ", "\t", "\r", "\n", "\"", "\u{A0}"]
        var rest = entry.unicodeScalars
        while let first = rest.first, blanks.contains(first) { rest.removeFirst() }
        while let last = rest.last, blanks.contains(last) { rest.removeLast() }
        var text = Substring(rest)
        if text.first == "[", let end = text.firstIndex(of: "]") {
            text = text[text.index(after: text.startIndex)..<end]
        } else if let colon = text.firstIndex(of: ":"), isIPv4(text[..<colon]) {
            let port = text[text.index(after: colon)...]
            guard (1...5).contains(port.utf8.count), port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            text = text[..<colon]
        }
        if let zone = text.firstIndex(of: "%") { text = text[..<zone] }
        return isIPv4(text) || isIPv6(text) ? String(text) : nil
    }

    /// Whether a valid address is one that nobody can be reached at from outside: a customer's it hardly is.
    package static func isPrivate(_ address: String) -> Bool {
        let text = address.lowercased()
        let last = text.utf8.lastIndex(of: UInt8(ascii: ":")).map { text.utf8.index(after: $0) } ?? text.startIndex
        if text.utf8[last...].contains(UInt8(ascii: ".")) {
            guard let octets = octets(text.utf8[last...]) else { return false }
            switch (octets >> 24, octets >> 16 & 0xFF) {
            case (0, _), (10, _), (127, _), (169, 254), (172, 16...31), (192, 168), (100, 64...127): return true
            default: return false
            }
        }
        let first = UInt16(text.prefix { $0 != ":" }, radix: 16) ?? 0
        return text == "::1" || text == "::" || first & 0xFE00 == 0xFC00 || first & 0xFFC0 == 0xFE80
    }

    private static func isIPv4(_ text: Substring) -> Bool { octets(text.utf8) != nil }

    /// The four numbers of a dotted address, the first one highest.
    private static func octets(_ text: Substring.UTF8View) -> UInt32? {
        var octets: UInt32 = 0
        var dots = 0
        var digits = 0
        var number: UInt32 = 0
        for byte in text {
            switch byte {
            case 0x30...0x39:
                // No leading zeros, and no number of more than a byte.
                if digits == 3 || digits > 0 && number == 0 { return nil }
                number = number * 10 + UInt32(byte - 0x30)
                digits += 1
            case UInt8(ascii: "."):
                guard digits > 0, number < 256, dots < 3 else { return nil }
                octets = octets << 8 | number
                dots += 1
                (digits, number) = (0, 0)
            default: return nil
            }
        }
        return dots == 3 && digits > 0 && number < 256 ? octets << 8 | number : nil
    }

    private static func isIPv6(_ text: Substring) -> Bool {
        guard let gap = text.firstRange(of: "::") else { return groups(in: text) == 8 }
        let before = text[..<gap.lowerBound]
        let after = text[gap.upperBound...]
        guard after.firstRange(of: "::") == nil, !after.hasPrefix(":"), let left = before.isEmpty ? 0 : groups(in: before, isLast: false),
            let right = after.isEmpty ? 0 : groups(in: after)
        else { return false }
        return left + right <= 7
    }

    /// How many 16-bit groups a run of them makes; an IPv4 address at the end makes two. `nil` when it is none.
    private static func groups(in text: Substring, isLast: Bool = true) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var count = 0
        for (index, part) in parts.enumerated() {
            if isLast, index == parts.count - 1, part.contains(".") {
                guard isIPv4(part) else { return nil }
                count += 2
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit) else { return nil }
                count += 1
            }
        }
        return count
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
