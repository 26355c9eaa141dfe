import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct DeadLetterTests {
    private func letter(_ reason: DeadLetterReason, _ stage: Stage) -> DeadLetter {
        DeadLetter(
            reason: reason, explanation: "", stage: stage,
            original: .init(
                exchange: "recovery.work", routingKey: "cascade", redelivered: true, deliveries: 6, messageID: "A-S0/work", type: nil,
                contentType: nil, correlationID: nil, replyTo: nil, headers: [], redactedBody: [], originalByteCount: 0),
            identity: [], worker: .init(id: "w", host: "h", version: "1"), writtenAt: Moment(milliseconds: 0))
    }

    @Test(arguments: Stage.allCases)
    func whatEndedWorkersMayBeChargedUnlessItsStageChargesNobody(stage: Stage) {
        let mayBe = letter(.crashesWorkers, stage).mayBeCharged
        #expect(mayBe == ![.intake, .outcomes].contains(stage))
        let data = try? JSONValue(parsing: letter(.crashesWorkers, stage).encoded().span)["data"]
        #expect(data?["replayable"]?.bool == !mayBe)
        #expect(data?["original"]?["deliveries"]?.int64 == 6)
        #expect(DeadLetter.decode(letter(.crashesWorkers, stage).encoded()) == .success(letter(.crashesWorkers, stage)))
    }

    @Test(arguments: DeadLetterReason.allCases)
    func everyOtherReasonSaysByItselfWhetherMoneyMayHaveMoved(reason: DeadLetterReason) {
        guard reason != .crashesWorkers else { return }
        for stage in Stage.allCases { #expect(letter(reason, stage).mayBeCharged == (reason == .outcomeUnknown)) }
    }

    @Test func aSubjectIsReadFromWhatEachStageTakes() throws {
        let recovery = Recovery.sample(declinedAt: Moment(milliseconds: 0))
        let known = DeadLetter.Subject(merchantID: "acme", reference: recovery.reference, orderID: "A1B2C3D4E5")
        #expect(DeadLetter.Subject(reading: WorkEnvelope.encode(recovery), of: .cascade) == .init(recovery))
        let result = ResultEvent(
            subject: .recovery(recovery.reference, recovery.order), merchantID: "acme", reason: .skipped(.hardDecline),
            occurredAt: Moment(milliseconds: 0))
        #expect(DeadLetter.Subject(reading: result.encoded(), of: .unrouted) == known)
        for stage in Stage.allCases { #expect(DeadLetter.Subject(reading: [0xFF], of: stage) == DeadLetter.Subject()) }
    }

    @Test func withoutReadingABodyTheIdOfOurOwnMessageNamesTheRecovery() {
        let recovery = Recovery.sample(declinedAt: Moment(milliseconds: 0))
        #expect(
            DeadLetter.Subject(messageID: recovery.reference.text + "/work") == .init(reference: recovery.reference, orderID: "A1B2C3D4E5"))
        for id in [nil, "", "/", "something else"] { #expect(DeadLetter.Subject(messageID: id) == DeadLetter.Subject()) }
    }

    /// Many publishers set an empty message id, or one for all.
    @Test func anEmptyMessageIDTellsNoMessageFromAnother() {
        #expect(DeadLetter.sample(message: "", body: "one").id != DeadLetter.sample(message: "", body: "two").id)
    }
}
