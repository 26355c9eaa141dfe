import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// How a recovery stands by its records, in the words that command and page show.
@Suite struct RecoveryStoryTests {
    private func record(
        _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, until: Int64? = nil, becomes: ResultKind? = nil,
        result: String? = nil,
        reason: String? = nil
    ) -> JournalRecord {
        JournalRecord(
            at: .in2026(0), stage: stage, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1),
            gatewayID: "42", fate: fate, detail: detail, reason: reason, rule: stage == .intake ? "table:nmi/202" : nil,
            until: until.map { .in2026($0) },
            attempts: 1, amount: Money(minorUnits: 500, currency: .usd), becomes: becomes, resultID: result, workerID: "w")
    }

    private func outlook(_ records: JournalRecord...) -> String { RecoveryStory(records).outlooks.map(\.sentence).joined(separator: "\n") }

    private var begun: JournalRecord { record(.intake, .passed, "retry") }
    private var parked: JournalRecord { record(.retry, .parked, "watching", until: 600) }
    private let waits = "put away: FlexFactor works on its order, and is asked about it from time to time; it goes on"

    @Test func itEndsAsItWasToldAndAsThatWasCorrected() {
        let over = "; nothing more comes but refunds, chargebacks and corrections"
        #expect(outlook(begun) == "under way" && outlook(begun, parked) == waits)
        #expect(outlook(begun, record(.retry, .told, "approved"), record(.retry, .told, "approved")) == "ended as approved" + over)
        let (expired, correction) = (record(.retry, .told, "expired"), record(.outcomes, .told, "correction", becomes: .approved))
        // No money was taken that could go back.
        #expect(
            outlook(begun, expired, parked) == "ended as expired; nothing more comes but a correction, should it turn out otherwise")
        #expect(outlook(begun, expired, correction) == "ended as expired, corrected to approved" + over)
    }

    /// Whoever looks learns which gateway, why, and where it is told what to do.
    @Test func aSkipSaysWhy() {
        func skipped(_ reason: SkipReason) -> JournalRecord { record(.cascade, .told, "skipped", reason: reason.rawValue) }
        let refused = outlook(begun, skipped(.gatewayMisconfigured))
        #expect(refused.contains("Gateway 42 of merchant acme: ") && refused.contains(SkipReason.gatewayMisconfigured.sentence))
        #expect(refused.contains("docs/runbooks/SalvageGatewayMisconfigured.md"))
        for reason in SkipReason.allCases { #expect(outlook(begun, skipped(reason)).contains(reason.sentence)) }
    }

    @Test func whatWaitsBecauseNothingCouldBeSentSaysWhy() {
        let story = RecoveryStory([begun, record(.cascade, .parked, "due", until: 5, reason: "rate_limited")])
        #expect(story.lines.last?.sentence == "put away (due), rate_limited")
        #expect(
            story.outlooks.map(\.sentence) == [
                "put away: nothing was sent yet. The last call was not sent: the gateway's maxRequestsPerSecond had no room; it goes on"
            ])
    }

    /// No word of the code is left to the reader, but those of a newer version.
    @Test func whatWaitsSaysWhatFor() {
        let phases: [RecoveryPhase] = [
            .due, .ready, .unanswered, .capturing("o"), .challenged(nil, .look), .reconciling(nil, .look), .seeking(nil),
            .watching("o", polls: 1), .resting(nil), .closing(nil, .look), .closed(nil),
        ]
        for word in phases.map(\.word) + ["paused"] {
            #expect(outlook(begun, record(.retry, .parked, word, until: 5)) != "put away: \(word); it goes on")
        }
        let unsent: [CallFailure.NotSent] = [
            .circuitOpen(until: .in2026(1)), .rateLimited, .cannotConnect("x"), .cannotCall("x"), .deadline, .noToken("x"),
            .noTokenYet("x"), .misconfigured("x"),
        ]
        for word in unsent.map(\.word) {
            let told = outlook(begun, record(.retry, .parked, "due", until: 5, reason: word))
            #expect(told.contains("The last call was not sent: ") && !told.contains(": \(word);"))
        }
        let submitted = record(.retry, .told, "submitted", until: 5, reason: "accepted")
        #expect(outlook(begun, submitted) == waits)
        #expect(outlook(begun, record(.retry, .parked, "no claim can be made", until: 5)) == "put away: no claim can be made; it goes on")
    }

    @Test func aLetterEndsItUntilItIsTakenUpAndThatOfACommandDoesNot() {
        let letter = record(.retry, .deadLettered, "outcome_unknown")
        #expect(outlook(begun, letter) == "ended in a dead letter" && outlook(begun, letter, parked) == waits)
        #expect(outlook(record(.intake, .rejected, "unknown_merchant")) == "ended in a dead letter")
        for command in [record(.retry, .deadLettered, "cancel_failed"), record(.retry, .parked, "cancelling", until: 5)] {
            #expect(outlook(begun, parked, command) == waits)
        }
        // Skipped at once, and offered under another mapping.
        #expect(outlook(record(.intake, .told, "skipped"), begun, parked) == waits)
    }

    /// Half is given back, and half again: two results, each of which may be told twice.
    @Test func aSecondRefundIsNoRepeat() {
        let refunds = ["1", "2", "2"].map { record(.outcomes, .told, "refunded", result: "A/refunded/\($0)") }
        #expect(
            RecoveryStory([begun, record(.retry, .told, "approved")] + refunds).lines.map(\.isRepeat) == [false, false, false, false, true])
    }
}
