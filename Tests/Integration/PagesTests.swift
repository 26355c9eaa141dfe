import FleetSupport
import Foundation
import Testing

/// `deploy/local/check-pages` finds what is wrong, and says where.
@Suite struct PagesTests {
    /// A file, what of it is replaced by what, and the line that tells of it.
    static let mistakes: [(file: String, old: String, new: String, told: String)] = [
        ("README.md", "(docs/results.md)", "(docs/result.md)", "the link to docs/result.md leads nowhere"),
        ("SECURITY.md", "#9-card-data", "#9-cards", "docs/behaviour.md has no heading #9-cards"),
        ("docs/behaviour.md", "\n## 4. Routing", "\n## 14. Routing", "cites behaviour.md §4, but no heading of it has this number"),
        // A citation that goes on over two lines of a comment.
        (
            "ARCHITECTURE.md", "\n## Dead letters and", "\n## Letters and",
            "cites ARCHITECTURE.md, \"Dead letters and the journal are streams\", but it has no such heading"
        ),
        // One of which that page alone speaks.
        (
            "docs/configuration.md", "| `SALVAGE_SUSPECT_DELIVERIES`", "| `SALVAGE_SUSPECTED_DELIVERIES`",
            "SALVAGE_SUSPECT_DELIVERIES is on no page"
        ),
        ("docs/configuration.md", "| 900 |", "| 901 |", "SALVAGE_HOLD_SECONDS is 900 by default, which no page says"),
        ("docs/metrics.md", "`salvage_build_info` |", "`salvage_build_infos` |", "there is no metric salvage_build_infos"),
        (
            "docs/metrics.md", "salvage_clock_ahead_total", "salvage_clock_total",
            "the metric salvage_clock_ahead_total is not on docs/metrics.md"
        ),
        ("docs/dead-letters.md", "--canary", "--canari", "there is no flag --canari"),
        // Another command's.
        (
            "docs/runbooks/SalvageGatewayMoved.md", "salvage.yaml --against-claims", "salvage.yaml --against-claims --config b.yaml",
            "salvage config check has no --config"
        ),
        ("docs/dead-letters.md", "\nsalvage dead stats", "\nsalvage death stats", "there is no command salvage death stats"),
        ("docs/dead-letters.md", "`told_otherwise`", "`told_other`", "told_otherwise is not on docs/dead-letters.md"),
        ("Sources/DeclineRecovery/Recovery/README.md", "resting", "asleep", "resting is a phase that is not drawn"),
        ("Sources/DeclineRecovery/README.md", "| `Records`", "| `Recordings`", "there is no Recordings in this folder"),
        ("docs/truth.md", "`ClaimBook`", "`ClaimBooklet`", "the code knows no ClaimBooklet"),
        (
            "ARCHITECTURE.md", "`Sources/DeclineRecovery/Recovery/Recovery.swift`", "`Sources/DeclineRecovery/Recovered.swift`",
            "there is no Sources/DeclineRecovery/Recovered.swift"
        ),
        ("docs/behaviour.md", "`SkipReason.swift`", "`SkippedReason.swift`", "there is no file SkippedReason.swift"),
    ]

    @Test func everyKindOfMistakeIsFoundWhereItStands() async throws {
        let files = FileManager.default
        let copy = files.temporaryDirectory.appending(path: "pages-\(UUID().uuidString)")
        try files.createDirectory(at: copy, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: copy) }
        let copied = try await ChildProcess.run(
            "/bin/sh",
            ["-c", "cd '\(TestMachine.repository.path)' && cp -r *.md Package.swift .ci Sources Tests deploy docs schemas '\(copy.path)'"],
            environment: [:])
        try #require(copied.status == 0, "\(copied.error)")
        let script = copy.appending(path: "deploy/local/check-pages").path
        let whole = try await ChildProcess.run("/usr/bin/python3", [script], environment: [:])
        try #require(whole.status == 0, "\(whole.error)")

        for mistake in Self.mistakes {
            let file = copy.appending(path: mistake.file)
            let text = try String(contentsOf: file, encoding: .utf8)
            try #require(text.contains(mistake.old), "\(mistake.file) has no \(mistake.old)")
            try text.replacing(mistake.old, with: mistake.new).write(to: file, atomically: true, encoding: .utf8)
        }
        try "# Alone\n".write(to: copy.appending(path: "docs/alone.md"), atomically: true, encoding: .utf8)
        let readme = copy.appending(path: "README.md")
        try (String(contentsOf: readme, encoding: .utf8) + String(repeating: "\n", count: 120)).write(
            to: readme, atomically: true, encoding: .utf8)

        let outcome = try await ChildProcess.run("/usr/bin/python3", [script], environment: [:])
        #expect(outcome.status == 1)
        for told in Self.mistakes.map(\.told) + ["docs/alone.md:1: no chain of links leads here", "longer than 120 lines"] {
            #expect(outcome.error.contains(told), "\(told) is not among\n\(outcome.error)")
        }
    }
}
