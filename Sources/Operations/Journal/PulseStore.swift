package import DeclineRecovery
import Pipeline
import Synchronization

/// What the workers say of themselves every other second, as this process hears it.
package final class PulseStore: Sendable {
    private struct State {
        var workers: [String: WorkerPulse] = [:]
        /// When each was heard last, by the clock that nobody sets, and how often: their own may be wrong.
        var heard: [String: (at: Moment, words: Int)] = [:]
        var claims = ClaimsRace()
        /// By the clock that nobody sets.
        var listeningSince: Moment?
        /// Whether a worker has said something since then.
        var hasHeard = false
    }

    private let stream: any MessageStream
    private let clock: any OperatorClock
    private let state = Mutex(State())

    init(_ stream: any MessageStream, clock: any OperatorClock) {
        self.stream = stream
        self.clock = clock
    }

    /// Begins to listen to the workers.
    ///
    /// - Parameter recalling: whether what was said in the last five minutes counts as well: who has fallen silent since says nothing more. Nobody is
    ///   known before that is read.
    package func listen(recalling: Bool = false) async throws(BrokerFailure) {
        if recalling {
            let oldest = clock.now() + .minutes(-5)
            try await stream.readToEnd(from: .time(oldest)) { [self] in hear($0, since: oldest) }
        }
        _ = try await stream.follow(from: .next) { [self] in hear($0) }
        let now = clock.uptime
        state.withLock { $0.listeningSince = now }
    }

    /// - Parameter oldest: of what was said before this process listened: what is older does not count.
    private func hear(_ entries: [StreamMessage], since oldest: Moment? = nil) {
        for pulse in entries.compactMap({ WorkerPulse.decode($0.body) }) where oldest.map({ pulse.at >= $0 }) ?? true {
            let now = clock.uptime
            let age = oldest == nil ? 0 : max((clock.now() - pulse.at).milliseconds, 0)
            state.withLock { state in
                state.heard[pulse.workerID] = (now + .milliseconds(-age), (state.heard[pulse.workerID]?.words ?? 0) + 1)
                state.workers[pulse.workerID] = pulse.isFarewell ? nil : pulse
                if oldest == nil {
                    state.claims.take(pulse, now: now)
                    state.hasHeard = state.hasHeard || !pulse.stages.isEmpty
                }
                // Pods come and go under new names.
                for (id, last) in state.heard where now - last.at >= .minutes(5) {
                    state.heard[id] = nil
                    state.workers[id] = nil
                    state.claims.forget(id)
                }
            }
        }
    }

    /// Whether every worker that runs has said so since this process listens; they do every two seconds.
    package var areKnown: Bool {
        let now = clock.uptime
        return state.withLock { state in state.hasHeard || state.listeningSince.map { $0 + .seconds(15) < now } ?? false }
    }

    /// What the workers said last, by host.
    package var pulses: [WorkerPulse] { last { !$0.stages.isEmpty } }

    /// The same of those who take webhooks alone.
    var receivers: [WorkerPulse] { last { $0.stages.isEmpty } }

    private func last(where isMeant: (WorkerPulse) -> Bool) -> [WorkerPulse] {
        state.withLock { state in
            if state.listeningSince == nil { return [] }
            return state.workers.values.filter(isMeant).sorted { ($0.host, $0.workerID) < ($1.host, $1.workerID) }
        }
    }

    /// For how long a process has said nothing, by our own clock; `nil` where it was heard once, and its word alone says when that was.
    func silence(of id: String) -> Moment.Span? {
        let now = clock.uptime
        return state.withLock { state in state.heard[id].flatMap { $0.words > 1 ? now - $0.at : nil } }
    }

    /// How many claims a worker has not read that another has, and for how long it has not.
    func behind(_ worker: String) -> (messages: Int64, lag: Moment.Span) {
        let now = clock.uptime
        return state.withLock { $0.claims.behind(worker, now: now) }
    }
}
