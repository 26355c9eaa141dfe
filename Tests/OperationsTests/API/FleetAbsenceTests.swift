import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Operations

/// A fleet goes on without some streams; whoever asks how it is hears what it lacks with them.
@Suite struct FleetAbsenceTests {
    private let world = OperatorWorld()

    private func status(_ topology: TopologyLook) async throws -> FleetStatus {
        world.broker.find(topology)
        let process = world.broker.process()
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        try await flow.workers.listen()
        let now = world.clock.now()
        world.broker.write(
            WorkerPulse(
                workerID: "a", host: "pod-a", version: "1.0", startedAt: now, at: now, stages: Stage.allCases, inFlight: [], circuits: []))
        return try await FleetStatus(LetterStore(process, TopologyNames(), clock: world.clock), flow, TopologyNames(), now: now)
    }

    @Test func whatAFleetGoesOnWithoutIsNamedAndIsNoFault() async throws {
        let names = TopologyNames()
        let status = try await status(
            TopologyLook(absent: [
                .exchange(names.rollups), .queue(names.rollups), .queue(names.pauses), .exchange(names.claimSnapshots),
            ]))
        #expect(status.faults.isEmpty && status.json["well"]?.bool == true)
        #expect(status.absences.map(\.name) == names.optional)
        #expect(status.absences.first?.what == "The stream recovery.pauses does not exist: nothing can be paused or resumed.")
        #expect(status.absences[1].what.hasPrefix("The exchange recovery.claims.snapshots does not exist: a worker that begins reads all"))
        #expect(status.absences[2].what.hasPrefix("The exchange and the stream recovery.journal.rollups do not exist: consoles and"))
        #expect(status.absences.allSatisfy { $0.advice.hasPrefix("`salvage topology apply` declares it") })
        #expect(status.json["absent"]?.array?.compactMap { $0["name"]?.string } == names.optional)
    }

    @Test func whatIsThereIsNotNamed() async throws {
        let status = try await status(TopologyLook())
        #expect(status.absences.isEmpty && status.json["absent"]?.array?.isEmpty == true)
    }

    /// The same command would declare the claims anew, and what was paid could be charged again.
    @Test func nothingIsToBeDeclaredWhereTheClaimsAreGone() async throws {
        let names = TopologyNames()
        let status = try await status(TopologyLook(missing: [.queue(names.claims)], absent: [.queue(names.pauses)]))
        #expect(status.absences.map(\.advice) == ["docs/runbooks/SalvageClaimsBehind.md"])
    }
}
