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

    /// The letter says whose recovery it is: the cascade of a rebill and its later recycling are two, with other keys and results.
    @Test func theSameCycleCascadedAndRecycledAreTwoRecoveries() throws {
        func reference(_ trigger: String, _ order: String, _ more: String = "") throws -> RecoveryReference {
            let text = """
                {"specversion":"1.0","id":"d","source":"crm","type":"com.salvage.decline.v1","time":"2026-01-02T03:04:05Z","data":{"merchantId":"acme",\
                "trigger":"\(trigger)",\(more)"order":{"id":"A",\(order)},"decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"201",\
                "transactionId":"T"},"amount":{"minorUnits":100,"currency":"USD"},"billing":{"firstName":"Ada","lastName":"Byron","countryCode":"US",\
                "addressLine1":"1 Main St","city":"Troy","state":"NY","zipCode":"12180"},"paymentMethod":{"token":"t"}}}
                """
            guard case .decline(let event) = CRMMessage.decode(Array(text.utf8)) else {
                Issue.record("\(CRMMessage.decode(Array(text.utf8)))")
                throw CancellationError()
            }
            let reference = RecoveryReference(for: event)
            // What the reference alone says of the order is what the event says, as far as the action goes.
            let told = RecoveredOrder(reference)
            let known = RecoveredOrder(event)
            #expect(CRMAction.success(of: told) == CRMAction.success(of: known) && CRMAction.failure(of: told) == CRMAction.failure(of: known), "\(reference)")
            return reference
        }
        let rebill = #""type":"recurring","purchaseId":"88","billingCycle":7"#
        let rerun = #""recovery":{"gatewayId":"42"},"#
        #expect(try reference("initial", #""type":"new_sale""#).text == "A-S0")
        #expect(try reference("initial", #""type":"new_sale","trialCompletion":true"#).text == "A-T0")
        #expect(try reference("initial", #""type":"new_sale","hasRecurringProducts":true,"purchaseId":"88""#).text == "A-S0-88-7")
        #expect(try reference("initial", #""type":"new_sale","hasRecurringProducts":true"#).text == "A-S0--7")
        #expect(try reference("initial", rebill).text == "A-C7-88-7")
        #expect(try reference("recycle", rebill, #""recovery":{"reattempt":4},"#).text == "A-R7-88-7")
        #expect(try reference("rerun", #""type":"new_sale","rerunNumber":2"#, rerun).text == "A-U2")
        #expect(try reference("rerun", #""type":"new_sale","trialCompletion":true,"rerunNumber":2"#, rerun).text == "A-V2")
        #expect(try reference("rerun", rebill + #","rerunNumber":2"#, rerun).text == "A-W2-88-7")
    }
}
