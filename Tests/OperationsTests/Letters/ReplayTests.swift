import DeclineRecovery
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// Replaying letters: nothing is lost wherever the process dies, and what is sent twice has the same ids.
@Suite struct ReplayTests {
    private static func letters(_ count: Int, _ reason: DeadLetterReason = .refusedByFlexFactor) -> [DeadLetter] {
        (0..<count).map { OperatorWorld.letter("ORDER\($0)", reason) }
    }

    /// Of each letter, by the trace of its replay, how often its message was sent.
    private func copies(_ world: OperatorWorld) -> [String: Int] {
        world.broker.sent.reduce(into: [:]) { $0[$1.traceparent, default: 0] += 1 }
    }

    @Test func eachMessageIsSentOnceAndItsLetterResolvedByWhatWasTold() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(3))
        let (job, _) = try await world.act(.replay(), .letters(ids))
        #expect(job.progress.state == .finished && job.progress.succeeded == 3 && job.progress.kinds == ["told approved": 3])
        #expect(try await world.states(ids) == [.resolved, .resolved, .resolved])
        #expect(copies(world).values.sorted() == [1, 1, 1])
        // What was meant stands there before anything is sent; that it is sent, and what came of it, afterwards.
        #expect(world.broker.records.map(\.act.word) == ["selected", "replayed", "resolved", "run_ended"])
    }

    @Test func aLetterIsReadOnceToBeReplayed() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(3))
        let (job, _) = try await world.act(.replay(), .letters(ids))
        #expect(job.progress.succeeded == 3 && world.broker.lookups == 1, "neighbours are read in one go")
    }

    /// After any of its effects: another process finishes what it began, or finds it as it was.
    @Test(arguments: [false, true])
    func whereverTheProcessDiesTheNextOneFinishesIt(isCanary: Bool) async throws {
        var deaths = 0
        while true {
            let world = OperatorWorld()
            let ids = world.write(Self.letters(6))
            let (_, isAlive) = try await world.act(.replay(isCanary: isCanary), .letters(ids), dyingAfter: deaths)
            if isAlive { break }
            let left = try await world.book()
            #expect(ids.allSatisfy { [.open, .replayed, .resolved].contains(left[$0]?.state) }, "after \(deaths)")
            if let run = left.runs.values.first {
                let (again, _) = try await world.act(.replay(isCanary: isCanary), .unfinished(run: run.id))
                #expect(again.progress.state == .finished, "after \(deaths): \(again.progress.message)")
            } else {
                #expect(world.broker.sent.isEmpty, "sent before it was noted, after \(deaths)")
                try await world.act(.replay(isCanary: isCanary), .letters(ids))
            }
            #expect(try await world.states(ids).allSatisfy { $0 == .resolved }, "after \(deaths)")
            let copies = copies(world)
            // The trace says that it is the same message: whoever gets it twice charges once and tells once.
            #expect(copies.count == 6 && copies.values.allSatisfy { $0 <= 2 }, "after \(deaths): \(copies)")
            #expect(Set(world.broker.sent.map(\.messageID)).count == 6)
            deaths += 1
        }
        #expect(deaths > 8)
    }

    @Test func whatDiesAgainIsToldAndStopsACanary() async throws {
        let letters = Self.letters(10)
        let world = OperatorWorld { message in
            message.messageID == letters[2].original.messageID
                ? .dies(OperatorWorld.letter("ORDER2", at: OperatorWorld.start + .days(1))) : .told(.declined)
        }
        let ids = world.write(letters)
        let (job, _) = try await world.act(.replay(isCanary: true), .letters(ids))
        #expect(job.progress.state == .stopped && job.progress.failed == 1, "\(job.progress.message)")
        #expect(world.broker.sent.count == 3, "one, then two")
        let states = try await world.states(ids)
        #expect(states[2] == .failedAgain && states[0] == .resolved && states[3...].allSatisfy { $0 == .open })
    }

    /// Its message may be on the way for long: what becomes of it is told to whoever looks later.
    @Test func whatNobodyTakesIsWaitedForAndNotCalledProcessed() async throws {
        let world = OperatorWorld { _ in .waits }
        let ids = world.write(Self.letters(2))
        let begun = world.clock.now()
        let (job, _) = try await world.act(.replay(), .letters(ids))
        #expect(job.progress.pending == 2 && job.progress.succeeded == 0)
        #expect(try await world.states(ids) == [.replayed, .replayed])
        #expect(world.clock.now() - begun >= .seconds(60))
    }

    @Test func aMessageThatTheBrokerRefusesIsItsLettersFailureAlone() async throws {
        let letters = Self.letters(5)
        let world = OperatorWorld()
        let ids = world.write(letters)
        world.broker.refuse(try #require(letters[1].original.messageID))
        let (job, _) = try await world.act(.replay(), .letters(ids))
        #expect(job.progress.state == .finished && job.progress.succeeded == 4 && job.progress.leftOut == 1)
        let states = try await world.states(ids)
        #expect(states[1] == .open && states.count { $0 == .resolved } == 4)
    }

    // MARK: Others

    @Test func twoAtOnceSendEachMessageOnce() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(20))
        let jobs = try await withThrowingTaskGroup(of: LetterJob.self) { group in
            for name in ["ada", "bob"] {
                group.addTask { try await world.act(.replay(), .letters(ids), by: LetterRecord.Operator(name: name, means: .console)).job }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(copies(world).values.allSatisfy { $0 == 1 } && world.broker.sent.count == 20)
        #expect(jobs.map(\.progress.succeeded).reduce(0, +) == 20)
        #expect(try await world.states(ids).allSatisfy { $0 == .resolved })
    }

    /// The right to act is gone: somebody else may have it, so nothing more is sent.
    @Test func whoLosesTheLockSendsNothingMore() async throws {
        let letters = Self.letters(200)
        let box = LockBreaker()
        let world = OperatorWorld { message in
            if message.messageID == letters[120].original.messageID { box.broker?.loseLock() }
            return .told(.approved)
        }
        box.broker = world.broker
        let ids = world.write(letters)
        let (job, _) = try await world.act(.replay(), .letters(ids))
        #expect(job.progress.failure == .lockLost && job.progress.state == .failed)
        #expect(world.broker.sent.count == 121)
        let run = try #require(try await world.book().runs.values.first)
        let (again, _) = try await world.act(.replay(), .unfinished(run: run.id))
        #expect(again.progress.state == .finished)
        #expect(try await world.states(ids).allSatisfy { $0 == .resolved })
    }

    // MARK: Consent

    /// The CRM was told `skipped`: only with its people's word is it sent again, and the stream of claims knows first who opened it.
    @Test func whatWasToldAsSkippedNeedsTheCRMsWord() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(1, .attemptsSpent))
        let (job, _) = try await world.act(.replay(), .letters(ids))
        #expect(job.progress.leftOut == 1 && world.broker.sent.isEmpty && world.broker.claims.isEmpty)
        try await world.act(.replay(ofCRM: true), .letters(ids))
        #expect(world.broker.sent.count == 1)
        guard case .reopened(.byOperator("ada", "because"))? = world.broker.claims.first?.claim.act else {
            Issue.record("\(world.broker.claims)")
            return
        }
    }

    @Test func anActThatOthersMustUnderstandNeedsANote() async throws {
        let world = OperatorWorld()
        let ids = world.write(Self.letters(1))
        let job = LetterJob(.replay(), .letters(ids), by: .ada, note: " ", tools: try await world.tools(world.broker.process()))
        await job.run()
        #expect(job.progress.failure == .noteMissing && world.broker.records.isEmpty)
    }
}

private final class LockBreaker: Sendable {
    nonisolated(unsafe) weak var broker: MemoryBroker?
}
