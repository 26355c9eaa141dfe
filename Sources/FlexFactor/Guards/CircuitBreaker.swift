package import DeclineRecovery

/// Keeps a dead FlexFactor from being hammered: after enough failures in a row no call is made for a while, then a few are tried, one after the
/// other. The first that goes well closes it: one that does not says little of a FlexFactor that fails now and then. Only after three is the
/// pause a longer one.
///
/// A value with the time given in. Only failures that say that FlexFactor is not well count: no connection, no answer, 5xx. Refusals
/// and throttling are answers.
struct CircuitBreaker: Sendable, Hashable {
    enum State: Sendable, Hashable {
        case closed(failures: Int)
        /// No calls until then.
        case open(until: Moment, openings: Int, tries: Int = 0)
        /// One call is out to see whether FlexFactor is back; the others wait until it answers, at most until then.
        case trying(until: Moment, openings: Int, tries: Int)
    }

    private(set) var state = State.closed(failures: 0)
    /// When it opened, by the clock on the wall, for people; `nil` while it is closed.
    private(set) var openedAt: Moment?
    /// When somebody last wanted to call, while it is not closed: of who calls nobody it says nothing that it is open still.
    private(set) var askedAt: Moment?
    /// What failed since the last call that went well: how often, by the answer's name.
    private(set) var failures: [String: Int] = [:]
    private(set) var last: Failure?
    /// Failures in a row that open the circuit.
    let threshold: Int
    private static let triesAtOnce = 3
    private let betweenTries = Moment.Span.seconds(1)
    private let firstPause = Moment.Span.seconds(5)
    private let longestPause = Moment.Span.minutes(2)

    /// The answer's name in metrics, and in a sentence.
    struct Failure: Sendable, Hashable {
        let name: String
        let sentence: String
    }

    init(threshold: Int = 20) {
        self.threshold = threshold
    }

    /// Whether a call may be made now: `nil` when it may, otherwise until when not.
    mutating func refusal(now: Moment) -> Moment? {
        switch state {
        case .closed: return nil
        case .open(let until, let openings, let tries), .trying(let until, let openings, let tries):
            askedAt = now
            if now < until { return until }
            // A probe that never reports back must not shut the circuit for ever: after the pause there is another.
            state = .trying(until: now + firstPause, openings: openings, tries: tries + 1)
            return nil
        }
    }

    mutating func succeeded() {
        if case .closed(0) = state { return }
        self = CircuitBreaker(threshold: threshold)
    }

    /// - Parameters:
    ///   - weight: how many failures in a row it is as bad as, at least 1.
    ///   - wall: the time for people.
    mutating func failed(_ failure: Failure, weight: Int = 1, now: Moment, at wall: Moment) {
        failures[failure.name, default: 0] += 1
        last = failure
        switch state {
        case .closed(let failures):
            let isEnough = failures + weight >= threshold
            if isEnough { (openedAt, askedAt) = (wall, now) }
            state = isEnough ? .open(until: now + firstPause, openings: 1) : .closed(failures: failures + weight)
        case .open: break
        case .trying(_, let openings, let tries) where tries < Self.triesAtOnce:
            state = .open(until: now + betweenTries, openings: openings, tries: tries)
        case .trying(_, let openings, _):
            let pause = Swift.min(firstPause.milliseconds << Int64(Swift.min(openings, 10)), longestPause.milliseconds)
            state = .open(until: now + .milliseconds(pause), openings: openings + 1)
        }
    }
}

/// How a gateway's circuit stands, for whoever watches: since when and why it is not closed, and when it is tried again.
package struct CircuitStanding: Sendable, Equatable {
    package let state: CircuitState
    /// Since when it is not closed; `nil` where it is.
    package let since: Moment?
    /// When a call is tried again.
    package let triedAt: Moment?
    /// When somebody last wanted to call; `nil` where it is closed.
    package let askedAt: Moment?
    /// What failed in a row, by the answer's name in metrics.
    package let failures: [String: Int]
    /// The name of the last failure, and the same in a sentence.
    package let last: (name: String, sentence: String)?

    /// - Parameters:
    ///   - uptime: the time that the breaker is told.
    ///   - wall: the same moment for people.
    init(_ breaker: CircuitBreaker, uptime: Moment, wall: Moment) {
        let until: Moment?
        (state, until) =
            switch breaker.state {
            case .closed: (.closed, nil)
            case .trying(let until, _, _): (.trying, until)
            case .open(let until, _, _): (.open, until)
            }
        since = breaker.openedAt
        triedAt = until.map { wall + ($0 - uptime) }
        askedAt = breaker.askedAt.map { wall + ($0 - uptime) }
        failures = state == .closed ? [:] : breaker.failures
        last = state == .closed ? nil : breaker.last.map { ($0.name, $0.sentence) }
    }

    package static func == (one: CircuitStanding, other: CircuitStanding) -> Bool {
        one.state == other.state && one.since == other.since && one.triedAt == other.triedAt && one.askedAt == other.askedAt
            && one.failures == other.failures && one.last?.name == other.last?.name && one.last?.sentence == other.last?.sentence
    }
}

/// The state of a gateway's circuit, for metrics and health.
package enum CircuitState: Int, Sendable, CaseIterable {
    case closed = 0
    case trying = 1
    case open = 2
}
