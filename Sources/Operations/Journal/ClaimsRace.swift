import DeclineRecovery

/// How far the workers' reading of the claims is behind, seen from outside: by the one that has read most of them.
///
/// Pulses come at different times, so who is behind for a moment is only later. What counts is for how long one has not reached what another
/// had read before.
struct ClaimsRace: Sendable {
    private var offsets: [String: Int64] = [:]
    private var owed: [String: (offset: Int64, since: Moment)] = [:]

    /// - Parameter now: by the clock that nobody sets.
    mutating func take(_ pulse: WorkerPulse, now: Moment) {
        guard let offset = pulse.claims?.offset else { return forget(pulse.workerID) }
        offsets[pulse.workerID] = offset
        let furthest = offsets.values.max() ?? offset
        // What is beyond all of them stood in a stream that is no more.
        if let debt = owed[pulse.workerID], offset >= debt.offset || debt.offset > furthest { owed[pulse.workerID] = nil }
        if owed[pulse.workerID] == nil, offset < furthest { owed[pulse.workerID] = (furthest, now) }
    }

    mutating func forget(_ worker: String) {
        offsets[worker] = nil
        owed[worker] = nil
    }

    /// How many messages a worker has not read that another has, and for how long it has not.
    func behind(_ worker: String, now: Moment) -> (messages: Int64, lag: Moment.Span) {
        guard let offset = offsets[worker], let debt = owed[worker] else { return (0, .seconds(0)) }
        let furthest = offsets.values.max() ?? offset
        return debt.offset > furthest ? (0, .seconds(0)) : (furthest - offset, max(now - debt.since, .seconds(0)))
    }
}
