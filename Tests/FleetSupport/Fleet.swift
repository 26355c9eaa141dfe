package import Broker
package import Foundation
import Synchronization
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A virtual host of its own on the test broker, FlexFactor's sandbox, and workers: all real processes.
package final class Fleet: Sendable {
    package let folder: URL
    package let link: BrokerLink
    package let sandboxURL: String
    private let brokerURL: String
    /// Made for this fleet alone, and gone with it.
    private let isVirtualHostMine: Bool
    private let sandbox: ChildProcess
    private let workers = Mutex<[ChildProcess]>([])
    let consoles = Mutex<[ChildProcess]>([])
    let settings: [String: String]

    /// How a fleet is made.
    package struct Plan: Sendable {
        /// `{"timeoutAfter": 0.05, ...}`
        package var faults = "{}"
        package var sandboxArguments: [String] = []
        /// What FlexFactor is not documented to do. Most tests look at what comes after a look that succeeds.
        package var habits = ["--list-finds-references", "--orders-echo-references"]
        /// The YAML of the configuration; `SANDBOX` stands for the sandbox's address.
        package var configuration = Plan.oneMerchant()
        package var settings: [String: String] = [:]
        /// Another broker than the suite's.
        package var brokerURL: String?
        package var appliesTopology = true

        package init() {}

        /// Webhooks come to the worker, signed with `webhookKey`; polls are far away. Days last a second.
        package static func retries(mode: String = "managed", days: Int = 20, more: String = "") throws -> Plan {
            var plan = Plan()
            let port = try TestMachine.freePort()
            plan.webhookPort = port
            plan.sandboxArguments = ["--webhook-url", "http://127.0.0.1:\(port)/webhooks/acme/42", "--webhook-key", webhookKey]
            plan.configuration = oneMerchant(
                more: "expiryDays: \(days)\nmitMode: \(mode)\nhmacSigningKey: \(webhookKey)\nenvironmentKey: sandbox-environment-key\n"
                    + more
            ).replacing(
                "    policy:", with: "    recycleBilling: { reattempts4To6: \"42\" }\n    gateways: [{ id: \"7\", type: nmi }]\n    policy:"
            )
            plan.settings = [
                "SALVAGE_WEBHOOKS_LISTEN": "127.0.0.1:\(port)", "SALVAGE_RETRY_DAY_SECONDS": "1", "SALVAGE_RETRY_GRACE_SECONDS": "1",
                "SALVAGE_RECONCILE_SETTLE_SECONDS": "2", "SALVAGE_POLL_FIRST_SECONDS": "3600", "SALVAGE_FLEXFACTOR_CALL_SECONDS": "10",
            ]
            return plan
        }

        package static let webhookKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
        package var webhookPort = 0

        /// Merchant `acme`, whose gateway `42` takes every soft decline.
        package static func oneMerchant(deadlineSeconds: Int = 60, more: String = "") -> String {
            """
            merchants:
              - id: acme
                flexFactorGateways:
                  - id: "42"
                    appKey: sandbox-app-key
                    appSecret: sandbox-app-secret
                    mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11
                    environment: SANDBOX
                    cascadeAll: true
            \(more.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n"))
                policy: { cascadeDeadlineSeconds: \(deadlineSeconds) }
            """
        }
    }

    private init(_ folder: URL, _ link: BrokerLink, _ brokerURL: String, _ sandbox: ChildProcess, _ sandboxURL: String, _ plan: Plan) throws
    {
        self.folder = folder
        self.link = link
        self.brokerURL = brokerURL
        self.sandbox = sandbox
        self.sandboxURL = sandboxURL
        isVirtualHostMine = plan.brokerURL == nil
        settings = plan.settings
        try configure(plan.configuration)
    }

    /// Runs a test with a fleet and takes it down, however the test ends.
    package static func with(_ plan: Plan = Plan(), _ body: (Fleet) async throws -> Void) async throws {
        let fleet = try await start(plan)
        do {
            try await body(fleet)
            await fleet.stop()
        } catch {
            print(fleet.workerLog.suffix(4_000))
            await fleet.stop()
            throw error
        }
    }

    private static func start(_ plan: Plan) async throws -> Fleet {
        let folder = FileManager.default.temporaryDirectory.appending(path: "salvage-test-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let brokerURL = if let given = plan.brokerURL { given } else { try await TestMachine.freshVirtualHost() }
        let (sandbox, sandboxURL) = try await startSandbox(
            "sandbox", in: folder, ["--faults", plan.faults] + plan.habits + plan.sandboxArguments)
        let link = try await BrokerLink.open(BrokerConfiguration(url: brokerURL))
        let fleet = try Fleet(folder, link, brokerURL, sandbox, sandboxURL, plan)
        if plan.appliesTopology {
            let applied = try await fleet.salvage("topology", "apply")
            try #require(applied.status == 0, "\(applied.error)")
        }
        return fleet
    }

    /// FlexFactor's sandbox on a port of its own; returns when it listens.
    package static func startSandbox(
        _ name: String, in folder: URL, _ arguments: [String]
    ) async throws -> (process: ChildProcess, url: String) {
        let portFile = folder.appending(path: "\(name).port")
        let process = try ChildProcess(
            TestMachine.sandbox, ["--port", "0", "--port-file", portFile.path, "--threads", "1"] + arguments,
            output: folder.appending(path: "\(name).log"))
        do {
            try await eventually("\(name) listens") { FileManager.default.fileExists(atPath: portFile.path) }
            let port = try String(contentsOf: portFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            return (process, "http://127.0.0.1:\(port)")
        } catch {
            await process.end(SIGKILL)
            throw error
        }
    }

    package func stop() async {
        for process in workers.withLock({ $0 }) + consoles.withLock({ $0 }) { await process.end(SIGKILL) }
        await sandbox.end(SIGKILL)
        await link.close()
        if isVirtualHostMine { TestMachine.end(virtualHost: virtualHost) }
        try? FileManager.default.removeItem(at: folder)
    }

    /// The part of the broker that this fleet has for itself.
    package var virtualHost: String { brokerURL.split(separator: "/").last.map(String.init) ?? "/" }

    // MARK: Workers

    package func configure(_ yaml: String) throws {
        try yaml.replacing("SANDBOX", with: sandboxURL).write(to: configurationFile, atomically: true, encoding: .utf8)
    }

    package var configurationFile: URL { folder.appending(path: "salvage.yaml") }

    /// Starts a worker; returns when it consumes, unless told not to wait.
    @discardableResult
    package func startWorker(_ more: [String: String] = [:], command: String = "run", waits: Bool = true) async throws -> ChildProcess {
        let count = workers.withLock { $0.count }
        let log = folder.appending(path: "worker-\(count).log")
        let settings = [
            "SALVAGE_LISTEN": "none", "SALVAGE_WEBHOOKS_LISTEN": "none", "SALVAGE_LOG_FORMAT": "json",
            "SALVAGE_SHUTDOWN_LAME_DUCK_SECONDS": "0",
        ]
        .merging(settings) { $1 }.merging(more) { $1 }
        let worker = try ChildProcess(TestMachine.salvage, [command], environment: environment(settings), output: log)
        workers.withLock { $0.append(worker) }
        if waits {
            try await eventually("worker \(count) consumes", seconds: 120) {
                worker.hasEnded || log.text.contains("\"Consuming\"")
            }
            try #require(!worker.hasEnded, "the worker ended: \(log.text)")
        }
        return worker
    }

    package var newestWorker: ChildProcess? { workers.withLock { $0.last } }

    /// Kills the workers: what they held goes back to its queues.
    package func stopWorkers() async {
        for worker in workers.withLock({ $0 }) { await worker.end(SIGKILL) }
    }

    /// What all workers have logged.
    package var workerLog: String {
        let count = workers.withLock { $0.count }
        return (0..<count).map { folder.appending(path: "worker-\($0).log").text }.joined()
    }

    /// What `salvage` commands get, for a test that starts one by itself.
    package var commandEnvironment: [String: String] { environment(settings) }

    func environment(_ more: [String: String]) -> [String: String] {
        ["SALVAGE_BROKER_URL": brokerURL, "SALVAGE_CONFIG": configurationFile.path].merging(more) { $1 }
    }

    /// Runs a `salvage` command to its end.
    package func salvage(_ arguments: String...) async throws -> (status: Int32, output: String, error: String) {
        try await salvage(arguments)
    }

    package func salvage(_ arguments: [String], environment more: [String: String] = [:]) async throws -> (
        status: Int32, output: String, error: String
    ) {
        try await ChildProcess.run(TestMachine.salvage, arguments, environment: environment(settings.merging(more) { $1 }))
    }

    /// Starts a `salvage` command that the test may kill.
    package func begin(_ arguments: [String], environment more: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(
            TestMachine.salvage, arguments, environment: environment(settings.merging(more) { $1 }),
            output: folder.appending(path: "command-\(UUID().uuidString.prefix(8)).log"))
    }

    /// Whether nothing waits in any queue between the stages, the delay ladder included. What a worker holds does not show.
    package func isIdle() async throws -> Bool {
        let stages = ["intake", "cascade", "retry", "outcomes", "suspects", "unrouted", "held"]
        let rungs = (0..<21).map { "delay." + ($0 < 10 ? "0" : "") + String($0) }
        for queue in stages + rungs where try await link.readyCount(of: "recovery." + queue) > 0 { return false }
        return true
    }

    /// Ends the worker that was started first, as an operator would.
    package func endFirstWorker() async { await workers.withLock { $0.first }?.end(SIGTERM) }

    // MARK: The sandbox

    /// Asks the sandbox for a charge as a cascade would, behind the workers' backs.
    package func evaluate(_ reference: String, token: String) async throws {
        struct Bearer: Decodable { let accessToken: String }
        let login = try await TestMachine.http(
            "POST", sandboxURL + "/v1/oauth2/token", #"{"appKey":"sandbox-app-key","appSecret":"sandbox-app-secret"}"#,
            headers: [("Content-Type", "application/json")])
        let bearer = try JSONDecoder().decode(Bearer.self, from: login.data).accessToken
        let body = #"""
            {"orderId":"\#(reference)","mid":"5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11","isDeclined":true,"isMIT":false,"idempotencyKey":"\#(UUID().uuidString)",
             "transaction":{"id":"T","amount":4999,"currency":"USD","responseCode":"201","avsResultCode":"Y","cvvResultCode":"M","cavvResultCode":"0",
             "responseCodeSource":"nmi"},"paymentMethod":{"cardNumber":"\#(token)"}}
            """#
        let answer = try await TestMachine.http(
            "POST", sandboxURL + "/v1/evaluate", body,
            headers: [("Content-Type", "application/json"), ("Authorization", "Bearer " + bearer)])
        try #require(answer.status == 200, "\(String(decoding: answer.data, as: UTF8.self))")
    }

    package func setFaults(_ json: String) async throws { _ = try await http("PUT", "/sandbox/faults", json) }

    @discardableResult
    package func http(_ method: String, _ path: String, _ body: String? = nil) async throws -> Data {
        try await TestMachine.http(method, sandboxURL + path, body).data
    }

    /// A movement of money at the sandbox.
    package struct LedgerEntry: Codable, Sendable {
        package let kind: String
        package let externalOrderId: String
        package let amount: Int
    }

    package func ledger() async throws -> [LedgerEntry] {
        try JSONDecoder().decode([LedgerEntry].self, from: await http("GET", "/sandbox/ledger"))
    }
}
