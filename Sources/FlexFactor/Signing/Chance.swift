import CLibCrypto

/// Random bytes fit for a key or a nonce.
func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBufferPointer { fillByChance($0) }
    return bytes
}

func fillByChance(_ bytes: UnsafeMutableBufferPointer<UInt8>) {
    precondition(RAND_bytes(bytes.baseAddress, Int32(bytes.count)) == 1, "fillByChance: OpenSSL has no randomness")
}
