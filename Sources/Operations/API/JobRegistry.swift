import DeclineRecovery
import Synchronization

/// The jobs that were begun in this console, the last hundred of them.
final class JobRegistry: Sendable {
    /// Of this console too, and not begun.
    let proposals = ProposalBook()
    private let jobs = Mutex<[LetterJob]>([])

    var all: [LetterJob] { jobs.withLock { $0 } }

    subscript(_ id: UUID5) -> LetterJob? { jobs.withLock { jobs in jobs.last { $0.id == id } } }

    /// Puts an approved correction that could not begin back among the proposals, unless somebody has stopped it.
    ///
    /// All at once: who approves it anew, or stops it, comes before or behind.
    func hold(_ job: LetterJob, approvedBy who: String, at now: Moment) {
        jobs.withLock { jobs in
            guard jobs.contains(where: { $0 === job }), job.couldNotBegin,
                proposals.hold(job.id, job.progress.message, approvedBy: who, at: now)
            else { return }
            jobs.removeAll { $0 === job }
        }
    }

    /// - Returns: the job that stops now; `nil` where none is known.
    func stop(_ id: UUID5) -> LetterJob? {
        jobs.withLock { jobs in
            let job = jobs.last { $0.id == id }
            job?.stop()
            return job
        }
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
