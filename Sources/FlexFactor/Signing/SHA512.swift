import CLibCrypto

/// SHA-512, and HMAC with it, as values: what was digested so far is 216 bytes that are copied like any others.
///
/// By the functions of OpenSSL's that do no more than that. Its newer ones (EVP) ask for memory for each digest and each copy, and a request
/// has five digests and four copies.
struct SHA512 {
    static let length = 64
    /// HMAC fills its key up to so much (RFC 2104).
    private static let blockLength = 128

    private var state = SHA512_CTX()

    init() {
        precondition(SHA512_Init(&state) == 1, "SHA512: OpenSSL refuses SHA-512")
    }

    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) { SHA512_Update(&state, bytes.baseAddress, bytes.count) }

    /// Writes the digest of what was added to where there is room for `length` bytes, which may have been added themselves.
    func write(to digest: UnsafeMutableBufferPointer<UInt8>) {
        var state = state
        SHA512_Final(digest.baseAddress, &state)
    }

    static func write(_ message: UnsafeBufferPointer<UInt8>, to digest: UnsafeMutableBufferPointer<UInt8>) {
        var sum = SHA512()
        sum.add(message)
        sum.write(to: digest)
    }

    /// A key of HMAC: what either of its two digests begins with is digested already.
    struct Key: Sendable {
        private let inner: SHA512
        private let outer: SHA512

        init(_ key: [UInt8]) {
            var filled = [UInt8](repeating: 0, count: blockLength)
            filled.withUnsafeMutableBufferPointer { filled in
                key.withUnsafeBufferPointer { key in
                    if key.count > blockLength { SHA512.write(key, to: filled) } else { _ = filled.update(fromContentsOf: key) }
                }
            }
            func begun(_ mark: UInt8) -> SHA512 {
                var sum = SHA512()
                filled.map { $0 ^ mark }.withUnsafeBufferPointer { sum.add($0) }
                return sum
            }
            inner = begun(0x36)
            outer = begun(0x5C)
        }

        /// Writes the code of a message to where there is room for `length` bytes.
        func write(_ message: UnsafeBufferPointer<UInt8>, to code: UnsafeMutableBufferPointer<UInt8>) {
            var inner = inner
            inner.add(message)
            inner.write(to: code)
            var outer = outer
            outer.add(UnsafeBufferPointer(rebasing: code[..<length]))
            outer.write(to: code)
        }
    }
}
