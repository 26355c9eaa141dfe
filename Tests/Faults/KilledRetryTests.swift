import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

extension Breakages {
    /// Workers, the webhook receiver and the broker die while retries live their short lives. None is lost and no lie is told.
    @Suite struct KilledRetryTests {
        /// `SALVAGE_FAULT_RETRIES` runs more of them.
        static let retries = ProcessInfo.processInfo.environment["SALVAGE_FAULT_RETRIES"].flatMap(Int.init) ?? 1_000

        @Test(.timeLimit(.minutes(20)))
        func everyRetryEndsInTheTruth() async throws {
            let broker = try await PrivateBroker.start()
            do {
                // Ten thousand retries live longer than a thousand and are looked at less often: the machine is the same.
                var plan = try Fleet.Plan.retries(days: 20)
                plan.brokerURL = try await TestMachine.freshVirtualHost(of: broker.folder, url: broker.url)
                plan.faults = """
                    {"endpoints": ["evaluate", "orders", "cancel"], "errorBefore": 0.03, "errorAfter": 0.03, "resetAfter": 0.02, "timeoutAfter": 0.02, "timeoutSeconds": 10,
                     "webhookLoss": 0.3, "webhookDouble": 0.2, "webhookDelaySeconds": 0.5}
                    """
                plan.settings["SALVAGE_RETRY_DAY_SECONDS"] = String(max(1, Self.retries / 1_500))
                plan.settings["SALVAGE_POLL_FIRST_SECONDS"] = String(max(3, Self.retries / 200))
                plan.settings["SALVAGE_POLL_LONGEST_SECONDS"] = String(max(6, Self.retries / 100))
                plan.settings["SALVAGE_FLEXFACTOR_CALL_SECONDS"] = "2"
                plan.settings["SALVAGE_BROKER_HEARTBEAT_SECONDS"] = "3"
                plan.settings["SALVAGE_LOG_LEVEL"] = "warning"
                // Here only the innocent are in work, again and again.
                plan.settings["SALVAGE_SUSPECT_DELIVERIES"] = "1000"
                let webhooks = ["SALVAGE_WEBHOOKS_LISTEN": "127.0.0.1:\(plan.webhookPort)"]
                plan.settings["SALVAGE_WEBHOOKS_LISTEN"] = "none"
                try await Fleet.with(plan) { fleet in
                    let crm = try await CRM(fleet.link)
                    let info = ["SALVAGE_LOG_LEVEL": "info"]
                    var worker = try await fleet.startWorker(info)
                    _ = try await fleet.startWorker(info)
                    var receiver = try await fleet.startWorker(webhooks.merging(info) { $1 }, command: "webhooks")
                    let tokens = [
                        "tok_managed_approve", "tok_managed_expire", "tok_managed_cancel", "tok_managed_approve", "tok_refund_later",
                    ]
                    let events = (0..<Self.retries).map { CRM.recycle("R\($0)", token: tokens[$0 % tokens.count]) }
                    try await crm.publish(events, key: "decline.recycle")
                    // The CRM changes its mind about some.
                    try await crm.publish(stride(from: 1, to: Self.retries, by: 50).map { CRM.cancel("R\($0)") }, key: "command.cancel")
                    try await eventually("some have ended", seconds: 120) { crm.finals.count > Self.retries / 50 }
                    for round in 0..<3 {
                        // At any moment: the pause is the fault, not a wait for something.
                        try await Task.sleep(for: .milliseconds(Int.random(in: 300...2_500)))
                        await worker.end(SIGKILL)
                        worker = try await fleet.startWorker(info, waits: false)
                        await receiver.end(SIGKILL)
                        receiver = try await fleet.startWorker(webhooks.merging(info) { $1 }, command: "webhooks", waits: false)
                        if round == 1 {
                            try await broker.run("kill")
                            try await broker.run("start", String(broker.port))
                        }
                    }
                    // One of whose calls ten failed in a row waits up to five minutes for the next.
                    try await eventually("every retry has ended", seconds: 700 + Double(Self.retries) / 20) {
                        crm.finals.count == Self.retries
                    }
                    // What is still parked must agree; after the longest life nothing is.
                    try await eventually("nothing waits any more but cancellations", seconds: 200) {
                        for queue in ["recovery.intake", "recovery.retry", "recovery.outcomes"]
                        where try await fleet.link.readyCount(of: queue) > 0 { return false }
                        return true
                    }
                    let approved = try await expectTheTruth(crm, fleet, declines: Self.retries)
                    print(
                        "killed workers, receivers and the broker over \(Self.retries) retries: \(approved) approved and charged, \(crm.count) results seen, reasons \(crm.reasons)"
                    )
                }
                await broker.stop()
            } catch {
                await broker.stop()
                throw error
            }
        }
    }
}
