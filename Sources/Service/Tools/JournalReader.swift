public import Broker
public import DeclineRecovery
import FoundationEssentials
import Synchronization

/// Reads the journal's stream, which takes nothing away.
public enum JournalReader {
    /// The records of one order or recovery, the oldest first.
    ///
    /// - Parameter days: how far back the reading begins.
    public static func read(_ wanted: String, days: Int, names: TopologyNames, on link: BrokerLink) async throws -> [JournalRecord] {
        let found = Mutex<[JournalRecord]>([])
        let end = StopSignal()
        let probe = RecoveryReference(orderID: UUID().uuidString, kind: .rerun, sequence: 0)
        let consumer = try await link.consume(names.journal, prefetch: 2_000, arguments: ["x-stream-offset": .string("\(days)D")]) { batch in
            for delivery in batch {
                if let record = JournalRecord.decode(delivery.body) {
                    if record.reference == probe { end.set() }
                    if record.reference.text == wanted || record.reference.orderID == wanted { found.withLock { $0.append(record) } }
                }
            }
            for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
        }
        // A record of our own marks the end of what was there.
        let mark = JournalRecord(
            at: SystemClock().now(), stage: .intake, merchantID: nil, reference: probe, gatewayID: nil, fate: "ignored", detail: "a reader's mark",
            attempts: 0, workerID: "salvage trace")
        try await link.publish([
            Broker.OutgoingMessage(exchange: names.journal, routingKey: "", properties: MessageProperties(messageID: mark.id, type: JournalRecord.type), body: mark.encoded())
        ])
        await end.wait()
        await consumer.cancel()
        return found.withLock { $0 }.sorted { $0.at < $1.at }
    }
}
