package import DeclineRecovery
import Synchronization

extension MoneyBook {
    /// The journal's money, read from the stream: all that is needed to answer for a time that begins on a day.
    package static func read(from day: Int64, in journal: any MessageStream) async throws(BrokerFailure) -> MoneyBook {
        let book = Mutex(MoneyBook())
        try await journal.readToEnd(from: .time(Moment(milliseconds: (day - MoneyReport.before) * 86_400_000))) { entries in
            let records = entries.compactMap { JournalRecord.decode($0.body) }
            book.withLock { book in for record in records { book.take(record) } }
        }
        return book.withLock { $0 }
    }
}
