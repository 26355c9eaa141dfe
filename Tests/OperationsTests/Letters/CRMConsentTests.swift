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
}
