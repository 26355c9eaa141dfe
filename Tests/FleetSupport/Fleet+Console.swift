import Foundation
import Synchronization
import TestSupport
import Testing

/// Somebody with a token for the console, made for one test.
package struct Operator: Sendable {
    package let name: String
    package let role: String
    package let token: String

    package init(_ name: String, _ role: String) {
        self.name = name
        self.role = role
        token = "\(role)-\(UUID().uuidString)"
    }

    package static let viewer = Operator("Vera", "viewer")
    package static let `operator` = Operator("Otto", "operator")
    package static let admin = Operator("Ada", "admin")

    /// The part of a configuration that lets these people in.
    package static func access(_ people: [Operator] = [.viewer, .operator, .admin]) -> String {
        "\nconsole:\n  access:\n" + people.map { "    - { name: \"\($0.name)\", role: \($0.role), token: \"\($0.token)\" }\n" }.joined()
    }
}

/// An operators' console of a fleet.
package struct ConsoleProcess: Sendable {
    package let process: ChildProcess
    /// Without a slash at its end.
    package let url: String
    private let file: URL

    init(_ process: ChildProcess, url: String, log: URL) {
        self.process = process
        self.url = url
        file = log
    }

    package var log: String { file.text }

    /// Asks its API, as the page does.
    ///
    /// - Parameter headers: in the place of the page's own of the same name; an empty value leaves one out.
    package func ask(
        _ method: String, _ path: String, _ body: String? = nil, as person: Operator? = nil, headers: [String: String] = [:]
    ) async throws -> (status: Int, text: String) {
        var all = ["X-Salvage-Console": "1", "Sec-Fetch-Site": "same-origin"]
        if body != nil { all["Content-Type"] = "application/json" }
        if let person { all["Authorization"] = "Bearer \(person.token)" }
        all.merge(headers) { $1 }
        let answer = try await TestMachine.http(
            method, url + path, body, headers: all.filter { !$0.value.isEmpty }.map { ($0.key, $0.value) })
        return (answer.status, String(decoding: answer.data, as: UTF8.self))
    }
}

extension Fleet {
    /// Starts a console; returns when it has read the letters, unless told not to wait.
    package func startConsole(_ more: [String: String] = [:], waits: Bool = true) async throws -> ConsoleProcess {
        let port = try TestMachine.freePort()
        let log = folder.appending(path: "console-\(port).log")
        let settings = ["SALVAGE_CONSOLE_LISTEN": "127.0.0.1:\(port)", "SALVAGE_LOG_FORMAT": "json"].merging(settings) { $1 }.merging(more)
        { $1 }
        let process = try ChildProcess(TestMachine.salvage, ["console"], environment: environment(settings), output: log)
        consoles.withLock { $0.append(process) }
        let console = ConsoleProcess(process, url: "http://127.0.0.1:\(port)", log: log)
        if waits {
            try await eventually("the console is ready", seconds: 120) {
                if process.hasEnded { return true }
                return (try? await TestMachine.http("GET", console.url + "/readyz").status) == 200
            }
            try #require(!process.hasEnded, "the console ended: \(console.log)")
        }
        return console
    }
}
