import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct DeclineDecodingTests {
    private func decode(_ change: (inout DeclineText) -> Void = { _ in }) -> CRMMessage {
        var text = DeclineText()
        change(&text)
        return CRMMessage.decode(text.bytes)
    }

    private func faults(_ change: (inout DeclineText) -> Void) -> [String] {
        guard case .rejected(let event) = decode(change) else { return [] }
        return event.faults.map(\.path)
    }

    @Test func aWholeEventIsRead() throws {
        guard case .decline(let event) = decode() else {
            Issue.record("expected a decline")
            return
        }
        #expect(event.merchantID == "acme" && event.trigger == .initial && event.order.id == "A1" && event.amount.minorUnits == 4_999)
        #expect(event.declinedAt == Moment(rfc3339: "2026-01-02T03:04:05Z") && event.paymentMethod.card == .token(CardToken("tok-1")))
        #expect(event.billing.state == "NY" && event.decline.responseCode == "201" && event.decline.crmClass == nil)
    }

    @Test func membersThatAreNotKnownAreTolerated() {
        guard case .decline = decode({ $0.data["brandNew"] = #"{"deep":[1,2,{"x":null}]}"# }) else {
            Issue.record("expected a decline")
            return
        }
    }

    @Test func everyFaultIsReportedAtOnceWithItsPath() {
        let paths = faults { text in
            text.root["time"] = #""yesterday""#
            text.root["specversion"] = #""0.3""#
            text.data["merchantId"] = "7"
            text.data["amount"] = #"{"minorUnits":49.99,"currency":"usd"}"#
            text.data["order"] = #"{"id":"A1","type":"subscription"}"#
            text.data["billing"] =
                #"{"firstName":"Ada","lastName":"","countryCode":"usa","addressLine1":"1 Main","city":"Troy","zipCode":"1"}"#
            text.data["paymentMethod"] = #"{"token":"t","encryptedCard":"e","expirationMonth":13}"#
        }
        #expect(
            Set(paths) == [
                "$.specversion", "$.time", "$.data.merchantId", "$.data.amount.minorUnits", "$.data.amount.currency", "$.data.order.type",
                "$.data.billing.lastName", "$.data.billing.countryCode", "$.data.paymentMethod.expirationMonth", "$.data.paymentMethod",
            ])
    }

    @Test(arguments: [
        ("merchantId", "$.data.merchantId"), ("trigger", "$.data.trigger"), ("order", "$.data.order"), ("decline", "$.data.decline"),
        ("amount", "$.data.amount"), ("billing", "$.data.billing"), ("paymentMethod", "$.data.paymentMethod"),
    ])
    func aMissingMemberIsNamedWithAllThatItMustHold(member: String, path: String) {
        let paths = faults { $0.data[member] = nil }
        #expect(paths.first == path && paths.dropFirst().allSatisfy { $0.hasPrefix(path + ".") })
        let inside = ["order": 2, "decline": 3, "amount": 2, "billing": 6]
        #expect(paths.count == 1 + (inside[member] ?? 0), "\(paths)")
    }

    @Test func whatATriggerNeedsIsAskedFor() {
        #expect(faults { $0.data["trigger"] = #""rerun""# }.sorted() == ["$.data.order.rerunNumber", "$.data.recovery"])
        #expect(
            faults { $0.data["trigger"] = #""recycle""# }.sorted() == [
                "$.data.order.billingCycle", "$.data.order.purchaseId", "$.data.order.type", "$.data.recovery", "$.data.recovery.reattempt",
            ])
        #expect(
            faults { $0.data["order"] = #"{"id":"A1","type":"recurring"}"# }.sorted() == [
                "$.data.order.billingCycle", "$.data.order.purchaseId",
            ])
        #expect(
            faults {
                $0.data["trigger"] = #""rerun""#
                $0.data["order"] = #"{"id":"A1","type":"new_sale","rerunNumber":1}"#
                $0.data["recovery"] = #"{"gatewayId":"1","gatewayProfileId":"2"}"#
            } == ["$.data.recovery"])
        #expect(faults { $0.root["subject"] = #""another order""# } == ["$.subject"])
        #expect(faults { $0.root["type"] = #""com.salvage.decline.v2""# } == ["$.type"])
    }

    @Test func faultsSayWhatWasExpectedAndNeverWhatStoodThere() {
        guard case .rejected(let event) = decode({ $0.data["merchantId"] = #"["CANARY"]"# }) else {
            Issue.record("expected a rejection")
            return
        }
        #expect(event.faults.allSatisfy { !$0.message.contains("CANARY") && !$0.message.isEmpty })
    }

    @Test func aCancelNamesARecoveryOrARebill() {
        func cancel(_ data: String) -> CRMMessage {
            CRMMessage.decode(Array(#"{"specversion":"1.0","id":"c-1","type":"com.salvage.cancel.v1","data":\#(data)}"#.utf8))
        }
        guard case .cancel(let command) = cancel(#"{"merchantId":"acme","recoveryReference":"A-R7-88123-42","reason":"left"}"#),
            case .cancel(let rebill) = cancel(#"{"merchantId":"acme","orderId":"A","purchaseId":"88123","billingCycle":7}"#),
            case .rejected = cancel(#"{"merchantId":"acme","recoveryReference":"nonsense"}"#),
            case .rejected = cancel(#"{"merchantId":"acme"}"#)
        else {
            Issue.record("a cancel was read otherwise than it was meant")
            return
        }
        #expect(command.reference?.text == "A-R7-88123-42")
        #expect(rebill.target == .rebill(orderID: "A", purchaseID: "88123", billingCycle: 7))
    }

    @Test func aCardInClearAnywhereIsFoundAndToldWithoutIt() {
        for place in ["payer", "anything"] {
            guard case .rejected(let event) = decode({ $0.data[place] = #"{"id":"\#(CardNumbers.visa)"}"# }) else {
                Issue.record("a card number in \(place) was let through")
                continue
            }
            #expect(event.hasCardData && event.faults.allSatisfy { !$0.message.contains(CardNumbers.visa) })
            #expect(event.faults.contains { $0.path == "$.data.\(place).id" })
        }
    }
}

/// A decline event whose members a test can change.
struct DeclineText {
    var root: [String: String] = [
        "specversion": #""1.0""#, "id": #""decline-1""#, "source": #""crm""#, "type": #""com.salvage.decline.v1""#,
        "time": #""2026-01-02T03:04:05Z""#,
    ]
    var data: [String: String] = [
        "merchantId": #""acme""#, "trigger": #""initial""#, "order": #"{"id":"A1","type":"new_sale","ipAddress":"203.0.113.7"}"#,
        "decline": #"{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"201","transactionId":"T-1"}"#,
        "amount": #"{"minorUnits":4999,"currency":"USD"}"#,
        "billing":
            #"{"firstName":"Ada","lastName":"Byron","countryCode":"US","addressLine1":"1 Main","city":"Troy","state":"NY","zipCode":"12180"}"#,
        "paymentMethod": #"{"token":"tok-1"}"#,
    ]

    var bytes: [UInt8] {
        func object(_ members: [String: String]) -> String {
            "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
        }
        return Array(object(root.merging(["data": object(data)]) { $1 }).utf8)
    }
}
