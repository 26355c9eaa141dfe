import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct JournalRecordTests {
    private static let reference = RecoveryReference(
        orderID: "Ä 1", kind: .recurring, sequence: 7, subscription: .init(purchaseID: "88", gatewayID: "7"))

    private static let full = JournalRecord(
        at: .in2026(5), stage: .retry, merchantID: "acme", reference: reference, gatewayID: "42", fate: .told, detail: "submitted",
        reason: "submitted",
        rule: "table:nmi/202", declineClass: .soft, until: .in2026(600), attempts: 3, amount: Money(minorUnits: 4_999, currency: .usd),
        declineCode: "nmi/202",
        decline: JournaledDecline(
            source: "nmi", code: "202", gatewayID: "7", networkCode: "51", network: .visa, advice: "02", text: "Insufficient funds",
            textDigest: nil,
            crmClass: .soft, orderType: .recurring, isCascade: false, confidence: .code, brand: "elo", campaign: "c-9",
            transactionID: "tx-81"),
        notes: ["$.data.decline.avsResultCode: left out"], trigger: .recycle, route: "retry", declinedAt: .in2026(1),
        flexFactorOrderID: "ff-1", becomes: .approved, resultID: "r/refunded/1", action: .awaitResult, otherRecovery: reference,
        workerID: "w-1")

    @Test func everyFieldComesBack() {
        for stage in Stage.allCases {
            let bare = JournalRecord(
                at: .in2026(0), stage: stage, merchantID: nil, reference: Self.reference, gatewayID: nil, fate: .told, detail: "",
                attempts: 0,
                workerID: "")
            #expect(JournalRecord.decode(bare.encoded()) == bare)
        }
        #expect(JournalRecord.decode(Self.full.encoded()) == Self.full)
        let back = JournalRecord.decode(Self.full.encoded())
        #expect(back?.amount == Money(minorUnits: 4_999, currency: .usd) && back?.declineCode == "nmi/202")
    }

    /// The journal keeps 90 days: records of before have the other recovery behind the reason.
    @Test func theReasonIsACodeAlsoWhereItOnceNamedTheOther() throws {
        let value = try JSONValue(parsing: Self.full.encoded().span)
        for (written, reason, other) in [
            ("in_recovery (A-U1)", "in_recovery", "A-U1"), ("in_recovery", "in_recovery", nil), ("no (such)", "no (such)", nil),
        ] as [(String, String, String?)] {
            let patch = JSONPatch([
                .replace(try #require(JSONPointer("/data/reason")), .string(written)),
                .remove(try #require(JSONPointer("/data/otherRecovery"))),
            ])
            let record = try #require(JournalRecord.decode(try patch.applied(to: value).bytes))
            #expect(record.reason == reason && record.otherRecovery?.text == other)
        }
    }

    @Test func anAmountIsWholeOrIsNone() throws {
        let value = try JSONValue(parsing: Self.full.encoded().span)
        for member in ["/data/minorUnits", "/data/currency"] {
            let half = try JSONPatch([.remove(#require(JSONPointer(member)))]).applied(to: value)
            let record = try #require(JournalRecord.decode(half.bytes))
            #expect(record.amount == nil && record.declineCode == "nmi/202")
        }
    }

    /// Which words stand in the journal is a promise to who reads it; a newer version's word stays what it is.
    @Test func everyFateHasItsWord() {
        #expect(JournalRecord.Fate.known.map(\.word) == ["passed", "told", "parked", "dead_lettered", "rejected", "ignored"])
        for fate in JournalRecord.Fate.known + [.foreign("put_to_sleep")] {
            #expect(JournalRecord.Fate(fate.word) == fate)
            let record = JournalRecord(
                at: .in2026(0), stage: .retry, merchantID: nil, reference: Self.reference, gatewayID: nil, fate: fate, detail: "",
                attempts: 0,
                workerID: "")
            #expect(JournalRecord.decode(record.encoded()) == record)
        }
    }

    @Test func theIDTellsOneStepFromAnother() {
        func id(_ at: Int64, _ stage: Stage, _ fate: JournalRecord.Fate) -> String {
            JournalRecord(
                at: .in2026(at), stage: stage, merchantID: nil, reference: Self.reference, gatewayID: nil, fate: fate, detail: "",
                attempts: 0,
                workerID: ""
            ).id
        }
        #expect(Set([id(0, .retry, .told), id(1, .retry, .told), id(0, .outcomes, .told), id(0, .retry, .parked)]).count == 4)
        #expect(id(0, .retry, .told) == id(0, .retry, .told))
    }

    @Test(arguments: ["at", "stage", "recoveryReference", "fate", "detail", "attempts", "worker"])
    func whatLacksWhatItNeedsIsNoRecord(member: String) throws {
        let value = try JSONValue(parsing: Self.full.encoded().span)
        let place = try #require(JSONPointer("/data/\(member)"))
        #expect(try JournalRecord.decode(JSONPatch([.remove(place)]).applied(to: value).bytes) == nil)
        #expect(try JournalRecord.decode(JSONPatch([.replace(place, .null)]).applied(to: value).bytes) == nil)
    }

    @Test func rubbishIsNoRecord() {
        for bytes in [[], [0xFF], Array("{}".utf8), DeadLetter.sample().encoded()] { #expect(JournalRecord.decode(bytes) == nil) }
    }

    /// Where the CRM may put what it likes, only what is an id is kept, and nothing that could be a card.
    @Test(arguments: [
        ("c-17", "tx_81.2:9", "c-17", "tx_81.2:9"), ("Ada Byron", "ada@example.test", nil, nil),
        (CardNumbers.visa, CardNumbers.visa, nil, nil),
        ("", "8123456789", nil, "8123456789"), (String(repeating: "x", count: 65), "Straße", nil, nil),
    ])
    func whatIsNoIDIsNotKept(campaign: String, transaction: String, kept: String?, keptTransaction: String?) {
        let address = Address(
            firstName: "Ada", lastName: "Byron", countryCode: "US", addressLine1: "1 Main St", city: "Troy", zipCode: "12180")
        let event = DeclineEvent(
            id: "d-1", source: "crm", declinedAt: .in2026(0), merchantID: "acme", trigger: .initial,
            order: Order(id: "A1", type: .newSale, campaignID: CampaignID(campaign)),
            decline: Decline(gatewayID: "7", responseCodeSource: "nmi", responseCode: "202", transactionID: transaction),
            amount: Money(minorUnits: 4_999, currency: .usd), payer: Payer(), billing: address,
            paymentMethod: PaymentMethod(card: .token(CardToken("tok_1"))))
        let decline = JournaledDecline(
            event, DeclineMapping.classify(DeclineCase(event), merchant: Merchant(id: "acme", flexFactorGateways: [])))
        #expect(decline.campaign == kept && decline.transactionID == keptTransaction && decline.eventID == "d-1")
    }

    /// A CRM may take the wrong column for a code; sums keep it for a year, and everybody who may look reads it.
    @Test(arguments: [
        ("nmi", "202", "nmi/202"), ("NMI", "", "nmi/"), ("stripe", "insufficient_funds", "stripe/insufficient_funds"),
        ("ogone", "30171001", "ogone/30171001"), ("nmi", "ada@example.test", "nmi/"), ("nmi", "4155550100", "nmi/"),
        ("nmi", "4155550100 Ada", "nmi/"), ("ada@example.test", "202", "/202"),
    ])
    func whatIsNoCodeHasNoNameInSums(source: String, code: String, name: String) {
        let decline = Decline(gatewayID: "7", responseCodeSource: source, responseCode: code, transactionID: "t")
        #expect(JournaledDecline.codeName(of: decline) == name)
    }
}
