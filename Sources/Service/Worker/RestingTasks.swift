import Synchronization

/// The tasks of a stage on one lane that have ended their message and wait for the next.
///
/// A task is made of four pieces of memory, and the frames of its calls of a handful more; both stay its own while it lives. So it does
/// not end with its message, and the next is worked on in memory that is there already. A message is with whoever works on it and never with
/// a task that rests.
final class RestingTasks<Work: Sendable>: Sendable {
    private struct State {
        /// For a task that is about to begin.
        var given: [Work] = []
        var resting: [UnsafeContinuation<Work?, Never>] = []
        var isEnded = false
    }

    /// A rush of messages must not keep its memory for ever: what would be beyond this ends. As many as a lane works on at a time where
    /// messages are quick, or each second one would begin a task.
    private static var most: Int { 256 }

    private let state = Mutex(State())

    /// Gives work to the task that rests for the shortest time; `false` where none does, and one must be begun that takes it.
    func give(_ work: Work) -> Bool {
        let task = state.withLock { state in
            let task = state.resting.popLast()
            if task == nil { state.given.append(work) }
            return task
        }
        // Out of the list it is nobody else's, so it is resumed once.
        task?.resume(returning: work)
        return task != nil
    }

    /// The work of a task that begins, or that comes while it rests; `nil` where it is to end.
    func next() async -> Work? {
        if let work = state.withLock({ $0.given.popLast() }) { return work }
        return await withUnsafeContinuation { task in
            let rests = state.withLock { state in
                if state.isEnded || state.resting.count >= Self.most { return false }
                state.resting.append(task)
                return true
            }
            if !rests { task.resume(returning: nil) }
        }
    }

    /// Ends those that rest, and each that works when it has done so.
    func end() {
        let resting = state.withLock { state in
            state.isEnded = true
            defer { state.resting = [] }
            return state.resting
        }
        for task in resting { task.resume(returning: nil) }
    }
}
