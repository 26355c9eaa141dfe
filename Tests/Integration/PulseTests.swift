import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// What a worker says of itself.
@Suite struct PulseTests {
    @Test(.timeLimit(.minutes(10)))
    func aWorkersPulseComesAndNamesAnOpenCircuit() async throws {
        var plan = Fleet.Plan()
        plan.faults = #"{"outage": true}"#
        try await Fleet.with(plan) { fleet in
            let tap = try await Tap(fleet.link, [("recovery.pulse", "")])
            func pulses() -> [WorkerPulse] { tap.bodies.compactMap { WorkerPulse.decode(Array($0.utf8)) } }
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await eventually("it says what it runs") {
                pulses().contains { $0.stages == Stage.allCases && $0.circuits.map(\.state) == [.closed] }
            }
            try await crm.publish((0..<100).map { CRM.decline("O\($0)") })
            try await eventually("it names the open circuit", seconds: 30) {
                pulses().contains { pulse in
                    guard let circuit = pulse.circuits.first, pulse.circuits.count == 1 else { return false }
                    return circuit.merchantID == "acme" && circuit.gatewayID == "42" && circuit.state == .open && circuit.trouble != nil
                }
            }
            // Since when and why it is open, when it is tried again, and how far the claims are read.
            let troubles = pulses().flatMap(\.circuits).compactMap(\.trouble)
            let trouble = try #require(troubles.first)
            // Not even a token is to be had, of which each failure is as bad as five.
            #expect(trouble.failures.values.reduce(0, +) >= 4 && trouble.failures[trouble.last] != nil && !trouble.words.isEmpty)
            #expect(trouble.triedAt > trouble.since)
            #expect(pulses().contains { $0.claims.map { $0.isCaughtUp && $0.offset >= 0 } ?? false })
            let status = try await fleet.salvage("status", "--json")
            let circuit = try #require(try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any])["circuits"]
            #expect(status.status == 1 && "\(String(describing: circuit))".contains("calls failed"), "\(status.output)")
            #expect(Set(pulses().map(\.workerID)).count == 1)
            #expect(pulses().allSatisfy { $0.inFlight.map(\.stage) == Stage.allCases && $0.startedAt <= $0.at })
            #expect(await worker.end(SIGTERM) == 0)
            try await eventually("it says goodbye") { pulses().last?.isFarewell == true }
            let file = fleet.folder.appending(path: "pulses.ndjson")
            try Data(tap.bodies.map { $0 + "\n" }.joined().utf8).write(to: file)
            let outcome = try await ChildProcess.run(
                TestMachine.repository.appending(path: "deploy/local/validate-schemas").path, ["pulse"], input: file)
            #expect(outcome.status == 0, "\(outcome.error)")
            // Whoever goes without it works as well: the exchange is gone, the payments go on.
            try await fleet.startWorker()
            try await fleet.setFaults(#"{"outage": false}"#)
            try await fleet.link.delete(exchange: "recovery.pulse")
            var tries = 0
            try await eventually("payments go on", seconds: 60) {
                tries += 1
                try await crm.publish([CRM.decline("P\(tries)")])
                try await eventually("P\(tries) is answered") { crm.result(of: "P\(tries)") != nil }
                return crm.result(of: "P\(tries)")?.kind == "approved"
            }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let again = try await Tap(fleet.link, [("recovery.pulse", "")])
            try await eventually("it is heard again", seconds: 30) { !again.bodies.isEmpty }
        }
    }

    /// Nobody knew of it: a fleet of which each worker waited looked like one of none.
    @Test(.timeLimit(.minutes(10)))
    func whoWaitsForAQueueIsHeardOf() async throws {
        try await Fleet.with { fleet in
            let tap = try await Tap(fleet.link, [("recovery.pulse", "")])
            func last() -> WorkerPulse? { tap.bodies.last.flatMap { WorkerPulse.decode(Array($0.utf8)) } }
            try await fleet.link.delete(queue: "recovery.retry")
            try await fleet.startWorker(waits: false)
            try await eventually("it says for what it waits", seconds: 60) {
                last()?.complaints.contains("topology: queue recovery.retry does not exist") == true
            }
            #expect(last()?.idle == Stage.allCases && last()?.served == [])
            let status = try await fleet.salvage("status")
            #expect(status.status == 1 && status.output.contains("The queue recovery.retry does not exist"), "\(status)")
            #expect(!status.output.contains("No worker runs"), "\(status)")
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await eventually("it works", seconds: 60) { last()?.served == Stage.allCases && last()?.complaints.isEmpty == true }
        }
    }

    /// What else there is to say was not said, nor that it is gone, but that the command had failed.
    @Test(.timeLimit(.minutes(10)))
    func aStreamThatIsGoneIsToldWithTheRest() async throws {
        try await Fleet.with { fleet in
            try await fleet.startWorker()
            for stream in ["recovery.pulse", "recovery.dead", "recovery.journal"] {
                try await fleet.link.delete(queue: stream)
                let status = try await fleet.salvage("status", "--json")
                #expect(status.status == 1 && status.output.contains("The queue \(stream) does not exist"), "\(status)")
                #expect(status.output.contains("by which each says how it is"), "\(status)")
            }
        }
    }

    /// Who looks once hears nothing of a worker that is dead.
    @Test(.timeLimit(.minutes(10)))
    func whoIsKilledIsNamedByWhoLooksOnce() async throws {
        try await Fleet.with { fleet in
            let killed = try await fleet.startWorker()
            try await fleet.startWorker()
            await killed.end(SIGKILL)
            try await eventually("it is named", seconds: 60) {
                let status = try await fleet.salvage("status")
                return status.status == 1 && status.output.contains("is silent") && status.output.contains("(silent)")
            }
        }
    }
}
