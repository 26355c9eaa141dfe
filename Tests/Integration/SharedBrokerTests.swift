import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

/// What stands beside us at the broker, or in the place of what stood there.
@Suite struct SharedBrokerTests {
    /// Each takes its own declines, or every card would be charged by both.
    @Test(.timeLimit(.minutes(10)))
    func twoFleetsOfDifferentPrefixesShareAVirtualHost() async throws {
        try await Fleet.with { fleet in
            let blue = ["SALVAGE_TOPOLOGY_PREFIX": "blue"]
            #expect(try await fleet.salvage(["topology", "apply"], environment: blue).status == 0)
            for environment in [[:], blue] {
                #expect(try await fleet.salvage(["topology", "check"], environment: environment).status == 0)
            }
            try await fleet.startWorker()
            try await fleet.startWorker(blue)
            let crm = try await CRM(fleet.link)
            let other = try await CRM(fleet.link, inbox: "blue.crm.results")
            try await crm.publish([CRM.decline("RED")])
            try await fleet.link.publish([
                OutgoingMessage(exchange: "blue.declines", routingKey: "decline.initial", body: CRM.decline("BLUE"))
            ])
            try await eventually("each is answered") {
                crm.result(of: "RED")?.kind == "approved" && other.result(of: "BLUE")?.kind == "approved"
            }
            #expect(crm.results.map(\.orderID) == ["RED"] && other.results.map(\.orderID) == ["BLUE"])
            #expect(try await fleet.ledger().count == 2)
        }
    }

    /// A message longer than anything that is worked on, which a limit drove out of its queue: its beginning must not pass for the whole.
    @Test(.timeLimit(.minutes(10)))
    func whatIsTooLongToBeSentOnAsAWholeIsALetterThatSaysSo() async throws {
        try await Fleet.with { fleet in
            let letters = try await DeadLetters(fleet.link)
            let body = Array(repeating: UInt8(ascii: " "), count: 3_000_000)
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "declines", routingKey: "decline.initial", properties: MessageProperties(messageID: "long", expiration: "1"),
                    body: body)
            ])
            try await eventually("it is driven out") { try await fleet.link.readyCount(of: "recovery.unrouted") == 1 }
            try await fleet.startWorker()
            try await eventually("it is a letter") { letters.all.map(\.reason) == ["unreadable"] }
            let text = String(decoding: letters.all[0].body, as: UTF8.self)
            for part in [#""exchange":"declines""#, "3000000 bytes", #""bytes":3000000"#] where !text.contains(part) {
                Issue.record("\(part) is not in \(text.prefix(2_000))")
            }
            try await letters.validate()
        }
    }

    /// Whoever deletes a stream and makes it anew leaves no pod deaf.
    @Test(.timeLimit(.minutes(15)))
    func streamsThatAreMadeAnewAreHeardByThePodsThatRun() async throws {
        try await Fleet.with(try .retries(days: 20)) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await publishAndAwait("BEFORE", crm)
            for stream in ["recovery.cancels", "recovery.dead", "recovery.journal"] { try await fleet.link.delete(queue: stream) }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await publishAndAwait("AFTER", crm)
            try await crm.publish([CRM.recycle("STOPPED", token: "tok_managed_expire")], key: "decline.recycle")
            try await eventually("a retry is handed in") { crm.result(of: "STOPPED")?.kind == "submitted" }
            try await crm.publish([CRM.cancel("STOPPED")], key: "command.cancel")
            try await eventually("a command is heard") { crm.results.contains { $0.orderID == "STOPPED" && $0.kind == "cancelled" } }
        }
    }

    /// What was paid stood in the claims: nothing is charged before somebody has decided, neither by the pod that runs nor by one that begins.
    @Test(.timeLimit(.minutes(15)))
    func nothingIsChargedWhereTheClaimsWereMadeAnew() async throws {
        var plan = try Fleet.Plan.retries(days: 20)
        let health = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(health)"
        try await Fleet.with(plan) { fleet in
            func isUnready() async throws -> Bool {
                guard let answer = try? await TestMachine.http("GET", "http://127.0.0.1:\(health)/readyz") else { return false }
                return answer.status == 503 && String(decoding: answer.data, as: UTF8.self).contains("SalvageClaimsBehind")
            }
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            // So that what is remembered of the stream is beyond the end of the new one.
            try await publishAndAwait("BEFORE", crm)
            try await fleet.link.delete(queue: "recovery.claims")
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await crm.publish([CRM.decline("BEFORE2"), CRM.decline("AFTER")])
            try await eventually("it says so") { try await isUnready() }
            // It does not end before its sign is left.
            await worker.end(SIGTERM)
            try await fleet.startWorker(waits: false)
            try await eventually("so does who begins") { try await isUnready() }
            #expect(try await fleet.ledger().count == 5)

            await fleet.stopWorkers()
            try await fleet.link.delete(queue: "recovery.claims.snapshots")
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await fleet.startWorker()
            try await publishAndAwait("DECIDED", crm)
        }
    }

    private func publishAndAwait(_ name: String, _ crm: CRM) async throws {
        let orders = (0..<5).map { "\(name)\($0)" }
        try await crm.publish(orders.map { CRM.decline($0) })
        try await eventually("\(name) are approved") {
            Set(crm.results.filter { $0.kind == "approved" }.map(\.orderID)).isSuperset(of: orders)
        }
    }
}
