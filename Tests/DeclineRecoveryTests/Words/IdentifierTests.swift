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

    /// A GUID is one in each of the forms that .NET writes.
    @Test(
        arguments: [
            ("0a1b2c3d-0000-4000-8000-00000000abcd", "0a1b2c3d-0000-4000-8000-00000000abcd"),
            (" {0A1B2C3D-0000-4000-8000-00000000ABCD} ", "0A1B2C3D-0000-4000-8000-00000000ABCD"),
            ("(0a1b2c3d-0000-4000-8000-00000000abcd)", "0a1b2c3d-0000-4000-8000-00000000abcd"), ("\tg-1\n", "g-1"), ("{g-1}", "{g-1}"),
            ("{00000000-0000-0000-0000-000000000000}", nil), ("00000000000000000000000000000000", nil), ("  ", nil), ("", nil),
        ] as [(String, String?)])
    func anOrdersIdIsKeptWithoutWhatStandsAroundIt(written: String, text: String?) {
        #expect(FlexFactorOrderID(naming: written)?.text == text)
    }

    @Test func anOrderIsTheSameHoweverItsIdIsWritten() {
        let forms: [FlexFactorOrderID] = [
            "0a1b2c3d-0000-4000-8000-00000000abcd", "0A1B2C3D-0000-4000-8000-00000000ABCD", "{0a1b2c3d-0000-4000-8000-00000000abcd}",
            "0a1b2c3d000040008000-00000000abcd", "0a1b2c3d00004000800000000000abcd",
        ]
        for form in forms { #expect(form.isSame(as: forms[0]) == (form != "0a1b2c3d000040008000-00000000abcd"), "\(form)") }
        #expect(FlexFactorOrderID("G-1").isSame(as: "g-1") && !FlexFactorOrderID("g1").isSame(as: "g-1"))
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
