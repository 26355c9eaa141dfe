import CLibCrypto
import JSON

/// A secret of Standard Webhooks, by which a receiver knows that a message is ours. It does not print.
package struct WebhookSecret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let key: [UInt8]

    private static let prefix = "whsec_"

    /// Reads `whsec_` and the Base64 of 24 to 64 bytes.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix(Self.prefix), let key = Base64.decode(String(text.dropFirst(Self.prefix.count))), (24...64).contains(key.count)
        else { return nil }
        self.key = key
    }

    /// The signature of a message, as the header has it.
    ///
    /// - Parameter timestamp: of this attempt, in seconds since 1970.
    package func signature(of body: [UInt8], id: String, timestamp: Int64) -> String {
        "v1," + Base64.encode(hmacSHA256(Array("\(id).\(timestamp).".utf8) + body, key: key))
    }

    package var description: String { "(secret)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

private func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: 32)
    var length = 0
    let made = EVP_Q_mac(nil, "HMAC", nil, "SHA256", nil, key, key.count, message, message.count, &code, code.count, &length)
    precondition(made != nil && length == 32, "hmacSHA256: OpenSSL refuses HMAC-SHA256")
    return code
}
