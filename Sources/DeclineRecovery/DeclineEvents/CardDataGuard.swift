/// Finds card data that must not be there: card numbers in clear, security codes, magnetic stripes (behaviour.md §9).
///
/// A card number is a run of 13 to 19 digits, single spaces or dashes between them allowed, that begins and is as long as a brand's
/// numbers are and passes the Luhn check. Legitimate ids of that length exist, and one in ten passes Luhn; the brand's prefix and length
/// leave about one in a hundred. Safety goes first: such an id is refused as well, and the CRM sends it with a letter before it. A UUID
/// is none of them, though one in some thousands has such digits: FlexFactor's ids are UUIDs, and must be found again.
public enum CardDataGuard {
    public static let numberMark = "[card number removed]"
    public static let codeMark = "[security code removed]"
    public static let tokenMark = "[card token removed]"

    public enum Finding: Hashable, Sendable {
        case cardNumber, securityCode, trackData
    }

    /// What stands in a text.
    public static func finding(in text: String) -> Finding? {
        guard hasDigitsEnough(text) else { return nil }
        let bytes = Array(text.utf8)
        if hasTrack(bytes) { return .trackData }
        return cardNumbers(in: bytes).isEmpty ? nil : .cardNumber
    }

    /// Whether a member's name says that its value is a security code.
    public static func namesSecurityCode(_ name: String) -> Bool {
        // Every message's every name comes by here; few begin like one of these.
        guard let letter = name.utf8.first(where: { (0x61...0x7A).contains($0 | 0x20) }), "csv".utf8.contains(letter | 0x20) else { return false }
        let plain = String(decoding: name.lowercased().utf8.filter { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }, as: UTF8.self)
        return securityCodeNames.contains(plain)
    }

    private static let securityCodeNames: Set<String> = [
        "cvv", "cvv2", "cvc", "cvc2", "cvn", "cvn2", "cid", "csc", "cav2", "securitycode", "cardsecuritycode", "cardcode", "cvvcode", "cvccode",
        "verificationvalue", "cardverification", "cardverificationvalue", "cardverificationcode", "cardcvv", "cardcvc", "cardcvv2",
        "verificationcode",
    ]

