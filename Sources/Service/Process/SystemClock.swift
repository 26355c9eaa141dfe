package import DeclineRecovery
import FlexFactor
import FoundationEssentials
import Operations
import Pipeline

/// The machine's clock.
package struct SystemClock: OperatorClock {
    package init() {}

    package func now() -> Moment {
        Moment(milliseconds: Int64((Date.now.timeIntervalSince1970 * 1_000).rounded(.down)))
    }

    /// Nanoseconds since 1970, for what is shorter than a moment.
    static func nanoseconds() -> UInt64 { UInt64(max(Date.now.timeIntervalSince1970, 0) * 1_000_000_000) }

    package var uptime: Moment { FlexFactorClient.uptime() }

    package func sleep(_ span: Moment.Span) async { try? await Task.sleep(for: .milliseconds(span.milliseconds)) }
}
