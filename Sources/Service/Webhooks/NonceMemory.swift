import DeclineRecovery
import Synchronization

/// The nonces of the webhooks that were taken, for as long as their date would let them be taken again (behaviour.md §8).
///
/// Each process remembers its own: a copy that another one takes leads to the same result with the same id.
final class NonceMemory: Sendable {
    private struct State {
        var current: Set<String> = []
        var previous: Set<String> = []
        var turnedAt = Moment(milliseconds: 0)
    }

    private let state = Mutex(State())
    private let window: Moment.Span
    private let most: Int

    /// - Parameter window: at least as long as a date is accepted, both ways together.
    /// - Parameter most: beyond this many in half a window the older half is forgotten; a flood must not take all memory.
    init(window: Moment.Span = .minutes(11), most: Int = 200_000) {
        self.window = window
        self.most = most
    }

    func contains(_ nonce: String) -> Bool { state.withLock { $0.current.contains(nonce) || $0.previous.contains(nonce) } }

    func insert(_ nonce: String, now: Moment) {
        state.withLock { state in
            if now - state.turnedAt > window || state.current.count >= most {
                state.previous = state.current
                state.current = []
                state.turnedAt = now
            }
            state.current.insert(nonce)
        }
    }
}
