import Broker

/// At which beats a process says how it is: at each, rarely while that fails, and at none while the exchange for it is gone.
///
/// A publish that the broker refuses costs every other publish of the process its connection; a question costs nobody anything. So what is
/// gone is asked for, and often, and nothing is said before it was seen again.
struct PulsePace: Sendable {
    /// Beats from one question to the next: ten seconds.
    private static let question = 5
    /// Beats left out at most, after failures in a row: five minutes.
    private static let longestSilence = 150

    private var failures = 0
    private var silence = 0
    /// There was no exchange the last time that something was said.
    private(set) var isGone = false

    /// Another beat has come; whether something may be said at it.
    mutating func beats() -> Bool {
        if silence > 0 { silence -= 1 }
        return silence == 0
    }

    /// Something was said; why it is not known to have arrived.
    mutating func said(_ error: PublishError?) {
        isGone = if case .returned(404, _, _, _)? = error { true } else { false }
        failures = error == nil ? 0 : failures + 1
        silence = isGone ? Self.question : error == nil ? 0 : min(1 << min(failures, 8), Self.longestSilence)
    }

    /// It was asked for the exchange, and that has not come back.
    mutating func missed() { silence = Self.question }
}
