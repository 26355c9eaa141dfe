import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// A broker of one test's own, to be broken.
package struct PrivateBroker {
    package let folder: String
    package let port: Int

    package var url: String { "amqp://guest:guest@127.0.0.1:\(port)" }

    package static func start() async throws -> PrivateBroker {
        let folder = FileManager.default.temporaryDirectory.appending(path: "salvage-broker-\(UUID().uuidString.prefix(8))").path
        // Below the ranges of the test script's own broker and of `TestMachine.freePort`.
        for _ in 0..<5 {
            let broker = PrivateBroker(folder: folder, port: Int.random(in: 1_101...1_270) * 10)
            if try await ChildProcess.run("/bin/bash", [TestMachine.brokerScript, "start", folder, String(broker.port)]).status == 0 {
                return broker
            }
        }
        throw CannotStart()
    }

    struct CannotStart: Error {}

    package func run(_ verb: String, _ more: String...) async throws {
        let outcome = try await ChildProcess.run("/bin/bash", [TestMachine.brokerScript, verb, folder] + more)
        try #require(outcome.status == 0, "\(outcome.error)")
    }

    package func signal(_ number: Int32) async throws {
        let text = try String(contentsOfFile: folder + "/node.pid", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        kill(try #require(Int32(text)), number)
    }

    package func stop() async {
        try? await signal(SIGCONT)
        try? await run("kill")
        try? await run("stop")
        try? FileManager.default.removeItem(atPath: folder)
    }
}
