import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// What operators pause, with real processes.
@Suite struct PauseTests {
    @Test(.timeLimit(.minutes(10)))
    func aPauseIsFollowedSurvivesARestartAndEnds() async throws {
        try await Fleet.with { fleet in
            let crm = try await CRM(fleet.link)
            func order(_ arguments: String...) async throws {
                let (status, output, error) = try await fleet.salvage(arguments + ["--why", "charged twice", "--as", "ada"])
                try #require(status == 0, "\(output)\(error)")
            }
            func told(_ id: String) async throws -> String? {
                try await crm.publish([CRM.decline(id)])
                try await eventually("\(id) is told") { crm.result(of: id) != nil }
                return crm.result(of: id)?.reason
            }
            func logged(_ text: String, _ times: Int = 1) async throws {
                try await eventually(text) { fleet.workerLog.components(separatedBy: "\"" + text).count > times }
            }
            let first = try await fleet.startWorker()
            try await order("pause", "--merchant", "acme", "--for", "1h")
            try await logged("Paused: merchant acme")
            #expect(try await told("ONE") == "paused")
            await first.end(SIGTERM)
            // Without the configuration nobody knows that there is no such merchant.
            let typo = try await fleet.salvage(
                ["pause", "--merchant", "emca", "--for", "1s", "--why", "w", "--as", "ada"], environment: ["SALVAGE_CONFIG": ""])
            #expect(typo.status == 0 && typo.error.contains("nobody checked that there is a merchant emca"), "\(typo)")
            try await fleet.startWorker()
            #expect(try await told("TWO") == "paused", "whoever begins knows what is paused")
            #expect(try await fleet.salvage("pauses").output.contains("merchant acme"))
            // The last order counts, and ends by itself.
            try await order("pause", "--merchant", "acme", "--for", "1s")
            try await logged("Goes on after a pause: merchant acme")
            #expect(try await told("THREE") == "approved")

            try await order("pause", "--gateway", "42", "--for", "1h")
            try await logged("Paused: gateway 42 of merchant acme")
            let paused = try await fleet.salvage("status")
            #expect(
                paused.status == 0 && paused.output.contains("All is well") && paused.output.contains("Paused: gateway 42"), "\(paused)")
            // On a stream that was made anew nothing stands, and the worker keeps to what it had read.
            try await fleet.link.delete(queue: "recovery.pauses")
            try #require(try await fleet.salvage("topology", "apply").status == 0)
            #expect(try await fleet.salvage("pauses").output.contains("may heed an older one"))
            #expect(try await fleet.salvage("resume", "--worker", "4111111111111111", "--as", "ada").status == 64)
            let lifted = try await fleet.salvage("resume", "--merchant", "acme", "--gateway", "42", "--as", "ada")
            #expect(lifted.status == 0 && lifted.output.contains("a stream that is no more"), "\(lifted)")
            try await logged("Goes on after a pause: gateway 42 of merchant acme")
            #expect(try await fleet.salvage("resume", "--gateway", "42", "--as", "ada").status == 1)

            try await order("pause", "--stage", "cascade", "--for", "1h")
            try await logged("Paused: stage cascade")
            try await crm.publish([CRM.decline("FOUR")])
            try await eventually("it waits in its queue") { try await fleet.link.readyCount(of: "recovery.cascade") == 1 }
            try await order("resume", "--stage", "cascade")
            try await eventually("it goes on") { crm.result(of: "FOUR")?.reason == "approved" }
            #expect(try await fleet.ledger().count == 2)
            #expect(try await fleet.salvage("pauses").output.contains("Nothing is paused"))
            await fleet.newestWorker?.end(SIGTERM)
            let away = try await fleet.salvage("status", "--json")
            #expect(away.status == 1 && away.output.contains("No worker runs"), "\(away)")

            for refused in [
                ["--merchant", "nobody", "--for", "1h"], ["--merchant", "acme", "--for", "8d"], ["--gateway", "43", "--for", "1h"],
                ["--merchant", "acme"],
            ] {
                #expect(try await fleet.salvage(["pause"] + refused + ["--why", "w", "--as", "ada"]).status == 64, "\(refused)")
            }
        }
    }

    /// A fleet whose topology is of an earlier version works as ever.
    @Test(.timeLimit(.minutes(10)))
    func withoutItsStreamNothingIsPausedAndAllGoesOn() async throws {
        try await Fleet.with { fleet in
            try await fleet.link.delete(queue: "recovery.pauses")
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker()
            #expect(fleet.workerLog.contains("Nothing can be paused"))
            let refused = try await fleet.salvage("pause", "--merchant", "acme", "--for", "1h", "--why", "new keys", "--as", "ada")
            #expect(refused.status == 1 && refused.error.contains("Apply the topology"), "\(refused)")
            let status = try await fleet.salvage("status")
            #expect(
                status.status == 0 && status.output.contains("The stream recovery.pauses does not exist: nothing can be paused"),
                "\(status)")
            try await crm.publish([CRM.decline("ONE")])
            try await eventually("it is told") { crm.result(of: "ONE")?.kind == "approved" }
        }
    }
}
