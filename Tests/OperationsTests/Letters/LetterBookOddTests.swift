import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// Letters that become each other, that come again, that are written otherwise the second time.
@Suite struct LetterBookOddTests {
    private let letter = DeadLetter.sample(at: 0)
    private let other = DeadLetter.sample(.cardUnusable, at: 5)
    private let run = UUID5.numbered(900)

    private func trace(_ letter: DeadLetter, _ run: UUID5) -> UUID5 { ReplayTrace.id(run: run, letter: letter.id) }

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

    /// AMQP's tables may hold a name twice, and two spellings of é are two names.
    @Test func aLetterWhoseMessageHadAHeaderTwiceCanBeRead() throws {
        for names in [["a", "a"], ["\u{E9}", "e\u{301}"]] {
            let letter = DeadLetter(
                reason: .unreadable, explanation: "", stage: .intake,
                original: DeadLetter.Original(
                    exchange: "", routingKey: "", redelivered: false, messageID: nil, type: nil, contentType: nil, correlationID: nil,
                    replyTo: nil,
                    headers: names.map { .init(name: $0, value: "1") }, redactedBody: [], originalByteCount: 0),
                identity: [], worker: DeadLetter.Worker(id: "", host: "", version: ""), writtenAt: .in2026(0))
            guard case .success(let back) = DeadLetter.decode(letter.encoded()) else {
                Issue.record("\(names): lost to every operator")
                continue
            }
            #expect(!back.original.headers.isEmpty)
        }
    }

    @Test(arguments: ["00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6+3ce929d0e0e4736-00f067aa0ba902b7-01"])
    func aSignIsNoHexDigit(text: String) { #expect(ReplayTrace.id(ofTraceparent: text) == nil) }

    /// Many publishers set an empty message id, or one for all.
    @Test func anEmptyMessageIDTellsNoMessageFromAnother() {
        #expect(DeadLetter.sample(message: "", body: "one").id != DeadLetter.sample(message: "", body: "two").id)
    }
}
