import DeclineRecovery
import TestSupport
import Testing

@testable import Operations

/// What stands against what was told, and a retry that was given up, is one letter, which whoever tells it again writes again.
@Suite struct LetterOfAPaymentTests {
    private func letter(_ message: String, _ reason: DeadLetterReason = .toldOtherwise, at seconds: Int64) -> DeadLetter {
        let letter = DeadLetter.sample(reason, stage: reason == .toldOtherwise ? .outcomes : .retry, message: message, at: seconds)
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

    @Test func aRetryThatWasGivenUpIsOpenedAgainByItsReplayAlone() {
        let (first, copy) = (letter("work", .attemptsSpent, at: 0), letter("copy", .attemptsSpent, at: 9))
        #expect(first.id == copy.id)
        for finish in [LetterRecord.Act.discarded([first.id]), .resolved([first.id], .byHand)] {
            var timeline = LetterTimeline()
            timeline.dies(first, .numbered(1))
            timeline.says(finish)
            timeline.dies(copy, .numbered(2))
            #expect(timeline.isToDo(first) == false && timeline.book[first.id]?.occurrences == 2)
        }
        // Given up anew, whatever trace it has by then.
        for trace in [ReplayTrace.id(run: .numbered(900), letter: first.id), .numbered(2)] {
            var timeline = LetterTimeline()
            timeline.dies(first, .numbered(1))
            timeline.replays([first.id], in: .numbered(900))
            timeline.dies(copy, trace)
            #expect(timeline[first] == .failedAgain && timeline.isToDo(first))
        }
    }

    /// It was given up, was refused when it was sent again, and is given up when that is: somebody must see to one of the two.
    @Test func aRetryThatIsGivenUpByTheReplayOfAnotherLetterIsToDo() {
        let (first, copy) = (letter("work", .attemptsSpent, at: 0), letter("copy", .attemptsSpent, at: 9))
        let refused = letter("work", .refusedByFlexFactor, at: 5)
        let (run, later) = (UUID5.numbered(900), UUID5.numbered(901))
        let trace = ReplayTrace.id(run: later, letter: refused.id)
        var timeline = LetterTimeline()
        timeline.dies(first, .numbered(1))
        timeline.replays([first.id], in: run)
        timeline.dies(refused, ReplayTrace.id(run: run, letter: first.id))
        #expect(!timeline.isToDo(first) && timeline.isToDo(refused))
        timeline.replays([refused.id], in: later)
        timeline.dies(copy, trace)
        #expect(timeline.isToDo(first) && !timeline.isToDo(refused))
        for finish in [LetterRecord.Act.discarded([first.id]), .resolved([first.id], .byHand)] {
            var timeline = LetterTimeline()
            timeline.dies(first, .numbered(1))
            timeline.says(finish)
            timeline.dies(refused, .numbered(2))
            timeline.replays([refused.id], in: later)
            timeline.dies(copy, trace)
            #expect(timeline.isToDo(first) && !timeline.isToDo(refused))
            // Its worker died before it acknowledged.
            timeline.says(finish)
            timeline.dies(copy, trace)
            #expect(!timeline.isToDo(first))
        }
    }
}
