/// A point in time, to the millisecond, as everything Salvage decides by is told from outside: the core has no clock.
public struct Moment: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored as Unix does.
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public static func < (left: Moment, right: Moment) -> Bool { left.milliseconds < right.milliseconds }

    public static func + (moment: Moment, span: Span) -> Moment {
        Moment(milliseconds: moment.milliseconds + span.milliseconds)
    }

    public static func - (later: Moment, earlier: Moment) -> Span {
        Span(milliseconds: later.milliseconds - earlier.milliseconds)
    }

    /// A length of time in milliseconds; negative when it points to the past.
    public struct Span: Hashable, Comparable, Sendable {
        public let milliseconds: Int64

        public init(milliseconds: Int64) {
            self.milliseconds = milliseconds
        }

        public static func milliseconds(_ count: Int64) -> Span { Span(milliseconds: count) }
        public static func seconds(_ count: Int64) -> Span { Span(milliseconds: count * 1_000) }
        public static func minutes(_ count: Int64) -> Span { Span(milliseconds: count * 60_000) }
        public static func days(_ count: Int64) -> Span { Span(milliseconds: count * 86_400_000) }

        public static func < (left: Span, right: Span) -> Bool { left.milliseconds < right.milliseconds }
    }
}
