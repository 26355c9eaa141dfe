import Broker
package import Foundation
import Synchronization
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What the test script provides: a broker and the binaries.
package enum TestMachine {
    package static var salvage: String { required("SALVAGE_TEST_SALVAGE") }
    package static var sandbox: String { required("SALVAGE_TEST_SANDBOX") }
    package static var brokerFolder: String { required("SALVAGE_TEST_BROKER") }
    package static var brokerURL: String { required("SALVAGE_TEST_AMQP") }

    private static func required(_ name: String) -> String {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
            fatalError("\(name) is not set: these tests need a private broker and the built binaries. Run deploy/local/test.")
        }
        return value
    }

    /// Of the suite's broker: those whose tests have ended. They go when the next one comes.
    private static let ended = Mutex<[String]>([])

    package static func end(virtualHost: String) { ended.withLock { $0.append(virtualHost) } }

    /// A virtual host that no other test uses, as an AMQP URL.
    package static func freshVirtualHost(of folder: String? = nil, url: String? = nil) async throws -> String {
        let name = "test-\(UUID().uuidString.prefix(8).lowercased())"
        // Thirty quorum queues for each test that ever ran would be more than a broker can bear. They take seconds to go, which nobody waits for.
        let gone = folder == nil ? ended.withLock { exchange(&$0, with: []) } : []
        try await evaluate(
            """
            [spawn(fun() -> rabbit_vhost:delete(V, <<"tests">>) end) || V <- \(binaries(gone))],
            ok = rabbit_vhost:add(<<"\(name)">>, <<"tests">>),
            All = <<".*">>,
            ok = rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"\(name)">>, All, All, All, <<"tests">>).
            """, folder: folder)
        return (url ?? brokerURL) + "/" + name
    }

    /// Users of the broker whose password is `secret`.
    package static func addUsers(_ names: [String]) async throws {
        try await evaluate("[ok = rabbit_auth_backend_internal:add_user(U, <<\"secret\">>, <<\"tests\">>) || U <- \(binaries(names))].")
    }

    /// Whether they are there or not.
    package static func deleteUsers(_ names: [String]) async throws {
        try await evaluate("[catch rabbit_auth_backend_internal:delete_user(U, <<\"tests\">>) || U <- \(binaries(names))].")
    }

    /// Erlang's list of texts.
    private static func binaries(_ texts: [String]) -> String { "[" + texts.map { "<<\"\($0)\">>" }.joined(separator: ",") + "]" }

    /// Changes in the broker what rabbitmqctl would take seconds for.
    private static func evaluate(_ erlang: String, folder: String? = nil) async throws {
        let outcome = try await ChildProcess.run("/bin/bash", [brokerScript, "eval", folder ?? brokerFolder, erlang])
        try #require(outcome.status == 0, "\(outcome.error)")
    }

    package static func control(_ arguments: [String], folder: String? = nil) async throws -> (status: Int32, output: String, error: String)
    {
        try await ChildProcess.run("/bin/bash", [brokerScript, "ctl", folder ?? brokerFolder] + arguments)
    }

    package static var brokerScript: String { repository.appending(path: "deploy/local/broker").path }
    package static var repository: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    /// A port on loopback that nothing has. Below the ephemeral range, where connections of others take theirs, and apart from the ranges
    /// of the brokers.
    ///
    /// It stays bound for as long as the tests run, so that nobody else is given it; who listens with `SO_REUSEADDR`, as servers do, may.
    /// No child inherits it, which would then hold it past its turn.
    package static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 31_200...32_700)
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard isBound(socket, to: port) else {
                close(socket)
                continue
            }
            // Only now: before, it would be given a port that another holds so.
            var yes: Int32 = 1
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            return port
        }
        throw GaveUp(what: "a free port is found")
    }

    /// Whether a socket could be given this port of loopback.
    static func isBound(_ socket: Int32, to port: Int) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
        }
        return outcome == 0
    }

    package static func http(
        _ method: String, _ url: String, _ body: String? = nil, headers: [(name: String, value: String)] = []
    ) async throws -> (status: Int, data: Data) {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.httpMethod = method
        request.httpBody = body.map { Data($0.utf8) }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        request.timeoutInterval = 60
        let (data, response) = try await URLSession.shared.data(for: request)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, data)
    }
}
