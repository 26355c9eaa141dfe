@testable import DeclineRecovery
import TestSupport
import Testing

@Suite struct RecoveryReferenceTests {
    @Test func aRebillsReferenceHoldsPurchaseAndGateway() throws {
        let reference = RecoveryReference(
            orderID: "A1B2C3D4E5", kind: .recurring, sequence: 7, subscription: .init(purchaseID: "88123", gatewayID: "42"))
        #expect(reference.text == "A1B2C3D4E5-R7-88123-42")
        #expect(RecoveryReference("A1B2C3D4E5-R7-88123-42") == reference)
    }

    @Test(arguments: [
        "", "-", "A", "A-S", "A-X1", "A-S-1", "A-S007", "A-S+1", "A-S1-2", "A-S1-2-3-4", "A-s1", "A b-S1", "A~2-S1", "A~2d-S1", "A~41-S1",
        "A~FF-S1", "Ä-S1", "A-S99999999999999999999",
    ])
    func aTextThatWeDoNotWriteIsNoReference(text: String) {
        #expect(RecoveryReference(text) == nil)
    }

    @Test func everyOrderIDOfACRMComesBack() throws {
        var random = SeededRandom(seed: 4711)
        let alphabet: [Character] = Array("ABCxyz019-_~./ #%&+é漢🛒\"\\\n\u{0}")
        for _ in 0..<2_000 {
            func part() -> String { String((0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random)! }) }
            let written = RecoveryReference(
                orderID: part(), kind: RecoveryReference.Kind.allCases.randomElement(using: &random)!,
                sequence: Int.random(in: 0...400, using: &random),
                subscription: Bool.random(using: &random) ? .init(purchaseID: part(), gatewayID: GatewayID(part())) : nil)
            let read = try #require(RecoveryReference(written.text), "\(written.text)")
            #expect(read.orderID == written.orderID)
            #expect(read.kind == written.kind)
            #expect(read.sequence == written.sequence)
            #expect(read.subscription == written.subscription)
            #expect(written.text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "%") })
        }
    }

    @Test func differentPartsNeverShareAText() {
        let ambiguous = [
            RecoveryReference(orderID: "A-S1", kind: .sale, sequence: 0),
            RecoveryReference(orderID: "A", kind: .sale, sequence: 1),
            RecoveryReference(orderID: "A~2DS1", kind: .sale, sequence: 0),
            RecoveryReference(orderID: "A", kind: .sale, sequence: 1, subscription: .init(purchaseID: "", gatewayID: "")),
        ]
        #expect(Set(ambiguous.map(\.text)).count == ambiguous.count)
    }
}

@Suite struct UUID5Tests {
    /// Vectors from RFC 9562 (appendix A.4) and from Python's uuid module.
    @Test(arguments: [
        ("www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"),
        ("python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
        ("", "4ebd0208-8328-5d69-8c44-ec50939c0967"),
        (String(repeating: "a", count: 200), "fe30bfa6-ef90-59b3-b108-118411d0f0ab"),
    ])
    func namesGiveTheIDsOfTheStandard(name: String, id: String) {
        let dns = UUID5(high: 0x6ba7_b810_9dad_11d1, low: 0x80b4_00c0_4fd4_30c8)
        #expect(UUID5(namespace: dns, name: name).description == id)
    }
}
