/// What the name of a member, header, field or element says of its value.
enum SecretName {
    case securityCode
    case cardNumber
    case token
    /// A key or a password of somebody's machine.
    case secret

    init?(_ name: String) {
        guard Self.lengths.contains(name.utf8.count) else { return nil }
        self.init(plain: Self.plain(name.unicodeScalars.lazy.map(\.value)))
    }

    private static let lengths = 3...64

    /// Whether a name as it stands in a message is one. Every message has one that is asked, and most are ASCII and need not be a text for it.
    static func isOne(_ written: UnsafeBufferPointer<UInt8>) -> Bool {
        // Letters of full width are letters too.
        if written.contains(where: { $0 >= 0x80 }) { return SecretName(String(decoding: written, as: UTF8.self)) != nil }
        guard lengths.contains(written.count), mayStand(in: written, joining: { _ in true }) else { return false }
        return SecretName(plain: plain(written.lazy.map { UInt32($0) })) != nil
    }

    /// Whether a name may stand in a text; where it says no, none does.
    ///
    /// - Parameter joins: what may stand within a name beside letters and digits.
    static func mayStand(in text: UnsafeBufferPointer<UInt8>, joining joins: (UInt8) -> Bool) -> Bool {
        var three: UInt16 = 0
        for byte in text {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A:
                three = following(three, by: byte >= 0x41 ? byte | 0x20 : byte)
                if begins(three) { return true }
            default: if !joins(byte) { three = 0 }
            }
        }
        return false
    }

    /// Letters and digits alone, small; those of full width are the same.
    static func plain(_ values: some Sequence<UInt32>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(32)
        for wide in values {
            let value = (0xFF01...0xFF5E).contains(wide) ? wide - 0xFEE0 : wide
            switch value {
            case 0x41...0x5A: plain.append(UInt8(value + 0x20))
            case 0x61...0x7A, 0x30...0x39: plain.append(UInt8(value))
            default: break
            }
        }
        return plain
    }

    /// - Parameter plain: as ``plain(_:)`` makes it.
    init?(plain: [UInt8]) {
        // Every word of a hostile text comes by here, so most must be seen to be nothing at a glance.
        guard (3...48).contains(plain.count), Self.isWorthALook(plain) else { return nil }
        let name = Self.listed(plain[...])
        let bare = Self.listed(Self.bare(plain[...]))
        if Self.isSecurityCode(name, bare, plain) {
            self = .securityCode
        } else if Self.cardNumbers.contains(name) || Self.cardNumbers.contains(bare) {
            self = .cardNumber
        } else if plain.suffix(5).elementsEqual("token".utf8) {
            self = .token
        } else if Self.secrets.contains(name) {
            self = .secret
        } else {
            return nil
        }
    }

    /// As the lists have it: what is longer than all that stands there is in none, and nothing for it.
    private static func listed(_ plain: ArraySlice<UInt8>) -> String {
        plain.count <= longestListed ? String(decoding: plain, as: UTF8.self) : ""
    }

    private static let longestListed = [codes, cardNumbers, secrets].joined().map(\.utf8.count).max() ?? 0

    private static func isSecurityCode(_ name: String, _ bare: String, _ plain: [UInt8]) -> Bool {
        let isCode =
            names("cvv", plain) || names("cvc", plain) || names("securitycode", plain) || names("cardverification", plain)
            || codes.contains(name) || codes.contains(bare)
        // What a check of the code said is no code.
        return isCode && !checks.contains { names($0, plain) }
    }

    private static let checks: [StaticString] = [
        "result", "response", "status", "match", "check", "presen", "indicator", "require", "policy", "enabled", "error", "message",
        "reason",
    ]

    private static func names(_ word: StaticString, _ plain: [UInt8]) -> Bool {
        let length = word.utf8CodeUnitCount
        guard plain.count >= length else { return false }
        starts: for start in 0...plain.count - length {
            for offset in 0..<length where plain[start + offset] != word.utf8Start[offset] { continue starts }
            return true
        }
        return false
    }

    /// Whether three letters stand in it that some name of a secret begins with, give or take what is left of them.
    private static func isWorthALook(_ plain: [UInt8]) -> Bool {
        var three: UInt16 = 0
        for letter in plain {
            three = following(three, by: letter)
            if begins(three) { return true }
        }
        return false
    }

    /// The last three letters, five bits each. None is 0, and so is a digit but the one that stands in such a beginning.
    private static func following(_ three: UInt16, by small: UInt8) -> UInt16 {
        let letter: UInt8 = small >= 0x61 ? small & 0x1F : small == UInt8(ascii: "2") ? 27 : 0
        return three << 5 & 0x7FFF | UInt16(letter)
    }

    private static func begins(_ three: UInt16) -> Bool { beginnings[Int(three >> 6)] >> UInt64(three & 63) & 1 == 1 }

    /// A bit for all that three letters can be: a table of fewer places would see beginnings in one time of day in forty.
    private static let beginnings: [UInt64] = {
        var table = [UInt64](repeating: 0, count: 512)
        for beginning in [
            "cvv", "cvc", "cvd", "cvn", "cvx", "ccv", "cv2", "cid", "csc", "cav", "pin", "car", "ver", "sec", "per", "tra", "mag", "pan",
            "ful", "pri", "ccn", "tok",
            "pas", "cli", "api", "app", "aut", "pro", "acc", "sig", "hma", "env", "coo", "set",
        ] {
            let three = beginning.utf8.reduce(0, following)
            table[Int(three >> 6)] |= 1 << UInt64(three & 63)
        }
        return table
    }()

    /// Without what says whose it is and what it is made of: `cardPinNumber` is `pin`.
    private static func bare(_ plain: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = plain
        for prefix in prefixes
        where rest.count > prefix.utf8CodeUnitCount + 2 && rest.prefix(prefix.utf8CodeUnitCount).elementsEqual(bytes(prefix)) {
            rest = rest.dropFirst(prefix.utf8CodeUnitCount)
        }
        for suffix in suffixes
        where rest.count > suffix.utf8CodeUnitCount + 2 && rest.suffix(suffix.utf8CodeUnitCount).elementsEqual(bytes(suffix)) {
            return rest.dropLast(suffix.utf8CodeUnitCount)
        }
        return rest
    }

    private static let prefixes: [StaticString] = [
        "encrypted", "customer", "billing", "payment", "credit", "debit", "atm", "card", "cc", "x",
    ]
    private static let suffixes: [StaticString] = ["number", "num", "no", "value", "val", "digits", "data", "block", "1", "2"]

    private static func bytes(_ text: StaticString) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    private static let codes: Set<String> = [
        "cvd", "cvn", "cvx", "ccv", "cv2", "cid", "csc", "cav", "cav2", "pin", "cvdcode", "cvncode", "csccode", "cardcode",
        "verificationvalue", "verificationcode",
        "verificationnumber", "securitynumber", "securitydigits", "personalidentification", "track", "track1", "track2", "track1data",
        "track2data",
        "trackdata", "magstripe", "magneticstripe",
    ]
    private static let cardNumbers: Set<String> = [
        "pan", "fullpan", "cardnumber", "primaryaccount", "primaryaccountnumber", "cardnum", "cardno", "ccnumber", "ccnum", "ccn",
    ]
    private static let secrets: Set<String> = [
        "password", "passwd", "passphrase", "secret", "appsecret", "clientsecret", "apikey", "xapikey", "appkey", "authorization",
        "proxyauthorization",
        "accesskey", "secretkey", "privatekey", "signingkey", "hmacsigningkey", "environmentkey", "cookie", "setcookie",
    ]
}

extension SecretName {
    /// The mark that stands in place of such a value.
    var mark: String {
        switch self {
        case .securityCode: CardDataMark.code
        case .cardNumber: CardDataMark.number
        case .token: CardDataMark.token
        case .secret: CardDataMark.secret
        }
    }
}
