import Broker
import DeclineRecovery
import FleetSupport
import FlexFactor
import Foundation
import TestSupport
import Testing

/// How a process ends that was told to, whatever the others do.
@Suite struct StoppingTests {
    @Test(.timeLimit(.minutes(10)))
    func itIsUnreadyAtOnceAndTakesWebhooksForAWhile() async throws {
        var plan = try Fleet.Plan.retries()
        let port = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(port)"
        plan.settings["SALVAGE_SHUTDOWN_LAME_DUCK_SECONDS"] = "40"
        plan.settings["SALVAGE_SHUTDOWN_GRACE_SECONDS"] = "60"
        try await Fleet.with(plan) { fleet in
            let worker = try await fleet.startWorker()
            worker.signal(SIGTERM)
            try await eventually("it says that it is not ready") {
                try await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz").status == 503
            }
            let body = #"{"Event":"order.completed","ExternalOrderId":"A-R7-88-7","OrderId":"g-1"}"#
            #expect(try await Webhook.post(body, plan.webhookPort) == 200)
            try await eventually("it is with the broker") { try await fleet.link.readyCount(of: "recovery.outcomes") == 1 }
            #expect(await worker.status() == 0)
        }
    }

    /// A call that does not end is given back without a mark: its worker did not die of it.
    @Test(.timeLimit(.minutes(10)))
    func aCallThatHangsIsHandedBackWithoutCounting() async throws {
        var plan = Fleet.Plan()
        plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 600)
        plan.settings["SALVAGE_SHUTDOWN_GRACE_SECONDS"] = "5"
        plan.settings["SALVAGE_FLEXFACTOR_CALL_SECONDS"] = "100"
        plan.faults = #"{"timeoutAfter":1,"timeoutSeconds":200}"#
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("HANGS")])
            for round in 0..<5 {
                let worker = try await fleet.startWorker()
                try await eventually("it is in work") { try await fleet.isIdle() }
                #expect(await worker.end(SIGTERM) == 0)
                try await eventually("it is back, round \(round)") { try await fleet.link.readyCount(of: "recovery.cascade") == 1 }
            }
            #expect(fleet.workerLog.contains("Messages in work go back to the broker"))
            try await fleet.setFaults(#"{"timeoutAfter":0}"#)
            try await fleet.startWorker()
            try await eventually("it is answered") { crm.result(of: "HANGS")?.kind == "approved" }
            #expect(!fleet.workerLog.contains("tried alone"))
            #expect(try await fleet.ledger().count == 1)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whatItHasInHandAndHasNotBegunGoesBackAtOnce() async throws {
        var plan = Fleet.Plan()
        plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 600)
        plan.settings["SALVAGE_PREFETCH_CASCADE"] = "4"
        plan.settings["SALVAGE_SHUTDOWN_GRACE_SECONDS"] = "5"
        plan.faults = #"{"endpoints":["evaluate"],"timeoutAfter":1,"timeoutSeconds":200}"#
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            let worker = try await fleet.startWorker()
            try await crm.publish((0..<5).map { CRM.decline("HAND\($0)") })
            try await eventually("all are in its hand") { try await fleet.isIdle() }
            #expect(await worker.end(SIGTERM) == 0)
            try await eventually("all are back") { try await fleet.link.readyCount(of: "recovery.cascade") == 5 }
            try await fleet.setFaults(#"{"timeoutAfter":0}"#)
            try await fleet.startWorker()
            try await eventually("all are answered") { Set(crm.results.map(\.orderID)).count == 5 }
            #expect(try await fleet.ledger().count == 5)
        }
    }

    enum Trouble: String, CaseIterable, Sendable {
        /// The broker takes no publishes.
        case alarm
        /// The broker does not even read.
        case silence
    }

    private static func otherPorts() throws -> [String: String] {
        ["SALVAGE_LISTEN": "127.0.0.1:\(try TestMachine.freePort())", "SALVAGE_WEBHOOKS_LISTEN": "127.0.0.1:\(try TestMachine.freePort())"]
    }

    @Test(.timeLimit(.minutes(15)), arguments: Trouble.allCases, [false, true])
    func aBrokerThatTakesNothingKeepsNobodyFromTheirEnd(trouble: Trouble, isStarting: Bool) async throws {
        let broker = try await PrivateBroker.start()
        do {
            var plan = try Fleet.Plan.retries()
            plan.brokerURL = broker.url
            plan.settings["SALVAGE_SHUTDOWN_GRACE_SECONDS"] = "10"
            plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(try TestMachine.freePort())"
            plan.faults = #"{"endpoints":["evaluate"],"latencyP50":3000,"latencyP99":3000}"#
            try await Fleet.with(plan) { fleet in
                func alarm(_ mark: [String]) async throws {
                    #expect(try await TestMachine.control(["set_vm_memory_high_watermark"] + mark, folder: broker.folder).status == 0)
                }
                let crm = try await CRM(fleet.link)
                var worker = try await fleet.startWorker()
                try await crm.publish((0..<20).map { CRM.decline("END\($0)") })
                try await eventually("they are in work") { try await fleet.isIdle() }
                switch trouble {
                case .alarm: try await alarm(["0.00001"])
                case .silence: try await broker.signal(SIGSTOP)
                }
                if isStarting {
                    let ports = try Self.otherPorts()
                    worker = try await fleet.startWorker(ports, waits: false)
                    try await eventually("it has begun") {
                        try await TestMachine.http("GET", "http://\(ports["SALVAGE_LISTEN"] ?? "")/livez").status == 200
                    }
                } else if trouble == .alarm {
                    try await eventually("it has heard") { fleet.workerLog.contains("The broker takes no publishes") }
                }
                let begun = ContinuousClock.now
                #expect(await worker.end(SIGTERM) == 0)
                print("stopped in \(ContinuousClock.now - begun) (\(trouble), \(isStarting ? "starting" : "running"))")
                switch trouble {
                case .alarm: try await alarm(["absolute", "2GB"])
                case .silence: try await broker.signal(SIGCONT)
                }
                try await eventually("the test is connected") { fleet.link.isConnected }
                try await fleet.startWorker(try Self.otherPorts())
                try await eventually("nothing was lost", seconds: 240) { Set(crm.results.map(\.orderID)).count == 20 }
                #expect(try await fleet.ledger().count == 20)
            }
            await broker.stop()
        } catch {
            await broker.stop()
            throw error
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func theConsoleWaitsForItsBrokerAndEndsWhenItIsToldTo() async throws {
        var plan = Fleet.Plan()
        plan.appliesTopology = false
        try await Fleet.with(plan) { fleet in
            let lost = try await fleet.startConsole(["SALVAGE_BROKER_URL": "amqp://guest:guest@127.0.0.1:9"], waits: false)
            try await eventually("it lives, and is not ready") {
                let alive = try await TestMachine.http("GET", lost.url + "/livez").status
                let ready = try await TestMachine.http("GET", lost.url + "/readyz").status
                return alive == 200 && ready == 503 && lost.log.contains("No connection to the broker")
            }
            func why(_ console: ConsoleProcess) async throws -> String {
                String(decoding: try await TestMachine.http("GET", console.url + "/readyz").data, as: UTF8.self)
            }
            try await eventually("it says why") { try await why(lost).contains("cannot connect to the broker") }
            #expect(await lost.process.end(SIGTERM) == 0)
            // It is there before the topology is.
            let console = try await fleet.startConsole(waits: false)
            try await eventually("it misses the topology") { console.log.contains("The topology is not complete") }
            try await eventually("it says so") { try await why(console).contains("topology: ") }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await eventually("it is ready") { try await TestMachine.http("GET", console.url + "/readyz").status == 200 }
            #expect(try await TestMachine.http("HEAD", console.url + "/").status == 200)
            #expect(await console.process.end(SIGTERM) == 0)
        }
    }

    @Test(.timeLimit(.minutes(15)))
    func webhooksDuringAnAlarmHearThatAndAreTakenAfterwards() async throws {
        let broker = try await PrivateBroker.start()
        do {
            var plan = try Fleet.Plan.retries()
            plan.brokerURL = broker.url
            let port = plan.webhookPort
            try await Fleet.with(plan) { fleet in
                try await fleet.startWorker()
                func alarm(_ mark: [String]) async throws {
                    #expect(try await TestMachine.control(["set_vm_memory_high_watermark"] + mark, folder: broker.folder).status == 0)
                }
                try await alarm(["0.00001"])
                // The first are those by which the broker notices the publisher.
                for round in 0..<20 {
                    let statuses = await withTaskGroup(of: Int.self) { group in
                        for number in 0..<5 {
                            let body =
                                "{\"Event\":\"order.completed\",\"ExternalOrderId\":\"A\(round)-R7-88-\(number)\",\"OrderId\":\"g-1\"}"
                            group.addTask { (try? await Webhook.post(body, port)) ?? 0 }
                        }
                        return await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(statuses.allSatisfy { $0 == 503 }, "\(statuses)")
                }
                try await alarm(["absolute", "2GB"])
                try await eventually("they are taken again") {
                    try await Webhook.post(#"{"Event":"order.completed","ExternalOrderId":"B-R7-88-7","OrderId":"g-1"}"#, port) == 200
                }
            }
            await broker.stop()
        } catch {
            await broker.stop()
            throw error
        }
    }
}

/// A webhook as FlexFactor signs it.
enum Webhook {
    static func post(_ body: String, _ port: Int, path: String = "acme/42") async throws -> Int {
        let host = "127.0.0.1:\(port)"
        let key = try #require(HMACSigningKey(base64: Fleet.Plan.webhookKey))
        var signed = HeaderFields()
        signed.sign(
            Array(body.utf8), method: "POST", host: host, key: key,
            now: Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)))
        return try await TestMachine.http("POST", "http://\(host)/webhooks/\(path)", body, headers: signed.fields).status
    }
}
