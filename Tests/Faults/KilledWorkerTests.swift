import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

extension Breakages {
    /// Workers die at any moment while FlexFactor executes and then times out, fails and hangs up. Nothing is lost and no lie is told.
    @Suite struct KilledWorkerTests {
        /// The whole size by `SALVAGE_FAULT_DECLINES=20000 deploy/local/test --filter KilledWorkerTests`.
        static let declines = ProcessInfo.processInfo.environment["SALVAGE_FAULT_DECLINES"].flatMap(Int.init) ?? 2_000
        static let kills = 10

        @Test(.timeLimit(.minutes(15)))
        func everyDeclineGetsOneTrueResult() async throws {
            var plan = Fleet.Plan()
            plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 60 + Self.declines / 100)
            plan.faults = """
                {"timeoutAfter": 0.05, "timeoutSeconds": 30, "errorBefore": 0.025, "errorAfter": 0.025, "resetBefore": 0.01, "resetAfter": 0.01,
                 "latencyP50": 150, "latencyP99": 600}
                """
            plan.settings = [
                "SALVAGE_PREFETCH_CASCADE": "150", "SALVAGE_FLEXFACTOR_CALL_SECONDS": "2", "SALVAGE_RECONCILE_SETTLE_SECONDS": "5",
                "SALVAGE_LOG_LEVEL": "warning",
                // Here only the innocent are in work, again and again.
                "SALVAGE_SUSPECT_DELIVERIES": "1000",
            ]
            try await Fleet.with(plan) { fleet in
                let crm = try await CRM(fleet.link)
                let tokens = ["tok_approve", "tok_approve", "tok_approve", "tok_decline", "tok_capture"]
                var worker = try await fleet.startWorker(["SALVAGE_LOG_LEVEL": "info"])
                try await crm.publish((0..<Self.declines).map { CRM.decline("K\($0)", token: tokens[$0 % tokens.count]) })

                var kills = 0
                var killsThatHurt = 0
                while kills < Self.kills {
                    // At any moment: the pause is the fault, not a wait for something.
                    try await Task.sleep(for: .milliseconds(Int.random(in: 50...max(1_200, Self.declines / 5))))
                    if crm.finals.count < Self.declines { killsThatHurt += 1 }
                    await worker.end(SIGKILL)
                    kills += 1
                    worker = try await fleet.startWorker(["SALVAGE_LOG_LEVEL": "info"])
                }
                #expect(killsThatHurt > 0, "the kills came too late to hurt")
                try await eventually("every decline has its result", seconds: 240 + Double(Self.declines) / 100) {
                    crm.finals.count == Self.declines
                }
                // A second result would come from what is still in work or parked; when a stop leaves every queue empty, none can.
                try await eventually("nothing is in work or parked", seconds: 180) {
                    guard try await fleet.isIdle() else { return false }
                    #expect(await worker.end(SIGTERM) == 0)
                    if try await fleet.isIdle() { return true }
                    worker = try await fleet.startWorker(["SALVAGE_LOG_LEVEL": "info"])
                    return false
                }

                let approved = try await expectTheTruth(crm, fleet, declines: Self.declines)
                #expect(approved > Self.declines / 2)
                print(
                    "killed \(kills) times over \(Self.declines) declines: \(crm.count) results seen, \(approved) approved and charged, reasons \(crm.reasons)"
                )
            }
        }
    }
}
