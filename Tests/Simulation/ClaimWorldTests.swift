import DeclineRecovery
import FoundationEssentials
import Testing

/// Whoever has a hand in a debt, and whatever becomes of them: it is paid once at most, and each decline has one end, which is true.
@Suite struct ClaimWorldTests {
    /// `SALVAGE_WORLDS` runs more of them.
    static let worlds = ProcessInfo.processInfo.environment["SALVAGE_WORLDS"].flatMap(Int.init) ?? 10_000
    static let batches = 20

    @Test(arguments: 0..<batches)
    func eachDeclineHasOneTrueEnd(batch: Int) {
        let size = Self.worlds / Self.batches
        for seed in batch * size..<(batch + 1) * size {
            var world = ClaimWorld(seed: UInt64(seed))
            world.run()
            guard let verdict = world.verdict else { continue }
            var again = ClaimWorld(seed: UInt64(seed), keepsStory: true)
            again.run()
            Issue.record("seed \(seed): \(verdict)\n\(again.story.suffix(120).joined(separator: "\n"))")
            return
        }
    }

    /// The worlds bite: a rule of the claims that is broken is noticed.
    @Test(arguments: ClaimWorld.Mutation.allCases)
    func aBrokenRuleIsCaught(mutation: ClaimWorld.Mutation) {
        let caught = (0..<20_000).first { seed in
            var world = ClaimWorld(seed: UInt64(seed), mutation: mutation)
            world.run()
            return world.verdict != nil
        }
        #expect(caught != nil, "no world notices \(mutation)")
    }

    /// Beside older pods, which tell each form of a decline, nothing is charged twice, lost or told that is not so.
    @Test func aFleetOfTwoVersionsTellsTwiceAtMost() {
        for seed in 0..<5_000 {
            var world = ClaimWorld(seed: UInt64(seed), mutation: .tellsEachForm)
            world.run()
            let verdict = world.verdict
            #expect(verdict?.hasPrefix("one decline was told as") ?? true, "seed \(seed): \(verdict ?? "")")
        }
    }

    @Test func everyEndIsSeen() {
        var seen: [String: Int] = [:]
        for seed in 0..<2_000 {
            var world = ClaimWorld(seed: UInt64(seed))
            world.run()
            for (what, _) in world.told { seen[what.kind.rawValue + (what.other == nil ? "" : " for another"), default: 0] += 1 }
        }
        for kind in ["submitted", "approved", "declined", "expired", "cancelled", "skipped", "skipped for another"] {
            #expect(seen[kind, default: 0] > 10, "\(seen)")
        }
    }
}
