import CLibCrypto
package import DeclineRecovery
import JSON

/// Encrypts as the CRM does, with the public key alone: a card for `salvage keys seal`, a token for a dead letter.
package struct CardSeal: Sendable {
    private let kid: String
    private let publicPEM: String

    package init(kid: String, publicPEM: String) {
        self.kid = kid
        self.publicPEM = publicPEM
    }

    /// A compact JWE of the content; `nil` unless the PEM is an RSA public key.
    package func seal(_ content: [UInt8]) -> SealedCard? {
        guard let key = readPEM(publicPEM, { PEM_read_bio_PUBKEY($0, nil, { _, _, _, _ in 0 }, nil) }) else { return nil }
        defer { EVP_PKEY_free(key) }
        var header = JSONWriter()
        header.object { json in
            json.member("alg", "RSA-OAEP-256")
            json.member("enc", "A256GCM")
            json.member("kid", kid)
        }
        let contentKey = randomBytes(32)
        let nonce = randomBytes(12)
        let protected = Self.base64URL(header.bytes)
        guard let wrapped = wrap(contentKey, key), let (ciphertext, tag) = encrypt(content, contentKey, nonce, Array(protected.utf8)) else {
            return nil
        }
        return SealedCard(protected + "." + [wrapped, nonce, ciphertext, tag].map(Self.base64URL).joined(separator: "."))
    }

    private func wrap(_ contentKey: [UInt8], _ key: OpaquePointer) -> [UInt8]? {
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var wrapped = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
        var count = wrapped.count
        guard EVP_PKEY_encrypt_init(context) == 1, EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1,
            EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1, EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1,
            EVP_PKEY_encrypt(context, &wrapped, &count, contentKey, contentKey.count) == 1
        else { return nil }
        return Array(wrapped.prefix(count))
    }

    private func encrypt(_ content: [UInt8], _ key: [UInt8], _ nonce: [UInt8], _ authenticated: [UInt8]) -> (
        ciphertext: [UInt8], tag: [UInt8]
    )? {
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        var ciphertext = [UInt8](repeating: 0, count: content.count + 16)
        var tag = [UInt8](repeating: 0, count: 16)
        var count: Int32 = 0
        var last: Int32 = 0
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_EncryptUpdate(context, nil, &count, authenticated, Int32(authenticated.count)) == 1,
            EVP_EncryptUpdate(context, &ciphertext, &count, content, Int32(content.count)) == 1,
            ciphertext.withUnsafeMutableBufferPointer({ EVP_EncryptFinal_ex(context, $0.baseAddress.map { $0 + Int(count) }, &last) }) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, &tag) == 1
        else { return nil }
        return (Array(ciphertext.prefix(Int(count + last))), tag)
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        String(Base64.encode(bytes).filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }
}
