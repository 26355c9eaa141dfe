import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// Notices of a real console, to the receiver of docs/examples, which knows nothing of how they are made.
@Suite struct NoticeTests {
    @Test(.timeLimit(.minutes(10)))
    func whatIsWrongArrivesOnceThoughTheReceiverFailsAndTheConsoleIsRestarted() async throws {
        try await Fleet.with { fleet in
            let secrets = (0..<2).map { _ in "whsec_" + Data((0..<32).map { _ in UInt8.random(in: 0...255) }).base64EncodedString() }
            let port = try TestMachine.freePort()
            let heard = fleet.folder.appending(path: "notices.ndjson")
            let receiver = try ChildProcess(
                "/usr/bin/python3", [TestMachine.repository.appending(path: "docs/examples/notices.py").path, "\(port)"],
                environment: ["NOTICE_SECRET": secrets[1], "NOTICE_REFUSE": "2"], output: heard,
                error: fleet.folder.appending(path: "notices.err"))
            struct Heard: Decodable {
                struct Body: Decodable {
                    let kind: String
                    let count: Int
                    let what: String
                    let link: String?
                }
                let id: String
                let type: String
                let data: Body
            }
            func notices() -> [Heard] {
                let all = heard.text.split(separator: "\n").compactMap { try? JSONDecoder().decode(Heard.self, from: Data($0.utf8)) }
                return all.filter { $0.type != "console.begun" }
            }
            // Signed with the old secret and the new one, of which the receiver knows one.
            let settings = [
                "SALVAGE_NOTICE_URL": "http://127.0.0.1:\(port)/hooks/T0KEN", "SALVAGE_NOTICE_SECRET": secrets.joined(separator: " "),
                "SALVAGE_NOTICE_AFTER_SECONDS": "1", "SALVAGE_CONSOLE_URL": "https://console.example.com/",
            ]
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let console = try await fleet.startConsole(settings)
            #expect(try await fleet.salvage("pause", "--merchant", "acme", "--for", "1h", "--why", "Hopper called").status == 0)
            try await crm.publish((0..<20).map { Array("{\($0)".utf8) })
            try await eventually("pause and letters are told, though the receiver refuses at first", seconds: 120) {
                notices().contains { $0.type == "pause.begun" && $0.data.kind == "merchant" }
                    && notices().last { $0.data.kind == "dead_letters" }?.data.count == 20
            }
            let letters = notices().filter { $0.data.kind == "dead_letters" }
            // One, or two where they came as one span of gathering ended and the next began.
            #expect(letters.count <= 2 && letters.first?.type == "fault.begun")
            #expect(letters.first?.data.link == "https://console.example.com/#/letters")
            let told = notices().count
            let metrics = try await console.ask("GET", "/metrics").text
            #expect(metrics.contains("salvage_notices_total{outcome=\"failed\"} 2\n"), "\(metrics)")
            // Another console tells the same by the same ids, and what is new.
            #expect(await console.process.end(SIGTERM) == 0)
            let second = try await fleet.startConsole(settings)
            try await eventually("it has told all that is so", seconds: 120) {
                try await second.ask("GET", "/metrics").text.contains("salvage_notices_total{outcome=\"sent\"} 3\n")
            }
            #expect(notices().count == told)
            #expect(try await fleet.salvage("resume", "--merchant", "acme", "--why", "tried").status == 0)
            try await eventually("the end of the pause is told", seconds: 120) { notices().last?.type == "pause.over" }
            #expect(notices().last?.data.what == "The pause of merchant acme was lifted, or ordered anew.")

            // Whoever sets it up tries it, and hears what is wrong.
            func test(_ more: [String: String]) async throws -> (status: Int32, output: String, error: String) {
                try await ChildProcess.run(
                    TestMachine.salvage, ["notices", "--test"], environment: settings.merging(more) { $1 })
            }
            #expect(try await test([:]).status == 0 && notices().last?.type == "test")
            let refused = try await test(["SALVAGE_NOTICE_SECRET": secrets[0]])
            #expect(refused.status == 1 && refused.error.contains("401"), "\(refused)")
            await receiver.end(SIGKILL)
            #expect(try await test([:]).status == 1)
            try await othersVerify(test, secrets)
            // One that is gone is told where people look.
            #expect(try await fleet.salvage("pause", "--gateway", "42", "--for", "1h", "--why", "new keys").status == 0)
            try await eventually("the console says so", seconds: 120) {
                try await second.ask("GET", "/api/v1/status").text.contains("notices_undelivered")
            }
            #expect(await worker.end(SIGTERM) == 0)
            for log in [console.log, second.log] { #expect(!log.contains("T0KEN") && secrets.allSatisfy { !log.contains($0) }) }

            let text = try String(contentsOf: heard, encoding: .utf8)
            #expect(!text.contains("Hopper") && text.contains("A console has begun. Wrong is: dead_letters."))
            let bodies = fleet.folder.appending(path: "bodies.ndjson")
            let lines = text.split(separator: "\n").map { $0.replacing(#/"id": "[^"]*", /#, with: "") + "\n" }
            try Data(lines.joined().utf8).write(to: bodies)
            let outcome = try await ChildProcess.run(
                TestMachine.repository.appending(path: "deploy/local/validate-schemas").path, ["notice"], input: bodies)
            #expect(outcome.status == 0, "\(outcome.error)")
        }
    }

    /// The library of Standard Webhooks knows neither this sender nor the receiver of docs/examples.
    private func othersVerify(
        _ test: ([String: String]) async throws -> (status: Int32, output: String, error: String), _ secrets: [String]
    ) async throws {
        let tools = try await ChildProcess.run(
            "/bin/bash", [TestMachine.repository.appending(path: "deploy/kubernetes/tools").path, "path"])
        let python = tools.output.trimmingCharacters(in: .whitespacesAndNewlines) + "/python"
        guard FileManager.default.isExecutableFile(atPath: python),
            try await ChildProcess.run(python, ["-c", "import standardwebhooks"]).status == 0
        else { return print("standardwebhooks is not installed: nobody else verifies the notices") }
        let port = try TestMachine.freePort()
        let verifier = try ChildProcess(
            python, [TestMachine.repository.appending(path: "deploy/local/verify-notices").path, "\(port)"],
            environment: ["NOTICE_SECRET": secrets[1]], output: URL(filePath: "/dev/null"))
        let address = ["SALVAGE_NOTICE_URL": "http://127.0.0.1:\(port)/hooks"]
        try await eventually("the library verifies one of two signatures", seconds: 60) { try await test(address).status == 0 }
        let refused = try await test(address.merging(["SALVAGE_NOTICE_SECRET": secrets[0]]) { $1 })
        #expect(refused.status == 1 && refused.error.contains("401"), "\(refused)")
        await verifier.end(SIGKILL)
    }
}
