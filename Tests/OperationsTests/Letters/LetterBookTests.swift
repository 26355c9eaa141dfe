import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What becomes of letters, told as timelines.
@Suite struct LetterBookTests {
    private let letter = DeadLetter.sample(at: 0)
    /// The same message, dead of another cause.
    private let other = DeadLetter.sample(.cardUnusable, at: 5)
    private let run = UUID5.numbered(900)
    private let first = UUID5.numbered(1)
    private let second = UUID5.numbered(2)

    private func trace(_ letter: DeadLetter, _ run: UUID5? = nil) -> UUID5 { ReplayTrace.id(run: run ?? self.run, letter: letter.id) }

    private func again(_ reason: DeadLetterReason = .noCardKey, redelivered: Bool = false, at seconds: Int64) -> DeadLetter {
        .sample(reason, redelivered: redelivered, at: seconds)
    }

    // MARK: One letter

    @Test func aLetterIsOpenWithAllThatItSays() throws {
        var timeline = LetterTimeline()
        let reference = try #require(RecoveryReference("A1-R7-88-7"))
        let letter = DeadLetter.sample(
            .outcomeUnknown, stage: .retry, reference: reference, gateway: "42", explanation: "why", attempts: 4, at: 3)
        timeline.dies(.sample(message: "before"), first)
        timeline.dies(letter, second)
        let entry = try #require(timeline.book[letter.id])
        #expect(entry.state == .open && entry.isToDo && entry.occurrences == 1 && entry.offset == 1 && entry.trace == second)
        #expect(
            entry.reason == .outcomeUnknown && entry.stage == .retry && entry.explanation == "why" && entry.handling == .reconcile
                && entry.attempts == 4)
        #expect(entry.merchantID == "acme" && entry.orderID == "A1" && entry.reference == reference && entry.gatewayID == "42")
        #expect(
            entry.firstAt == .in2026(3) && entry.lastAt == .in2026(3) && entry.records.isEmpty && entry.run == nil && entry.successor == nil
        )
        #expect(
            timeline.book.counts() == [.open: 2]
                && timeline.book.newestFirst.map(\.id) == [letter.id, DeadLetter.sample(message: "before").id])
    }

    @Test(
        arguments: [
            ("The message has a fault.", [("$.a", "wrong")], "$.a: wrong"),
            ("The message has 3 faults.", [("$.a", "x"), ("$.b", "y"), ("$.c", "z")], "$.a: x (and 2 more)"),
            ("FlexFactor answered with status 400.", [("Amount", "x")], "FlexFactor answered with status 400."),
            ("The message has nothing.", [], "The message has nothing."),
        ] as [(String, [(String, String)], String)])
    func theExplanationIsTheFirstFaultWhereItSaysNoMore(explanation: String, faults: [(String, String)], shown: String) {
        var timeline = LetterTimeline()
        let letter = DeadLetter.sample(explanation: explanation, faults: faults.map { FieldError(path: $0.0, message: $0.1) })
        timeline.dies(letter, first)
        #expect(timeline.book[letter.id]?.explanation == shown)
    }

    @Test func whatDiedLastComesFirst() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.dies(other, second)
        #expect(timeline.book.newestFirst.map(\.id) == [other.id, letter.id])
        timeline.dies(again(at: 9), .numbered(3))
        #expect(timeline.book.newestFirst.map(\.id) == [letter.id, other.id], "each once, and the fresh failure before the other")
    }

    @Test func aRedeliveredDuplicateChangesNothingButTheCount() throws {
        for finish in [nil, LetterRecord.Act.discarded([letter.id]), .resolved([letter.id], .byHand)] {
            var timeline = LetterTimeline()
            timeline.dies(letter, first)
            if let finish { timeline.says(finish) }
            let before = try #require(timeline.book[letter.id])
            timeline.dies(again(redelivered: true, at: 9), first)
            let after = try #require(timeline.book[letter.id])
            #expect(after.state == before.state && after.occurrences == 2 && after.lastAt == .in2026(9) && after.firstAt == .in2026(0))
            #expect(after.offset == timeline.offset - 1 && after.trace == before.trace && timeline.book.counts().values.reduce(0, +) == 1)
        }
    }

    /// A worker may write one and the same letter twice, when it does not know whether the broker has it.
    @Test func aLetterThatIsWrittenTwiceIsOne() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.says(.discarded([letter.id]))
        timeline.dies(letter, first)
        #expect(timeline[letter] == .discarded)
    }

    /// Results carry the decline's trace, so a CRM that corrects and sends again does so in the same trace.
    @Test func whatIsSentAgainInTheSameTraceIsToDoAgain() {
        for finish in [LetterRecord.Act.discarded([letter.id]), .resolved([letter.id], .byHand)] {
            var timeline = LetterTimeline()
            timeline.dies(letter, first)
            timeline.says(finish)
            timeline.dies(again(at: 9), first)
            #expect(timeline[letter] == .open)
        }
    }

    @Test func aDuplicateThatIsReadLaterIsNotTheLastForThat() {
        var timeline = LetterTimeline()
        timeline.dies(again(at: 9), first)
        timeline.dies(letter, first)
        #expect(timeline.book[letter.id]?.lastAt == .in2026(9) && timeline.book[letter.id]?.firstAt == .in2026(9))
    }

    @Test func aMessageThatItsPublisherSentAgainReopensItsLetter() {
        for finish in [
            LetterRecord.Act.discarded([letter.id]), .resolved([letter.id], .byHand), .resolved([letter.id], .reconciled(.approved)),
        ] {
            for trace in [second, nil] {
                var timeline = LetterTimeline()
                timeline.dies(letter, first)
                timeline.says(finish)
                #expect(!timeline.isToDo(letter))
                timeline.dies(again(at: 9), trace)
                #expect(timeline[letter] == .open && timeline.isToDo(letter) && timeline.book[letter.id]?.occurrences == 2)
            }
        }
    }

    @Test func aLetterIsDiscardedAndRestored() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.dies(other, first)
        timeline.says(.discarded([letter.id]), note: "a test")
        #expect(timeline[letter] == .discarded && !timeline.isToDo(letter) && timeline[other] == .open)
        timeline.says(.restored([letter.id]))
        #expect(timeline[letter] == .open && timeline.isToDo(letter))
        #expect(timeline.book[letter.id]?.records == [2, 3] && timeline.book[other.id]?.records == [])
    }

    @Test func aLookThatSettlesNothingIsKeptAndChangesNothing() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.says(.lookedUp([letter.id], found: "processing"))
        #expect(timeline[letter] == .open && timeline.book[letter.id]?.records == [1])
    }

    @Test func aResolutionIsKept() {
        for how in [LetterRecord.Resolution.byHand, .reconciled(.approved), .processed("told approved", run: run)] {
            var timeline = LetterTimeline()
            timeline.dies(letter, first)
            timeline.says(.resolved([letter.id], how))
            #expect(timeline[letter] == .resolved && timeline.book[letter.id]?.resolution == how && !timeline.isToDo(letter))
        }
    }

    // MARK: Replays

    @Test func aReplayThatIsProcessedResolvesItsLetter() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.says(.selected([letter.id], run: run, ReplayPlan(total: 1)))
        #expect(timeline[letter] == .open)
        timeline.says(.replayed([letter.id], run: run))
        #expect(timeline[letter] == .replayed && !timeline.isToDo(letter) && timeline.book[letter.id]?.run == run)
        timeline.says(.resolved([letter.id], .processed("told approved", run: run)))
        #expect(timeline[letter] == .resolved && timeline.book.runs[run]?.processed == [letter.id] && timeline.book.runs[run]?.failed == [])
        #expect(timeline.book[letter.id]?.records == [1, 2, 3])
    }

    @Test func aReplayThatDiesOfTheSameCauseIsTheSameLetterAgain() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.dies(again(at: 8), trace(letter))
        #expect(timeline[letter] == .failedAgain && timeline.isToDo(letter))
        #expect(
            timeline.book[letter.id]?.successor == nil && timeline.book[letter.id]?.failedRun == run
                && timeline.book[letter.id]?.occurrences == 2)
        #expect(timeline.book.runs[run]?.failed == [letter.id] && timeline.book.runs[run]?.replayed == [letter.id])
    }

    @Test func aReplayThatDiesOfAnotherCauseIsSeenToAsThatLetter() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.dies(other, trace(letter))
        #expect(timeline[letter] == .failedAgain && !timeline.isToDo(letter) && timeline.book[letter.id]?.successor == other.id)
        #expect(timeline[other] == .open && timeline.isToDo(other) && timeline.book.runs[run]?.failed == [letter.id])
        timeline.says(.restored([letter.id]))
        #expect(timeline[letter] == .open && timeline.isToDo(letter) && timeline.book[letter.id]?.successor == nil)
    }

    @Test func aSuccessorThatWasDiscardedBeforeIsOpenAgain() {
        var timeline = LetterTimeline()
        timeline.dies(other, first)
        timeline.says(.discarded([other.id]))
        timeline.dies(letter, second)
        timeline.replays([letter.id], in: run)
        timeline.dies(again(.cardUnusable, at: 8), trace(letter))
        #expect(timeline[other] == .open && timeline[letter] == .failedAgain && timeline.book[letter.id]?.successor == other.id)
    }

    /// Who sends notes it afterwards: the stage may be quicker.
    @Test func aReplayMayDieBeforeItIsNoted() {
        for death in [again(at: 8), other] {
            var timeline = LetterTimeline()
            timeline.dies(letter, first)
            timeline.says(.selected([letter.id], run: run, ReplayPlan(total: 1)))
            timeline.dies(death, trace(letter))
            #expect(timeline[letter] == .failedAgain)
            timeline.says(.replayed([letter.id], run: run))
            #expect(timeline[letter] == .failedAgain && timeline.book[letter.id]?.successor == (death.id == letter.id ? nil : death.id))
            #expect(timeline.book.runs[run]?.replayed == [letter.id] && timeline.book.runs[run]?.failed == [letter.id])
        }
    }

    @Test func aDeadReplaysDuplicateChangesNothing() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.dies(again(at: 8), trace(letter))
        timeline.says(.discarded([letter.id]))
        timeline.dies(again(redelivered: true, at: 9), trace(letter))
        #expect(timeline[letter] == .discarded && timeline.book[letter.id]?.occurrences == 3)
    }

    @Test func aReplayThatDiedDoesNotCountAsProcessedToo() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.dies(again(at: 8), trace(letter))
        timeline.says(.resolved([letter.id], .processed("told approved", run: run)))
        #expect(timeline[letter] == .failedAgain && timeline.isToDo(letter))
    }

    @Test func aSecondRunIsASecondChance() {
        let later = UUID5.numbered(901)
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.dies(again(at: 8), trace(letter))
        timeline.replays([letter.id], in: later)
        #expect(timeline[letter] == .replayed && timeline.book[letter.id]?.run == later)
        timeline.says(.resolved([letter.id], .processed("told declined", run: later)))
        #expect(timeline[letter] == .resolved)
        #expect(
            timeline.book.runs[run]?.processed == [] && timeline.book.runs[later]?.processed == [letter.id]
                && timeline.book.runs[later]?.failed == []
        )
    }

    @Test func aMessageThatIsSentAgainBesideItsReplayIsNotHidden() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.dies(again(at: 8), second)
        #expect(timeline[letter] == .failedAgain && timeline.isToDo(letter) && timeline.book.runs[run]?.failed == [])
        timeline.dies(again(at: 9), trace(letter))
        #expect(timeline[letter] == .failedAgain && timeline.isToDo(letter) && timeline.book.runs[run]?.failed == [letter.id])
    }

    @Test func aReplayThatDiesAfterItsLetterWasDiscardedBringsItBack() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.says(.discarded([letter.id]))
        timeline.dies(again(at: 8), trace(letter))
        #expect(timeline[letter] == .failedAgain && timeline.isToDo(letter))
    }

    @Test func whatDiesAfterItWasProcessedIsOpenAgain() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.says(.resolved([letter.id], .processed("told submitted", run: run)))
        timeline.dies(again(at: 8), trace(letter))
        #expect(timeline.isToDo(letter) && timeline.book.runs[run]?.failed == [])
    }

    // MARK: Runs

    @Test func aRunIsSelectedInSeveralRecordsAndToldAsOne() throws {
        let bob = LetterRecord.Operator(name: "bob", means: .console)
        let plan = ReplayPlan(isCanary: true, rate: 9, consent: ReplayConsent(ofCRM: true), total: 3)
        let third = DeadLetter.sample(message: "m-3")
        var timeline = LetterTimeline()
        for letter in [letter, other, third] { timeline.dies(letter, first) }
        timeline.says(.selected([letter.id, other.id], run: run, plan), note: "why", by: bob)
        timeline.says(.selected([third.id], run: run, ReplayPlan(total: 3)))
        timeline.says(.replayed([letter.id], run: run))
        timeline.says(.replayed([other.id, third.id], run: run))
        timeline.says(.resolved([letter.id], .processed("told approved", run: run)))
        timeline.dies(.sample(message: "m-3", at: 9), trace(third))
        let told = try #require(timeline.book.runs[run])
        #expect(told.by == bob && told.note == "why" && told.plan == plan && told.startedAt == .in2026(3) && told.end == nil)
        #expect(told.letters == [letter.id, other.id, third.id] && told.replayed == [letter.id, other.id, third.id])
        #expect(told.processed == [letter.id] && told.failed == [third.id])
        #expect([timeline[letter], timeline[other], timeline[third]] == [.resolved, .replayed, .failedAgain])
    }

    @Test func aRunThatIsTakenUpAgainEndsLater() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.replays([letter.id], in: run)
        timeline.says(.runEnded(run, .stopped, why: "stopped by ada"))
        #expect(timeline.book.runs[run]?.end == ReplayRun.End(how: .stopped, why: "stopped by ada", at: .in2026(3)))
        timeline.says(.runEnded(run, .finished, why: "1 processed"))
        #expect(timeline.book.runs[run]?.end == ReplayRun.End(how: .finished, why: "1 processed", at: .in2026(4)))
        // The end of a run is not the end of what it sent.
        timeline.dies(again(at: 9), trace(letter))
        #expect(timeline[letter] == .failedAgain && timeline.book.runs[run]?.failed == [letter.id])
    }

    @Test func runsStandNewestFirst() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        for number in [5, 3, 4] as [UInt64] { timeline.says(.selected([letter.id], run: .numbered(number), ReplayPlan(total: 1))) }
        timeline.says(.selected([], run: .numbered(5), ReplayPlan(total: 1)))
        #expect(timeline.book.runsNewestFirst.map(\.id) == [.numbered(4), .numbered(3), .numbered(5)])
    }

    // MARK: What is not known

    /// The oldest part of the stream may be gone.
    @Test func recordsAboutUnknownLettersAndRunsAreIgnored() {
        let unknown = UUID5.numbered(77)
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        let before = timeline.book[letter.id]
        for act in [
            LetterRecord.Act.replayed([unknown], run: run), .resolved([unknown], .byHand),
            .resolved([unknown], .processed("told approved", run: run)),
            .discarded([unknown]), .restored([unknown]), .lookedUp([unknown], found: "x"), .runEnded(run, .finished, why: "x"),
        ] { timeline.says(act) }
        #expect(
            timeline.book.cases.count == 1 && timeline.book[letter.id] == before && timeline.book.runs.isEmpty
                && timeline.book.counts() == [.open: 1]
        )
        // Of a run it is known which letters it meant, though they are not.
        timeline.says(.selected([unknown], run: run, ReplayPlan(total: 1)))
        timeline.dies(other, ReplayTrace.id(run: run, letter: unknown))
        #expect(timeline.book.runs[run]?.failed == [unknown] && timeline.book[unknown] == nil && timeline[other] == .open)
    }

    @Test func aKnownLetterBesideUnknownOnesIsSeenTo() {
        var timeline = LetterTimeline()
        timeline.dies(letter, first)
        timeline.says(.discarded([.numbered(77), letter.id]))
        #expect(timeline[letter] == .discarded)
    }

    // MARK: Mended events

    @Test func theRecordResolvesWhatIsToBeDoneAndNothingElse() throws {
        let letter = DeadLetter.sample(.invalidEvent)
        let mended = LetterRecord.mended([letter.id], by: try #require(RecoveryReference("A1-S0")), worker: "w-1", at: .in2026(5))
        #expect(try LetterRecord.decode(mended.encoded()).get() == mended && mended.sentence.contains("A1-S0"))
        var timeline = LetterTimeline()
        timeline.dies(letter, nil)
        timeline.says(mended.act)
        #expect(timeline[letter] == .resolved && !timeline.isToDo(letter))
        timeline.dies(.sample(.invalidEvent, at: 9), nil)
        #expect(timeline[letter] == .open, "it died again")
        timeline.says(.discarded([letter.id]))
        timeline.says(mended.act)
        #expect(timeline[letter] == .discarded)
        timeline.says(.restored([letter.id]))
        timeline.replays([letter.id], in: .numbered(99))
        timeline.says(mended.act)
        #expect(timeline[letter] == .replayed, "its run tells what becomes of it")
    }

    // MARK: Letters that become each other, or are written otherwise the second time

    /// X dies as Y, and Y's replay dies as X again: one of them must be to do.
    @Test func twoLettersThatBecomeEachOtherAreNotBothSeenToElsewhere() {
        let later = UUID5.numbered(901)
        var timeline = LetterTimeline()
        timeline.dies(letter, .numbered(1))
        timeline.replays([letter.id], in: run)
        timeline.dies(other, trace(letter, run))
        timeline.replays([other.id], in: later)
        timeline.dies(.sample(at: 9), trace(other, later))
        #expect(timeline.isToDo(letter) && timeline.book[letter.id]?.successor == nil)
        #expect(!timeline.isToDo(other) && timeline.book[other.id]?.successor == letter.id)
    }

    @Test func aMessageThatIsSentAgainAfterItsReplayBecameAnotherLetterIsToDo() {
        var timeline = LetterTimeline()
        timeline.dies(letter, .numbered(1))
        timeline.replays([letter.id], in: run)
        timeline.dies(other, trace(letter, run))
        timeline.says(.discarded([other.id]))
        timeline.dies(.sample(at: 9), .numbered(2))
        #expect(timeline.isToDo(letter))
    }

    /// A replay sends the latest writing: what may be done with the letter must be what may be done with that.
    @Test func whatMayBeDoneIsJudgedByTheWritingThatWouldBeSent() {
        let sealed = DeadLetter.sample(body: #"{"encryptedCard":"a.b.c.d.e"}"#)
        let removed = DeadLetter.sample(body: #"{"token":"[card token removed]"}"#)
        for (first, second) in [(sealed, removed), (removed, sealed)] {
            var timeline = LetterTimeline()
            timeline.dies(first, .numbered(1))
            timeline.dies(second, .numbered(2))
            #expect(timeline.book[first.id]?.handling == second.handling)
        }
    }
}
