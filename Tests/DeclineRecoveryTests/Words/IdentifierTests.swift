import Testing

@testable import DeclineRecovery

/// Two spellings of one name are two names, here as in fingerprints, keys and references.
@Suite struct IdentifierTests {
    private let composed = MerchantID("caf\u{E9}")
    private let decomposed = MerchantID("cafe\u{301}")

    @Test func anIdIsItsBytes() {
        #expect(composed != decomposed && composed == MerchantID("caf\u{E9}"))
        #expect(Set([composed, decomposed]).count == 2)
        #expect([composed: 1][decomposed] == nil)
        #expect(GatewayID("A\u{30A}") != GatewayID("\u{C5}") && GatewayID("\u{C5}") != GatewayID("\u{212B}"))
    }

    @Test func whatLooksTheSameIsSpelledOut() {
        #expect(composed.spelling.contains("caf\\u{00E9}") && decomposed.spelling.contains("cafe\\u{0301}"))
        #expect(MerchantID("acme").spelling.isEmpty)
    }

    @Test func referencesOfTwoSpellingsAreOfTwoDeclines() {
        func reference(_ merchant: MerchantID, _ order: String) -> RecoveryReference {
            RecoveryReference(DeclineIdentity(merchantID: merchant, source: "crm", id: "d-1"), orderID: order, kind: .sale, sequence: 0)
        }
        let first = reference("acme", "caf\u{E9}")
        #expect(!first.isOfSameDecline(as: reference("acme", "cafe\u{301}")) && first.isOfSameDecline(as: reference("acme", "caf\u{E9}")))
        #expect(!reference(composed, "A").isOfSameDecline(as: reference(decomposed, "A")))
    }
}
