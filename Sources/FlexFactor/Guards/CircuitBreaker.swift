import DeclineRecovery

/// Keeps a dead FlexFactor from being hammered: after enough failures in a row no call is made for a while, then one is tried.
///
/// A value with the time given in. Only failures that say that FlexFactor is not well count: no connection, no answer, 5xx. Refusals
/// and throttling are answers.
struct CircuitBreaker: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case closed(failures: Int)
        /// No calls until then.
        case open(until: Moment, openings: Int)
        /// One call is out to see whether FlexFactor is back; the others wait until it answers, at most until then.
        case trying(until: Moment, openings: Int)
    }

    private(set) var state = State.closed(failures: 0)
    /// Failures in a row that open the circuit.
    let threshold: Int
    private let firstPause = Moment.Span.seconds(5)
    private let longestPause = Moment.Span.minutes(2)

    init(threshold: Int = 20) {
        self.threshold = threshold
    }

    /// Whether a call may be made now: `nil` when it may, otherwise until when not.
    mutating func refusal(now: Moment) -> Moment? {
        switch state {
        case .closed: return nil
        case .open(let until, let openings), .trying(let until, let openings):
            if now < until { return until }
            // A probe that never reports back must not shut the circuit for ever: after the pause there is another.
            state = .trying(until: now + firstPause, openings: openings)
            return nil
        }
    }

    mutating func succeeded() {
        state = .closed(failures: 0)
    }

    mutating func failed(now: Moment) {
        switch state {
        case .closed(let failures):
            state = failures + 1 >= threshold ? .open(until: now + firstPause, openings: 1) : .closed(failures: failures + 1)
        case .open: break
        case .trying(_, let openings):
            let pause = Swift.min(firstPause.milliseconds << Int64(Swift.min(openings, 10)), longestPause.milliseconds)
            state = .open(until: now + .milliseconds(pause), openings: openings + 1)
        }
    }
}

/// The state of a gateway's circuit, for metrics and health.
package enum CircuitState: Int, Sendable, CaseIterable {
    case closed = 0
    case trying = 1
    case open = 2
}
