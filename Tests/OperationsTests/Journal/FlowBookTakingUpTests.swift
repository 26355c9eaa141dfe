import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What fell into a dead letter and was taken up again counts like everything else.
@Suite struct FlowBookTakingUpTests {
    private let today = Moment.in2026(0).milliseconds / 86_400_000

    private func take(
        _ book: inout FlowBook, _ order: String, _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String = "", day: Int64 = 0,
        amount: Int64? = 500, code: String? = nil
    ) {
        book.take(
            JournalRecord(
                at: .in2026(day * 86_400), stage: stage, merchantID: "acme",
                reference: RecoveryReference(orderID: order, kind: .sale, sequence: 0),
                gatewayID: "42", fate: fate, detail: detail, rule: stage == .intake && amount != nil ? "table:nmi/202" : nil, attempts: 1,
                amount: amount.map { Money(minorUnits: $0, currency: .usd) },
                declineCode: code,
                workerID: "w"))
    }

    /// The letter is reconciled or replayed, and FlexFactor took the money: that is what the console exists to show.
    @Test(arguments: [JournalRecord.Fate.deadLettered, .rejected])
    func whatWasRecoveredFromADeadLetterCounts(fate: JournalRecord.Fate) {
        var book = FlowBook()
        take(&book, "A", .intake, .passed, "cascade", code: "nmi/202")
        take(&book, "A", .cascade, fate, "outcome_unknown")
        take(&book, "A", .cascade, .told, "approved", day: 1)
        take(&book, "A", .cascade, .told, "approved", day: 1)
        let expected = OfferedTally(offered: 1, ended: 1, recovered: 1, offeredAmounts: ["USD": 500], recoveredAmounts: ["USD": 500])
        #expect(book.dayTallies == [today: expected] && book.codeTallies == ["nmi/202": expected] && book.open.isEmpty)
    }

    /// Mended and replayed, it is a decline like any other.
    @Test func whatIntakeRejectedIsOfferedWhenItIsReplayed() {
        var book = FlowBook()
        take(&book, "A", .intake, .rejected, "unknown_merchant")
        take(&book, "A", .intake, .passed, "cascade", day: 1)
        take(&book, "A", .cascade, .told, "approved", day: 1)
        #expect(
            book.dayTallies == [
                today + 1: OfferedTally(offered: 1, ended: 1, recovered: 1, offeredAmounts: ["USD": 500], recoveredAmounts: ["USD": 500])
            ])
    }

    @Test func whatIntakeSkippedIsOfferedWhenItIsReplayedUnderANewMapping() {
        var book = FlowBook()
        take(&book, "A", .intake, .told, "skipped")
        take(&book, "A", .intake, .passed, "cascade", day: 1)
        take(&book, "A", .cascade, .told, "approved", day: 1)
        #expect(book.dayTallies[today + 1]?.recovered == 1)
    }

    /// Intake journals a cancel command with its recovery's reference, and without an amount.
    @Test func aCancelCommandIsNotOffered() {
        var book = FlowBook()
        take(&book, "A", .intake, .passed, "retry", amount: nil)
        #expect(book.dayTallies.isEmpty && book.open.isEmpty)
    }

    /// A month in which nothing ended, and then something did.
    @Test func oldRecoveriesAreForgottenThoughYoungerEndsAreKept() {
        var book = FlowBook()
        take(&book, "A", .intake, .passed, "cascade")
        take(&book, "B", .cascade, .told, "declined", day: 10)
        take(&book, "C", .intake, .passed, "cascade", day: 40)
        #expect(book.open.values.map(\.reference.text) == ["C-S0"] && book.money.ends.keys.sorted() == [Int32(today) + 10])
    }

    /// The recovery goes on, whatever becomes of what was said about it.
    @Test(arguments: [
        (JournalRecord.Fate.deadLettered, "cancel_failed"), (.deadLettered, "refund_unknown"), (.parked, "refund looking"),
        (.parked, "cancelling"),
    ])
    func whatBecomesOfACommandIsNotTheRecoverys(fate: JournalRecord.Fate, detail: String) {
        var book = FlowBook()
        take(&book, "A", .intake, .passed, "retry", code: "nmi/202")
        take(&book, "A", .retry, .parked, "watching")
        take(&book, "A", .retry, fate, detail)
        #expect(book.open.values.map(\.phase) == ["watching"])
        // It waits where every record of the recovery's own names an amount.
        take(&book, "A", .retry, .parked, "no claim can be made", amount: nil)
        #expect(book.open.values.map(\.phase) == ["watching"])
        // Nor does a command wait in its name when it is long over.
        take(&book, "B", .retry, fate, detail)
        take(&book, "C", .retry, .parked, "no claim can be made", amount: nil)
        #expect(book.open.count == 1)
    }

    /// It ended in a letter, or is not known to have begun: a command that goes through changes nothing of that.
    @Test func aCommandThatPassesTakesNoRecoveryUp() {
        var book = FlowBook()
        take(&book, "A", .intake, .passed, "retry", code: "nmi/202")
        take(&book, "A", .retry, .deadLettered, "outcome_unknown")
        take(&book, "A", .retry, .passed, "retry", amount: nil)
        #expect(book.open.isEmpty && book.dayTallies[today]?.ended == 1)
    }

    /// Nothing waits any more where intake had held it.
    @Test func whatIntakeHeldIsNotOverdueOnceItIsTakenIn() {
        var book = FlowBook()
        let reference = RecoveryReference(orderID: "A", kind: .sale, sequence: 0)
        func take(_ fate: JournalRecord.Fate, _ detail: String, at seconds: Int64, until: Int64? = nil) {
            book.take(
                JournalRecord(
                    at: .in2026(seconds), stage: fate == .parked && seconds > 5 ? .retry : .intake, merchantID: "acme",
                    reference: reference,
                    gatewayID: nil, fate: fate, detail: detail, rule: "table:nmi/202", until: until.map { .in2026($0) }, attempts: 1,
                    amount: Money(minorUnits: 500, currency: .usd), declineCode: "nmi/202", workerID: "w"))
        }
        take(.parked, "no claim can be made", at: 0, until: 5)
        #expect(book.overdue(now: .in2026(600)).count == 1)
        take(.passed, "retry", at: 5)
        #expect(book.open.values.map(\.phase) == [""] && book.overdue(now: .in2026(600)).isEmpty)
        // Told twice, while it waits.
        take(.parked, "watching", at: 10, until: 3_600)
        take(.passed, "retry", at: 11)
        #expect(book.open.values.map(\.phase) == ["watching"])
    }
}
