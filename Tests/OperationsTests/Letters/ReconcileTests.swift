import DeclineRecovery
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// Settling charges in doubt, and marking letters: wherever the process dies, no letter rests whose CRM was told nothing.
@Suite struct ReconcileTests {
    private static func letters(_ count: Int) -> [DeadLetter] {
        (0..<count).map { OperatorWorld.letter("DOUBT\($0)", .outcomeUnknown, phase: .unanswered) }
    }

    private func told(_ world: OperatorWorld) -> [String] { world.broker.results.map(\.messageID) }

    @Test func whatFlexFactorSaysIsToldAndTheLetterRests() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(2))
        let (job, _) = try await world.act(.reconcile, .letters(ids))
        #expect(job.progress.state == .finished && job.progress.succeeded == 2)
        #expect(try await world.states(ids) == [.resolved, .resolved])
        #expect(Set(told(world)).count == 2 && world.broker.sent.isEmpty)
    }

    @Test func whereverTheProcessDiesNoLetterRestsOfWhichNobodyWasTold() async throws {
        var deaths = 0
        while true {
            let world = OperatorWorld()
            let ids = world.write(Self.letters(3))
            let (_, isAlive) = try await world.act(.reconcile, .letters(ids), dyingAfter: deaths)
            if isAlive { break }
            let states = try await world.states(ids)
            let resolved = states.count { $0 == .resolved }
            #expect(Set(told(world)).count >= resolved, "after \(deaths)")
            try await world.act(.reconcile, .letters(ids))
            #expect(try await world.states(ids).allSatisfy { $0 == .resolved }, "after \(deaths)")
            // A repeat has the same id, by which the CRM drops it.
            #expect(Set(told(world)).count == 3, "after \(deaths): \(told(world))")
            deaths += 1
        }
        #expect(deaths >= 6)
    }

    @Test func whileFlexFactorIsAwayNothingIsToldAndItStopsByItself() async throws {
        let world = OperatorWorld(flexFactor: ScriptedFlexFactor(.failed(.notSent(.cannotConnect("refused")))))
        let ids = world.write(Self.letters(5))
        let (job, _) = try await world.act(.reconcile, .letters(ids))
        #expect(job.progress.state == .stopped && job.progress.failed == 3 && told(world).isEmpty)
        #expect(try await world.states(ids).allSatisfy { $0 == .open })
        #expect(world.broker.records.map(\.act.word) == ["looked_up", "looked_up", "looked_up"])
    }

    @Test func twoAtOnceTellTheSame() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(4))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["ada", "bob"] {
                group.addTask { try await world.act(.reconcile, .letters(ids), by: LetterRecord.Operator(name: name, means: .console)) }
            }
            try await group.waitForAll()
        }
        #expect(told(world).count == 4 && Set(told(world)).count == 4)
    }

    /// A charge in doubt is never sent again, whoever wants it.
    @Test func aChargeInDoubtIsNotReplayed() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(1))
        let (job, _) = try await world.act(.replay(ofCRM: true), .letters(ids))
        #expect(job.progress.leftOut == 1 && world.broker.sent.isEmpty)
    }

    // MARK: Marking

    @Test(arguments: [(LetterAction.discard, LetterState.discarded), (.resolve, .resolved)])
    func whereverTheProcessDiesALetterIsMarkedOrAsItWas(order: LetterAction, marked: LetterState) async throws {
        for effects in 0...2 {
            let world = OperatorWorld()
            let ids = world.write((0..<1_200).map { OperatorWorld.letter("MARK\($0)") })
            let (job, isAlive) = try await world.act(order, .letters(ids), dyingAfter: effects)
            let states = try await world.states(ids)
            #expect(
                states.count { $0 == marked } == min(effects * LetterRecord.mostLetters, 1_200)
                    && states.allSatisfy { $0 == marked || $0 == .open })
            #expect(isAlive == (effects == 2) && (job.progress.state == .finished) == isAlive)
        }
    }

    @Test func whatWasDiscardedCanBeRestored() async throws {
        let world = OperatorWorld()
        let ids = world.write([OperatorWorld.letter("BACK")])
        try await world.act(.discard, .letters(ids))
        let (again, _) = try await world.act(.discard, .letters(ids))
        #expect(again.progress.leftOut == 1)
        try await world.act(.restore, .letters(ids))
        #expect(try await world.states(ids) == [.open])
    }
}
