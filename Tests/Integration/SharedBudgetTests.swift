import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// What one gateway's slow FlexFactor, or a connection that was lost, means for everybody else.
@Suite struct SharedBudgetTests {
    private static func gateway(_ merchant: String, _ url: String) -> String {
        """
          - id: \(merchant)
            flexFactorGateways:
              - id: "42"
                appKey: sandbox-app-key
                appSecret: sandbox-app-secret
                mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11
                environment: \(url)
                cascadeAll: true
            policy: { cascadeDeadlineSeconds: 600 }

        """
    }

    /// A sandbox whose every charge takes ten seconds.
    private static func withSlowSandbox(_ fleet: Fleet, _ body: (String) async throws -> Void) async throws {
        let (slow, url) = try await Fleet.startSandbox(
            "slow", in: fleet.folder, ["--faults", #"{"endpoints":["evaluate"],"latencyP50":10000,"latencyP99":10000}"#])
        do {
            try await body(url)
            await slow.end(SIGKILL)
        } catch {
            await slow.end(SIGKILL)
            throw error
        }
    }

    private static func percentile(_ part: Double, _ waits: [Duration]) -> Duration {
        waits.sorted()[min(Int(Double(waits.count) * part), waits.count - 1)]
    }

    /// Twenty times what may be in work, each for ten seconds, and somebody else's sales among them.
    @Test(.timeLimit(.minutes(10)))
    func salesOfOthersAreAnsweredWhileTwoThousandWaitForASlowFlexFactor() async throws {
        try await Fleet.with { fleet in
            try await Self.withSlowSandbox(fleet) { slow in
                try fleet.configure("merchants:\n" + Self.gateway("acme", "SANDBOX") + Self.gateway("slow", slow))
                let crm = try await CRM(fleet.link)
                let port = try TestMachine.freePort()
                try await fleet.startWorker(["SALVAGE_PREFETCH_CASCADE": "100", "SALVAGE_LISTEN": "127.0.0.1:\(port)"])
                func sell(_ name: String, _ count: Int) async throws -> [Duration] {
                    var waits: [Duration] = []
                    for number in 0..<count {
                        let begun = ContinuousClock.now
                        try await crm.publish([CRM.decline("\(name)\(number)")])
                        while crm.result(of: "\(name)\(number)") == nil, ContinuousClock.now - begun < .seconds(120) {
                            try await Task.sleep(for: .milliseconds(2))
                        }
                        #expect(crm.result(of: "\(name)\(number)")?.kind == "approved", "\(name)\(number)")
                        waits.append(ContinuousClock.now - begun)
                    }
                    return waits
                }
                let alone = try await sell("ALONE", 40)
                try await crm.publish((0..<2_000).map { CRM.decline("SLOW\($0)", merchant: "slow") })
                try await eventually("the hand is full, and what is too much was put off") {
                    let page = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
                    guard page.contains("salvage_put_off_total{stage=\"cascade\"}") else { return false }
                    let intake = try await fleet.link.readyCount(of: "recovery.intake")
                    let cascade = try await fleet.link.readyCount(of: "recovery.cascade")
                    return intake == 0 && cascade == 0
                }
                let beside = try await sell("FAST", 100)
                // In turn they would have come when all but the last hundred were answered.
                #expect(crm.results.filter { $0.orderID.hasPrefix("SLOW") }.count < 1_500)
                print(
                    "a sale alone: p50 \(Self.percentile(0.5, alone)), p99 \(Self.percentile(0.99, alone)); "
                        + "beside 2,000 of a FlexFactor that takes 10 s: p50 \(Self.percentile(0.5, beside)), p99 \(Self.percentile(0.99, beside))"
                )
                // Nobody is thought to end workers for having waited.
                #expect(!fleet.workerLog.contains("tried alone") && !fleet.workerLog.contains("connection to the broker is lost"))
            }
        }
    }

    /// What is put off comes again and is answered once, or is told in time that it was not sent.
    @Test(.timeLimit(.minutes(10)))
    func whatWasPutOffIsAnsweredOnceOrToldInTime() async throws {
        var plan = Fleet.Plan()
        plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 8)
        plan.faults = #"{"endpoints":["evaluate"],"latencyP50":2000,"latencyP99":2000}"#
        plan.settings["SALVAGE_RECONCILE_SETTLE_SECONDS"] = "2"
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker(["SALVAGE_PREFETCH_CASCADE": "8"])
            try await crm.publish((0..<200).map { CRM.decline("PUT\($0)") })
            try await eventually("all are told") { Set(crm.results.map(\.orderID)).count == 200 }
            #expect(crm.finals.count == 200 && crm.finals.values.allSatisfy { $0.count == 1 })
            let approved = crm.results.filter { $0.kind == "approved" }.count
            // Six at a time, two seconds each, for eight seconds; most were never sent.
            #expect(approved >= 6 && approved < 100, "\(crm.reasons)")
            #expect(try await fleet.ledger().count == approved, "\(crm.reasons)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whoLivedThroughALostConnectionMakesNoSuspects() async throws {
        var plan = Fleet.Plan()
        plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 600)
        // Nothing is answered in time, so that the same are in work each time.
        plan.faults = #"{"endpoints":["evaluate"],"timeoutAfter":1,"timeoutSeconds":100}"#
        plan.settings["SALVAGE_FLEXFACTOR_CALL_SECONDS"] = "100"
        plan.settings["SALVAGE_RECONCILE_SETTLE_SECONDS"] = "2"
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker()
            try await crm.publish((0..<30).map { CRM.decline("LIVED\($0)") })
            for round in 0..<5 {
                try await eventually("all are in its hand") {
                    let intake = try await fleet.link.readyCount(of: "recovery.intake")
                    let cascade = try await fleet.link.readyCount(of: "recovery.cascade")
                    return intake == 0 && cascade == 0
                }
                let before = fleet.workerLog.components(separatedBy: "\"Connected to the broker\"").count
                _ = try await TestMachine.control(["close_all_connections", "--vhost", fleet.virtualHost, "test \(round)"])
                try await eventually("it is connected again") {
                    fleet.workerLog.components(separatedBy: "\"Connected to the broker\"").count >= before + 2 && fleet.link.isConnected
                }
            }
            try await fleet.setFaults(#"{"timeoutAfter":0}"#)
            try await eventually("all are answered", seconds: 240) { Set(crm.results.map(\.orderID)).count == 30 }
            #expect(!fleet.workerLog.contains("tried alone"))
        }
    }
}
