import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

@Suite struct LetterGroupsTests {
    private func groups(_ letters: [DeadLetter]) -> [LetterGroup] {
        var timeline = LetterTimeline()
        for letter in letters { timeline.dies(letter, .numbered(UInt64(timeline.offset))) }
        return LetterGroup.of(timeline.book.newestFirst)
    }

    @Test func noLettersAreNoGroups() { #expect(groups([]).isEmpty) }

    @Test func lettersOfOneCauseStageAndMerchantAreOneGroup() throws {
        let found = groups([
            .sample(message: "1", explanation: "first", at: 50), .sample(message: "2", explanation: "second", at: 10),
            .sample(message: "3", explanation: "third", at: 90),
        ])
        #expect(found.count == 1)
        let group = try #require(found.first)
        #expect(
            group.count == 3 && group.oldest == .in2026(10) && group.newest == .in2026(90)
                && ["first", "second", "third"].contains(group.example))
        #expect(group.reason == .noCardKey && group.stage == .intake && group.merchantID == "acme" && group.handling == .replay)
    }

    @Test func aLetterIsAsOldAsItsFirstWritingAndAsNewAsItsLast() {
        let found = groups([.sample(message: "1", at: 50), .sample(message: "1", at: 70)])
        #expect(found.map(\.count) == [1] && found[0].oldest == .in2026(50) && found[0].newest == .in2026(70))
    }

    /// What must be corrected first is seen to by other means than what may be sent as it is.
    @Test func everyDifferenceThatAnOperatorActsOnMakesAGroup() {
        let found = groups([
            .sample(message: "1"), .sample(.unknownMerchant, message: "1"), .sample(stage: .cascade, message: "1"),
            .sample(message: "2", merchant: "bold"),
            .sample(message: "3", merchant: nil), .sample(message: "4", body: #"{"token":"[card token removed]"}"#),
        ])
        #expect(found.count == 6 && found.allSatisfy { $0.count == 1 })
        #expect(found.count { $0.handling == .editFirst } == 1)
    }

    /// A charge in doubt does not vanish behind a cause that killed many; nor does what the CRM must be asked about.
    @Test func theUrgentStandFirstThenTheLargestThenByTheAlphabet() {
        let found = groups([
            .sample(.unknownMerchant, message: "1"), .sample(.noCardKey, message: "2", merchant: "b"),
            .sample(.noCardKey, message: "3", merchant: "a"),
            .sample(.noCardKey, message: "4", merchant: nil), .sample(.noCardKey, stage: .cascade, message: "5", merchant: "z"),
            .sample(.attemptsSpent, stage: .retry, message: "6"), .sample(.unreadable, message: "7"), .sample(.unreadable, message: "8"),
            .sample(.outcomeUnknown, stage: .cascade, message: "9"),
        ])
        #expect(
            found.map { "\($0.reason.rawValue) \($0.stage.rawValue) \($0.merchantID?.text ?? "-")" } == [
                "outcome_unknown cascade acme", "attempts_spent retry acme", "unreadable intake acme", "no_card_key cascade z",
                "no_card_key intake -", "no_card_key intake a",
                "no_card_key intake b",
                "unknown_merchant intake acme",
            ])
    }

    @Test func groupsOfOneSizeStandInOneOrder() {
        var timeline = LetterTimeline()
        for number in 0..<24 {
            let merchant = MerchantID("m-\(number)")
            timeline.dies(.sample(message: "a\(number)", merchant: merchant), nil)
            timeline.dies(.sample(message: "b\(number)", body: "[card token removed]", merchant: merchant), nil)
        }
        let groups = LetterGroup.of(timeline.book.newestFirst)
        #expect(groups.enumerated().allSatisfy { $0.element.handling == ($0.offset % 2 == 0 ? .editFirst : .replay) })
    }
}
