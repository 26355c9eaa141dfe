package import DeclineRecovery

extension Moment {
    /// The day, counted since 1970, UTC.
    package var day: Int64 { milliseconds / 86_400_000 }

    /// The beginning of a day.
    package init(day: Int64) { self.init(milliseconds: day * 86_400_000) }
}
