import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct RecoveryReferenceTests {
    @Test func aRebillsReferenceHoldsPurchaseAndGateway() throws {
        let reference = RecoveryReference(
            orderID: "A1B2C3D4E5", kind: .recurring, sequence: 7, subscription: .init(purchaseID: "88123", gatewayID: "42"))
        #expect(reference.text == "A1B2C3D4E5-R7-88123-42")
        #expect(RecoveryReference("A1B2C3D4E5-R7-88123-42") == reference)
    }

    private static let identity = DeclineIdentity(merchantID: "acme", source: "https://crm.example.test", id: "d-1")

    @Test func aReferenceNamesItsMerchantAndEndsInATag() throws {
        let reference = RecoveryReference(
            Self.identity, orderID: "A1B2C3D4E5", kind: .recurring, sequence: 7, subscription: .init(purchaseID: "88123", gatewayID: "42"))
        let tag = try #require(reference.tag)
        #expect(tag.utf8.count == 10 && reference.text == "acme-A1B2C3D4E5-R7-88123-42-" + tag)
        let read = try #require(RecoveryReference(reference.text))
        #expect(read == reference && read.merchantID == "acme" && read.tag == tag && read.family.text == "A1B2C3D4E5-R7-88123-42")
        // A stranger's order of the same shape, and a merchant's name that was changed.
        #expect(RecoveryReference(reference.text.replacing("A1B2", with: "A1B3")) == nil)
        #expect(RecoveryReference("newco" + reference.text.dropFirst(4)) == nil)
    }

    /// Whatever differs of merchant, source and id makes another reference, and nothing else does.
    @Test func aTagIsOfMerchantSourceAndID() {
        func tag(_ merchant: MerchantID, _ source: String, _ id: String) -> String? {
            RecoveryReference(DeclineIdentity(merchantID: merchant, source: source, id: id), orderID: "A", kind: .sale, sequence: 0).tag
        }
        let tags = [
            tag("acme", "crm", "1"), tag("acme", "crm", "2"), tag("acme", "cr", "m1"), tag("acm", "ecrm", "1"), tag("newco", "crm", "1"),
        ]
        #expect(Set(tags).count == tags.count && !tags.contains(nil))
        #expect(tag("acme", "crm", "1") == tag("acme", "crm", "1"))
    }

    /// What waited for weeks before an upgrade keeps the reference that FlexFactor knows.
    @Test(arguments: ["A-S0", "A-R7-88123-42", "acme-S1-U2-nmigateway", "A-S0--7"])
    func theFormOfOldIsReadAndKept(text: String) throws {
        let reference = try #require(RecoveryReference(text))
        #expect(reference.text == text && reference.tag == nil && reference.merchantID == nil && reference.family == reference)
    }

    @Test func theLongestReferenceIsAsLongAsACommandMayName() {
        func longest(_ count: Int) -> String { String(repeating: " ", count: count) }
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: MerchantID(longest(64)), source: "crm", id: "1"), orderID: longest(128), kind: .recurring,
            sequence: 100_000,
            subscription: .init(purchaseID: longest(64), gatewayID: GatewayID(longest(64))))
        #expect(reference.text.utf8.count == RecoveryReference.longest && RecoveryReference(reference.text) == reference)
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
            func part() -> String {
                String((0..<Int.random(in: 0...12, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            }
            let (order, kind) = (part(), RecoveryReference.Kind.allCases.randomElement(using: &random)!)
            let sequence = Int.random(in: 0...400, using: &random)
            let subscription =
                Bool.random(using: &random) ? RecoveryReference.Subscription(purchaseID: part(), gatewayID: GatewayID(part())) : nil
            let isOld = Int.random(in: 0..<4, using: &random) == 0
            let identity = DeclineIdentity(merchantID: MerchantID(part()), source: part(), id: part())
            let written =
                isOld
                ? RecoveryReference(orderID: order, kind: kind, sequence: sequence, subscription: subscription)
                : RecoveryReference(identity, orderID: order, kind: kind, sequence: sequence, subscription: subscription)
            let read = try #require(RecoveryReference(written.text), "\(written.text)")
            #expect(read.merchantID == written.merchantID && read.tag == written.tag && (read.tag == nil) == isOld)
            #expect(read.orderID == written.orderID)
            #expect(read.kind == written.kind)
            #expect(read.sequence == written.sequence)
            #expect(read.subscription == written.subscription)
            #expect(written.text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "%") })
        }
    }

    /// Whatever is read is written the same again, letter by letter: no text has two spellings that are taken.
    @Test(arguments: UInt64(1)...10) func whatIsReadIsHowItIsWritten(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let signs = Array("A0~2Dd-SRa.é%+ ")
        func text() -> String {
            String((0..<Int.random(in: 0...5, using: &random)).compactMap { _ in signs.randomElement(using: &random) })
        }
        var taken = 0
        for _ in 0..<1_000 {
            let kind = RecoveryReference.Kind.allCases.randomElement(using: &random) ?? .sale
            let subscription =
                Bool.random(using: &random) ? RecoveryReference.Subscription(purchaseID: text(), gatewayID: GatewayID(text())) : nil
            let sequence = [0, 7, 100_000].randomElement(using: &random) ?? 0
            let identity = DeclineIdentity(merchantID: MerchantID(text()), source: "crm", id: text())
            let own = [
                RecoveryReference(identity, orderID: text(), kind: kind, sequence: sequence, subscription: subscription),
                RecoveryReference(orderID: text(), kind: kind, sequence: sequence, subscription: subscription),
            ]
            for reference in own { #expect(RecoveryReference(reference.text)?.text == reference.text) }
            var changed = Array((own.randomElement(using: &random) ?? own[0]).text)
            let place = Int.random(in: 0...changed.count, using: &random)
            if Bool.random(using: &random), place < changed.count {
                changed.remove(at: place)
            } else {
                changed.insert(signs.randomElement(using: &random) ?? "A", at: place)
            }
            guard let read = RecoveryReference(String(changed)) else { continue }
            taken += 1
            let again = read.merchantID.map { merchant in
                let bare = RecoveryReference(orderID: merchant.text, kind: .sale, sequence: 0).text.dropLast(3)
                return String(bare) + "-" + read.family.text + "-" + (read.tag ?? "")
            }
            #expect(again ?? read.family.text == String(changed))
        }
        #expect(taken > 50)
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
        func reference(_ trigger: String, _ order: String, _ more: String = "") throws -> String {
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
            #expect(
                CRMAction.success(of: told) == CRMAction.success(of: known) && CRMAction.failure(of: told) == CRMAction.failure(of: known),
                "\(reference)")
            #expect(reference.merchantID == "acme" && reference.tag != nil)
            return reference.family.text
        }
        let rebill = #""type":"recurring","purchaseId":"88","billingCycle":7"#
        let rerun = #""recovery":{"gatewayId":"42"},"#
        #expect(try reference("initial", #""type":"new_sale""#) == "A-S0")
        #expect(try reference("initial", #""type":"new_sale","trialCompletion":true"#) == "A-T0")
        #expect(try reference("initial", #""type":"new_sale","hasRecurringProducts":true,"purchaseId":"88""#) == "A-S0-88-7")
        #expect(try reference("initial", #""type":"new_sale","hasRecurringProducts":true"#) == "A-S0--7")
        #expect(try reference("initial", rebill) == "A-C7-88-7")
        #expect(try reference("recycle", rebill, #""recovery":{"reattempt":4},"#) == "A-R7-88-7")
        #expect(try reference("rerun", #""type":"new_sale","rerunNumber":2"#, rerun) == "A-U2")
        #expect(try reference("rerun", #""type":"new_sale","trialCompletion":true,"rerunNumber":2"#, rerun) == "A-V2")
        #expect(try reference("rerun", rebill + #","rerunNumber":2"#, rerun) == "A-W2-88-7")
    }
}
