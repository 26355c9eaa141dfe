import DeclineRecovery
import TestSupport
import Testing

@testable import Operations

/// What somebody does with letters while the broker takes no messages.
@Suite struct AlarmTests {
    private let world = OperatorWorld()

    private func letters() -> [UUID5] { world.write((0..<3).map { OperatorWorld.letter("ORDER\($0)") }) }

    @Test func nothingIsDoneAndTheAlarmIsWhy() async throws {
        let ids = letters()
        world.broker.raiseAlarm("low on memory")
        for order in [LetterAction.replay(), .discard, .reconcile] {
            let (job, _) = try await world.act(order, .letters(ids))
            #expect(job.progress.state == .failed && job.progress.failure == .broker(MemoryBroker.failure(of: "low on memory")))
            #expect(job.couldNotBegin)
        }
        #expect(world.broker.records.isEmpty && world.broker.sent.isEmpty)
        #expect(try await world.states(ids) == [.open, .open, .open])
    }

    /// The connection goes with it, and the right to act; that it was lost would say nothing of why.
    @Test func anAlarmInTheMiddleIsToldAndTheRunIsFinishedLater() async throws {
        let ids = letters()
        world.broker.raiseAlarm("low on disk", after: 1)
        let (job, _) = try await world.act(.replay(), .letters(ids))
        #expect(job.progress.failure == .broker(MemoryBroker.failure(of: "low on disk")), "\(job.progress.message)")
        #expect(world.broker.records.map { $0.act.word } == ["selected"] && world.broker.sent.isEmpty)
        world.broker.raiseAlarm(nil)
        let run = try #require(try await world.book().runs.keys.first)
        let (again, _) = try await world.act(.replay(), .unfinished(run: run))
        #expect(again.progress.state == .finished && world.broker.sent.count == 3, "\(again.progress.message)")
    }
}
