import JSON

/// The five parts of a compact JWE (RFC 7516 §7.1), decoded.
struct CompactJWE {
    let kid: String?
    /// RSA-OAEP-256 with A256GCM (behaviour.md §9), and no header that would change its meaning.
    let isSupported: Bool
    /// The header as it travels: what the tag covers besides the content.
    let authenticated: [UInt8]
    let encryptedKey: [UInt8]
    let nonce: [UInt8]
    let ciphertext: [UInt8]
    let tag: [UInt8]

    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 5 else { return nil }
        let decoded = parts.compactMap { Self.base64URL(String(decoding: $0, as: UTF8.self)) }
        guard decoded.count == 5 else { return nil }
        let bytes = decoded[0]
        guard let header = try? JSONValue(parsing: bytes.span), header.object != nil else { return nil }
        kid = header["kid"]?.string
        isSupported =
            header["alg"]?.string == "RSA-OAEP-256" && header["enc"]?.string == "A256GCM" && header["crit"] == nil && header["zip"] == nil
        authenticated = Array(parts[0])
        encryptedKey = decoded[1]
        nonce = decoded[2]
        ciphertext = decoded[3]
        tag = decoded[4]
    }

    private static func base64URL(_ text: String) -> [UInt8]? {
        let plain = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        return Base64.decode(plain + String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4))
    }
}
