import DeclineRecovery
import Testing

@Suite struct SuspicionTests {
    let suspicion = Suspicion(limit: 3)

    @Test(arguments: Stage.allCases)
    func whatWasHandedOutLessOftenIsWorkedOn(stage: Stage) {
        for deliveries in 0..<3 { #expect(suspicion.course(at: stage, deliveries: deliveries) == .work) }
    }

    @Test(arguments: Stage.working, [3, 4, 5, 100])
    func whoReachesTheLimitIsSetAsideAndNotCondemned(stage: Stage, deliveries: Int) {
        #expect(suspicion.course(at: stage, deliveries: deliveries) == .setAside)
    }

    @Test func aSuspectThatEndsItsWorkerAloneIsGivenUpAndInTheEndNotEvenRead() {
        #expect((3...6).map { suspicion.course(at: .suspects, deliveries: $0) } == [.giveUp, .giveUp, .giveUpUnread, .giveUpUnread])
    }

    @Test func whatBecomesALetterAnywayIsNeverSetAside() {
        #expect(suspicion.course(at: .unrouted, deliveries: 3) == .giveUpUnread)
    }
}
