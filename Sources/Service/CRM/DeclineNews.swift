package import Broker
package import DeclineRecovery

/// What becomes of declines, as the journal and the dead letters have it.
package enum DeclineNews: Sendable {
    case record(JournalRecord)
    case letter(DeadLetter)

    /// Tells of all that is written from now on, and takes nothing. A queue bound to the exchange of the results would be a taker: what nobody
    /// else has a queue for would end there, and not as a letter that says so.
    package static func follow(
        on link: BrokerLink, _ names: TopologyNames, _ tell: @escaping @Sendable (DeclineNews) -> Void
    ) async throws(BrokerError) {
        _ = try await link.read(names.journal, from: .next) { entries in
            for record in entries.compactMap({ JournalRecord.decode($0.body) }) { tell(.record(record)) }
        }
        _ = try await link.read(names.dead, from: .next) { entries in
            for entry in entries where entry.properties.type == DeadLetter.type {
                if case .success(let letter) = DeadLetter.decode(entry.body) { tell(.letter(letter)) }
            }
        }
    }

    /// What the CRM was told by it.
    package var told: ToldResult? {
        switch self {
        case .record(let record): ToldResult(record)
        // Where a recovery is known, the journal says what was told.
        case .letter(let letter): letter.subject.reference == nil ? ToldResult(letter) : nil
        }
    }
}
