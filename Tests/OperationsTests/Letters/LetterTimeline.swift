import DeclineRecovery
import TestSupport

@testable import Operations

/// The stream of letters and records as the book reads it.
struct LetterTimeline {
    private(set) var book = LetterBook()
    private(set) var offset: Int64 = 0

    mutating func dies(_ letter: DeadLetter, _ trace: UUID5?) {
        book.take(letter, trace: trace, at: offset)
        offset += 1
    }

    mutating func says(_ act: LetterRecord.Act, note: String? = nil, by: LetterRecord.Operator = .ada) {
        book.take(LetterRecord(id: .numbered(UInt64(offset)), at: .in2026(offset), by: by, note: note, act: act), at: offset)
        offset += 1
    }

    /// A run begins with letters and sends their messages.
    mutating func replays(_ letters: [UUID5], in run: UUID5) {
        says(.selected(letters, run: run, ReplayPlan(total: letters.count)))
        says(.replayed(letters, run: run))
    }

    subscript(_ letter: DeadLetter) -> LetterState? { book[letter.id]?.state }
    func isToDo(_ letter: DeadLetter) -> Bool { book[letter.id]?.isToDo ?? false }
}
