import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// A decline that came in two forms is one in reports and lists: it counts by the name under which it is told.
@Suite struct OtherFormRecordTests {
    private static let identity = DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1")
    private let sale = RecoveryReference(identity, orderID: "A", kind: .sale, sequence: 0)
    private let rerun = RecoveryReference(identity, orderID: "A", kind: .rerun, sequence: 1)
    private let other = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-2"), orderID: "A", kind: .rerun, sequence: 1)

    private func record(
        _ reference: RecoveryReference, _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, _ reason: String? = nil,
        other: RecoveryReference? = nil
    ) -> JournalRecord {
        JournalRecord(
            at: .in2026(0), stage: stage, merchantID: "acme", reference: reference, gatewayID: "42", fate: fate, detail: detail,
            reason: reason, rule: stage == .intake ? "table:nmi/202" : nil, attempts: 1, amount: Money(minorUnits: 500, currency: .usd),
            otherRecovery: other, workerID: "w")
    }

    private func begun(_ reference: RecoveryReference) -> JournalRecord { record(reference, .intake, .passed, "retry") }
    private var left: JournalRecord { record(rerun, .retry, .ignored, "its recovery is under way", other: sale) }
    private var again: JournalRecord { record(rerun, .retry, .told, "approved", "told_again", other: sale) }

    @Test func onlyTheSameDeclineUnderAnotherNameIsOne() throws {
        #expect(left.otherForm == sale && again.otherForm == sale)
        #expect(JournalRecord.decode(left.encoded())?.otherForm == sale)
        #expect(record(rerun, .retry, .told, "skipped", "in_recovery", other: other).otherForm == nil)
        #expect(record(rerun, .retry, .told, "skipped", "told_again", other: rerun).otherForm == nil)
        #expect(record(rerun, .retry, .ignored, "its recovery is under way").otherForm == nil)
    }

    /// Whether it is left while the other runs, told once more by the other's result, or both; and whichever comes first.
    @Test(arguments: [[0], [1], [0, 1], [1, 0]]) func itIsOfferedAndPaidOnce(whatComes: [Int]) {
        var book = FlowBook()
        func sums() -> MoneySums { MoneyReport(book.money, .init(from: 0, through: 100_000)).totals[0].sums }
        for record in [begun(sale), begun(rerun)] { book.take(record) }
        for index in whatComes { book.take([left, again][index]) }
        #expect(book.open.keys.contains(MoneyBook.mark(sale.text)) && !book.open.keys.contains(MoneyBook.mark(rerun.text)))
        #expect(sums().offered.count == 1 && sums().notOffered.count == 1 && sums().sales.count == 0)
        book.take(record(sale, .cascade, .told, "approved", "approved"))
        #expect(sums().sales.count == 1 && sums().recovered.count == 1 && sums().open.count == 0 && book.open.isEmpty)
    }

    /// What intake itself leaves was not begun.
    @Test func whatIntakeLeavesCountsNothing() {
        var book = FlowBook()
        book.take(begun(sale))
        book.take(record(rerun, .intake, .ignored, "its recovery is under way", other: sale))
        let sums = MoneyReport(book.money, .init(from: 0, through: 100_000)).totals[0].sums
        #expect(sums.declines.count == 1 && sums.notOffered.count == 0)
    }

    @Test func itsStorySaysWhereTheEndIsTold() throws {
        let story = RecoveryStory([begun(sale), begun(rerun), left])
        #expect(story.lines.last?.sentence == "nothing to do (its recovery is under way) (\(sale.text))")
        let own = try #require(story.outlooks.first { $0.reference == rerun })
        #expect(own.sentence == "the same decline as \(sale.text), and told by its name" && own.isOver)
        #expect(story.outlooks.first { $0.reference == sale }?.sentence == "under way")
    }
}
