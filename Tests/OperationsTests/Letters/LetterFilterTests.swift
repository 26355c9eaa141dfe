import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

@Suite struct LetterFilterTests {
    private static let reference = RecoveryReference("A1-R7-88-7")!
    private static let letter = DeadLetter.sample(
        .outcomeUnknown, stage: .retry, merchant: "acme", order: "A1", reference: reference, gateway: "42", at: 100)

    /// The letter, written at 100 and again at 200.
    private static let entry: LetterSummary = {
        var timeline = LetterTimeline()
        timeline.dies(letter, .numbered(1))
        timeline.dies(
            .sample(.outcomeUnknown, stage: .retry, merchant: "acme", order: "A1", reference: reference, gateway: "42", at: 200),
            .numbered(1))
        return timeline.book[letter.id]!
    }()

    @Test(
        arguments: [
            (LetterFilter(), true), (.all, true), (LetterFilter(states: [.open]), true),
            (LetterFilter(states: [.resolved, .discarded]), false),
            (LetterFilter(states: []), false), (LetterFilter(reason: .outcomeUnknown), true), (LetterFilter(reason: .unreadable), false),
            (LetterFilter(stage: .retry), true), (LetterFilter(stage: .cascade), false), (LetterFilter(merchantID: "acme"), true),
            (LetterFilter(merchantID: "ACME"), false),
            (LetterFilter(order: "A1"), true), (LetterFilter(order: "A1-R7-88-7"), true), (LetterFilter(order: "A"), false),
            (LetterFilter(order: "A1-R7-88-8"), false),
            (LetterFilter(gatewayID: "42"), true), (LetterFilter(gatewayID: "7"), false),
            (LetterFilter(since: .in2026(200)), true), (LetterFilter(since: .in2026(150)), true),
            (LetterFilter(since: .in2026(201)), false),
            (LetterFilter(until: .in2026(201)), true), (LetterFilter(until: .in2026(200)), true),
            (LetterFilter(until: .in2026(199)), false),
            (LetterFilter(since: .in2026(120), until: .in2026(180)), false), (LetterFilter(since: .in2026(200), until: .in2026(200)), true),
            (LetterFilter(text: "nowhere in it"), true),
            (
                LetterFilter(
                    reason: .outcomeUnknown, stage: .retry, merchantID: "acme", order: "A1", gatewayID: "42", since: .in2026(1),
                    until: .in2026(300)),
                true
            ),
            (LetterFilter(reason: .outcomeUnknown, stage: .intake, merchantID: "acme", order: "A1"), false),
        ] as [(LetterFilter, Bool)])
    func everythingThatIsGivenMustHold(filter: LetterFilter, isMeant: Bool) {
        #expect(filter.matches(Self.entry) == isMeant)
    }

    @Test func ofSeveralReasonsAndStagesOneMustHold() {
        var filter = LetterFilter()
        filter.reasons = [.unreadable, .outcomeUnknown]
        filter.stages = [.retry, .intake]
        #expect(filter.matches(Self.entry))
        filter.stages = [.cascade]
        #expect(!filter.matches(Self.entry))
        filter.stages = nil
        filter.handlings = [.reconcile]
        #expect(filter.matches(Self.entry))
        filter.handlings = [.replay, .editFirst]
        #expect(!filter.matches(Self.entry))
    }

    @Test func whatALetterDoesNotSayMatchesNothing() {
        var timeline = LetterTimeline()
        let letter = DeadLetter.sample(.unreadable, merchant: nil, order: nil)
        timeline.dies(letter, nil)
        let entry = timeline.book[letter.id]!
        #expect(LetterFilter().matches(entry))
        for filter in [LetterFilter(merchantID: ""), LetterFilter(order: ""), LetterFilter(gatewayID: "")] {
            #expect(!filter.matches(entry))
        }
    }

    /// Without a choice of states, what is to be done is meant.
    @Test func everyStateIsChosenOrIsToDo() {
        let run = UUID5.numbered(9)
        var timeline = LetterTimeline()
        let letters = (0..<6).map { DeadLetter.sample(message: "m-\($0)") }
        for letter in letters { timeline.dies(letter, .numbered(1)) }
        timeline.replays([letters[1].id, letters[2].id, letters[3].id], in: run)
        timeline.dies(letters[2], ReplayTrace.id(run: run, letter: letters[2].id))
        timeline.dies(.sample(.unknownMerchant, message: "m-3"), ReplayTrace.id(run: run, letter: letters[3].id))
        timeline.says(.resolved([letters[4].id], .byHand))
        timeline.says(.discarded([letters[5].id]))
        func found(_ filter: LetterFilter) -> [Int] { letters.indices.filter { filter.matches(timeline.book[letters[$0].id]!) } }
        #expect(found(LetterFilter()) == [0, 2])
        #expect(found(LetterFilter(states: [.replayed])) == [1])
        #expect(found(LetterFilter(states: [.failedAgain])) == [2, 3])
        #expect(found(LetterFilter(states: [.resolved, .discarded])) == [4, 5])
        #expect(found(.all) == Array(letters.indices))
    }
}
