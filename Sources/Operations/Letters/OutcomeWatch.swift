import DeclineRecovery
import Synchronization

/// Watches the journal for what becomes of replayed messages, which are known by their traces.
final class OutcomeWatch: Sendable {
    enum Outcome: Sendable, Equatable {
        /// The message was processed to an end; what came of it.
        case processed(String)
        case underWay(String)
    }

    private let letters: [UUID5: UUID5]
    private let outcomes = Mutex<[UUID5: Outcome]>([:])
    private let reading = Mutex<(any StreamFollower)?>(nil)

    /// - Parameter letters: by the trace of their replay.
    init(run: UUID5, letters: [UUID5]) {
        self.letters = Dictionary(letters.map { (ReplayTrace.id(run: run, letter: $0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter since: a run that began then is looked back on, and is known up to now when this returns; `nil` for one that begins.
    func begin(_ journal: any MessageStream, since: Moment?) async throws(BrokerFailure) {
        // Clocks differ a little.
        let start = since.map { StreamStart.time($0 + .minutes(-1)) } ?? .next
        let begun = try await journal.follow(from: start) { [self] entries in
            for entry in entries {
                guard let trace = LetterStore.trace(of: entry), let letter = letters[trace], let record = JournalRecord.decode(entry.body)
                else { continue }
                note(Self.outcome(of: record), letter)
            }
        }
        reading.withLock { $0 = begun }
        guard since != nil, let end = try await journal.lastOffset() else { return }
        do throws(BrokerFailure) {
            try await begun.reach(end, patience: 60)
        } catch {
            // Where nothing came of a broker that is there, nothing was journaled since.
            if begun.lastOffset < 0, !Task.isCancelled, (try? await journal.lastOffset()) != nil { return }
            await begun.end()
            throw error
        }
    }

    func end() async { await reading.withLock { $0 }?.end() }

    private func note(_ outcome: Outcome?, _ letter: UUID5) {
        guard let outcome else { return }
        outcomes.withLock { outcomes in
            // What comes after the end, a refund perhaps, is another matter.
            if case .processed? = outcomes[letter] { return }
            outcomes[letter] = outcome
        }
    }

    subscript(_ letter: UUID5) -> Outcome? { outcomes.withLock { $0[letter] } }

    /// Dead letters are told by the book; everything else by the journal.
    private static func outcome(of record: JournalRecord) -> Outcome? {
        switch record.fate {
        case .told: .processed("told \(record.detail)")
        case .ignored: .processed("nothing to do: \(record.detail)")
        case .passed: .underWay("passed on to \(record.detail)")
        case .parked: .underWay("put away" + (record.until.map { " until \($0.rfc3339)" } ?? ""))
        case .deadLettered, .rejected, .foreign: nil
        }
    }
}
