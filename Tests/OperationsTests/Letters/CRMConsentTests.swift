import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// When only the CRM's people can say whether a replay charges twice.
@Suite struct CRMConsentTests {
    private let event = #"""
        {"id":"1","source":"shop","data":{"merchantId":"acme","trigger":"initial","order":{"id":"A1","type":"new_sale","rerunNumber":0},
        "decline":{"gatewayId":"7","responseCode":"201"},"billing":{"city":"Troy"}}}
        """#

    private func consent(
        of reason: DeadLetterReason = .noCardKey, stage: Stage = .intake, faults: [String] = [], _ patch: String
    ) throws -> CRMConsent? {
        let letter = DeadLetter.sample(
            reason, stage: stage, body: event, faults: faults.map { FieldError(path: $0, message: "it is wrong") })
        let after = try JSONPatch(JSONValue(parsing: Array(patch.utf8).span)).applied(to: JSONValue(parsing: Array(event.utf8).span))
        return CRMConsent(for: letter, sending: after.bytes)
    }

    @Test(arguments: [
        ("replace", "/data/merchantId", #""bold""#), ("replace", "/data/trigger", #""rerun""#), ("replace", "/data/order/id", #""A2""#),
        ("replace", "/data/order/type", #""recurring""#), ("replace", "/data/order/rerunNumber", "1"),
        ("add", "/data/order/billingCycle", "2"),
        ("add", "/data/order/purchaseId", #""88""#), ("add", "/data/order/hasRecurringProducts", "true"),
        ("add", "/data/order/trialCompletion", "true"),
        ("replace", "/data/decline/gatewayId", #""8""#),
    ])
    func whatMakesAnotherRecoveryNeedsTheCRM(operation: String, path: String, value: String) throws {
        let patch = #"[{"op":"\#(operation)","path":"\#(path)","value":\#(value)}]"#
        let needed = try consent(patch)
        #expect(needed == .otherRecovery(try #require(JSONPointer(path))))
        #expect(needed?.sentence.contains(path) == true)
        // What was wrong there the CRM corrects in the same way, and it is the same recovery.
        #expect(try consent(faults: ["$" + path.replacing("/", with: ".")], patch) == nil)
    }

    @Test func whatKeepsTheRecoveryNeedsNobody() throws {
        #expect(try consent("[]") == nil)
        #expect(
            try consent(
                #"[{"op":"replace","path":"/data/billing/city","value":"York"},{"op":"replace","path":"/data/decline/responseCode","value":"202"}]"#
            ) == nil)
    }

    @Test func whoWasToldToGoOnIsAskedFirst() throws {
        #expect(try consent(of: .attemptsSpent, stage: .retry, "[]") == .toldSkipped)
    }

    @Test func whatCouldNotBeReadSaysNothingOfItsRecovery() {
        #expect(CRMConsent(for: .sample(.unreadable, body: "{"), sending: Array(event.utf8)) == nil)
    }

    /// The members are listed by hand; what tells recoveries and debts apart is found out here by changing each.
    @Test(arguments: [
        (#""trigger":"initial""#, #""type":"new_sale","rerunNumber":0"#),
        (#""trigger":"initial""#, #""type":"new_sale","hasRecurringProducts":true,"purchaseId":"88","trialCompletion":true"#),
        (#""trigger":"rerun","recovery":{"gatewayId":"42"}"#, #""type":"new_sale","rerunNumber":2,"chargeId":"c-1""#),
        (#""trigger":"recycle","recovery":{"reattempt":1}"#, #""type":"recurring","billingCycle":7,"purchaseId":"88""#),
    ])
    func noMemberThatTellsRecoveriesApartIsForgotten(trigger: String, order: String) throws {
        let text =
            #"{"specversion":"1.0","id":"d-1","source":"crm","type":"com.salvage.decline.v1","time":"2027-01-15T08:00:00Z","data":{"#
            + #""merchantId":"acme",\#(trigger),"order":{"id":"A1",\#(order)},"decline":{"gatewayId":"7","responseCodeSource":"nmi","#
            + #""responseCode":"202","transactionId":"T-1"},"amount":{"minorUnits":4999,"currency":"USD"},"billing":{"firstName":"Ada","#
            + #""lastName":"B","countryCode":"DE","addressLine1":"1","city":"X","zipCode":"1"},"paymentMethod":{"token":"t"}}}"#
        let before = try JSONValue(parsing: Array(text.utf8).span)
        func what(_ value: JSONValue) -> String? {
            guard case .decline(let event) = CRMMessage.decode(value.bytes) else { return nil }
            return "\(RecoveryReference(for: event).text) \(Debt(RecoveredOrder(event), of: event.merchantID))"
        }
        let whole = try #require(what(before))
        let letter = DeadLetter.sample(.noCardKey, body: text)
        let others: [JSONValue] = [.string("9"), .integer(9), .bool(true), .string("recurring"), .string("rerun"), .string("recycle")]
        var telling: Set<String> = []
        for path in Self.leaves(of: before, under: []) {
            for other in others {
                let after = try JSONPatch([.replace(path, other)]).applied(to: before)
                guard let changed = what(after), changed != whole else { continue }
                telling.insert(path.description)
                #expect(CRMConsent(for: letter, sending: after.bytes) != nil, "\(path)")
            }
        }
        #expect(telling.count >= 5, "\(telling)")
    }

    private static func leaves(of value: JSONValue, under path: [String]) -> [JSONPointer] {
        guard let members = value.object else { return [JSONPointer(tokens: path)] }
        return members.flatMap { leaves(of: $0.value, under: path + [$0.name]) }
    }
}
