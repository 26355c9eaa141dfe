/// What makes a decline the same as another: its merchant, and the `source` and `id` of its event. A repeat has the same three; whatever
/// has another id is another decline, and is worked on by itself; so is what has another order (`RecoveryReference.isOfSameDecline`). Two
/// are compared by what is drawn from their bytes, and in no other way.
package struct DeclineIdentity: Sendable {
    package let merchantID: MerchantID
    package let source: String
    package let id: String

    package init(merchantID: MerchantID, source: String, id: String) {
        self.merchantID = merchantID
        self.source = source
        self.id = id
    }

    static let letterCount = 8

    /// What a recovery reference carries of it. Letters only: digits in a row could pass for a card number.
    var letters: String {
        // The lengths keep the borders: no two identities give one name.
        let lengths = "\(merchantID.text.utf8.count) \(source.utf8.count) "
        return Self.letters(
            of: UUID5(namespace: Self.namespace, of: lengths, merchantID.text, source, id).low, count: Self.letterCount)
    }

    static func letters(of number: UInt64, count: Int) -> String {
        String(unsafeUninitializedCapacity: count) { text in
            var rest = number
            for place in 0..<count {
                text[place] = UInt8(ascii: "a") + UInt8(rest % 26)
                rest /= 26
            }
            return count
        }
    }

    private static let namespace = UUID5(high: 0x7d1c_93be_04f8_4a16, low: 0xb2e5_6c0f_91a7_d438)
}
