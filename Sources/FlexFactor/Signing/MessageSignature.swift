package import DeclineRecovery
import JSON

/// FlexFactor's `x-fc-*` signature of a message (facts/flexfactor-api.md §13): header names, algorithm and the parts signed, all here.
package struct MessageSignature: Sendable, Hashable {
    package let nonce: String
    package let date: String
    package let contentHash: String
    package let authorization: String
    let bodySignature: String

    package enum HeaderName {
        package static let nonce = "x-fc-nonce"
        package static let date = "x-fc-date"
        package static let contentHash = "x-fc-content-sha512"
        package static let authorization = "x-fc-authorization"
        static let bodySignature = "x-fc-signature"
    }

    private static let scheme = "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature="

    package var headers: [(name: String, value: String)] {
        [
            (HeaderName.nonce, nonce), (HeaderName.date, date), (HeaderName.contentHash, contentHash),
            (HeaderName.authorization, authorization), (HeaderName.bodySignature, bodySignature),
        ]
    }

    /// Signs a message.
    ///
    /// - Parameter nonce: 32 hex digits, never used before; drawn at random when `nil`.
    package init(method: String, host: String, body: [UInt8], key: HMACSigningKey, now: Moment, nonce: String? = nil) {
        let nonce: String = nonce ?? Self.hexadecimal(randomBytes(16))
        let date: String = now.rfc1123
        let hash: String = Base64.encode(sha512(body))
        self.nonce = nonce
        self.date = date
        contentHash = hash
        authorization = Self.scheme + Base64.encode(key.authenticate(Self.signedText(method, nonce, date, host, hash)))
        bodySignature = Base64.encode(key.authenticate(body))
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
            for (place, byte) in bytes.enumerated() {
                for (offset, digit) in [(0, byte >> 4), (1, byte & 0xF)] {
                    text[2 * place + offset] = digit < 10 ? 0x30 + digit : 0x57 + digit
                }
            }
            return 2 * bytes.count
        }
    }

    private static func signedText(_ method: String, _ nonce: String, _ date: String, _ host: String, _ hash: String) -> [UInt8] {
        Array("\(method)\n\(nonce);\(date);\(host);\(hash)".utf8)
    }

    /// Why a signed message is not believed.
    package enum Refusal: String, Error, Sendable, Hashable, CaseIterable {
        case headerMissing = "a signature header is missing"
        case dateUnreadable = "the date is not of its form"
        case dateOutsideWindow = "the date is too far off"
        case bodyDiffers = "the body is not the one that was hashed"
        case signatureWrong = "the signature fits none of the keys"
    }

    /// Checks a message that claims to come from FlexFactor: its date, its body, its signature by any of the keys.
    ///
    /// The nonce is not remembered here; the caller refuses one it has seen within twice the window.
    package static func verify(
        header: (String) -> String?, method: String, host: String, body: [UInt8], keys: [HMACSigningKey], now: Moment,
        window: Moment.Span = .minutes(5)
    ) -> Refusal? {
        guard let nonce = header(HeaderName.nonce), let date = header(HeaderName.date), let authorization = header(HeaderName.authorization)
        else {
            return .headerMissing
        }
        guard let sent = Moment(rfc1123: date) else { return .dateUnreadable }
        guard now - sent <= window, sent - now <= window else { return .dateOutsideWindow }
        let hash = Base64.encode(sha512(body))
        if let claimed = header(HeaderName.contentHash), !areEqual(Array(claimed.utf8), Array(hash.utf8)) { return .bodyDiffers }
        let text = signedText(method, nonce, date, host, hash)
        let claimed = Array(authorization.utf8)
        let isSigned = keys.contains { areEqual(Array((scheme + Base64.encode($0.authenticate(text))).utf8), claimed) }
        return isSigned ? nil : .signatureWrong
    }
}
