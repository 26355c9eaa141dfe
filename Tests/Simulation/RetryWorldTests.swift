import DeclineRecovery
import FoundationEssentials
import Testing

/// Whatever happens to a retry in its weeks, it ends in exactly one result, that result is true, and nobody is charged twice.
@Suite struct RetryWorldTests {
    /// `SALVAGE_WORLDS` runs more of them.
    static let worlds = ProcessInfo.processInfo.environment["SALVAGE_WORLDS"].flatMap(Int.init) ?? 10_000
    static let batches = 40

    @Test(arguments: 0..<batches)
    func everyRetryEndsInTheTruth(batch: Int) {
        let size = Self.worlds / Self.batches
        for seed in batch * size..<(batch + 1) * size {
            var world = RetryWorld(seed: UInt64(seed))
            world.run()
            guard let verdict = world.verdict else { continue }
            var again = RetryWorld(seed: UInt64(seed), keepsStory: true)
            again.run()
            Issue.record(
                "seed \(seed): \(verdict)\n\(again.gateway.mitMode), \(again.flexFactor.destiny)\n\(again.story.joined(separator: "\n"))")
            return
        }
    }

    /// Of a hundred thousand worlds these were once left to a person: a pod sent and died, the CRM cancelled, and who took over had let go of
    /// what could be asked for by repeating it.
    @Test(arguments: [75_859, 78_775] as [UInt64])
    func whatFailedOnceHolds(seed: UInt64) {
        var world = RetryWorld(seed: seed, keepsStory: true)
        world.run()
        #expect(world.verdict == nil, "\(world.story.joined(separator: "\n"))")
    }

    /// The worlds bite: a core that is broken on purpose is caught, whatever is broken.
    @Test(arguments: RetryWorld.Mutation.allCases)
    func aBrokenCoreIsCaught(mutation: RetryWorld.Mutation) {
        let caught = (0..<20_000).first { seed in
            var world = RetryWorld(seed: UInt64(seed), mutation: mutation)
            world.run()
            return world.verdict != nil
        }
        #expect(caught != nil, "no world notices \(mutation)")
    }

    /// The worlds are not all alike: every end is seen.
    @Test func everyEndIsSeen() {
        var seen: [String: Int] = [:]
        for seed in 0..<3_000 {
            var world = RetryWorld(seed: UInt64(seed))
            world.run()
            for kind in world.told { seen[kind.rawValue, default: 0] += 1 }
        }
        for kind in ["submitted", "approved", "expired", "cancelled", "skipped"] { #expect(seen[kind, default: 0] > 10, "\(seen)") }
    }
}
