import DeclineRecovery
import Pipeline
import TestSupport
import Testing

@Suite struct DrivenOutStageTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)

    private func handle(
        _ queue: String, _ limit: DrivenOut.Limit, isRepeat: Bool = false, setAside: SetAside? = nil, key: String = "cascade"
    ) -> StageOutcome {
        let stage = DrivenOutStage(in: .sample(ManualClock(now)))
        let drivenOut = DrivenOut(queue: queue, limit: limit, isRepeat: isRepeat)
        return stage.handle(
            IncomingMessage(
                body: WorkEnvelope.encode(.sample(declinedAt: now)), exchange: "recovery.work", routingKey: key, setAside: setAside,
                drivenOut: drivenOut),
            drivenOut)
    }

    @Test(arguments: Stage.working, [DrivenOut.Limit.expired, .length, .rejected])
    func whatWasDrivenOutOfAStageGoesBackToIt(stage: Stage, limit: DrivenOut.Limit) {
        let handled = handle(TopologyNames().queue(of: stage), limit)
        #expect(handled.onward == .again(stage) && handled.publishing.isEmpty && handled.pause == nil)
    }

    /// Else a time to live of a millisecond keeps broker and workers spinning.
    @Test func theSecondTimeItWaitsALittle() {
        #expect(handle("recovery.cascade", .expired, isRepeat: true).pause == .seconds(1))
    }

    /// With a count that starts anew it would end workers for ever.
    @Test(arguments: Stage.working)
    func whatWasHandedOutTooOftenIsTriedAlone(stage: Stage) {
        let handled = handle(TopologyNames().queue(of: stage), .deliveries)
        #expect(handled.onward == .suspects(SetAside(stage: stage, deliveries: 3)) && handled.publishing.isEmpty)
    }

    @Test func whatWasAloneAndHandedOutTooOftenIsALetter() throws {
        let handled = handle("recovery.suspects", .deliveries, setAside: SetAside(stage: .cascade, deliveries: 3))
        #expect(handled.onward == nil && handled.entry.fate == .deadLettered(.crashesWorkers))
        #expect(handled.publishing.map(\.destination) == [.deadLetters])
    }

    @Test func aSuspectThatWasOnlyLateStaysOne() {
        let setAside = SetAside(stage: .retry, deliveries: 4)
        #expect(handle("recovery.suspects", .expired, setAside: setAside).onward == .suspects(setAside))
    }

    /// The CRM's own inbox, for example: whoever bound it wanted the result.
    @Test func whatNoStageTakesIsALetterThatNamesQueueAndLimit() throws {
        let handled = handle("crm.results", .length, key: "new_sale.approved")
        #expect(handled.entry.fate == .deadLettered(.droppedByBroker))
        let letter = String(decoding: try #require(handled.publishing.first).body, as: UTF8.self)
        #expect(letter.contains("crm.results") && letter.contains("max-length"))
    }

    @Test func whatWasDrivenOutOfTheUnroutedIsTreatedAsUnrouted() {
        #expect(handle("recovery.unrouted", .expired, key: "cascade").onward == .queue(of: .cascade))
        #expect(handle("recovery.unrouted", .expired, key: "new_sale.approved").entry.fate == .deadLettered(.unroutable))
    }
}
