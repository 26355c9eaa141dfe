import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Operations

/// What an operator is told of a fleet.
@Suite struct FleetStatusTests {
    private let world = OperatorWorld()
    private var now: Moment { world.clock.now() }

    private func pulse(
        _ id: String, _ stages: [Stage] = Stage.allCases, at moment: Moment? = nil, circuits: [WorkerPulse.Circuit.State] = []
    ) -> WorkerPulse {
        WorkerPulse(
            workerID: id, host: "pod-\(id)", version: "1.0", startedAt: now, at: moment ?? now, stages: stages, inFlight: [],
            circuits: circuits.map { WorkerPulse.Circuit(merchantID: "acme", gatewayID: "42", state: $0) })
    }

    private func status(_ pulses: [WorkerPulse]) async throws -> FleetStatus {
        let process = world.broker.process()
        let store = LetterStore(process, TopologyNames(), clock: world.clock)
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        try await store.follow()
        try await flow.listen()
        try await flow.follow()
        try await flow.hearPauses()
        for pulse in pulses { world.broker.write(pulse) }
        return try await FleetStatus(store, flow, TopologyNames(), now: now)
    }

    private func parked(until: Moment) -> JournalRecord {
        JournalRecord(
            at: now, stage: .retry, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1),
            gatewayID: "42", fate: .parked, detail: "watching", until: until, attempts: 1, workerID: "w")
    }

    @Test func allIsWellWhereEveryStageIsServed() async throws {
        world.broker.write(parked(until: now + .minutes(5)))
        let status = try await status([pulse("a", [.intake, .cascade]), pulse("b", Stage.allCases, circuits: [.closed])])
        #expect(status.faults.isEmpty && status.parked == 1 && status.overdue == 0)
        #expect(status.json["well"]?.bool == true && status.json["workers"]?.array?.count == 2)
    }

    @Test func aFleetWithoutWorkersIsNotWell() async throws {
        let silent = try await status([pulse("a", at: now + .seconds(-16))])
        #expect(silent.faults.map(\.what) == ["No worker runs: what comes in waits in its queue.", "The worker a is silent."])
    }

    @Test func aStageThatNobodyServesIsNamed() async throws {
        let some = try await status([pulse("a", Stage.allCases.filter { $0 != .retry }), pulse("b", [.retry], at: now + .seconds(-16))])
        #expect(some.faults.contains { $0.what.hasPrefix("No worker serves the stage retry") } && some.faults.count == 2)
    }

    @Test func anOpenCircuitIsAFaultAndAPauseIsNone() async throws {
        world.broker.write(Pause(.merchant("acme"), since: now, until: now + .minutes(5), by: "ada", why: "new keys"))
        let status = try await status([pulse("a", circuits: [.open]), pulse("b", circuits: [.closed])])
        #expect(status.faults.count == 1 && status.faults.first?.what.contains("gateway 42 of merchant acme, at 1 of 2 workers") == true)
        #expect(status.pauses.map(\.target) == [.merchant("acme")])
    }

    @Test func whatIsOverdueIsAFault() async throws {
        world.broker.write(parked(until: now + .seconds(-61)))
        #expect(try await status([pulse("a")]).faults.map(\.what) == ["one recovery is due for more than a minute and not taken up."])
        // Nobody takes it while its stage is paused.
        world.broker.write(Pause(.stage(.retry), since: now, until: now + .minutes(5), by: "ada", why: "a move"))
        #expect(try await status([pulse("a")]).faults.isEmpty)
    }

    @Test func lettersAreAFault() async throws {
        world.write([OperatorWorld.letter("A", .outcomeUnknown, phase: .unanswered), OperatorWorld.letter("B", .attemptsSpent)])
        let status = try await status([pulse("a")])
        #expect(status.inDoubt == 1 && status.lettersToDo == 2 && status.unknown == 1 && status.oldestUnknown != nil)
        #expect(status.faults.map(\.advice) == ["`salvage dead reconcile --all`", "`salvage dead list`"])
    }
}
