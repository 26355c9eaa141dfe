import Broker
import Foundation
import Synchronization
import TestSupport
import Testing

/// The private broker that deploy/local/test starts; tests that need it are off without it, and fail in CI.
enum TestBroker {
    static var isThere: Bool { ProcessInfo.processInfo.environment["SALVAGE_TEST_AMQP"] != nil }
    static let inCI = ProcessInfo.processInfo.environment["CI"] == "true"

    static func configuration(_ variable: String = "SALVAGE_TEST_AMQP") throws -> BrokerConfiguration {
        let url = try #require(
            ProcessInfo.processInfo.environment[variable], "\(variable) names no broker; run deploy/local/test, which starts one")
        return try BrokerConfiguration(url: url)
    }

    static func open(_ onEvent: @escaping @Sendable (LinkEvent) -> Void = { _ in }) async throws -> BrokerLink {
        try await BrokerLink.open(configuration(), onEvent: onEvent)
    }

    /// Changes something in the running broker that has no other switch.
    static func evaluate(_ erlang: String) throws {
        let folder = try #require(ProcessInfo.processInfo.environment["SALVAGE_TEST_BROKER"])
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "deploy/local/broker")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [script.path, "eval", folder, erlang]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    static func name(_ what: String) -> String { "test.\(what).\(UUID().uuidString.prefix(8))" }
}

extension Trait where Self == ConditionTrait {
    static var needsBroker: Self { .enabled(if: TestBroker.isThere || TestBroker.inCI, "no broker: run deploy/local/test") }
}

/// What a consumer was handed, for tests to wait for.
final class Basket: Sendable {
    private let deliveries = Mutex<[Delivery]>([])

    func put(_ batch: [Delivery]) { deliveries.withLock { $0 += batch } }
    var all: [Delivery] { deliveries.withLock { $0 } }

    func wait(for count: Int, seconds: Double = 60) async throws -> [Delivery] {
        try await eventually("\(count) deliveries", seconds: seconds) { all.count >= count }
        return all
    }
}

extension BrokerLink {
    /// Deletes a test's queue, also right after the connections were cut.
    func clear(_ queue: String) async throws {
        try await eventually("the end of \(queue)") {
            try await delete(queue: queue)
            return true
        }
    }
}
