import Synchronization

/// Lets so many do something at a time, so many wait for their turn, and tells the rest at once that there is no room.
final class WorkGate: Sendable {
    private struct State {
        var running = 0
        var waiting: [(id: UInt64, turn: CheckedContinuation<Bool, Never>)] = []
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())
    private let running: Int
    private let waiting: Int
    private let patience: Duration

    /// - Parameter patience: how long one waits for its turn.
    init(running: Int, waiting: Int, patience: Duration) {
        self.running = running
        self.waiting = waiting
        self.patience = patience
    }

    /// `nil` when there is no room.
    func run<Result: Sendable>(_ work: () async -> Result) async -> Result? {
        guard await enter() else { return nil }
        defer { leave() }
        return await work()
    }

    private enum Admission {
        case admitted, full
        case queued(UInt64)
    }

    private func enter() async -> Bool {
        await withCheckedContinuation { turn in
            let admission: Admission = state.withLock { state in
                if state.running < running {
                    state.running += 1
                    return .admitted
                }
                if state.waiting.count >= waiting { return .full }
                state.lastID += 1
                state.waiting.append((state.lastID, turn))
                return .queued(state.lastID)
            }
            switch admission {
            case .admitted: turn.resume(returning: true)
            case .full: turn.resume(returning: false)
            case .queued(let id):
                Task { [self, patience] in
                    try? await Task.sleep(for: patience)
                    giveUp(id)
                }
            }
        }
    }

    private func giveUp(_ id: UInt64) {
        let turn = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).turn }
        }
        turn?.resume(returning: false)
    }

    private func leave() {
        // Whoever is next takes the place over.
        let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
            if state.waiting.isEmpty {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst().turn
        }
        next?.resume(returning: true)
    }
}
