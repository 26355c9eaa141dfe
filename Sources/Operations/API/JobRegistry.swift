import DeclineRecovery
import Synchronization

/// The jobs that were begun in this console, the last hundred of them.
final class JobRegistry: Sendable {
    /// Of this console too, and not begun.
    let proposals = ProposalBook()
    private let jobs = Mutex<[LetterJob]>([])

    var all: [LetterJob] { jobs.withLock { $0 } }

    subscript(_ id: UUID5) -> LetterJob? { jobs.withLock { jobs in jobs.last { $0.id == id } } }

    /// Puts an approved correction that could not begin back among the proposals.
    func hold(_ job: LetterJob, approvedBy who: String, at now: Moment) {
        guard proposals.hold(job.id, job.progress.message, approvedBy: who, at: now) else { return }
        jobs.withLock { jobs in jobs.removeAll { $0.id == job.id } }
    }

    /// A run that is taken up again stands in the place of its beginning.
    func add(_ job: LetterJob) {
        jobs.withLock { jobs in
            jobs.removeAll { $0.id == job.id }
            if jobs.count >= 100, let index = jobs.firstIndex(where: { $0.progress.state.isOver }) { jobs.remove(at: index) }
            jobs.append(job)
        }
    }
}
