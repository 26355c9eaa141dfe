import Broker
package import DeclineRecovery
import Foundation
import Synchronization
import Testing

extension DeadLetter {
    /// A letter as a worker would have written it.
    ///
    /// - Parameter age: how long ago it was written. Nobody is asked about a charge while a request of the letter's worker may be under way.
    package static func sample(
        _ reason: DeadLetterReason, stage: Stage = .intake, body: [UInt8], order: String, merchant: MerchantID = "acme",
        messageID: String? = nil,
        explanation: String = "It cannot be processed.", faults: [FieldError] = [], reference: RecoveryReference? = nil,
        gateway: GatewayID? = nil,
        age: Moment.Span = .seconds(0)
    ) -> DeadLetter {
        DeadLetter(
            reason: reason, explanation: explanation, faults: faults, stage: stage,
            subject: Subject(merchantID: merchant, reference: reference, orderID: order, gatewayID: gateway),
            original: Original(
                exchange: stage == .intake ? "declines" : "recovery.work",
                routingKey: stage == .intake ? "decline.recycle" : stage.rawValue,
                redelivered: false, messageID: messageID ?? "message-\(order)", type: nil, contentType: "application/cloudevents+json",
                correlationID: nil,
                replyTo: nil, headers: [], redactedBody: body, originalByteCount: body.count),
            identity: body, worker: Worker(id: "test", host: "test", version: "0"),
            writtenAt: Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000) - age.milliseconds))
    }
}

extension Fleet {
    /// Appends letters to the stream.
    package func write(_ letters: [DeadLetter]) async throws {
        for start in stride(from: 0, to: letters.count, by: 1_000) {
            try await link.publish(
                letters[start..<min(start + 1_000, letters.count)].map { letter in
                    OutgoingMessage(
                        exchange: "recovery.dead", routingKey: "",
                        properties: MessageProperties(
                            contentType: "application/cloudevents+json", messageID: letter.id.description, type: DeadLetter.type),
                        body: letter.encoded())
                })
        }
    }

    /// Notes a run of replays, as a process does that dies before it sends the first message.
    ///
    /// - Returns: the run's id.
    package func select(_ letters: [UUID5], correction: LetterCorrection?) async throws -> UUID5 {
        let run = try #require(UUID5(UUID().uuidString.lowercased()))
        let plan = ReplayPlan(correction: correction, isCanary: false, rate: 50, consent: ReplayConsent(), total: letters.count)
        let record = LetterRecord(
            id: run, at: Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)),
            by: LetterRecord.Operator(name: "test", means: .commandLine), note: "a run that died", act: .selected(letters, run: run, plan))
        try await link.publish([
            OutgoingMessage(
                exchange: "recovery.dead", routingKey: "",
                properties: MessageProperties(
                    contentType: "application/cloudevents+json", messageID: record.id.description, type: LetterRecord.type),
                body: record.encoded())
        ])
        return run
    }

    /// Everything that stands in the stream of letters: type and body.
    package func deadStream() async throws -> [(type: String, body: [UInt8])] {
        let seen = Seen()
        try await link.readToEnd("recovery.dead") { entries in seen.add(entries.map { ($0.properties.type ?? "", $0.body) }) }
        return seen.all
    }

    /// The letters as `salvage dead list --json` shows them.
    package func letters(_ arguments: String...) async throws -> [LetterLine] {
        let listed = try await salvage(["dead", "list", "--json", "--limit", "100000"] + arguments)
        return try listed.output.split(separator: "\n").map { try JSONDecoder().decode(LetterLine.self, from: Data($0.utf8)) }
    }

    package struct LetterLine: Codable, Sendable {
        package let id: String
        package let state: String
        package let reason: String
        package let stage: String
        package let handling: String
        package let orderId: String?
        package let occurrences: Int
        package let successor: String?
        package let outcome: String?
    }
}

private final class Seen: Sendable {
    private let entries = Mutex<[(type: String, body: [UInt8])]>([])

    func add(_ more: [(type: String, body: [UInt8])]) { entries.withLock { $0 += more } }
    var all: [(type: String, body: [UInt8])] { entries.withLock { $0 } }
}
