package import DeclineRecovery
import Synchronization

extension MoneyBook {
    /// The journal's money: all that is needed to answer for a time that begins on a day. From the newest roll-up and what was journaled since
    /// where that knows so much, else from the records of the time. Fails where the broker does not say whether there is one: without it the
    /// figures may be smaller.
    package static func read(from day: Int64, in broker: any OperatorBroker, now: Moment) async throws(BrokerFailure) -> MoneyBook {
        if let (book, place) = try await RollupShelf(stream: broker.rollups).newest(), book.money.covers(day),
            let whole = try await book.money.goingOn(behind: place, in: broker.journal, now: now)
        {
            return whole
        }
        let book = Mutex(MoneyBook())
        try await broker.journal.readToEnd(from: .time(Moment(day: day - MoneyReport.before))) { entries in
            let records = entries.compactMap { JournalRecord.decode($0.body) }
            book.withLock { book in for record in records { book.take(record, now: now) } }
        }
        return book.withLock { $0 }
    }

    /// With what stands behind a place; `nil` where it is not of this journal.
    private func goingOn(behind place: JournalRollup.Place, in journal: any MessageStream, now: Moment) async throws(BrokerFailure)
        -> MoneyBook?
    {
        guard let end = try await journal.lastOffset(), end >= place.offset else { return nil }
        let state = Mutex((book: self, tie: RollupTie(place)))
        try await journal.readToEnd(from: .offset(place.offset)) { entries in
            let records = entries.map { ($0, JournalRecord.decode($0.body)) }
            state.withLock { state in
                for (entry, record) in records where state.tie.admits(entry) {
                    if let record { state.book.take(record, now: now) }
                }
            }
        }
        return state.withLock { $0.tie.isHeld ? $0.book : nil }
    }
}
