import CLibCrypto
import JSON

/// FlexFactor's HMACSigningKey: signs requests to FlexFactor and verifies what comes from it. It does not print.
package final class HMACSigningKey: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let key: SHA512.Key
    private let bytes: [UInt8]

    /// `nil` unless the text is Base64 of at least 32 bytes.
    package init?(base64: String) {
        guard let bytes = Base64.decode(base64), bytes.count >= 32 else { return nil }
        key = SHA512.Key(bytes)
        self.bytes = bytes
    }

    /// As long as a signature is in Base64.
    static let signatureLength = Base64.length(of: SHA512.length)

    /// Writes the HMAC-SHA512 of a message in Base64. Every request has two, so it asks for no memory.
    ///
    /// - Parameter text: room for `signatureLength` bytes.
    func write(_ message: UnsafeBufferPointer<UInt8>, to text: UnsafeMutableBufferPointer<UInt8>) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: SHA512.length) { code in
            key.write(message, to: code)
            Base64.write(UnsafeBufferPointer(code), to: text)
        }
    }

    package static func == (left: HMACSigningKey, right: HMACSigningKey) -> Bool { areEqual(left.bytes, right.bytes) }
    package func hash(into hasher: inout Hasher) { hasher.combine(bytes.count) }
    package var description: String { "(signing key)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Compares without telling by its time where two texts differ.
func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
