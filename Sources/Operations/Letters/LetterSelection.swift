package import DeclineRecovery

/// Which letters an order is about.
package enum LetterSelection: Sendable, Equatable {
    case letters([UUID5])
    case filter(LetterFilter)
    /// A run of replays that its process did not finish.
    case unfinished(run: UUID5)

    var isNew: Bool { if case .unfinished = self { false } else { true } }
}

extension LetterStore {
    /// The letters that are meant, each once; of a filter the newest first.
    func letters(of selection: LetterSelection) async throws(BrokerFailure) -> [LetterSummary] {
        switch selection {
        case .letters(let ids):
            look { book in
                var seen: Set<UUID5> = []
                return ids.filter { seen.insert($0).inserted }.compactMap { book[$0] }
            }
        case .filter(let filter): try await select(filter)
        case .unfinished(let run): look { book in book.runs[run]?.letters.compactMap { book[$0] } ?? [] }
        }
    }
}
