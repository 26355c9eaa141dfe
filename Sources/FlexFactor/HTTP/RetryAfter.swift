package import DeclineRecovery

extension Moment.Span {
    /// For how long a `Retry-After` asks, in seconds or until a date (RFC 9110 §10.2.3); `nil` for what is neither.
    ///
    /// A day at most, however it is said: a date may be anything, and is read by a clock that may be behind. Who is turned away again then is
    /// told anew.
    package init?(retryAfter text: String, now: Moment) {
        let wait: Moment.Span
        if let seconds = Int64(text) {
            if seconds < 0 { return nil }
            wait = .seconds(seconds)
        } else if let date = Moment(rfc1123: text) {
            wait = date - now
        } else {
            return nil
        }
        self = min(max(wait, .seconds(0)), .days(1))
    }
}
