import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// Limits that others set: a publisher's expiration, an operator's policies. None of them ends a decline without a trace.
@Suite struct DrivenOutTests {
    private func policy(_ fleet: Fleet, _ pattern: String, _ definition: String) async throws {
        let set = try await TestMachine.control([
            "set_policy", "-p", fleet.virtualHost, "--apply-to", "queues", "limit", pattern, definition,
        ])
        try #require(set.status == 0, "\(set.error)")
    }

    @Test(.timeLimit(.minutes(10)))
    func aDeclineThatExpiredIsAnsweredAllTheSame() async throws {
        try await Fleet.with { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "declines", routingKey: "decline.initial",
                    properties: MessageProperties(
                        expiration: "1", headers: ["salvage-origin-exchange": "recovery.work", "salvage-due": .integer(.max)]),
                    body: CRM.decline("EXPIRED"))
            ])
            try await eventually("it is out of intake's queue") { try await fleet.link.readyCount(of: "recovery.unrouted") == 1 }
            try await fleet.startWorker()
            try await eventually("the CRM is told") { crm.result(of: "EXPIRED")?.kind == "approved" }
            #expect(fleet.workerLog.contains("a limit had driven it out of its queue"))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aPolicysTimeToLiveOnEveryQueueLosesNothing() async throws {
        try await Fleet.with { fleet in
            let crm = try await CRM(fleet.link)
            try await policy(fleet, "^recovery\\.(intake|cascade|outcomes)$", #"{"message-ttl": 50}"#)
            try await crm.publish((0..<20).map { CRM.decline("LATE\($0)") })
            try await eventually("all are out of intake's queue") { try await fleet.link.readyCount(of: "recovery.unrouted") == 20 }
            // Intake alone: each of its cascades expires as well.
            let intake = try await fleet.startWorker(["SALVAGE_STAGES": "intake,unrouted"])
            try await eventually("they have been round") { fleet.workerLog.contains(#""queue":"recovery.cascade""#) }
            try await fleet.startWorker()
            _ = intake
            try await eventually("each has its one result") { crm.finals.count == 20 }
            #expect(Set(crm.reasons.keys) == ["approved"], "\(crm.reasons)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aPolicysDeliveryLimitLeadsToTheSuspectsAndThenToALetter() async throws {
        try await Fleet.with { fleet in
            try await policy(fleet, "^recovery\\.(intake|suspects)$", #"{"delivery-limit": 1}"#)
            let letters = try await DeadLetters(fleet.link)
            try await fleet.link.publish([OutgoingMessage(exchange: "declines", routingKey: "decline.initial", body: CRM.decline("KILLER"))]
            )
            let worker = try await fleet.startWorker(["SALVAGE_STAGES": "unrouted"])
            // Loses its connection with all that it takes, as a worker that is killed each time would.
            let url = try #require(fleet.commandEnvironment["SALVAGE_BROKER_URL"])
            for queue in ["recovery.intake", "recovery.suspects"] {
                let killed = try await BrokerLink.open(BrokerConfiguration(url: url))
                _ = try await killed.consume(queue, prefetch: 1) { _ in killed.breakConnections() }
                try await eventually("\(queue) is given up") {
                    queue == "recovery.intake" ? fleet.workerLog.contains(#""reason":"delivery_limit""#) : !letters.all.isEmpty
                }
                await killed.close()
            }
            #expect(letters.all.map(\.reason) == ["crashes_workers"])
            _ = worker
        }
    }

    /// What AMQP does not show stands in what the broker's own tool exports.
    @Test(.timeLimit(.minutes(10)))
    func theCheckNamesPoliciesThatWouldDoSuchThings() async throws {
        try await Fleet.with { fleet in
            let file = fleet.folder.appending(path: "definitions.json").path
            func check() async throws -> (status: Int32, output: String, error: String) {
                var left = 10
                while true {
                    let exported = try await TestMachine.control(["export_definitions", "-"])
                    try #require(exported.status == 0, "\(exported.error)")
                    try exported.output.write(toFile: file, atomically: true, encoding: .utf8)
                    let checked = try await fleet.salvage("topology", "check", "--definitions", file)
                    // The tool exports all virtual hosts; while others come and go it can write what is no definitions file.
                    if checked.status != 64 { return checked }
                    left -= 1
                    try #require(left > 0, "\(checked.error): \(exported.output.prefix(300)) ... \(exported.output.suffix(300))")
                }
            }
            #expect(try await check().status == 0)
            try await policy(fleet, "^recovery\\.intake$", #"{"message-ttl": 5000}"#)
            let checked = try await check()
            #expect(checked.status == 1, "\(checked)")
            #expect(checked.output.contains("queue recovery.intake: the policy 'limit' sets message-ttl to 5000"), "\(checked)")
        }
    }

    /// A full queue refuses; it does not forget its oldest.
    @Test(.timeLimit(.minutes(10)))
    func aPolicysLengthLimitRefusesInsteadOfForgetting() async throws {
        try await Fleet.with { fleet in
            try await policy(fleet, "^recovery\\.intake$", #"{"max-length": 3}"#)
            var refused = 0
            for number in 0..<12 {
                do throws(PublishError) {
                    try await fleet.link.publish([
                        OutgoingMessage(exchange: "declines", routingKey: "decline.initial", body: CRM.decline("FULL\(number)"))
                    ])
                } catch .nacked {
                    refused += 1
                }
            }
            #expect(refused > 0)
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker()
            let taken = 12 - refused
            try await eventually("all that was confirmed is answered") { crm.finals.count == taken }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aResultThatExpiredInTheCRMsInboxIsALetter() async throws {
        try await Fleet.with { fleet in
            try await policy(fleet, "^crm\\.results$", #"{"message-ttl": 1}"#)
            let letters = try await DeadLetters(fleet.link)
            try await fleet.startWorker()
            try await fleet.link.publish([OutgoingMessage(exchange: "declines", routingKey: "decline.initial", body: CRM.decline("UNREAD"))]
            )
            try await eventually("it is a letter") { letters.all.map(\.reason) == ["dropped_by_broker"] }
            let letter = String(decoding: letters.all[0].body, as: UTF8.self)
            for part in [#""exchange":"recovery.results""#, #""routingKey":"new_sale.approved""#, "crm.results", #""orderId":"UNREAD""#] {
                #expect(letter.contains(part), "\(part) is not in \(letter)")
            }
            try await letters.validate()
        }
    }
}
