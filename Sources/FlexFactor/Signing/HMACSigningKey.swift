import CLibCrypto
import JSON
import Synchronization

/// FlexFactor's HMACSigningKey: signs requests to FlexFactor and verifies what comes from it. It does not print.
///
/// `@unchecked Sendable`: the keyed context is made once and never changed; each computation works on a duplicate that it has for itself,
/// which OpenSSL allows from any thread.
package final class HMACSigningKey: @unchecked Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    private let keyed: OpaquePointer
    private let bytes: [UInt8]
    /// Duplicates that nobody works on, ready for a message. Making one takes a dozen pieces of memory, and making it ready again two.
    private let ready = Mutex<[UInt]>([])
    private let restarts: Bool

    /// Fetched once: a look-up of an algorithm costs as much as a short HMAC.
    private static let algorithm = Algorithm()

    /// `@unchecked Sendable`: immutable, reference-counted OpenSSL objects.
    private final class Algorithm: @unchecked Sendable {
        let hmac = EVP_MAC_fetch(nil, "HMAC", nil)
        let sha512 = EVP_MD_fetch(nil, "SHA512", nil)
    }

    fileprivate static var sha512: OpaquePointer? { algorithm.sha512 }

    /// `nil` unless the text is Base64 of at least 32 bytes.
    package init?(base64: String) {
        guard let bytes = Base64.decode(base64), bytes.count >= 32, let hmac = Self.algorithm.hmac, let context = EVP_MAC_CTX_new(hmac)
        else { return nil }
        var digest = Array("SHA512\0".utf8CString)
        let isKeyed = digest.withUnsafeMutableBufferPointer { name in
            var parameters = [OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0), OSSL_PARAM_construct_end()]
            return EVP_MAC_init(context, bytes, bytes.count, &parameters) == 1
        }
        guard isKeyed else {
            EVP_MAC_CTX_free(context)
            return nil
        }
        keyed = context
        restarts = Self.restarts(context)
        self.bytes = bytes
    }

    deinit {
        for context in ready.withLock({ $0 }) { EVP_MAC_CTX_free(OpaquePointer(bitPattern: context)) }
        EVP_MAC_CTX_free(keyed)
    }

    private func duplicate() -> OpaquePointer {
        if let waiting = ready.withLock({ $0.popLast() }), let context = OpaquePointer(bitPattern: waiting) { return context }
        guard let context = EVP_MAC_CTX_dup(keyed) else { fatalError("HMACSigningKey.signature: EVP_MAC_CTX_dup has no memory") }
        return context
    }

    /// HMAC-SHA512 of a message in Base64. Every request has two, so nothing but the text asks for memory.
    ///
    /// - Parameter prefix: what the text begins with.
    func signature(of message: [UInt8], behind prefix: StaticString = "") -> String {
        let context = duplicate()
        defer {
            if restarts, Self.restart(context) {
                ready.withLock { $0.append(UInt(bitPattern: context)) }
            } else {
                EVP_MAC_CTX_free(context)
            }
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.length) { code in
            guard Self.write(message, context, to: code) else {
                fatalError("HMACSigningKey.signature: OpenSSL refuses HMAC-SHA512")
            }
            return Base64.encode(UnsafeBufferPointer(code), behind: prefix)
        }
    }

    private static let length = 64

    /// Writes the code of a message; `false` where OpenSSL does not do it.
    private static func write(_ message: [UInt8], _ context: OpaquePointer, to code: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        var written = 0
        let isDone =
            EVP_MAC_update(context, message, message.count) == 1
            && EVP_MAC_final(context, code.baseAddress, &written, code.count) == 1
        return isDone && written == length
    }

    private static func code(of message: [UInt8], _ context: OpaquePointer) -> [UInt8]? {
        var code = [UInt8](repeating: 0, count: length)
        let isDone = code.withUnsafeMutableBufferPointer { write(message, context, to: $0) }
        return isDone ? code : nil
    }

    /// For another message with the same key (EVP_MAC_init(3): a key that is NULL).
    private static func restart(_ context: OpaquePointer) -> Bool { EVP_MAC_init(context, nil, 0, nil) == 1 }

    /// Not every OpenSSL that says so does it.
    private static func restarts(_ keyed: OpaquePointer) -> Bool {
        guard let context = EVP_MAC_CTX_dup(keyed) else { return false }
        defer { EVP_MAC_CTX_free(context) }
        guard let first = code(of: [1, 2, 3], context), restart(context) else { return false }
        return code(of: [1, 2, 3], context) == first
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

/// SHA-512 of a message in Base64.
func sha512(_ message: [UInt8]) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { digest in
        let isDone = EVP_Digest(message, message.count, digest.baseAddress, nil, HMACSigningKey.sha512, nil) == 1
        precondition(isDone, "sha512: OpenSSL refuses SHA-512")
        return Base64.encode(UnsafeBufferPointer(digest))
    }
}

/// Random bytes fit for a nonce.
func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBufferPointer { fillByChance($0) }
    return bytes
}

func fillByChance(_ bytes: UnsafeMutableBufferPointer<UInt8>) {
    precondition(RAND_bytes(bytes.baseAddress, Int32(bytes.count)) == 1, "fillByChance: OpenSSL has no randomness")
}
