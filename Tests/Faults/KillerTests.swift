import Broker
import FleetSupport
import Foundation
import Synchronization
import TestSupport
import Testing

extension Breakages {
    /// One message ends every worker that takes it. It ends alone, and those who were in work beside it are answered.
    @Suite struct KillerTests {
        @Test(.timeLimit(.minutes(10)))
        func whatEndsItsWorkersBecomesOneLetterAndTheInnocentAreAnswered() async throws {
            var plan = Fleet.Plan()
            plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 600)
            plan.faults = #"{"latencyP50": 150, "latencyP99": 400, "timeoutSeconds": 300}"#
            // A heartbeat that a slow machine misses would be one more end of its worker.
            plan.settings = ["SALVAGE_FLEXFACTOR_CALL_SECONDS": "120", "SALVAGE_BROKER_HEARTBEAT_SECONDS": "60"]
            try await Fleet.with(plan) { fleet in
                let crm = try await CRM(fleet.link)
                let letters = try await Letters(fleet.link)
                func hung() async throws -> Int {
                    let data = try await fleet.http("GET", "/sandbox/hung")
                    return (try JSONSerialization.jsonObject(with: data) as? [String: Int])?["count"] ?? 0
                }
                var innocents = 0
                func publishInnocents(_ count: Int) async throws {
                    let tokens = ["tok_approve", "tok_decline", "tok_capture"]
                    try await crm.publish((innocents..<innocents + count).map { CRM.decline("I\($0)", token: tokens[$0 % tokens.count]) })
                    innocents += count
                }

                var worker = try await fleet.startWorker()
                try await crm.publish([CRM.decline("KILLER", token: "tok_hang")])
                try await publishInnocents(30)
                var kills = 0
                var calls = 0
                while kills < 12 {
                    try await eventually("a worker holds the killer, or has given it up", seconds: 180) {
                        if !letters.all.isEmpty { return true }
                        return try await hung() > calls
                    }
                    if !letters.all.isEmpty { break }
                    calls = try await hung()
                    try await publishInnocents(5)
                    await worker.end(SIGKILL)
                    kills += 1
                    worker = try await fleet.startWorker()
                }
                // Three times among others, three times alone.
                #expect(kills == 6)
                try await eventually("the innocent are answered", seconds: 180) { crm.finals.count == innocents }
                try await eventually("nothing is left over", seconds: 90) { try await fleet.isIdle() }
                #expect(await worker.end(SIGTERM) == 0)
                #expect(try await fleet.isIdle())

                try await expectTheTruth(crm, fleet, declines: innocents)
                #expect(crm.result(of: "KILLER") == nil)
                #expect(letters.all.count == 1)
                let letter = try #require(letters.all.first)
                #expect(letter["reason"] as? String == "crashes_workers")
                #expect(letter["replayable"] as? Bool == false)
                #expect(letter["stage"] as? String == "cascade")
                #expect(letter["recoveryReference"] as? String == CRM.reference("KILLER-S0"))
                let original = try #require(letter["original"] as? [String: Any])
                #expect(original["exchange"] as? String == "recovery.work")
                #expect(original["routingKey"] as? String == "cascade")
                #expect(original["deliveries"] as? Int == 6)
                #expect((original["body"] as? String)?.contains("tok_hang") == false)
                #expect(fleet.workerLog.contains("Set aside to be tried alone"))
                print("\(kills) workers ended, \(innocents) innocent declines answered, reasons \(crm.reasons)")
            }
        }
    }
}

/// The data of each dead letter, as they come.
private final class Letters: Sendable {
    private let bodies = Mutex<[[UInt8]]>([])

    init(_ link: BrokerLink) async throws {
        _ = try await link.read("recovery.dead", from: .first) { [self] entries in
            bodies.withLock { bodies in bodies += entries.map(\.body) }
        }
    }

    var all: [[String: Any]] {
        bodies.withLock { $0 }.map { body in
            (try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])?["data"] as? [String: Any] ?? [:]
        }
    }
}
