import Broker
import FleetSupport
import Foundation
import Synchronization
import TestSupport
import Testing

/// A worker among a real broker and the sandbox, from its start to its end.
@Suite struct WorkerTests {
    @Test(.timeLimit(.minutes(10)))
    func aWaitingCustomerIsAnsweredOnTheReplyQueue() async throws {
        try await Fleet.with { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let queue = try await fleet.link.tap([])
            let answers = Answers()
            _ = try await fleet.link.consume(queue, prefetch: 10) { answers.take($0) }
            try await crm.publish([CRM.decline("PAGE", token: "tok_approve")], replyTo: queue, correlationID: "checkout-1")
            try await eventually("the page has its answer") { !answers.all.isEmpty }
            #expect(answers.all.first?.properties.correlationID == "checkout-1")
            #expect(answers.all.first?.properties.messageID == CRM.reference("PAGE-S0") + "/approved")
            try await eventually("everybody else is told too") { crm.result(of: "PAGE")?.kind == "approved" }
            // One who does not wait any more is not missed, and nothing of ours can be used as a reply queue.
            try await crm.publish([CRM.decline("GONE")], replyTo: "amq.gen-nobody", correlationID: "2")
            try await crm.publish([CRM.decline("OURS")], replyTo: "recovery.intake", correlationID: "3")
            try await eventually("both are told") { crm.result(of: "GONE") != nil && crm.result(of: "OURS") != nil }
            #expect(crm.results.count == 3)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aStopLetsWorkFinishAndLosesNothing() async throws {
        var plan = Fleet.Plan()
        plan.faults = #"{"latencyP50": 500, "latencyP99": 900}"#
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            let worker = try await fleet.startWorker()
            try await crm.publish((0..<300).map { CRM.decline("S\($0)") })
            try await eventually("work is under way") { try await fleet.ledger().count > 0 }
            #expect(await worker.end(SIGTERM) == 0)
            try await fleet.startWorker()
            try await eventually("the next worker does the rest", seconds: 120) { crm.finals.count == 300 }
            #expect(try await fleet.ledger().count == 300)
            #expect(fleet.workerLog.contains("All work is finished"))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aWorkerThatWaitsForItsBrokerCanBeStopped() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.startWorker(["SALVAGE_BROKER_URL": "amqp://guest:guest@127.0.0.1:1"], waits: false)
            try await eventually("it says that no broker is there") { fleet.workerLog.contains("No connection to the broker") }
            #expect(await worker.end(SIGTERM) == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aDeadFlexFactorIsToldAtOnceAndNotHammered() async throws {
        var plan = Fleet.Plan()
        plan.faults = #"{"outage": true}"#
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish((0..<200).map { CRM.decline("D\($0)") })
            try await eventually("all are told", seconds: 120) { crm.finals.count == 200 }
            #expect(Set(crm.results.map(\.reason)) == ["flexfactor_unavailable"])
            #expect(try await fleet.ledger().isEmpty)
            try await fleet.setFaults(#"{"outage": false}"#)
            var tries = 0
            try await eventually("FlexFactor is asked again once it is back", seconds: 120) {
                tries += 1
                let order = "B\(tries)"
                try await crm.publish([CRM.decline(order)])
                try await eventually("\(order) is answered") { crm.result(of: order) != nil }
                return crm.result(of: order)?.kind == "approved"
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func throttlingParksAndThenTellsTheTruth() async throws {
        var plan = Fleet.Plan()
        plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 600)
        plan.faults = #"{"throttle": 1, "retryAfterSeconds": 2}"#
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish((0..<100).map { CRM.decline("T\($0)") })
            try await eventually("all are parked") { fleet.workerLog.components(separatedBy: "\"Parked\"").count > 100 }
            #expect(crm.count == 0)
            try await fleet.setFaults(#"{"throttle": 0}"#)
            try await eventually("all are told", seconds: 120) { crm.finals.count == 100 }
            #expect(crm.results.allSatisfy { $0.kind == "approved" })
            #expect(try await fleet.ledger().count == 100)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aWorkerNeedsNoRightToConfigureAndSaysWhatIsMissing() async throws {
        var plan = Fleet.Plan()
        let port = try TestMachine.freePort()
        plan.settings = ["SALVAGE_LISTEN": "127.0.0.1:\(port)"]
        plan.appliesTopology = false
        let vhostURL = try await TestMachine.freshVirtualHost()
        let vhost = String(vhostURL.split(separator: "/").last ?? "")
        for arguments in [["add_user", vhost, "secret"], ["set_permissions", "-p", vhost, vhost, "", ".*", ".*"]] {
            #expect(try await TestMachine.control(arguments).status == 0)
        }
        plan.brokerURL = vhostURL
        try await Fleet.with(plan) { fleet in
            let limited = vhostURL.replacing("guest:guest", with: "\(vhost):secret")
            try await fleet.startWorker(["SALVAGE_BROKER_URL": limited], waits: false)
            try await eventually("readiness names what is missing") {
                let answer = try? await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz")
                return answer?.status == 503
                    && String(decoding: answer?.data ?? Data(), as: UTF8.self).contains("queue recovery.intake does not exist")
            }
            #expect(try await TestMachine.http("GET", "http://127.0.0.1:\(port)/livez").status == 200)
            let unready = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
            #expect(unready.contains("\nsalvage_ready 0\n"))
            #expect(try await fleet.salvage("topology", "check").status == 1)
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            #expect(try await fleet.salvage("topology", "check", "--json").output == "{\"complete\":true,\"differences\":[]}\n")
            try await eventually("it is ready") { (try? await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz").status) == 200 }
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("HUMBLE")])
            try await eventually("it works") { crm.result(of: "HUMBLE")?.kind == "approved" }
            // Counted when the broker has confirmed; the CRM may see the result before.
            try await eventually("it is counted") {
                let metrics = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
                return metrics.contains("salvage_results_total{merchant=\"acme\",kind=\"approved\",reason=\"approved\"} 1\n")
                    && metrics.contains("salvage_broker_connected{connection=\"publishing\"} 1\n")
                    && metrics.contains("\nsalvage_ready 1\n")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aReloadTakesAGoodFileAndRefusesAFaultyOne() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.startWorker(["SALVAGE_CONFIG_WATCH_SECONDS": "0"])
            let crm = try await CRM(fleet.link)
            try fleet.configure(Fleet.Plan.oneMerchant(more: "expiryDays: 99\ncascadeAl: true"))
            worker.signal(SIGHUP)
            try await eventually("the faulty file is refused") {
                fleet.workerLog.contains("did you mean cascadeAll?") && fleet.workerLog.contains("1...21")
            }
            try await crm.publish([CRM.decline("OLD")])
            try await eventually("the old one is in force") { crm.result(of: "OLD")?.kind == "approved" }
            try fleet.configure(Fleet.Plan.oneMerchant().replacing("acme", with: "zenith"))
            worker.signal(SIGHUP)
            try await eventually("the good file is taken") { fleet.workerLog.contains("Configuration reloaded") }
            try await crm.publish([CRM.decline("NEW", merchant: "zenith"), CRM.decline("LEFT")])
            try await eventually("it is in force") {
                crm.result(of: "NEW")?.kind == "approved" && crm.result(of: "LEFT")?.reason == "unknown_merchant"
            }
        }
    }

    /// Nobody in a pod sends it a signal; files of secrets are renewed without a word.
    @Test(.timeLimit(.minutes(10)))
    func aFileThatChangesIsTakenWithoutASignal() async throws {
        let port = try TestMachine.freePort()
        var plan = Fleet.Plan()
        plan.settings = ["SALVAGE_LISTEN": "127.0.0.1:\(port)", "SALVAGE_CONFIG_WATCH_SECONDS": "1"]
        let secret = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: secret) }
        try "not-the-secret".write(to: secret, atomically: true, encoding: .utf8)
        plan.configuration = Fleet.Plan.oneMerchant().replacing("sandbox-app-secret", with: "{ file: \(secret.path) }")
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("EARLY")])
            try await eventually("the wrong secret is refused") { crm.result(of: "EARLY")?.kind == "skipped" }
            try "sandbox-app-secret".write(to: secret, atomically: true, encoding: .utf8)
            try await eventually("the new secret is read") { fleet.workerLog.contains("Configuration reloaded") }
            try await crm.publish([CRM.decline("LATE")])
            try await eventually("it is used") { crm.result(of: "LATE")?.kind == "approved" }
            func lastReload(_ well: Int) async throws -> Bool {
                let page = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
                return page.contains("salvage_configuration_last_reload_successful \(well)\n")
            }
            try fleet.configure("merchants: [")
            try await eventually("a faulty file is refused, and said to be") { try await lastReload(0) }
            // To a pod the configuration may come before the secret that it names.
            let late = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: late) }
            try fleet.configure(Fleet.Plan.oneMerchant().replacing("sandbox-app-secret", with: "{ file: \(late.path) }"))
            try await eventually("it is refused without its secret") { fleet.workerLog.contains("there is no such file") }
            try "sandbox-app-secret".write(to: late, atomically: true, encoding: .utf8)
            try await eventually("and taken when that has come") { try await lastReload(1) }
            try await eventually("it says that it is well") {
                let health = try await fleet.salvage("health", "http://127.0.0.1:\(port)/readyz")
                return health.status == 0 && health.output.hasPrefix("200 ")
            }
            #expect(try await fleet.salvage("health", "http://127.0.0.1:\(port)/nothing").status == 1)
            #expect(try await fleet.salvage("health", "http://127.0.0.1:\(try TestMachine.freePort())/readyz").status == 1)
            #expect(try await fleet.salvage("health", "nonsense").status == 64)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aTraceGoesThroughEveryHop() async throws {
        try await Fleet.with { fleet in
            try await fleet.startWorker(["SALVAGE_LOG_LEVEL": "debug"])
            let results = Answers()
            _ = try await fleet.link.consume("crm.results", prefetch: 10) { results.take($0) }
            let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "declines", routingKey: "decline.initial",
                    properties: MessageProperties(headers: ["traceparent": .string(trace), "tracestate": "vendor=opaque"]),
                    body: CRM.decline("TRACED"))
            ])
            try await eventually("the result carries the trace") { results.all.first?.properties.headers["traceparent"] == .string(trace) }
            #expect(results.all.first?.properties.headers["tracestate"] == "vendor=opaque")
            // The log is written a moment after the broker has confirmed.
            try await eventually("both stages have logged it") {
                fleet.workerLog.components(separatedBy: "4bf92f3577b34da6a3ce929d0e0e4736").count == 3
            }
        }
    }
}

final class Answers: Sendable {
    private let deliveries = Mutex<[Delivery]>([])

    var all: [Delivery] { deliveries.withLock { $0 } }

    func take(_ batch: [Delivery]) {
        deliveries.withLock { $0 += batch }
        for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
    }
}
