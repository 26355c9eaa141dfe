import DeclineRecovery

extension Moment {
    /// Since 1970, as metrics tell it.
    var inSeconds: Double { Double(milliseconds) / 1_000 }
}

extension Moment.Span {
    var inSeconds: Double { Double(milliseconds) / 1_000 }
}
