import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

extension Breakages {
    /// The broker is killed, stands still, and takes no publishes; the fleet goes on when it is well again, and tells the truth.
    @Suite struct BrokenBrokerTests {
        @Test(.timeLimit(.minutes(10)))
        func whateverTheBrokerDoesEveryDeclineGetsOneTrueResult() async throws {
            let broker = try await PrivateBroker.start()
            do {
                var plan = Fleet.Plan()
                plan.brokerURL = broker.url
                plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 600)
                plan.faults = #"{"latencyP50": 200, "latencyP99": 500}"#
                plan.settings = [
                    "SALVAGE_BROKER_HEARTBEAT_SECONDS": "2", "SALVAGE_PREFETCH_CASCADE": "100", "SALVAGE_SUSPECT_DELIVERIES": "1000",
                ]
                try await Fleet.with(plan) { fleet in
                    let crm = try await CRM(fleet.link)
                    try await fleet.startWorker()
                    var published = 0
                    func publish() async throws {
                        for number in published..<published + 400 {
                            try await eventually("decline \(number) is published", seconds: 180) {
                                (try? await crm.publish([CRM.decline("B\(number)", token: number % 3 == 0 ? "tok_decline" : "tok_approve")]))
                                    != nil
                            }
                        }
                        published += 400
                    }
                    func logged(_ text: String) -> Int { fleet.workerLog.components(separatedBy: text).count - 1 }

                    try await publish()
                    try await eventually("work is under way") { crm.count > 20 }
                    try await broker.run("kill")
                    try await eventually("the worker has noticed") { logged("The connection to the broker is lost") >= 1 }
                    try await broker.run("start", String(broker.port))
                    try await eventually("all are answered after the kill", seconds: 180) { crm.finals.count == published }

                    // A broker that stands still says nothing and closes nothing; only the heartbeat tells.
                    let lost = logged("The connection to the broker is lost")
                    try await broker.signal(SIGSTOP)
                    try await eventually("the heartbeat has noticed", seconds: 120) {
                        logged("The connection to the broker is lost") > lost
                    }
                    try await broker.signal(SIGCONT)
                    try await publish()
                    try await eventually("all are answered after the stand-still", seconds: 180) { crm.finals.count == published }

                    // Answers that come while the broker takes no publishes wait with their deliveries.
                    try await fleet.setFaults(#"{"latencyP50": 4000, "latencyP99": 8000}"#)
                    try await publish()
                    #expect(try await TestMachine.control(["set_vm_memory_high_watermark", "0.00001"], folder: broker.folder).status == 0)
                    try await eventually("the worker is told to stop publishing", seconds: 120) {
                        logged("The broker takes no publishes") >= 1
                    }
                    #expect(
                        try await TestMachine.control(["set_vm_memory_high_watermark", "absolute", "2GB"], folder: broker.folder).status
                            == 0)
                    try await eventually("all are answered after the blockade", seconds: 180) { crm.finals.count == published }

                    try await expectTheTruth(crm, fleet, declines: published)
                }
                await broker.stop()
            } catch {
                await broker.stop()
                throw error
            }
        }
    }
}
