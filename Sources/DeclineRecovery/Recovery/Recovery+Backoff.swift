extension Recovery {
    /// How long to wait before the next call: full jitter between 1 s and a ceiling that doubles with each attempt, 5 minutes at most.
    ///
    /// The core has no randomness. The jitter is drawn from the reference and the attempt instead: recoveries that failed together
    /// spread out all the same, and a repeat of a step waits as long as the first time.
    var backoff: Moment.Span {
        let ceiling = min(Int64(1_000) << Int64(min(max(attempts, 1), 9)), 300_000)
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in reference.text.utf8 { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        state = (state ^ UInt64(truncatingIfNeeded: attempts)) &* 0x0000_0100_0000_01b3
        // FNV's low bits are weak for short changes; one round of mixing makes neighbours unlike.
        state = (state ^ state >> 33) &* 0xff51_afd7_ed55_8ccd
        state ^= state >> 33
        return .milliseconds(1_000 + Int64(state % UInt64(ceiling - 1_000 + 1)))
    }
}
