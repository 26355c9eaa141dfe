import FleetSupport
import Foundation
import TestSupport
import Testing

/// What the README and its pages show is run as it stands there.
@Suite struct ReadmeTests {
    private static func snippets(_ language: String, of page: String) throws -> [String] {
        let text = try String(contentsOf: TestMachine.repository.appending(path: page), encoding: .utf8)
        return text.split(separator: "```\(language)\n").dropFirst().compactMap { $0.split(separator: "\n```").first.map { $0 + "\n" } }
    }

    /// Beside what `deploy/local/run` starts: the example configuration and the sandbox.
    @Test(.timeLimit(.minutes(10)))
    func thePythonIsAnsweredApproved() async throws {
        let snippets = try Self.snippets("python", of: "README.md") + Self.snippets("python", of: "docs/encrypted-cards.md")
        try #require(snippets.count == 2)
        var plan = Fleet.Plan()
        plan.configuration = try String(
            contentsOf: TestMachine.repository.appending(path: "schemas/examples/salvage.yaml"), encoding: .utf8
        )
        .replacing("http://127.0.0.1:8089", with: "SANDBOX")
        try await Fleet.with(plan) { fleet in
            let made = try await fleet.salvage("keys", "new", "2026-11", "--into", fleet.folder.path)
            try #require(made.status == 0, "\(made.error)")
            try await fleet.startWorker(["SALVAGE_CARD_KEYS": "2026-11=\(fleet.folder.path)/2026-11.private.pem"])
            // The second goes on where the first ends.
            for (count, text) in [(1, snippets[0]), (2, snippets[0] + snippets[1])] {
                let file = fleet.folder.appending(path: "snippet-\(count).py")
                try text.write(to: file, atomically: true, encoding: .utf8)
                let outcome = try await ChildProcess.run(
                    "/bin/sh", ["-c", "cd '\(fleet.folder.path)' && exec timeout 120 /usr/bin/python3 '\(file.path)'"],
                    environment: fleet.commandEnvironment)
                #expect(outcome.status == 0, "\(outcome.error)")
                #expect(outcome.output == String(repeating: "approved complete_order\n", count: count), "\(outcome.output)")
            }
            try await theProgramThatActsSeesEachOnce(3, in: fleet)
        }
    }

    /// It goes on for ever, and is killed in the end as any consumer may be.
    private func theProgramThatActsSeesEachOnce(_ count: Int, in fleet: Fleet) async throws {
        let file = fleet.folder.appending(path: "acts.py")
        let told = fleet.folder.appending(path: "told")
        let text = try #require(try Self.snippets("python", of: "docs/results.md").first)
        try text.write(to: file, atomically: true, encoding: .utf8)
        let program = try ChildProcess("/usr/bin/python3", [file.path], environment: fleet.commandEnvironment, output: told)
        defer { if !program.hasEnded { program.signal(SIGKILL) } }
        try await eventually("all is acted on") {
            let lines = try String(contentsOf: told, encoding: .utf8).split(separator: "\n")
            try #require(!program.hasEnded, "\(lines)")
            return lines.count == count && lines.allSatisfy { $0.hasSuffix(" complete_order approved final") }
        }
    }

    /// Only the secrets that it points to are not there.
    @Test func theConfigurationIsWhatTheReaderTakes() async throws {
        let snippet = try #require(try Self.snippets("yaml", of: "docs/configuration.md").first)
        let file = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try snippet.write(to: file, atomically: true, encoding: .utf8)
        let checked = try await ChildProcess.run(TestMachine.salvage, ["config", "check", file.path], environment: ["ACME_APP_KEY": "key"])
        let faults = (checked.output + checked.error).split(separator: "\n").filter { $0.contains("flexFactorGateways") }
        #expect(faults.count == 1 && faults[0].contains("/run/secrets/acme"), "\(checked)")
    }
}
