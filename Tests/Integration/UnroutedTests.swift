import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// What nobody had bound a queue for.
@Suite struct UnroutedTests {
    @Test(.timeLimit(.minutes(10)))
    func aResultThatNobodyTakesIsALetterThatSaysWhereItWasToGo() async throws {
        try await Fleet.with { fleet in
            try await fleet.link.delete(queue: "crm.results")
            let letters = try await DeadLetters(fleet.link)
            try await fleet.startWorker()
            try await fleet.link.publish([OutgoingMessage(exchange: "declines", routingKey: "decline.initial", body: CRM.decline("NOBODY"))]
            )
            // Straight to the alternate exchange, whose name then stands on the delivery.
            try await fleet.link.publish([
                OutgoingMessage(exchange: "recovery.unrouted", routingKey: "recurring.expired", body: Array("not JSON".utf8))
            ])
            try await eventually("both are letters") { letters.all.map(\.reason) == ["unroutable", "unroutable"] }
            let texts = letters.all.map { String(decoding: $0.body, as: UTF8.self) }
            let result = try #require(texts.first { $0.contains("NOBODY") })
            for part in [
                #""stage":"unrouted""#, #""exchange":"recovery.results""#, #""routingKey":"new_sale.approved""#, #""merchantId":"acme""#,
                #""recoveryReference":"\#(CRM.reference("NOBODY-S0"))""#, #""orderId":"NOBODY""#, #""replayable":true"#,
                #""messageId":"\#(CRM.reference("NOBODY-S0"))/approved""#,
                "No queue was bound to the exchange 'recovery.results' for the routing key 'new_sale.approved'.",
            ] {
                #expect(result.contains(part), "\(part) is not in \(result)")
            }
            #expect(texts.contains { $0.contains(#""exchange":"recovery.results""#) && $0.contains(#""routingKey":"recurring.expired""#) })
            #expect(try await fleet.link.readyCount(of: "recovery.unrouted") == 0)
            try await letters.validate()
        }
    }

    /// Straight to its stage it would be charged before its time, again and again.
    @Test(.timeLimit(.minutes(10)))
    func whatTheLadderHasNoQueueForWaitsUntilItHas() async throws {
        try await Fleet.with { fleet in
            let now = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            let entry = DelayLadder.entry(after: .seconds(5_000), to: .retry)
            try await fleet.startWorker(["SALVAGE_STAGES": "unrouted"])
            try await fleet.link.delete(queue: "recovery.delay.12")
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "recovery.delay.12", routingKey: entry.routingKey,
                    properties: MessageProperties(
                        messageID: "PARKED-S0/work", headers: ["salvage-due": .integer((now + entry.delay).milliseconds)]),
                    body: WorkEnvelope.encode(.sample(order: "PARKED", declinedAt: now)))
            ])
            try await eventually("the ladder was tried twice") {
                fleet.workerLog.split(separator: "no queue for its delay").count > 2
            }
            #expect(try await fleet.link.readyCount(of: "recovery.retry") == 0)
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await eventually("it waits as it should") { try await fleet.link.readyCount(of: "recovery.delay.12") == 1 }
            #expect(try await fleet.link.readyCount(of: "recovery.retry") == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aRecoveryOnItsWayWaitsForItsStagesQueueAndIsNoLetter() async throws {
        try await Fleet.with { fleet in
            let crm = try await CRM(fleet.link)
            let letters = try await DeadLetters(fleet.link)
            try await fleet.startWorker(["SALVAGE_STAGES": "intake,unrouted"])
            try await fleet.link.delete(queue: "recovery.cascade")
            try await crm.publish([CRM.decline("LOST")])
            try await eventually("it is held") {
                fleet.workerLog.contains("no queue took a message to exchange '' with key 'recovery.cascade'")
            }
            // The queue alone, without its binding.
            try await fleet.link.declare(Topology(queues: [Queue("recovery.cascade", .quorum, arguments: ["x-delivery-limit": 1_000_000])]))
            try await eventually("it is there") { try await fleet.link.readyCount(of: "recovery.cascade") == 1 }
            try await fleet.startWorker(["SALVAGE_STAGES": "cascade"])
            try await eventually("it goes on as if nothing had been") { crm.result(of: "LOST")?.kind == "approved" }
            #expect(letters.all.isEmpty)
        }
    }
}
