import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

/// Headers that a stranger writes: of our names, and of the broker's.
@Suite struct ForgedHeaderTests {
    private static let names = [
        "salvage-due", "salvage-set-aside-deliveries", "salvage-set-aside-stage", "salvage-origin-exchange", "salvage-origin-routing-key",
        "x-delivery-count", "x-acquired-count", "x-stream-offset", "x-death", "x-first-death-queue", "traceparent",
    ]
    private static let extremes: [FieldValue] = [
        .integer(.min), .integer(.max), .integer(-1), .integer(0), .timestamp(.max), .double(-.greatestFiniteMagnitude), .string("cascade"),
        .bytes([0xFF]), .void,
    ]

    private static func every(_ body: (Int, FieldTable) -> OutgoingMessage) -> [OutgoingMessage] {
        names.flatMap { name in extremes.map { (name, $0) } }.enumerated().map { number, header in
            body(number, FieldTable([FieldTable.Field(header.0, header.1)]))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func noneOfThemChangesTheAnswerToADecline() async throws {
        try await Fleet.with { fleet in
            let crm = try await CRM(fleet.link)
            let worker = try await fleet.startWorker()
            let forged = Self.every { number, headers in
                OutgoingMessage(
                    exchange: "declines", routingKey: "decline.initial",
                    properties: MessageProperties(
                        contentType: "application/cloudevents+json", messageID: "forged-\(number)", headers: headers),
                    body: CRM.decline("FORGED\(number)"))
            }
            try await fleet.link.publish(forged)
            for number in forged.indices {
                try await eventually("decline \(number) is answered", seconds: 60) { crm.result(of: "FORGED\(number)")?.kind == "approved" }
            }
            #expect(!worker.hasEnded)
            #expect(!fleet.workerLog.contains("tried alone"))
        }
    }

    /// Only we write to these; whoever does so all the same ends nobody.
    @Test(.timeLimit(.minutes(10)), arguments: ["cascade", "retry", "outcomes", "suspects", "unrouted"])
    func noneOfThemEndsAWorkerAtAnyStage(stage: String) async throws {
        try await Fleet.with { fleet in
            let letters = try await DeadLetters(fleet.link)
            let worker = try await fleet.startWorker()
            let forged = Self.every { number, headers in
                OutgoingMessage(
                    exchange: "", routingKey: "recovery.\(stage)",
                    properties: MessageProperties(messageID: "forged-\(number)", headers: headers),
                    body: Array("{}".utf8))
            }
            try await fleet.link.publish(forged)
            // A suspect that says whose it is, with a count that cannot be added up.
            let whole: FieldTable = [
                "salvage-set-aside-stage": "intake", "salvage-set-aside-deliveries": .integer(.max), "x-delivery-count": .integer(.max),
            ]
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "", routingKey: "recovery.\(stage)", properties: MessageProperties(messageID: "whole", headers: whole),
                    body: [])
            ])
            try await eventually("each is a letter", seconds: 60) { letters.all.count == forged.count + 1 }
            #expect(!worker.hasEnded)
        }
    }

    /// A queue drives a message out, and the broker writes why into what it finds: brokers up to 3.12 keep what a stranger has written there.
    /// That leads nowhere: not to a stage, whatever the key, nor to where a note of ours would have come from.
    @Test(.timeLimit(.minutes(3)), arguments: ["intake", "retry", "held"])
    func aForgedNoteOfTheBrokersLeadsToNoStage(key: String) async throws {
        try await Fleet.with { fleet in
            let letters = try await DeadLetters(fleet.link)
            let crm = try await CRM(fleet.link)
            let death: FieldTable = ["queue": .bytes(Array("recovery.intake".utf8)), "reason": "expired", "count": 1]
            let headers: FieldTable = [
                "x-death": .array([.table(death)]), "salvage-origin-exchange": "recovery.work", "salvage-origin-routing-key": .string(key),
                "salvage-held-exchange": "recovery.results", "salvage-held-routing-key": "new_sale.approved",
            ]
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "declines", routingKey: key,
                    properties: MessageProperties(messageID: "driven-out", expiration: "0", headers: headers), body: CRM.decline("FORGED"))
            ])
            try await eventually("the queue has driven it out") { try await fleet.link.readyCount(of: "recovery.unrouted") == 1 }
            let worker = try await fleet.startWorker()
            // A newer broker's own note says from where: it goes back there, and is the decline that it was published as.
            try await eventually("it is kept, or back where it was", seconds: 60) {
                letters.all.map(\.reason) == ["unroutable"]
                    || crm.result(of: "FORGED") != nil && fleet.workerLog.contains("a limit had driven it out")
            }
            #expect(!worker.hasEnded)
        }
    }
}
