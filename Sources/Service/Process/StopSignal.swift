import Synchronization

/// The order to stop: set once, waited for by whoever must know.
final class StopSignal: Sendable {
    private struct State {
        var isSet = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    var isSet: Bool { state.withLock { $0.isSet } }

    func set() {
        let waiting = state.withLock { state in
            state.isSet = true
            defer { state.waiting = [:] }
            return state.waiting.values.map { $0 }
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async { await wait(atMost: nil) }

    func wait(atMost span: Duration?) async {
        let number = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        let timer = span.map { span in
            Task {
                try? await Task.sleep(for: span)
                release(number)
            }
        }
        await withCheckedContinuation { continuation in
            let isSet = state.withLock { state in
                if !state.isSet { state.waiting[number] = continuation }
                return state.isSet
            }
            if isSet { continuation.resume() }
        }
        timer?.cancel()
    }

    /// Does something until it is done or this is set; what is under way then goes on, and nobody waits for it.
    ///
    /// - Returns: what came of it; `nil` where this was set first.
    func unlessSet<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value? {
        let found = Mutex<Value?>(nil)
        let done = StopSignal()
        Task {
            let value = await work()
            found.withLock { $0 = value }
            done.set()
        }
        while !isSet, !done.isSet { await done.wait(atMost: .milliseconds(200)) }
        return found.withLock { $0 }
    }

    private func release(_ number: Int) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
    }
}
