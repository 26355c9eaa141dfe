public import DeclineRecovery
import FoundationEssentials
public import Pipeline

/// The machine's clock.
public struct SystemClock: WallClock {
    public init() {}

    public func now() -> Moment {
        Moment(milliseconds: Int64((Date.now.timeIntervalSince1970 * 1_000).rounded(.down)))
    }
}
