import DeclineRecovery
import TestSupport
import Testing

@testable import Operations

/// What stands against what was told is one letter, which whoever tells the payment again writes again.
@Suite struct LetterOfAPaymentTests {
    private func letter(_ message: String, at seconds: Int64) -> DeadLetter {
        let letter = DeadLetter.sample(.toldOtherwise, stage: .outcomes, message: message, at: seconds)
        return DeadLetter(
            reason: letter.reason, explanation: letter.explanation, stage: letter.stage, subject: letter.subject,
            original: letter.original, fact: "acme/A1-U1/expired", identity: [], worker: letter.worker, writtenAt: letter.writtenAt)
    }

    @Test func itIsOneByWhicheverMessageAndReopensNothing() {
        let (first, second) = (letter("news", at: 0), letter("look", at: 90_000))
        #expect(first.id == second.id && first.id != DeadLetter.sample(.toldOtherwise, stage: .outcomes, message: "news", at: 0).id)
        var timeline = LetterTimeline()
        timeline.dies(first, .numbered(1))
        timeline.says(.resolved([first.id], .byHand))
        timeline.dies(second, .numbered(2))
        #expect(timeline[first] == .resolved && timeline.book[first.id]?.occurrences == 2)
    }
}
