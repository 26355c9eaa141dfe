import DeclineRecovery
import Synchronization

/// The proposals of this console, the last hundred.
final class ProposalBook: Sendable {
    private let proposals = Mutex<[Proposal]>([])

    var all: [Proposal] { proposals.withLock { $0 } }

    subscript(_ id: UUID5) -> Proposal? { proposals.withLock { proposals in proposals.first { $0.id == id } } }

    /// - Returns: `false` where a hundred wait already: none of them is forgotten for another.
    func add(_ proposal: Proposal, at now: Moment) -> Bool {
        proposals.withLock { proposals in
            if proposals.count >= 100 {
                guard let ended = proposals.firstIndex(where: { !$0.isWaiting(at: now) }) else { return false }
                proposals.remove(at: ended)
            }
            proposals.append(proposal)
            return true
        }
    }

    /// Ends one that still waits.
    ///
    /// - Returns: the proposal to the one who ended it; `nil` to whoever came later.
    func end(_ id: UUID5, _ end: Proposal.End, at now: Moment) -> Proposal? {
        proposals.withLock { proposals in
            guard let index = proposals.firstIndex(where: { $0.id == id }), proposals[index].isWaiting(at: now) else { return nil }
            proposals[index].finish(end)
            return proposals[index]
        }
    }

    /// Has one wait again that was approved and could not begin.
    ///
    /// - Returns: `false` where it is not known any more.
    func hold(_ id: UUID5, _ why: String, approvedBy who: String, at now: Moment) -> Bool {
        proposals.withLock { proposals in
            guard let index = proposals.firstIndex(where: { $0.id == id }) else { return false }
            proposals[index].hold(why, approvedBy: who, at: now)
            return true
        }
    }
}
