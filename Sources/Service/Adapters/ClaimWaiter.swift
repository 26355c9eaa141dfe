import DeclineRecovery
import Synchronization

/// One who waits for a claim to be read back, and the one answer.
final class ClaimWaiter: Sendable {
    let record: ClaimRecord
    let until: ContinuousClock.Instant

    init(_ record: ClaimRecord, until: ContinuousClock.Instant) {
        self.record = record
        self.until = until
    }

    /// Who waits is resumed once, for from then on it is answered. Unchecked, for a check of that asks for memory with every claim.
    private enum State {
        case idle
        case waiting(UnsafeContinuation<ClaimVerdict<Int64>?, Never>)
        case answered(ClaimVerdict<Int64>?)
    }

    private let state = Mutex(State.idle)

    func answer(_ verdict: ClaimVerdict<Int64>?) {
        let continuation: UnsafeContinuation<ClaimVerdict<Int64>?, Never>? = state.withLock { state in
            defer { if case .answered = state {} else { state = .answered(verdict) } }
            return if case .waiting(let continuation) = state { continuation } else { nil }
        }
        continuation?.resume(returning: verdict)
    }

    func wait() async -> ClaimVerdict<Int64>? {
        await withUnsafeContinuation { continuation in
            let answer: ClaimVerdict<Int64>?? = state.withLock { state in
                if case .answered(let verdict) = state { return .some(verdict) }
                state = .waiting(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
