package import JSON

/// Finds card data that must not be there, and takes it out of what is kept or told: card numbers in clear, security codes, magnetic
/// stripes, tokens, keys (behaviour.md §9). Everything that leaves a worker comes by here: letters, results, journal, logs.
///
/// Legitimate ids as long as a card number exist, and one in ten passes Luhn; a brand's prefix and length leave about one in twenty of those
/// with sixteen digits. Where an id belongs, or an article's number, it is taken for one (``IDPlaces``). Elsewhere safety goes first: such an
/// id is refused, and the CRM sends it with a letter before it.
package enum CardDataGuard {
    package enum Finding: Hashable, Sendable {
        case cardNumber, securityCode, trackData
    }

    /// What stands in a text, or hides in it.
    package static func finding(in text: String) -> Finding? {
        guard CardDataGlance.seesReason(in: text) else { return nil }
        var scan = CardDataScan(isStrict: true)
        let found = scan.search(Array(text.utf8)).compactMap(\.finding)
        return found.contains(.trackData) ? .trackData : found.first
    }

    /// Whether the value of a member that is named as a security code can be one: no null, no empty text, no yes or no.
    static func mayBeSecurityCode(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool: false
        case .string(let text): !text.isEmpty
        default: true
        }
    }

    /// Whether the value of a member that is named as a card number can be one, whatever its check digit says and whatever fills it up.
    static func mayBeCardNumber(_ value: JSONValue) -> Bool {
        switch value {
        case .integer(let number): (100_000_000_000...).contains(number.magnitude)
        case .number(let text), .string(let text):
            mayBeCardNumber(digits: text.utf8.count { (0x30...0x39).contains($0) }, of: text.utf8.count)
        default: false
        }
    }

    /// A number, with zeros before it or its expiry behind it; but a hash or what is encrypted, which may stand under such a name, is mostly
    /// letters.
    static func mayBeCardNumber(digits: Int, of count: Int) -> Bool { (12...19).contains(digits) || digits > 19 && digits * 4 >= count * 3 }

    /// The digits of a number however it is written: 4.1e15 has sixteen.
    static func written(_ number: String) -> String { JSONNumber(number)?.digitsWritten ?? number }

    /// Whether a list is one number, cut to pieces: all its elements are digits, and together as many as a card number has.
    static func isCardNumber(_ elements: [JSONValue]) -> Bool {
        guard (2...19).contains(elements.count) else { return false }
        var digits = ""
        for element in elements {
            switch element {
            case .integer(let number) where number >= 0: digits += String(number)
            case .string(let text) where !text.isEmpty && text.utf8.count <= 19: digits += text
            default: return false
            }
        }
        return (13...19).contains(digits.utf8.count) && digits.utf8.allSatisfy { (0x30...0x39).contains($0) } && finding(in: digits) != nil
    }

    // MARK: Copies

    /// A copy of any bytes without card data. JSON stays JSON; text in another encoding, and packed text, becomes plain text; what nobody can
    /// read becomes its length and a digest.
    ///
    /// - Parameter seal: encrypts the token of a payment method, which then stands there as its encrypted card: only a worker can open
    ///   it. Without it, or where it gives nothing, the token is removed.
    package static func redacted(_ bytes: [UInt8], sealing seal: (CardToken) -> SealedCard? = { _ in nil }) -> [UInt8] {
        do throws(JSONError) {
            let value = try JSONValue(parsing: bytes.span, limits: JSONLimits(bytes: .max, depth: 512))
            return redacted(value, seal).bytes
        } catch {
            guard let text = readable(bytes) else { return unreadable(bytes) }
            if text != bytes { return redacted(text, sealing: seal) }
            // What breaks one rule of JSON is read for its answer (`CRMMessage`): what is found so, half a character between the digits, goes.
            let tolerant = JSONLimits(bytes: .max, depth: 512, isTolerant: true)
            if let value = try? JSONValue(parsing: bytes.span, limits: tolerant) {
                let redacted = redacted(value, seal)
                if redacted != value { return redacted.bytes }
            }
            return redactedText(bytes)
        }
    }

    /// A header's value, with all that it holds.
    package static func redacted(_ value: JSONValue, under name: String) -> JSONValue {
        if let secret = SecretName(name), secret == .cardNumber ? mayBeCardNumber(value) : mayBeSecurityCode(value) {
            return .string(secret.mark)
        }
        return redacted(value, under: name, nil) { _ in nil }
    }

    /// A text that is told or kept beside a message.
    package static func redacted(_ text: String) -> String {
        guard CardDataGlance.seesReason(in: text) else { return text }
        let bytes = Array(text.utf8)
        var scan = CardDataScan(isStrict: true)
        let found = scan.search(bytes)
        return found.isEmpty ? text : String(decoding: replaced(found.map { ($0.range, Array($0.mark.utf8)) }, in: bytes), as: UTF8.self)
    }

    /// What tells a message from others that have no id either: the message without its card, in clear or sealed, for a token is sealed
    /// differently each time.
    package static func identity(of bytes: [UInt8]) -> [UInt8] {
        let redacted = redacted(bytes)
        guard let value = try? JSONValue(parsing: redacted.span, limits: JSONLimits(bytes: .max, depth: 512)) else { return redacted }
        return withoutSealedCard(value, under: nil).bytes
    }

    private static func withoutSealedCard(_ value: JSONValue, under name: String?) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map { withoutSealedCard($0, under: nil) })
        case .object(let members):
            .object(
                members.compactMap { member in
                    name == "paymentMethod" && member.name == "encryptedCard" && member.value.isNull
                        ? nil
                        : name == "paymentMethod" && member.name == "encryptedCard"
                            ? JSONValue.Member("token", .string(CardDataMark.token))
                            : JSONValue.Member(member.name, withoutSealedCard(member.value, under: member.name))
                })
        default: value
        }
    }

    /// Whether nothing would be taken out.
    package static func isClean(_ value: JSONValue) -> Bool { redacted(value) { _ in nil } == value }

    /// Whether something was taken out before.
    package static func isMarked(_ bytes: [UInt8]) -> Bool {
        // They begin alike, so one pass finds where any may stand.
        bytes.withUnsafeBufferPointer { bytes in
            bytes.indices.contains { index in
                bytes[index] == CardDataMark.opening && CardDataMark.all.contains { bytes[index...].starts(with: $0) }
            }
        }
    }

    // MARK: JSON

    private static func redacted(_ value: JSONValue, _ seal: (CardToken) -> SealedCard?) -> JSONValue {
        redacted(value, under: nil, IDPlaces(value), seal)
    }

    /// - Parameter name: of the member whose value this is.
    private static func redacted(_ value: JSONValue, under name: String?, _ places: IDPlaces?, _ seal: (CardToken) -> SealedCard?)
        -> JSONValue
    {
        switch value {
        case .null, .bool: return value
        case .integer(let number): return finding(in: String(number)) == nil ? value : .string(CardDataMark.number)
        case .number(let text): return finding(in: written(text)) == nil ? value : .string(CardDataMark.number)
        case .string(let text): return .string(redacted(text))
        case .array(let elements):
            if isCardNumber(elements) { return .array([.string(CardDataMark.number)]) }
            let inner = IDPlaces.elements(of: name)
            return .array(elements.map { redacted($0, under: inner, places, seal) })
        case .object(let members): return .object(redacted(members, of: value, under: name, places, seal))
        }
    }

    /// Whether there is any reason to ask what stands there.
    private static func mayPassForNumber(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): CardDataGlance.seesReason(in: text)
        case .integer(let number): number.magnitude >= 100_000_000_000
        default: false
        }
    }

    private static func redacted(
        _ members: [JSONValue.Member], of object: JSONValue, under name: String?, _ places: IDPlaces?, _ seal: (CardToken) -> SealedCard?
    ) -> [JSONValue.Member] {
        var sealed: SealedCard?
        if name == "paymentMethod", object["encryptedCard"]?.isNull ?? true, let token = object["token"]?.string, finding(in: token) == nil
        {
            sealed = seal(CardToken(token))
        }
        let named = NamedPair(members)
        return members.compactMap { member in
            let isOwn = OwnNames.contains(member.name)
            if mayPassForNumber(member.value), places?.isID(member.value, member: member.name, of: name) == true { return member }
            let kept = isOwn ? member.name : redacted(member.name)
            // A null beside the token: the sealed card comes in the token's place.
            if sealed != nil, member.name == "encryptedCard" { return nil }
            switch (isOwn ? nil : SecretName(member.name)) ?? named?.secret(of: member) {
            case .securityCode? where mayBeSecurityCode(member.value): return JSONValue.Member(kept, .string(CardDataMark.code))
            case .cardNumber? where mayBeCardNumber(member.value): return JSONValue.Member(kept, .string(CardDataMark.number))
            // A token can charge the card at FlexFactor as the number can.
            case .token? where mayBeSecurityCode(member.value):
                if let sealed, member.name == "token" { return JSONValue.Member("encryptedCard", .string(sealed.exposed)) }
                // A number in the token's place must not come back as a token.
                let isNumber = member.value.string.map { finding(in: $0) != nil } ?? false
                return JSONValue.Member(kept, .string(isNumber ? CardDataMark.number : CardDataMark.token))
            case .secret? where mayBeSecurityCode(member.value): return JSONValue.Member(kept, .string(CardDataMark.secret))
            default: return JSONValue.Member(kept, redacted(member.value, under: member.name, places, seal))
            }
        }
    }
}
