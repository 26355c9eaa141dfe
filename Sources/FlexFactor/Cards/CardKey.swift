import CLibCrypto
import DeclineRecovery

/// One RSA private key that cards are encrypted to. It does not print.
///
/// `@unchecked Sendable`: the key is made once and never changed; OpenSSL lets several threads decrypt with one key at a time, each with
/// a context of its own.
package final class CardKey: @unchecked Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let kid: String
    private let key: OpaquePointer

    /// `nil` unless the text is a PEM of an RSA private key of at least 2048 bits.
    package init?(kid: String, pem: String) {
        // No pass phrase is asked for on a terminal.
        guard let key = readPEM(pem, { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in 0 }, nil) }) else { return nil }
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) >= 2_048 else {
            EVP_PKEY_free(key)
            return nil
        }
        self.kid = kid
        self.key = key
    }

    private init(kid: String, key: OpaquePointer) {
        self.kid = kid
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// A new key of 3072 bits; `nil` when OpenSSL has no randomness.
    package static func generate(kid: String) -> CardKey? {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_rsa_keygen_bits(context, 3_072) == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else {
            return nil
        }
        return CardKey(kid: kid, key: key)
    }

    /// For the file that only the worker reads (PKCS #8, unencrypted).
    package var privatePEM: String? { pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) } }

    /// For the CRM.
    package var publicPEM: String? { pem { PEM_write_bio_PUBKEY($0, key) } }

    private func pem(_ write: (OpaquePointer) -> Int32) -> String? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(memory) }
        guard write(memory) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = BIO_read(memory, &bytes, Int32(bytes.count))
        return count > 0 ? String(decoding: bytes.prefix(Int(count)), as: UTF8.self) : nil
    }

    /// The content of a JWE, or `nil` for every reason alike: which step failed is nobody's business.
    func decrypt(_ jwe: CompactJWE) -> [UInt8]? {
        guard let contentKey = unwrap(jwe.encryptedKey), contentKey.count == 32, jwe.nonce.count == 12, jwe.tag.count == 16 else {
            return nil
        }
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        var content = [UInt8](repeating: 0, count: jwe.ciphertext.count + 16)
        var tag = jwe.tag
        var count: Int32 = 0
        var last: Int32 = 0
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, contentKey, jwe.nonce) == 1,
            EVP_DecryptUpdate(context, nil, &count, jwe.authenticated, Int32(jwe.authenticated.count)) == 1,
            EVP_DecryptUpdate(context, &content, &count, jwe.ciphertext, Int32(jwe.ciphertext.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, &tag) == 1,
            content.withUnsafeMutableBufferPointer({ EVP_DecryptFinal_ex(context, $0.baseAddress.map { $0 + Int(count) }, &last) }) == 1
        else { return nil }
        return Array(content.prefix(Int(count + last)))
    }

    /// RSA-OAEP with SHA-256 for both hashes (RFC 7518 §4.3).
    private func unwrap(_ wrapped: [UInt8]) -> [UInt8]? {
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var content = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
        var count = content.count
        guard EVP_PKEY_decrypt_init(context) == 1, EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1,
            EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1, EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1,
            EVP_PKEY_decrypt(context, &content, &count, wrapped, wrapped.count) == 1
        else { return nil }
        return Array(content.prefix(count))
    }

    package var description: String { "(card key \(kid))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Lets OpenSSL read a text, which must outlive the reading.
func readPEM(_ text: String, _ read: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
    var bytes = Array(text.utf8)
    return bytes.withUnsafeMutableBytes { buffer in
        guard let memory = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
        defer { BIO_free(memory) }
        return read(memory)
    }
}
