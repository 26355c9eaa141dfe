package import NIOCore

/// Runs tasks on a lane's event loop: with this as the preferred executor, async functions stay on the loop through every await, and a
/// message never changes threads.
package final class LaneExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
