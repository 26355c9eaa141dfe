import Broker
import Synchronization

/// How often this process was handed each message that it has not finished.
///
/// A message is a suspect by how often it was handed out and its worker ended. Whoever still runs was not ended by what it had, whether the
/// connection was lost or the broker asked for it back.
final class Survivors: Sendable {
    private let handed = Mutex<[Int: Int]>([:])
    /// By far more than one process has in hand; those of long ago went to others.
    private static let most = 100_000

    /// Notes that a message is handed out, and says how often it was before.
    func handedOut(_ key: Int) -> Int {
        handed.withLock { handed in
            if handed.count >= Self.most { handed.removeAll() }
            let before = handed[key] ?? 0
            handed[key] = before + 1
            return before
        }
    }

    func finished(_ key: Int) {
        handed.withLock { _ = $0.removeValue(forKey: key) }
    }

    /// By what a message is known again.
    static func key(_ delivery: Delivery) -> Int {
        var hasher = Hasher()
        hasher.combine(delivery.properties.messageID)
        hasher.combine(delivery.routingKey)
        delivery.body.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
