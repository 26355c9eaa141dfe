import DeclineRecovery
import TestSupport
import Testing

@testable import Operations

/// Who speaks is not silent, whatever its clock says, and who does not is.
@Suite struct SilenceTests {
    private let world = OperatorWorld()
    private var now: Moment { world.clock.now() }

    private func pulse(_ id: String, ahead: Moment.Span) -> WorkerPulse {
        WorkerPulse(
            workerID: id, host: "pod", version: "1.0", startedAt: now, at: now + ahead, stages: Stage.allCases, inFlight: [], circuits: [])
    }

    @Test(arguments: [-20, 0, 360, 86_400] as [Int64]) func silenceIsReckonedByOneClock(ahead: Int64) async throws {
        let flow = FlowStore(world.broker.process(), TopologyNames(), clock: world.clock)
        try await flow.workers.listen()
        func isSilent() -> Bool? { FleetStatus.Worker.all(flow, now: now).first?.isSilent }
        for _ in 0..<2 {
            world.broker.write(pulse("a", ahead: .seconds(ahead)))
            world.clock.pass(.seconds(2))
        }
        #expect(isSilent() == false)
        world.clock.pass(.seconds(14))
        #expect(isSilent() == true)
    }
}
