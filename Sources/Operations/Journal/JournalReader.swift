package import DeclineRecovery
import Synchronization

/// Reads the journal's stream, which takes nothing away.
package enum JournalReader {
    /// The records of decided declines, the oldest first: each decline once, however often its event came.
    package static func readDeclines(since: Moment, in journal: any MessageStream) async throws(BrokerFailure) -> [JournalRecord] {
        let found = Mutex<[String: JournalRecord]>([:])
        let part = Array("\"decline\":{".utf8)
        try await journal.readToEnd(from: .time(since)) { entries in
            for entry in entries where entry.body.containsIgnoringCase(part) {
                guard let record = JournalRecord.decode(entry.body), record.decline != nil, record.at >= since else { continue }
                found.withLock { $0[record.reference.text] = record }
            }
        }
        return found.withLock { Array($0.values) }.sorted { $0.at < $1.at }
    }
}
