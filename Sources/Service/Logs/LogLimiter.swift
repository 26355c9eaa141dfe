import DeclineRecovery
import Synchronization

/// Lets the same trouble be told once in a while, and counts what it held back.
///
/// Kinds are many where the world names them, so that only so many are told apart at a time; the rest are one kind.
final class LogLimiter: Sendable {
    private typealias Told = [String: (last: Moment, suppressed: Int)]

    private let told = Mutex<Told>([:])
    private let pause = Moment.Span.seconds(10)
    private let most: Int

    init(most: Int = 500) {
        self.most = most
    }

    /// How many of this kind were held back since the last one told; `nil` when this one is to be held back as well.
    func admit(_ kind: String, now: Moment) -> Int? {
        told.withLock { told in
            let kind = Self.place(of: kind, among: &told, most, now, pause)
            if let (last, suppressed) = told[kind], now >= last, now - last < pause {
                told[kind] = (last, suppressed + 1)
                return nil
            }
            defer { told[kind] = (now, 0) }
            return told[kind]?.suppressed ?? 0
        }
    }

    /// Where a kind is counted: by itself while there is room, which those leave that have been quiet.
    private static func place(of kind: String, among told: inout Told, _ most: Int, _ now: Moment, _ pause: Moment.Span) -> String {
        if told[kind] != nil || told.count < most { return kind }
        told = told.filter {
            $0.key.isEmpty || $0.value.suppressed > 0 && now - $0.value.last < .minutes(10) || now - $0.value.last < pause
        }
        return told.count < most ? kind : ""
    }
}
