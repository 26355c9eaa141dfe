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

    /// The records of one order or recovery, the oldest first.
    ///
    /// - Parameter since: how far back the reading begins.
    package static func read(_ wanted: String, since: Moment, in journal: any MessageStream) async throws(BrokerFailure) -> [JournalRecord]
    {
        let found = Mutex<[JournalRecord]>([])
        // Most records are somebody else's: their bytes are looked at before they are read.
        let part = wanted.utf8.prefix { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) }.map {
            $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0
        }
        try await journal.readToEnd(from: .time(since)) { entries in
            for entry in entries where entry.body.containsIgnoringCase(part) {
                guard let record = JournalRecord.decode(entry.body) else { continue }
                if record.reference.text == wanted || record.reference.orderID == wanted { found.withLock { $0.append(record) } }
            }
        }
        return found.withLock { $0 }.sorted { $0.at < $1.at }
    }
}
