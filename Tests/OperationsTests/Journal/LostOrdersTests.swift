import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// Which orders an outage cost.
@Suite struct LostOrdersTests {
    private static let start = Moment.in2026(0)
    private static let words = ["from": "2026-01-01T00:00:00Z", "through": "2026-01-01T01:00:00Z"]

    private func record(
        _ order: String, _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, at seconds: Int64, reason: String? = nil,
        becomes: ResultKind? = nil, merchant: MerchantID = "acme"
    ) -> JournalRecord {
        JournalRecord(
            at: Self.start + .seconds(seconds), stage: stage, merchantID: merchant,
            reference: RecoveryReference(orderID: order, kind: .rerun, sequence: 1), gatewayID: "42", fate: fate, detail: detail,
            reason: reason, attempts: 3, amount: Money(minorUnits: 4_999, currency: .usd), becomes: becomes, workerID: "w")
    }

    private func lost(_ records: [JournalRecord], _ words: [String: String] = words) throws -> LostOrders {
        var lost = LostOrders(try LostOrders.Window(words, now: Self.start + .days(2)))
        for record in records { lost.take(record) }
        return lost
    }

    @Test func whatEndedForWantOfFlexFactorIsListedWithItsReason() throws {
        let lost = try lost([
            record("LATE", .cascade, .told, "skipped", at: 40, reason: "deadline_passed"),
            record("AWAY", .cascade, .told, "skipped", at: 30, reason: "flexfactor_unavailable"),
            record("LOOKED", .cascade, .told, "declined", at: 50, reason: "not_charged_on_look_up"),
            record("SPENT", .retry, .deadLettered, "attempts_spent", at: 60),
            record("DOUBT", .cascade, .deadLettered, "outcome_unknown", at: 70),
            record("REFUSED", .retry, .rejected, "refused_by_flexfactor", at: 80),
        ])
        #expect(lost.orders.map(\.reference.orderID) == ["AWAY", "LATE", "LOOKED", "SPENT", "DOUBT", "REFUSED"])
        #expect(lost.reasons.count == 6 && lost.reasons.allSatisfy { !LostOrders.sentence(of: $0.reason).isEmpty })
        let first = try #require(lost.json["orders"]?.array?.first)
        #expect(first["orderId"]?.string == "AWAY" && first["reason"]?.string == "flexfactor_unavailable")
        #expect(first["merchantId"]?.string == "acme" && first["gatewayId"]?.string == "42" && first["minorUnits"]?.int64 == 4_999)
        #expect(first["at"]?.int64 == (Self.start + .seconds(30)).milliseconds && first["recoveryReference"]?.string != nil)
    }

    /// Somebody has said no, or the CRM has it back to correct.
    @Test func whatEndedByAWordIsNoLoss() throws {
        let lost = try lost([
            record("NO", .cascade, .told, "declined", at: 1, reason: "declined_by_flexfactor"),
            record("HARD", .intake, .told, "skipped", at: 2, reason: "hard_decline"),
            record("PAUSED", .cascade, .told, "skipped", at: 3, reason: "paused"),
            record("FAULTY", .intake, .rejected, "invalid_event", at: 4),
            record("OVER", .retry, .told, "expired", at: 5, reason: "expired"),
        ])
        #expect(lost.orders.isEmpty && lost.json["orders"]?.array?.isEmpty == true)
    }

    @Test func whatWasRecoveredSinceIsNone() throws {
        let away = record("A", .cascade, .told, "skipped", at: 30, reason: "flexfactor_unavailable")
        let spent = record("B", .retry, .deadLettered, "attempts_spent", at: 40)
        // By a correction, and by a replay a day later.
        let found = record("A", .outcomes, .told, "correction", at: 5_000, reason: "approved_by_webhook", becomes: .approved)
        let replayed = record("B", .retry, .parked, "unanswered", at: 90_000)
        let approved = record("B", .retry, .told, "approved", at: 90_060, reason: "approved")
        #expect(try lost([away, spent]).orders.count == 2)
        #expect(try lost([away, spent, found, replayed]).orders.isEmpty, "one goes on")
        #expect(try lost([away, spent, found, replayed, approved]).orders.isEmpty)
        // Told again, it is what it was; and a replay that ends the same way is the loss of then.
        let again = record("A", .cascade, .told, "skipped", at: 60, reason: "told_again")
        let once = try lost([away, again, spent, replayed, record("B", .retry, .deadLettered, "outcome_unknown", at: 90_100)]).orders
        #expect(once.map(\.reason) == ["flexfactor_unavailable", "outcome_unknown"])
        #expect(once.map(\.at) == [Self.start + .seconds(30), Self.start + .seconds(40)])
    }

    @Test func onlyTheWindowAndWhoIsAskedForCount() throws {
        let records = [
            record("BEFORE", .cascade, .told, "skipped", at: -1, reason: "flexfactor_unavailable"),
            record("IN", .cascade, .told, "skipped", at: 3_600, reason: "flexfactor_unavailable"),
            record("BEHIND", .cascade, .told, "skipped", at: 3_601, reason: "flexfactor_unavailable"),
            record("OTHER", .cascade, .told, "skipped", at: 10, reason: "flexfactor_unavailable", merchant: "bold"),
        ]
        #expect(try lost(records).orders.map(\.reference.orderID) == ["OTHER", "IN"])
        let ofAcme = Self.words.merging(["merchant": "acme"]) { $1 }
        #expect(try lost(records, ofAcme).orders.map(\.reference.orderID) == ["IN"])
        #expect(try lost(records, ["from": "2026-01-01", "through": "2026-01-01"]).orders.count == 3)
        #expect(try lost(records, ["from": "2026-01-01", "currency": "EUR"]).orders.isEmpty)
    }

    @Test(arguments: [
        (["from": "2026-01-01T10:30"], "no time"), (["from": "2026-13-01"], "no day"),
        (["from": "2026-01-01T10:00:00Z", "through": "2026-01-01T09:00:00Z"], "ends before it begins"),
    ])
    func aTimeThatIsNoneIsSaid(words: [String: String], what: String) {
        let fault = #expect(throws: MoneyReport.Question.Fault.self) { try LostOrders.Window(words, now: Self.start) }
        #expect(fault?.what.contains(what) == true && fault?.advice.isEmpty == false)
    }

    @Test func theyAreReadFromTheJournal() async throws {
        let broker = MemoryBroker()
        broker.write(record("AWAY", .cascade, .told, "skipped", at: 30, reason: "flexfactor_unavailable"))
        broker.write(record("NO", .cascade, .told, "declined", at: 31, reason: "declined_by_flexfactor"))
        let window = try LostOrders.Window(Self.words, now: Self.start + .days(1))
        let lost = try await LostOrders.read(window, in: broker.process().journal)
        #expect(lost.orders.map(\.reference.orderID) == ["AWAY"])
    }
}
