import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// Which way a decline goes, from the CRM's own words to the stage that takes it on.
@Suite struct IntakeStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(now)
    private let claims = MemoryClaims()
    private let merchant = Merchant(
        id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", cascadeAll: true)], gateways: [Gateway(id: "7", type: "nmi")])

    private func event(code: String) -> String {
        #"{"specversion":"1.0","id":"d-1","source":"crm","type":"com.salvage.decline.v1","time":"2027-01-15T08:00:00Z","data":{"#
            + #""merchantId":"acme","trigger":"initial","order":{"id":"A1","type":"new_sale","ipAddress":"203.0.113.7"},"#
            + #""decline":{"gatewayId":"7","responseCodeSource":"nmi","#
            + #""responseCode":"\#(code)","transactionId":"T-1"},"amount":{"minorUnits":4999,"currency":"USD"},"billing":{"#
            + #""firstName":"Ada","lastName":"B","countryCode":"DE","addressLine1":"1","city":"X","zipCode":"1"},"paymentMethod":{"token":"t"}}}"#
    }

    private func timeline(_ bodies: String...) async throws -> StageTimeline {
        var timeline = StageTimeline(.intake, clock)
        let stage = IntakeStage(in: .sample(clock, claims: claims), merchants: Merchants(merchant))
        for body in bodies { try await timeline.run(IncomingMessage(body: Array(body.utf8))) { await stage.handle($0) } }
        return timeline
    }

    @Test func aSoftDeclineOfASaleIsCascaded() async throws {
        let timeline = try await timeline(event(code: "202"))
        #expect(timeline.lines == ["passed cascade"] && timeline.results.isEmpty)
        guard case .recovery(let recovery)? = timeline.passed.first.map({ WorkEnvelope.decode($0.message.body) }) else {
            Issue.record("\(timeline.passed)")
            return
        }
        #expect(recovery.gatewayID == "42" && recovery.amount.minorUnits == 4_999 && recovery.verdict.declineClass == .soft)
    }

    /// Nothing is lost by it: the CRM goes on by its own rules, and is told so at once.
    @Test func aHardDeclineIsSkippedAndSaysWhy() async throws {
        let timeline = try await timeline(event(code: "252"))
        #expect(timeline.lines == ["told skipped"] && timeline.reasons == ["hard_decline"] && timeline.passed.isEmpty)
    }

    /// The same decline twice is told the same twice, whatever the mapping says by then.
    @Test func aDeclineThatWasToldIsToldAgain() async throws {
        let timeline = try await timeline(event(code: "252"), event(code: "252"))
        #expect(timeline.results.count == 2 && timeline.results[0] == timeline.results[1])
    }

    /// Claims and references take two spellings of a name for two merchants: then only the one that is configured is one.
    @Test func aMerchantInAnotherSpellingIsUnknown() async throws {
        let merchant = Merchant(id: "caf\u{E9}", flexFactorGateways: [FlexFactorGateway(id: "42", cascadeAll: true)])
        let stage = IntakeStage(in: .sample(clock, claims: claims), merchants: Merchants(merchant))
        func timeline(_ name: String) async throws -> StageTimeline {
            var timeline = StageTimeline(.intake, clock)
            let body = event(code: "202").replacing(#""acme""#, with: "\"\(name)\"")
            try await timeline.run(IncomingMessage(body: Array(body.utf8))) { await stage.handle($0) }
            return timeline
        }
        #expect(try await timeline("caf\u{E9}").lines == ["passed cascade"])
        let other = try await timeline("cafe\u{301}")
        #expect(other.reasons == ["unknown_merchant"] && other.letters.map(\.reason) == [.unknownMerchant] && other.passed.isEmpty)
        #expect(other.letters.first?.explanation.contains("cafe\\u{0301}") == true)
    }

    /// No key opens what is no encrypted card: the CRM is to mend it.
    @Test(
        arguments: [(.noKey("none"), "no_card_key", .noCardKey), (.unusable("no JWE"), "card_unusable", .cardUnusable)]
            as [(CardComplaint, String, DeadLetterReason)])
    func whyACardIsNotTakenIsTold(complaint: CardComplaint, reason: String, letter: DeadLetterReason) async throws {
        let vault = Vault(hasKey: false, complaint: complaint)
        let stage = IntakeStage(in: .sample(clock, claims: claims, cards: vault), merchants: Merchants(merchant))
        let body = event(code: "202").replacing(#""token":"t""#, with: #""encryptedCard":"sealed""#)
        var timeline = StageTimeline(.intake, clock)
        try await timeline.run(IncomingMessage(body: Array(body.utf8))) { await stage.handle($0) }
        #expect(timeline.reasons == [reason] && timeline.letters.map(\.reason) == [letter], "\(timeline.lines)")
    }

    @Test func aCancelCommandGoesToTheStageThatHasTheKeys() async throws {
        let timeline = try await timeline(
            #"{"specversion":"1.0","id":"c-1","source":"crm","type":"com.salvage.cancel.v1","data":{"merchantId":"acme","orderId":"A1","purchaseId":"88","billingCycle":7}}"#
        )
        #expect(timeline.passed.map(\.stage) == [.retry] && timeline.results.isEmpty)
    }

    @Test func whatCannotBeReadIsALetterAndToldToNobodyWhoDidNotAsk() async throws {
        let timeline = try await timeline("no json")
        #expect(timeline.letters.map(\.reason) == [.unreadable] && timeline.results.isEmpty)
    }
}
