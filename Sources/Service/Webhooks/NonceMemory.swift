import DeclineRecovery
import Synchronization

/// The webhooks that were taken, for as long as their date would let them be taken again (behaviour.md §8): a repeat is answered as the first was.
///
/// Each gateway has a memory of its own, so that what comes for one neither hides nor forgets what came for another. Only what was signed with the
/// gateway's key gets in here. A nonce is told apart with its content: two different webhooks are two, whatever a sender does with its nonces.
/// Each process remembers its own: a copy that another one takes leads to the same result with the same id.
final class NonceMemory: Sendable {
    /// A webhook as its sender names it.
    struct Key: Hashable, Sendable {
        let nonce: String
        /// Of its body.
        let digest: String

        /// `nil` for what is longer than any sender's nonce: it is not remembered, and a repeat of it does no harm.
        init?(nonce: String, digest: String) {
            guard !nonce.isEmpty, nonce.utf8.count <= 128, digest.utf8.count <= 128 else { return nil }
            self.nonce = nonce
            self.digest = digest
        }
    }

    private struct Generations {
        var current: Set<Key> = []
        var previous: Set<Key> = []
        var turnedAt: Moment

        mutating func insert(_ key: Key, now: Moment, window: Moment.Span, most: Int) {
            if now - turnedAt > window || current.count >= most {
                previous = current
                current = []
                turnedAt = now
            }
            current.insert(key)
        }
    }

    private let gateways = Mutex<[GatewayKey: Generations]>([:])
    /// At least as long as a date is accepted, both ways together.
    private let window = Moment.Span.minutes(11)
    private let most: Int

    /// - Parameter most: beyond this many of a gateway in one window the older half is forgotten; a flood must not take all memory.
    init(most: Int = 20_000) {
        self.most = most
    }

    func contains(_ key: Key, of gateway: GatewayKey) -> Bool {
        gateways.withLock { gateways in
            guard let seen = gateways[gateway] else { return false }
            return seen.current.contains(key) || seen.previous.contains(key)
        }
    }

    func insert(_ key: Key, of gateway: GatewayKey, now: Moment) {
        // In place: taken out and put back, each set would be copied whole for each webhook.
        gateways.withLock { $0[gateway, default: Generations(turnedAt: now)].insert(key, now: now, window: window, most: most) }
    }

    func count(of gateway: GatewayKey) -> Int {
        gateways.withLock { ($0[gateway]?.current.count ?? 0) + ($0[gateway]?.previous.count ?? 0) }
    }
}
