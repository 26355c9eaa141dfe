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

    private static let scheme: StaticString = "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature="

    package var headers: [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        add(to: &headers)
        return headers
    }

    func add(to headers: inout [(name: String, value: String)]) {
        headers.append((HeaderName.nonce, nonce))
        headers.append((HeaderName.date, date))
        headers.append((HeaderName.contentHash, contentHash))
        headers.append((HeaderName.authorization, authorization))
        headers.append((HeaderName.bodySignature, bodySignature))
    }

    /// Signs a message.
    ///
    /// - Parameter nonce: 32 hex digits, never used before; drawn at random when `nil`.
    package init(method: String, host: String, body: [UInt8], key: HMACSigningKey, now: Moment, nonce: String? = nil) {
        let nonce: String = nonce ?? Self.freshNonce()
        let date: String = now.rfc1123
        let hash: String = sha512(body)
        self.nonce = nonce
        self.date = date
        contentHash = hash
        authorization = key.signature(of: Self.signedText(method, nonce, date, host, hash), behind: Self.scheme)
        bodySignature = key.signature(of: body)
    }

    /// 32 hex digits by chance.
    private static func freshNonce() -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { bytes in
            fillByChance(bytes)
            return String(unsafeUninitializedCapacity: 32) { text in
                func put(_ digit: UInt8, at place: Int) { text[place] = digit < 10 ? 0x30 + digit : 0x57 + digit }
                for (place, byte) in bytes.enumerated() {
                    put(byte >> 4, at: 2 * place)
                    put(byte & 0xF, at: 2 * place + 1)
                }
                return 32
            }
        }
    }

    /// The method and a line end, then the rest with semicolons between.
    private static func signedText(_ method: String, _ nonce: String, _ date: String, _ host: String, _ hash: String) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(method.utf8.count + nonce.utf8.count + date.utf8.count + host.utf8.count + hash.utf8.count + 4)
        text += method.utf8
        text.append(UInt8(ascii: "\n"))
        text += nonce.utf8
        text.append(UInt8(ascii: ";"))
        text += date.utf8
        text.append(UInt8(ascii: ";"))
        text += host.utf8
        text.append(UInt8(ascii: ";"))
        text += hash.utf8
        return text
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
        let hash = sha512(body)
        if let claimed = header(HeaderName.contentHash), !areEqual(Array(claimed.utf8), Array(hash.utf8)) { return .bodyDiffers }
        let text = signedText(method, nonce, date, host, hash)
        let claimed = Array(authorization.utf8)
        let isSigned = keys.contains { areEqual(Array($0.signature(of: text, behind: scheme).utf8), claimed) }
        return isSigned ? nil : .signatureWrong
    }
}