    /// Whether the value of a member that is named as a security code can be one: no null, no empty text, no yes or no.
    static func mayBeSecurityCode(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool: false
        case .string(let text): !text.isEmpty
        default: true
        }
    }

    /// Whether a text has digits enough for a card number or a stripe; most have not, and need no closer look.
    static func hasDigitsEnough(_ text: String) -> Bool {
        text.utf8.count >= 12 && text.utf8.lazy.filter(isDigit).count >= 12
    }

    /// A copy of any bytes without card data. JSON stays JSON.
    ///
    /// - Parameter seal: encrypts the token of a payment method, which then stands there as its encrypted card: only a worker can open
    ///   it. Without it, or where it gives nothing, the token is removed.
    public static func redacted(_ bytes: [UInt8], sealing seal: (CardToken) -> SealedCard? = { _ in nil }) -> [UInt8] {
        do throws(JSONError) {
            let value = try JSONValue(parsing: bytes.span, limits: JSONLimits(bytes: .max, depth: 512))
            return redacted(value, under: nil, seal).bytes
        } catch {
            return redactedUnparsed(bytes)
        }
    }

    /// A header's value, with all that it holds.
    public static func redacted(_ value: JSONValue, under name: String) -> JSONValue {
        if namesSecurityCode(name) { return .string(codeMark) }
        return name.lowercased() == "token" ? .string(tokenMark) : redacted(value, under: name) { _ in nil }
    }

    /// What tells a message from others that have no id either: the message without its card, in clear or sealed, for a token is sealed
    /// differently each time.
    public static func identity(of bytes: [UInt8]) -> [UInt8] {
        let redacted = redacted(bytes)
        guard let value = try? JSONValue(parsing: redacted.span, limits: JSONLimits(bytes: .max, depth: 512)) else { return redacted }
        return withoutSealedCard(value, under: nil).bytes
    }

    private static func withoutSealedCard(_ value: JSONValue, under name: String?) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map { withoutSealedCard($0, under: nil) })
        case .object(let members):
            .object(members.compactMap { member in
                name == "paymentMethod" && member.name == "encryptedCard" && member.value.isNull ? nil : name == "paymentMethod" && member.name == "encryptedCard"
                    ? JSONValue.Member("token", .string(tokenMark)) : JSONValue.Member(member.name, withoutSealedCard(member.value, under: member.name))
            })
        default: value
        }
    }

    /// Whether nothing would be taken out.
    public static func isClean(_ value: JSONValue) -> Bool { redacted(value, under: nil) { _ in nil } == value }

    /// Whether something was taken out before.
    public static func isMarked(_ bytes: [UInt8]) -> Bool { [numberMark, codeMark, tokenMark].contains { bytes.contains(text: $0) } }

    public static func redacted(_ text: String) -> String {
        String(decoding: withoutNumbers(Array(text.utf8)), as: UTF8.self)
    }

    /// - Parameter name: of the member whose value this is.
    private static func redacted(_ value: JSONValue, under name: String?, _ seal: (CardToken) -> SealedCard?) -> JSONValue {
        switch value {
        case .null, .bool: return value
        case .integer(let number): return cardNumbers(in: Array(String(number).utf8)).isEmpty ? value : .string(numberMark)
        case .number(let text): return cardNumbers(in: Array(text.utf8)).isEmpty ? value : .string(numberMark)
        case .string(let text): return .string(redacted(text))
        case .array(let elements): return .array(elements.map { redacted($0, under: nil, seal) })
        case .object(let members):
            var sealed: SealedCard?
            if name == "paymentMethod", value["encryptedCard"]?.isNull ?? true, let token = value["token"]?.string, finding(in: token) == nil {
                sealed = seal(CardToken(token))
            }
            return .object(
                members.compactMap { member in
                    let name = redacted(member.name)
                    if namesSecurityCode(member.name), !member.value.isNull, member.value != .string("") { return JSONValue.Member(name, .string(codeMark)) }
                    // A null beside the token: the sealed card comes in the token's place.
                    if sealed != nil, member.name == "encryptedCard" { return nil }
                    // A token can charge the card at FlexFactor as the number can.
                    if member.name == "token", !member.value.isNull {
                        if let sealed { return JSONValue.Member("encryptedCard", .string(sealed.exposed)) }
                        // A number in the token's place must not come back as a token.
                        let isNumber = member.value.string.map { finding(in: $0) != nil } ?? false
                        return JSONValue.Member(name, .string(isNumber ? numberMark : tokenMark))
                    }
                    return JSONValue.Member(name, redacted(member.value, under: member.name, seal))
                })
        }
    }

    static func withoutNumbers(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var from = 0
        for range in cardNumbers(in: bytes) {
            result += bytes[from..<range.lowerBound]
            result += Array(numberMark.utf8)
            from = range.upperBound
        }
        return result + bytes[from...]
    }

    /// Where card numbers stand, in order, without overlap.
    static func cardNumbers(in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = 0
        while position < bytes.count {
            if let uuid = endOfUUID(at: position, in: bytes) {
                position = uuid
                continue
            }
            guard isDigit(bytes[position]) else {
                position += 1
                continue
            }
            // A run of digits with single separators, and where each digit stands.
            var places: [Int] = []
            var end = position
            while end < bytes.count {
                if isDigit(bytes[end]) {
                    places.append(end)
                } else if (bytes[end] != 0x20 && bytes[end] != 0x2D) || end + 1 >= bytes.count || !isDigit(bytes[end + 1]) {
                    break
                }
                end += 1
            }
            position = end
            if places.count >= 13 { found += cardNumbers(at: places, in: bytes) }
        }
        return found
    }

    /// Where a UUID ends that begins here: 32 hexadecimal digits in five groups, a letter among them, alone.
    private static func endOfUUID(at start: Int, in bytes: [UInt8]) -> Int? {
        let end = start + 36
        guard end <= bytes.count, bytes[start + 8] == 0x2D, start == 0 || !isWord(bytes[start - 1]), end == bytes.count || !isWord(bytes[end]) else { return nil }
        var hasLetter = false
        for index in 0..<36 {
            let byte = bytes[start + index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == 0x2D else { return nil }
            } else if !isDigit(byte) {
                guard (0x61...0x66).contains(byte | 0x20) else { return nil }
                hasLetter = true
            }
        }
        return hasLetter ? end : nil
    }

    /// What would make a UUID part of something longer.
    private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x2D }

    private static func cardNumbers(at places: [Int], in bytes: [UInt8]) -> [Range<Int>] {
        let digits = places.map { bytes[$0] - 0x30 }
        // A card number stands alone, or is glued to other groups by separators; a longer unbroken number is something else.
        var found: [Range<Int>] = []
        var start = 0
        while start + 13 <= digits.count {
            let length = (13...19).reversed().first { length in
                start + length <= digits.count && begins(at: start) && ends(at: start + length) && isCardNumber(digits[start..<start + length])
            }
            if let length {
                found.append(places[start]..<places[start + length - 1] + 1)
                start += length
            } else {
                start += 1
            }
        }
        func begins(at index: Int) -> Bool { index == 0 || places[index] - places[index - 1] > 1 }
        func ends(at index: Int) -> Bool { index == places.count || places[index] - places[index - 1] > 1 }
        return found
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isCardNumber(_ digits: ArraySlice<UInt8>) -> Bool { hasBrand(digits) && passesLuhn(digits) }

    private static func passesLuhn(_ digits: ArraySlice<UInt8>) -> Bool {
        var sum = 0
        for (position, digit) in digits.reversed().enumerated() {
            let weighted = position % 2 == 1 ? Int(digit) * 2 : Int(digit)
            sum += weighted > 9 ? weighted - 9 : weighted
        }
        return sum % 10 == 0
    }

    /// The issuers' number ranges (ISO/IEC 7812) of the brands in use.
    private static func hasBrand(_ digits: ArraySlice<UInt8>) -> Bool {
        let first4 = digits.prefix(4).reduce(0) { $0 * 10 + Int($1) }
        let length = digits.count
        switch first4 {
        case 4_000...4_999: return length == 13 || length == 16 || length == 19
        case 5_100...5_599, 2_221...2_720: return length == 16
        case 3_400...3_499, 3_700...3_799: return length == 15
        case 6_011, 6_440...6_599: return (16...19).contains(length)
        case 3_528...3_589: return (16...19).contains(length)
        case 3_000...3_059, 3_600...3_699, 3_800...3_999: return (14...19).contains(length)
        case 6_200...6_299, 8_100...8_171: return (16...19).contains(length)
        case 5_000...5_099, 5_600...5_899, 6_300...6_399, 6_700...6_799: return (13...19).contains(length)
        default: return false
        }
    }

    /// Track 1 (`%B...^`) or track 2 (`;...=`) of a magnetic stripe.
    private static func hasTrack(_ bytes: [UInt8]) -> Bool {
        for (index, byte) in bytes.enumerated() {
            let digitsFrom: Int
            let end: UInt8
            if byte == 0x25, index + 1 < bytes.count, bytes[index + 1] | 0x20 == 0x62 {
                (digitsFrom, end) = (index + 2, 0x5E)
            } else if byte == 0x3B {
                (digitsFrom, end) = (index + 1, 0x3D)
            } else {
                continue
            }
            var position = digitsFrom
            while position < bytes.count, isDigit(bytes[position]) || bytes[position] == 0x20 { position += 1 }
            if (12...23).contains(position - digitsFrom), position < bytes.count, bytes[position] == end { return true }
        }
        return false
    }
}
