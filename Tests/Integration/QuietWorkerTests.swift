import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// One worker of several that an operator has paused, with real processes.
@Suite struct QuietWorkerTests {
    @Test(.timeLimit(.minutes(10)))
    func aWorkerThatIsPausedFinishesWhatItHasAndTheOtherDoesAllElse() async throws {
        var plan = Fleet.Plan()
        let port = try TestMachine.freePort()
        plan.settings["SALVAGE_PREFETCH_CASCADE"] = "4"
        plan.faults = #"{"endpoints":["evaluate"],"latencyP50":300,"latencyP99":300}"#
        try await Fleet.with(plan) { fleet in
            let tap = try await Tap(fleet.link, [("recovery.pulse", ""), ("recovery.journal", ""), ("recovery.pauses", "")])
            func heard<Record>(_ decode: ([UInt8]) -> Record?) -> [Record] { tap.bodies.compactMap { decode(Array($0.utf8)) } }
            func last(_ id: String) -> WorkerPulse? { heard(WorkerPulse.decode).last { $0.workerID == id } }
            let crm = try await CRM(fleet.link)
            func publish(_ family: String, _ count: Int) async throws {
                try await crm.publish((0..<count).map { CRM.decline("\(family)\($0)") })
            }
            func areTold(_ family: String, _ count: Int) -> Bool {
                (0..<count).allSatisfy { crm.result(of: "\(family)\($0)")?.kind == "approved" }
            }
            /// Who has told the results of a family.
            func tellers(_ family: String) -> Set<String> {
                Set(heard(JournalRecord.decode).filter { $0.fate == .told && $0.reference.orderID.hasPrefix(family) }.map(\.workerID))
            }
            let first = try await fleet.startWorker(["SALVAGE_LISTEN": "127.0.0.1:\(port)"])
            let second = try await fleet.startWorker()
            func id(_ worker: ChildProcess) -> String? {
                heard(WorkerPulse.decode).map(\.workerID).first { $0.hasSuffix(" \(worker.id)") }
            }
            try await eventually("both speak") { id(first) != nil && id(second) != nil }
            let (quiet, two) = (try #require(id(first)), try #require(id(second)))

            async let refusing = fleet.salvage("pause", "--worker", "nobody", "--for", "1h", "--why", "w", "--as", "ada")
            async let pausing = fleet.salvage("pause", "--worker", quiet, "--for", "1h", "--why", "its node goes", "--as", "ada")
            var load = 0
            try await eventually("it takes nothing new, whatever comes") {
                if crm.count + 12 >= load, load < 600 {
                    try await crm.publish((load..<load + 6).map { CRM.decline("LOAD\($0)") })
                    load += 6
                }
                return last(quiet)?.quiet?.by == "ada"
            }
            let paused = try await pausing
            #expect(paused.status == 0 && paused.output.contains("Paused: worker \(quiet)") && paused.error == "", "\(paused)")
            try await eventually("it has finished what it had") { last(quiet)?.inFlight.allSatisfy { $0.count == 0 } == true }
            let unknown = try await refusing
            #expect(unknown.status == 1 && unknown.error.contains(quiet) && unknown.error.contains(two), "\(unknown)")

            try await publish("AFTER", 10)
            try await eventually("all are told") { areTold("LOAD", load) && areTold("AFTER", 10) }
            try await eventually("all of it is in the journal") { tellers("AFTER") == [two] && tellers("LOAD").contains(quiet) }
            #expect(try await TestMachine.http("GET", "http://127.0.0.1:\(port)/livez").status == 200)
            let ready = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz")
            #expect(ready.status == 200 && String(decoding: ready.data, as: UTF8.self).contains("takes nothing new"))
            let metrics = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics")
            #expect(String(decoding: metrics.data, as: UTF8.self).contains(#"salvage_paused{kind="worker",stage=""} 1"#))
            let status = try await fleet.salvage("status")
            #expect(
                status.status == 0 && status.output.contains("Paused: worker \(quiet) since") && status.output.contains("(paused)"),
                "\(status)")

            await second.end(SIGTERM)
            #expect(try await fleet.salvage("resume", "--worker", quiet, "--as", "bob").status == 0)
            try await publish("AGAIN", 3)
            try await eventually("it works again") { areTold("AGAIN", 3) }
            try await eventually("it says so") { last(quiet)?.quiet == nil && tellers("AGAIN") == [quiet] }
            #expect(try await fleet.ledger().count == load + 13)
            #expect(try await fleet.isIdle())
            for schema in ["pulse", "pause"] {
                let file = fleet.folder.appending(path: "\(schema).ndjson")
                let lines = tap.bodies.filter { $0.contains(#""type":"com.salvage.\#(schema == "pulse" ? "worker.pulse" : schema).v1""#) }
                try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
                let outcome = try await ChildProcess.run(
                    TestMachine.repository.appending(path: "deploy/local/validate-schemas").path, [schema], input: file)
                #expect(lines.count >= 2 && outcome.status == 0, "\(outcome.error)")
            }
        }
    }
}
