import DeclineRecovery
import Pipeline
import TestSupport
import Testing

@Suite struct UnroutedStageTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)

    private func handle(due: Moment?, key: String? = nil, exchange: String = "recovery.delay.12") -> StageOutcome {
        let stage = UnroutedStage(in: .sample(ManualClock(now)))
        return stage.handle(
            IncomingMessage(
                body: WorkEnvelope.encode(.sample(declinedAt: now)), exchange: exchange,
                routingKey: key ?? DelayLadder.entry(after: .seconds(5_000), to: .retry).routingKey, due: due))
    }

    /// At its stage it would be charged anew at once, and come here again at once.
    @Test func whatIsNotDueTriesTheLadderAgainAfterAWhile() {
        let due = now + .seconds(4_000)
        let handled = handle(due: due)
        #expect(handled.onward == .ladder(.retry, until: due) && handled.pause == .seconds(5) && handled.publishing.isEmpty)
        #expect(handle(due: now + .milliseconds(700)).pause == .milliseconds(700))
    }

    @Test func whatIsDueGoesToItsStage() {
        for due in [nil, now, now + .seconds(-9)] {
            let handled = handle(due: due)
            #expect(handled.onward == .queue(of: .retry) && handled.pause == nil)
        }
    }

    @Test func whatIsOnItsWayToNoStageIsALetter() {
        let handled = handle(due: now + .seconds(60), key: "new_sale.approved", exchange: "recovery.results")
        #expect(handled.onward == nil && handled.pause == nil && handled.publishing.map(\.destination) == [.deadLetters])
    }
}
