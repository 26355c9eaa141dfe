import Broker
import FleetSupport
import Foundation
import Synchronization
import TestSupport
import Testing

/// Bad input of any kind ends in a rejected result or in a dead letter with a reason, and the worker lives.
@Suite struct RubbishTests {
    struct Rubbish: Sendable, CustomTestStringConvertible {
        let name: String
        let body: [UInt8]
        let reason: String
        /// Whether the event could be answered.
        var isAnswered = false
        var testDescription: String { name }
    }

    static let all: [Rubbish] = [
        Rubbish(name: "nothing at all", body: [], reason: "unreadable"),
        Rubbish(name: "malformed", body: Array(#"{"specversion":"1.0","id":"#.utf8), reason: "unreadable"),
        Rubbish(
            name: "oversized", body: Array(("{\"id\":\"big\",\"x\":\"" + String(repeating: "x", count: 300_000) + "\"}").utf8),
            reason: "unreadable"),
        Rubbish(
            name: "wrong version",
            body: Array(#"{"specversion":"1.0","id":"v9","source":"crm","type":"com.salvage.decline.v9","data":{}}"#.utf8),
            reason: "invalid_event", isAnswered: true),
        Rubbish(
            name: "deeply nested", body: Array((String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)).utf8),
            reason: "unreadable"),
        Rubbish(name: "not UTF-8", body: Array(#"{"id":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8), reason: "unreadable"),
        Rubbish(name: "binary", body: (0..<2_000).map { UInt8(truncatingIfNeeded: $0 &* 167) }, reason: "unreadable"),
        Rubbish(name: "a list", body: Array("[1,2,3]".utf8), reason: "invalid_event"),
        Rubbish(name: "a name twice", body: Array(#"{"id":"a","id":"b"}"#.utf8), reason: "unreadable"),
        Rubbish(
            name: "fields missing",
            body: Array(
                #"{"specversion":"1.0","id":"few","source":"crm","type":"com.salvage.decline.v1","time":"yesterday","data":{"merchantId":"acme"}}"#
                    .utf8),
            reason: "invalid_event", isAnswered: true),
        Rubbish(name: "nobody's merchant", body: CRM.decline("NOBODY", merchant: "nobody"), reason: "unknown_merchant", isAnswered: true),
        Rubbish(
            name: "an encrypted card",
            body: Array(
                String(decoding: CRM.decline("SEALED"), as: UTF8.self)
                    .replacing("\"token\":\"tok_approve.SEALED\"", with: "\"encryptedCard\":\"eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.QQ.QQ.QQ.QQ\"")
                    .utf8), reason: "no_card_key", isAnswered: true),
        Rubbish(
            name: "no encrypted card",
            body: Array(
                String(decoding: CRM.decline("UNSEALED"), as: UTF8.self)
                    .replacing("\"token\":\"tok_approve.UNSEALED\"", with: "\"encryptedCard\":\"$SEALED\"")
                    .utf8), reason: "card_unusable", isAnswered: true),
    ]

    @Test(.timeLimit(.minutes(10)))
    func everyKindOfRubbishIsKeptWithItsReason() async throws {
        try await Fleet.with { fleet in
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let letters = try await DeadLetters(fleet.link)
            try await crm.publish(Self.all.map(\.body))
            try await crm.publish([CRM.decline("AFTERWARDS")])
            try await eventually("the decline behind the rubbish is answered") { crm.result(of: "AFTERWARDS") != nil }
            try await eventually("each has its letter") { letters.all.count >= Self.all.count }
            #expect(letters.all.map(\.reason).sorted() == Self.all.map(\.reason).sorted())
            try await eventually("each that names itself is told") {
                crm.results.filter { $0.kind == "rejected" }.count == Self.all.count { $0.isAnswered }
            }
            #expect(crm.result(of: "AFTERWARDS")?.kind == "approved")
            #expect(
                crm.results.first { $0.id.hasPrefix("event:few/rejected") }.map {
                    String(decoding: $0.body, as: UTF8.self).contains("$.data.order")
                } == true)
            #expect(!worker.hasEnded)
            try await letters.validate()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func rubbishOnTheWorkQueueIsKeptAndANewerEnvelopeWaits() async throws {
        try await Fleet.with { fleet in
            try await fleet.startWorker()
            let letters = try await DeadLetters(fleet.link)
            let newer = Array(#"{"specversion":"1.0","id":"x","source":"salvage","type":"com.salvage.recovery.work.v2","data":{}}"#.utf8)
            try await fleet.link.publish([
                OutgoingMessage(exchange: "recovery.work", routingKey: "cascade", body: [0xFF, 0x00]),
                OutgoingMessage(exchange: "recovery.work", routingKey: "cascade", body: newer),
            ])
            try await eventually("the rubbish is a letter") { letters.all.map(\.reason) == ["unexpected_type"] }
            // 30 s are 11110 in binary: it waits on the rung of sixteen seconds first.
            try await eventually("the newer envelope waits on the ladder") { try await fleet.link.readyCount(of: "recovery.delay.04") == 1 }
            #expect(try await fleet.link.readyCount(of: "recovery.cascade") == 0)
        }
    }
}

/// The dead letters of a fleet, as they come.
final class DeadLetters: Sendable {
    struct Letter: Sendable {
        let reason: String
        let body: [UInt8]
    }

    private let letters = Mutex<[Letter]>([])

    init(_ link: BrokerLink) async throws {
        _ = try await link.read("recovery.dead", from: .first) { [self] entries in
            for entry in entries {
                let event = try? JSONSerialization.jsonObject(with: Data(entry.body)) as? [String: Any]
                let reason = (event?["data"] as? [String: Any])?["reason"] as? String ?? "(none)"
                letters.withLock { $0.append(Letter(reason: reason, body: entry.body)) }
            }
        }
    }

    var all: [Letter] { letters.withLock { $0 } }

    /// Checks each letter against its schema.
    func validate() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "letters-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(all.flatMap { $0.body + [0x0A] }).write(to: file)
        let outcome = try await ChildProcess.run(
            TestMachine.repository.appending(path: "deploy/local/validate-schemas").path, ["dead-letter"], input: file)
        #expect(outcome.status == 0, "\(outcome.error)")
    }
}
