import JSON

/// 128 bits in the place of a text, so that millions of them fit into memory. Two texts of one fleet share one with a chance that nobody
/// lives to see (10 million texts: 10^-25).
package struct Fingerprint: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    /// Of no text: in packed entries, for what is not known.
    static let none = Fingerprint(high: 0, low: 0)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Of several parts; their borders count.
    package init(_ parts: String?...) {
        var high: UInt64 = 0xcbf2_9ce4_8422_2325
        var low: UInt64 = 0x6c62_272e_07bb_0142
        func add(_ byte: UInt8) {
            high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            low = (low ^ UInt64(byte)) &* 0x9e37_79b9_7f4a_7c15
            low ^= low >> 29
        }
        for part in parts {
            guard let part else {
                add(0xFE)
                continue
            }
            for byte in part.utf8 { add(byte) }
            // Neither byte occurs in UTF-8.
            add(0xFF)
        }
        self.high = Self.mixed(high ^ low)
        self.low = Self.mixed(low)
    }

    package init(of debt: Debt) {
        self.init(debt.merchantID.text, debt.orderID, debt.purchaseID, debt.billingCycle.map(String.init), debt.chargeID)
    }

    /// The lower half is of the decline alone (`RecoveryReference.isOfSameDecline`), so that its other references are found beside it.
    package init(of reference: RecoveryReference, merchant: MerchantID) {
        let whole = Fingerprint(merchant.text, reference.text)
        let low = reference.decline.map { Fingerprint(merchant.text, reference.orderID, String($0)).low }
        self.init(high: whole.high, low: low ?? whole.low)
    }

    package init?(hex text: String) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16) else {
            return nil
        }
        self.high = high
        self.low = low
    }

    package var hex: String { String(unsafeUninitializedCapacity: Self.hexLength) { writeHex(to: $0) } }

    static var hexLength: Int { 32 }

    /// Writes it as `hex` says it to where there is room for it.
    ///
    /// - Returns: how many bytes that are.
    func writeHex(to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        for place in 0..<Self.hexLength {
            let word = place < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (place & 15))) & 0xF
            text[place] = digit.hexCharacter
        }
        return Self.hexLength
    }

    package static func == (left: Fingerprint, right: Fingerprint) -> Bool { left.high == right.high && left.low == right.low }
    /// It is random enough as it is.
    package func hash(into hasher: inout Hasher) { hasher.combine(low) }

    private static func mixed(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ word >> 33) &* 0xff51_afd7_ed55_8ccd
        word = (word ^ word >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return word ^ word >> 33
    }
}
