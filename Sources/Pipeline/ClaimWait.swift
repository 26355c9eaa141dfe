import DeclineRecovery

/// How a stage waits when no claim can be made, or what is claimed cannot be read: each keeps its message in its own way, for as long.
enum ClaimWait {
    static let delay: Moment.Span = .seconds(5)
    static let word = "no claim can be made"

    /// A claim can be made again in a moment; what cannot be read stays so for longer.
    ///
    /// - Parameter age: how long it has been waited for.
    static func delay(after age: Moment.Span) -> Moment.Span {
        .milliseconds(max(delay.milliseconds, min(age.milliseconds / 4, 30_000)))
    }
}
