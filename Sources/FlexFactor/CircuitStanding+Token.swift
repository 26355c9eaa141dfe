import DeclineRecovery

extension CircuitStanding {
    /// - Parameter bar: why there is no token, since when and until when none is asked for.
    init(_ bar: (failure: TokenKeeper.Failure, since: Moment, until: Moment), uptime: Moment, wall: Moment) {
        state = .open
        since = wall + (bar.since - uptime)
        triedAt = wall + (bar.until - uptime)
        askedAt = wall
        let failed = CallFailure.notSent(bar.failure.notSent)
        let name = FlexFactorAnswer.failed(failed).name
        failures = [name: 1]
        last = (name, failed.description)
    }
}
