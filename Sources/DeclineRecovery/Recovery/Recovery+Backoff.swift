extension Recovery {
    /// How long to wait before the next call: full jitter between 1 s and a ceiling that doubles with each failure: 5 minutes at most, and
    /// half an hour after forty of them. A checkout waits for a cascade's answer: for its first twenty calls it is half a minute at most.
    ///
    /// The core has no randomness. The jitter is drawn from the reference and the attempt instead: recoveries that failed together
    /// spread out all the same, and a repeat of a step waits as long as the first time.
    var backoff: Moment.Span {
        let longest: Int64 = if case .cascade = route, failures <= 20 { 30_000 } else if failures <= 40 { 300_000 } else { 1_800_000 }
        let ceiling = min(Int64(1_000) << Int64(min(max(failures, 1), 11)), longest)
        return .milliseconds(1_000 + Int64(jitter % UInt64(ceiling - 1_000 + 1)))
    }

    /// When to try again after a failure: FlexFactor's `Retry-After` and our own open circuit are waited for.
    func waitingTime(for failure: CallFailure?, now: Moment) -> Moment {
        if case .notSent(.circuitOpen(let reopens)) = failure { return max(now, reopens) + comeback }
        return max(now + backoff, now + (failure?.retryAfter ?? .seconds(0)))
    }

    /// How long after a circuit closes again. Everybody whom it kept waiting waits for the same moment, so they spread over more than a
    /// backoff: retries over a minute and over up to ten, the longer they failed, for nobody waits for them; what a cascade still has to look
    /// up, over half a minute.
    private var comeback: Moment.Span {
        let window: Int64 =
            if case .cascade = route { 30_000 } else { min(max(Int64(1_000) << Int64(min(max(failures, 0), 10)), 60_000), 600_000) }
        return .milliseconds(Int64(jitter % UInt64(window)))
    }

    /// When a retry that a pause keeps waiting looks whether it still does. In pieces that grow with the pause: one that is lifted early is
    /// over for all soon after, and one of days moves no message every minute.
    func lookingAgain(at pause: Pause, now: Moment) -> Moment {
        let piece = min(max((now - pause.since).milliseconds / 4, 5_000), 1_800_000)
        var look = now + spread(.milliseconds(piece))
        // What is left of its time behind the pause is not to be missed.
        if look >= chargingEnds { look = min(pause.until + .milliseconds(Int64(jitter % 5_000)), chargingEnds) }
        return max(now + .seconds(1), look)
    }

    /// A long pause, give or take a tenth: what was put away together does not come back together.
    func spread(_ span: Moment.Span) -> Moment.Span {
        let tenth = max(span.milliseconds / 10, 1)
        return .milliseconds(span.milliseconds - tenth + Int64(jitter % UInt64(2 * tenth)))
    }

    /// A number drawn from the reference and the attempt.
    private var jitter: UInt64 {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in reference.text.utf8 { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        state = (state ^ UInt64(truncatingIfNeeded: attempts)) &* 0x0000_0100_0000_01b3
        // FNV's low bits are weak for short changes; one round of mixing makes neighbours unlike.
        state = (state ^ state >> 33) &* 0xff51_afd7_ed55_8ccd
        return state ^ state >> 33
    }
}
