import Broker
import Synchronization

/// A stage's subscription to its queue, which can rest: a stage that is paused takes nothing, and what it has in hand is finished.
final class StageSubscription: Sendable {
    let runner: StageRunner
    private let subscribe: @Sendable () async throws(BrokerError) -> Consumer
    private let state = Mutex(State())

    private struct State {
        var consumer: Consumer?
        var isClosed = false
    }

    init(_ runner: StageRunner, _ subscribe: @escaping @Sendable () async throws(BrokerError) -> Consumer) {
        self.runner = runner
        self.subscribe = subscribe
    }

    var isResting: Bool { state.withLock { $0.consumer == nil } }

    /// Begins to take, or goes on; nothing where it does, or was closed.
    func begin() async throws(BrokerError) {
        if state.withLock({ $0.consumer != nil || $0.isClosed }) { return }
        let consumer = try await subscribe()
        let isTooLate = state.withLock { state in
            if !state.isClosed { state.consumer = consumer }
            return state.isClosed
        }
        if isTooLate { await consumer.cancel() }
    }

    /// Takes nothing more; what was handed out and has not begun goes back to its queue.
    func rest() async {
        let consumer = state.withLock { state in
            defer { state.consumer = nil }
            return state.consumer
        }
        await consumer?.cancel()
        runner.giveUpWaiting()
    }

    /// Takes nothing more, for good.
    func close() async {
        let consumer = state.withLock { state in
            defer { state = State(consumer: nil, isClosed: true) }
            return state.consumer
        }
        await consumer?.cancel()
    }
}
