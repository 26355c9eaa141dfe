import DeclineRecovery
import Pipeline
import TestSupport
import Testing

@Suite struct CutMessageTests {
    private let cut = CutMessage(in: .sample(ManualClock(Moment(milliseconds: 1_800_000_000_000))))

    @Test func whatIsHereAsAWholeIsSentOn() {
        #expect(cut.refusal(of: IncomingMessage(body: [1, 2, 3]), at: .intake) == nil)
    }

    @Test(arguments: [Stage.intake, .unrouted, .suspects])
    func ofWhatIsTooLongABeginningIsKeptAndItSaysSo(stage: Stage) throws {
        let body = Array(repeating: UInt8(ascii: "a"), count: 300_000)
        let message = IncomingMessage(
            body: body, byteCount: 5_000_000, messageID: "m1", deliveries: 4,
            setAside: stage == .suspects ? SetAside(stage: .cascade, deliveries: 3) : nil)
        let handled = try #require(cut.refusal(of: message, at: stage))
        #expect(handled.onward == nil)
        #expect(handled.entry.fate == .deadLettered(.unreadable))
        let letter = try DeadLetter.decode(try #require(handled.publishing.first).body).get()
        #expect(letter.stage == (stage == .suspects ? .cascade : stage))
        #expect(letter.original.isTruncated && letter.original.originalByteCount == 5_000_000 && letter.original.deliveries == 4)
        #expect(letter.explanation.contains("5000000 bytes"))
    }
}
