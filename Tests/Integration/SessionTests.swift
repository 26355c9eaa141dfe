import FleetSupport
import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// `deploy/local/run` leaves nothing behind, however it ends.
@Suite(.serialized) struct SessionTests {
    private struct Session {
        let script: ChildProcess
        let folder: String

        /// What carries the session in its environment, the script's children for example.
        var members: [Int32] {
            let mark = Data("SALVAGE_SESSION=\(folder)\0".utf8)
            return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap(Int32.init).filter { pid in
                guard let environment = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/environ")) else { return false }
                return environment.range(of: mark) != nil
            }
        }
    }

    private static func run(_ arguments: [String] = []) throws -> (script: ChildProcess, log: URL) {
        let log = FileManager.default.temporaryDirectory.appending(path: "run-\(UUID().uuidString.prefix(8)).log")
        let script = try ChildProcess(
            "/bin/bash", [TestMachine.repository.appending(path: "deploy/local/run").path] + arguments,
            environment: ["SALVAGE_BINARIES": URL(filePath: TestMachine.salvage).deletingLastPathComponent().path], output: log)
        return (script, log)
    }

    /// A session that is up, or as far as `until` says.
    private static func begin(until sign: String) async throws -> Session {
        let (script, log) = try run()
        try await eventually("run says: \(sign)", seconds: 180) {
            if script.hasEnded { throw EndsWaiting(log.text) }
            return log.text.contains(sign)
        }
        let place = TestMachine.repository.appending(path: ".local").path
        let names = try FileManager.default.contentsOfDirectory(atPath: place)
        let name = try #require(names.first { $0.hasPrefix("session.\(script.id).") })
        return Session(script: script, folder: place + "/" + name)
    }

    /// What docker and CI send first.
    @Test(.timeLimit(.minutes(10)))
    func aSignalEndsAllThatItStarted() async throws {
        let session = try await Self.begin(until: "Everything is up until Ctrl-C")
        #expect(session.members.count >= 5, "worker, console, sandbox, broker, name server: \(session.members)")
        session.script.signal(SIGTERM)
        #expect(await session.script.status() == 128 + SIGTERM)
        #expect(session.members.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: session.folder))
    }

    @Test(.timeLimit(.minutes(10)))
    func aSignalWhileTheBrokerStartsLeavesNoNameServer() async throws {
        let session = try await Self.begin(until: "== starting the broker")
        try await eventually("the broker begins") { FileManager.default.fileExists(atPath: session.folder + "/broker/epmd.pid") }
        session.script.signal(SIGHUP)
        #expect(await session.script.status() == 128 + SIGHUP)
        #expect(session.members.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: session.folder))
    }

    /// Nobody can tidy up after a kill -9 but the next.
    @Test(.timeLimit(.minutes(10)))
    func theNextStartSweepsWhatAKilledOneLeft() async throws {
        let killed = try await Self.begin(until: "Everything is up until Ctrl-C")
        killed.script.signal(SIGKILL)
        await killed.script.status()
        #expect(!killed.members.isEmpty && FileManager.default.fileExists(atPath: killed.folder + "/demo.private.pem"))
        let next = try await Self.begin(until: "== starting the broker")
        #expect(killed.members.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: killed.folder))
        next.script.signal(SIGTERM)
        await next.script.status()
        #expect(next.members.isEmpty)
    }

    @Test(arguments: ["run", "test", "bench", "broker", "fuzz", "install", "rabbitmq"])
    func everyScriptHasHelp(script: String) async throws {
        for word in ["--help", "-h"] {
            let outcome = try await ChildProcess.run(
                "/bin/bash", [TestMachine.repository.appending(path: "deploy/local/\(script)").path, word])
            #expect(outcome.status == 0 && outcome.error == "" && outcome.output.contains("\n"), "\(script) \(word): \(outcome)")
        }
    }

    @Test func whatIsNotUnderstoodIsHelpToo() async throws {
        let (script, log) = try Self.run(["--nonsense"])
        #expect(await script.status() == 64)
        #expect(log.text.contains("run --once"))
    }
}
