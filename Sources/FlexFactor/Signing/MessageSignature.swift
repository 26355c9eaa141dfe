package import DeclineRecovery

/// FlexFactor's `x-fc-*` signature of a message (facts/flexfactor-api.md §13): header names, algorithm and the parts signed, all here.
package enum MessageSignature {
    package enum HeaderName {
        package static let nonce = "x-fc-nonce"
        package static let date = "x-fc-date"
        package static let contentHash = "x-fc-content-sha512"
        package static let authorization = "x-fc-authorization"
        static let bodySignature = "x-fc-signature"
    }

    private static let scheme: StaticString = "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature="

    private static func authorization(_ text: SignedText, _ key: HMACSigningKey) -> String {
        String(unsafeUninitializedCapacity: authorizationLength) { write(text, key, to: $0) }
    }

    fileprivate static var authorizationLength: Int { scheme.utf8CodeUnitCount + HMACSigningKey.signatureLength }

    /// Writes the header that carries the signature to where there is room for `authorizationLength` bytes.
    fileprivate static func write(_ text: SignedText, _ key: HMACSigningKey, to room: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let scheme = UnsafeBufferPointer(start: Self.scheme.utf8Start, count: Self.scheme.utf8CodeUnitCount)
        let place = room.update(fromContentsOf: scheme)
        key.write(text.bytes, to: UnsafeMutableBufferPointer(rebasing: room[place...]))
        return authorizationLength
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
        header: (String) -> String?, method: String, host: String, body: [UInt8], keys: [HMACSigningKey], now: Moment
    ) -> Refusal? {
        let window = Moment.Span.minutes(5)
        guard let nonce = header(HeaderName.nonce), let date = header(HeaderName.date), let authorization = header(HeaderName.authorization)
        else {
            return .headerMissing
        }
        guard let sent = Moment(rfc1123: date) else { return .dateUnreadable }
        guard now - sent <= window, sent - now <= window else { return .dateOutsideWindow }
        return SignedText.with(method: method, host: host, body: body, .received(nonce: nonce, date: date)) { text -> Refusal? in
            if let claimed = header(HeaderName.contentHash), !areEqual(Array(claimed.utf8), Array(text.contentHash)) { return .bodyDiffers }
            let claimed = Array(authorization.utf8)
            let isSigned = keys.contains { areEqual(Array(Self.authorization(text, $0).utf8), claimed) }
            return isSigned ? nil : .signatureWrong
        }
    }
}

extension HeaderFields {
    /// Adds the signature of a request's body as it is made, in the request's own memory.
    ///
    /// - Parameter nonce: 32 hex digits, never used before; drawn at random when `nil`.
    package mutating func sign(_ body: [UInt8], method: String, host: String, key: HMACSigningKey, now: Moment, nonce: String? = nil) {
        SignedText.with(method: method, host: host, body: body, .signer(now: now, nonce: nonce)) { text in
            add(MessageSignature.HeaderName.nonce, text.nonce)
            add(MessageSignature.HeaderName.date, text.date)
            add(MessageSignature.HeaderName.contentHash, text.contentHash)
            add(MessageSignature.HeaderName.authorization, atMost: MessageSignature.authorizationLength) { room in
                MessageSignature.write(text, key, to: room)
            }
            add(MessageSignature.HeaderName.bodySignature, atMost: HMACSigningKey.signatureLength) { room in
                body.withUnsafeBufferPointer { key.write($0, to: room) }
                return HMACSigningKey.signatureLength
            }
        }
    }
}
