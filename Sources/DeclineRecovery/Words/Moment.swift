/// A point in time, to the millisecond, as everything Salvage decides by is told from outside: the core has no clock.
///
/// Because it is told from outside, it may be any number: reckoning with it ends at the ends of the scale instead of the process.
package struct Moment: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored as Unix does.
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func < (left: Moment, right: Moment) -> Bool { left.milliseconds < right.milliseconds }

    package static func + (moment: Moment, span: Span) -> Moment {
        Moment(milliseconds: moment.milliseconds.saturatingAdd(span.milliseconds))
    }

    package static func - (later: Moment, earlier: Moment) -> Span {
        Span(milliseconds: later.milliseconds.saturatingSubtract(earlier.milliseconds))
    }

    /// A length of time in milliseconds; negative when it points to the past.
    package struct Span: Hashable, Comparable, Sendable {
        package let milliseconds: Int64

        package static func milliseconds(_ count: Int64) -> Span { Span(milliseconds: count) }
        package static func seconds(_ count: Int64) -> Span { Span(milliseconds: count.saturatingMultiply(1_000)) }
        package static func minutes(_ count: Int64) -> Span { Span(milliseconds: count.saturatingMultiply(60_000)) }
        package static func days(_ count: Int64) -> Span { Span(milliseconds: count.saturatingMultiply(86_400_000)) }

        /// What is waited after so many attempts: doubles from two seconds to a quarter of an hour.
        package static func doubling(_ attempts: Int) -> Span { .seconds(2).doubled(times: attempts, atMost: .minutes(15)) }
        /// A wait that doubles each time, up to a limit.
        func doubled(times: Int, atMost longest: Span) -> Span {
            var (span, left) = (milliseconds, times)
            while left > 0, span < longest.milliseconds { (span, left) = (span * 2, left - 1) }
            return Span(milliseconds: min(span, longest.milliseconds))
        }

        package static func < (left: Span, right: Span) -> Bool { left.milliseconds < right.milliseconds }

        package static func + (left: Span, right: Span) -> Span {
            Span(milliseconds: left.milliseconds.saturatingAdd(right.milliseconds))
        }
    }
}

extension Moment.Span {
    /// As long as something took by a clock that nobody sets.
    package init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .seconds(seconds) + .milliseconds(attoseconds / 1_000_000_000_000_000)
    }
}

extension Int64 {
    fileprivate func saturatingAdd(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (other < 0 ? .min : .max) : sum
    }

    fileprivate func saturatingSubtract(_ other: Int64) -> Int64 {
        let (difference, overflows) = subtractingReportingOverflow(other)
        return overflows ? (other < 0 ? .max : .min) : difference
    }

    /// - Parameter factor: above 0.
    fileprivate func saturatingMultiply(_ factor: Int64) -> Int64 {
        let (product, overflows) = multipliedReportingOverflow(by: factor)
        return overflows ? (self < 0 ? .min : .max) : product
    }
}
