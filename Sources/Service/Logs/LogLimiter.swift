import DeclineRecovery
import Synchronization

/// Lets the same trouble be told once in a while, and counts what it held back.
final class LogLimiter: Sendable {
    private let told = Mutex<[String: (last: Moment, suppressed: Int)]>([:])
    private let pause = Moment.Span.seconds(10)

    /// How many of this kind were held back since the last one told; `nil` when this one is to be held back as well.
    func admit(_ kind: String, now: Moment) -> Int? {
        told.withLock { told in
            if let (last, suppressed) = told[kind], now >= last, now - last < pause {
                told[kind] = (last, suppressed + 1)
                return nil
            }
            defer { told[kind] = (now, 0) }
            return told[kind]?.suppressed ?? 0
        }
    }
}
