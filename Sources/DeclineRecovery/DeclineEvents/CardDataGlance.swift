/// The first look at a text: whether there is any reason to search it for card data. Every text of every message comes by here, and nearly
/// all of them end here, so it is one pass over the bytes that allocates nothing.
///
/// It says no only where ``CardDataScan`` would find nothing.
enum CardDataGlance {
    static func seesReason(in text: String) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { seesReason(in: $0) } ?? true
    }

    static func seesReason(in bytes: [UInt8]) -> Bool { bytes.withUnsafeBufferPointer { seesReason(in: $0) } }

    static func seesReason(in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count >= 6 else { return false }
        var digits = 0
        // As a card number's digits may stand: up to three marks between two, and no letter.
        var together = 0
        var mostTogether = 0
        var gap = 0
        var beyondASCII = 0
        var binds = false
        var mayHide = false
        var run = 0
        var longestRun = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39:
                digits += 1
                together = gap > 3 ? 1 : together + 1
                gap = 0
                mostTogether = max(mostTogether, together)
                run += 1
            case 0x41...0x5A, 0x61...0x7A:
                together = 0
                run += 1
            case 0x2B, 0x2F, 0x5F, 0x2D:
                gap += 1
                run += 1
            default:
                gap += 1
                longestRun = max(longestRun, run)
                run = 0
                switch byte {
                case 0x3A, 0x3E, 0x22: binds = true
                // What begins an escape, and the ends of lines, at which long runs are broken.
                case 0x25, 0x5C, 0x26, 0x3D, 0x0D, 0x0A: mayHide = true
                default: if byte >= 0x80 { beyondASCII += 1 }
                }
            }
        }
        longestRun = max(longestRun, run)
        // A character beyond ASCII can be a digit, and has two bytes or more.
        if mayHide || beyondASCII > 0 && digits + beyondASCII / 2 >= 12 { return true }
        if binds, beyondASCII > 0 || namesSecret(bytes) { return true }
        if mostTogether >= 13, NumberForm.end(at: 0, in: bytes) != bytes.count { return true }
        return longestRun >= 17 && hidesText(bytes)
    }

    /// Whether a word can be the name of a secret.
    private static func namesSecret(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        SecretName.mayStand(in: bytes) { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
    }

    /// Whether what stands coded in a run can be read.
    private static func hidesText(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var start = 0
        while start < bytes.count {
            var end = start
            var isHexadecimal = true
            while end < bytes.count, CardDataScan.sextet(UInt32(bytes[end])) != nil {
                isHexadecimal = isHexadecimal && ScannedText.hexDigit(UInt32(bytes[end])) != nil
                end += 1
            }
            if end - start >= 17, hidesText(UnsafeBufferPointer(rebasing: bytes[start..<end]), isHexadecimal) { return true }
            start = end + 1
        }
        return false
    }

    private static func hidesText(_ run: UnsafeBufferPointer<UInt8>, _ isHexadecimal: Bool) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: run.count) { decoded in
            for offset in 0..<4 where run.count - offset >= 16 {
                if isReadable(base64: UnsafeBufferPointer(rebasing: run[offset...]), decoded) { return true }
            }
            guard isHexadecimal, run.count >= 24 else { return false }
            return isReadable(hexadecimal: run, decoded) || isReadable(hexadecimal: UnsafeBufferPointer(rebasing: run.dropFirst()), decoded)
        }
    }

    private static func isReadable(base64 run: UnsafeBufferPointer<UInt8>, _ decoded: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        var doubt = ReadingDoubt(of: run.count * 6 / 8)
        var word: UInt32 = 0
        var bits: UInt32 = 0
        var count = 0
        for letter in run {
            word = word << 6 | UInt32(CardDataScan.sextet(UInt32(letter)) ?? 0)
            bits += 6
            if bits < 8 { continue }
            bits -= 8
            decoded[count] = UInt8(truncatingIfNeeded: word >> bits)
            if doubt.isCertain(after: decoded[count]) { return false }
            count += 1
        }
        return CardDataScan.isReadable(UnsafeBufferPointer(start: decoded.baseAddress, count: count))
    }

    private static func isReadable(hexadecimal run: UnsafeBufferPointer<UInt8>, _ decoded: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        var doubt = ReadingDoubt(of: run.count / 2)
        for count in 0..<run.count / 2 {
            let high = ScannedText.hexDigit(UInt32(run[2 * count])) ?? 0
            let low = ScannedText.hexDigit(UInt32(run[2 * count + 1])) ?? 0
            decoded[count] = UInt8(high << 4 | low)
            if doubt.isCertain(after: decoded[count]) { return false }
        }
        return CardDataScan.isReadable(UnsafeBufferPointer(start: decoded.baseAddress, count: run.count / 2))
    }
}
