package import NIOCore
import Synchronization

/// Runs tasks on a lane's event loop: with this as the preferred executor, async functions stay on the loop through every await, and a
/// message never changes threads.
package final class LaneExecutor: TaskExecutor {
    private let eventLoop: any EventLoop
    private let jobs: Jobs
    /// Runs the job that waits longest. Made once, for the loop is given it at every end of a wait of every message.
    private let runNext: @Sendable () -> Void

    /// What the loop was given to run, in its order. Each job has its executor with it, which must live as long.
    private final class Jobs: Sendable {
        private struct Waiting: Sendable {
            let job: UnownedJob
            let executor: LaneExecutor
        }

        private let waiting = Mutex<CircularBuffer<Waiting>>([])

        func append(_ job: UnownedJob, of executor: LaneExecutor) {
            waiting.withLock { $0.append(Waiting(job: job, executor: executor)) }
        }

        func runNext() {
            guard let next = waiting.withLock({ $0.popFirst() }) else { return }
            next.job.runSynchronously(on: next.executor.asUnownedTaskExecutor())
        }
    }

    package init(_ eventLoop: any EventLoop) {
        let jobs = Jobs()
        self.eventLoop = eventLoop
        self.jobs = jobs
        runNext = { jobs.runNext() }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        jobs.append(UnownedJob(job), of: self)
        eventLoop.execute(runNext)
    }
}
