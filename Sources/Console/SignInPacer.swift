import Synchronization

/// Answers wrong tokens ever later, each source by itself, so that guessing costs who guesses and nobody else. A right token never comes here: behind
/// a proxy everybody is one source, and one script with an old token would keep all people out.
///
/// A source is an address; of IPv6 the network that one customer gets. While more wrong tokens of it wait for their answers than a person
/// could send, the next is answered at once that it is too much: what waits takes room.
final class SignInPacer: Sendable {
    private struct Source {
        var wrong = 0
        var waiting = 0
        var lastWrong: ContinuousClock.Instant
    }

    private struct State {
        var sources: [String: Source] = [:]
        var told: (at: ContinuousClock.Instant, count: Int)?
        var untold = 0
    }

    private let state = Mutex(State())
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (Duration) async -> Void
    /// Wrong tokens that may wait at a time.
    static let mostWaiting = 8
    /// Sources that are told apart.
    static let mostSources = 1_000
    /// So long without a wrong token, and a source is forgotten.
    private static let memory = Duration.seconds(300)

    init(
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) {
        self.clock = clock
        self.sleep = sleep
    }

    /// The first two mistakes cost nothing, each further one more, up to two seconds.
    static func pause(after wrong: Int) -> Duration { wrong <= 2 ? .zero : .milliseconds(min(125 << min(wrong - 2, 4), 2_000)) }

    /// Waits as long as the source has to wait for its next answer.
    ///
    /// - Returns: whether it waited; `false` at once where too many do.
    func wait(_ source: String) async -> Bool {
        let now = clock()
        let pause: Duration? = state.withLock { state in
            if state.sources[source]?.waiting ?? 0 >= Self.mostWaiting { return nil }
            if state.sources.count >= Self.mostSources, state.sources[source] == nil {
                state.sources = state.sources.filter { $0.value.waiting > 0 || $0.value.lastWrong + Self.memory > now }
                // A flood of sources: those that have been quiet the longest make room.
                if state.sources.count >= Self.mostSources,
                    let oldest = state.sources.filter({ $0.value.waiting == 0 }).min(by: { $0.value.lastWrong < $1.value.lastWrong })
                {
                    state.sources[oldest.key] = nil
                }
            }
            var known = state.sources[source] ?? Source(lastWrong: now)
            if known.waiting == 0, known.lastWrong + Self.memory < now { known.wrong = 0 }
            known.wrong += 1
            known.waiting += 1
            known.lastWrong = now
            state.sources[source] = known
            return Self.pause(after: known.wrong)
        }
        guard let pause else { return false }
        if pause > .zero { await sleep(pause) }
        state.withLock { $0.sources[source]?.waiting -= 1 }
        return true
    }

    /// How many wrong tokens there were since they were told last; `nil` while it is too early to tell: guessing must not fill the log.
    func noteRefusal() -> Int? {
        let now = clock()
        return state.withLock { state in
            state.untold += 1
            guard state.told.map({ $0.at + .seconds(10) < now }) ?? true else { return nil }
            defer { state.untold = 0 }
            state.told = (now, state.untold)
            return state.untold
        }
    }

    /// The address itself, or of IPv6 its first 64 bits.
    static func source(_ address: String) -> String {
        guard address.contains(":"), !address.contains(".") else { return address }
        let halves = address.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        let head = halves[0].split(separator: ":")
        guard halves.count == 2 else { return head.prefix(4).joined(separator: ":") + "::" }
        let tail = halves[1].split(separator: ":")
        let whole = head + Array(repeating: "0", count: max(8 - head.count - tail.count, 0)) + tail
        return whole.prefix(4).joined(separator: ":") + "::"
    }
}
