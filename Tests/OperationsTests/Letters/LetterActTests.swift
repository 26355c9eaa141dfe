import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What people did to letters, as the page of runs and `dead runs` list it.
@Suite struct LetterActTests {
    private let letters = (0..<3).map { DeadLetter.sample(.outcomeUnknown, message: "m-\($0)", at: Int64($0)) }
    private let job = UUID5.numbered(77)

    private func book(_ records: [(LetterRecord.Act, job: UUID5?, means: LetterRecord.Operator.Means)]) -> LetterBook {
        var book = LetterBook()
        for (offset, letter) in letters.enumerated() { book.take(letter, trace: nil, at: Int64(offset)) }
        for (offset, record) in records.enumerated() {
            book.take(
                LetterRecord(
                    id: .numbered(UInt64(offset)), at: .in2026(Int64(100 + offset)), by: .init(name: "ada", means: record.means),
                    note: "why",
                    job: record.job, act: record.0), at: Int64(100 + offset))
        }
        return book
    }

    @Test func oneActOfManyRecordsIsOne() throws {
        let book = book([
            (.resolved([letters[0].id], .reconciled(.approved)), job, .commandLine),
            (.lookedUp([letters[1].id], found: "?"), job, .commandLine),
            (.resolved([letters[2].id], .processed("handed back", run: job)), job, .commandLine),
        ])
        let act = try #require(book.actsNewestFirst.first)
        #expect(
            book.actsNewestFirst.count == 1 && act.id == job && act.action == .reconcile && act.by.means == .commandLine
                && act.note == "why")
        #expect(act.succeeded == 2 && act.failed == 1 && act.startedAt == .in2026(100) && act.endedAt == .in2026(102))
    }

    @Test func everyKindOfActHasItsWordAndTheNewestIsFirst() {
        let ids = letters.map(\.id)
        let book = book([
            (.discarded(ids), nil, .console), (.restored(ids), nil, .console), (.resolved(ids, .byHand), nil, .commandLine),
        ])
        #expect(book.actsNewestFirst.map(\.action) == [.resolve, .restore, .discard])
        #expect(Set(book.actsNewestFirst.map(\.id)).count == 3, "records of before that name no job")
    }

    /// Replays have runs of their own, and what resolves itself is nobody's act.
    @Test func runsAndWhatResolvesItselfAreNotListedTwice() {
        let run = UUID5.numbered(900)
        let ids = letters.map(\.id)
        let book = book([
            (.selected(ids, run: run, ReplayPlan(total: 3)), run, .console), (.replayed(ids, run: run), run, .console),
            (.resolved(ids, .processed("told approved", run: run)), run, .console), (.runEnded(run, .finished, why: ""), run, .console),
            (.resolved(ids, .mended("A1-S0")), nil, .worker),
        ])
        #expect(book.actsNewestFirst.isEmpty && book.runs.count == 1)
    }

    @Test func theirNumberIsBounded() {
        var book = LetterBook()
        for number in 0..<5_000 {
            book.take(
                LetterRecord(id: .numbered(UInt64(number)), at: .in2026(Int64(number)), by: .ada, act: .discarded([])), at: Int64(number))
        }
        #expect(book.actsNewestFirst.count <= 1_000 && book.actsNewestFirst.first?.id == .numbered(4_999))
    }

    // MARK: For whom a letter waits

    @Test func anAlertCountsWhatOnlyAnOperatorCanMend() {
        var book = LetterBook()
        let faulty = DeadLetter.sample(.invalidEvent, message: "faulty")
        let unnamed = DeadLetter.sample(.invalidEvent, message: nil, order: nil)
        for letter in letters + [faulty, unnamed, .sample(.unknownMerchant, message: "typo")] { book.take(letter, trace: nil, at: 0) }
        #expect(book.withCRM() == [.invalidEvent: 1] && book.withCRMSince() == [.invalidEvent: faulty.writtenAt])
        #expect(
            book.toDo() == [.outcomeUnknown: [.reconcile: 3], .invalidEvent: [.editFirst: 1], .unknownMerchant: [.replay: 1]],
            "nobody was told of what names nothing")
        #expect(book.inDoubt().count == 3 && book.inDoubt().oldest == .in2026(0))
        book.take(LetterRecord(id: .numbered(1), at: .in2026(9), by: .ada, act: .resolved([letters[0].id], .reconciled(.approved))), at: 9)
        #expect(book.inDoubt().count == 2 && book.inDoubt().oldest == .in2026(1))
    }
}
