import NIOCore
import Synchronization

/// The open connections of one port, and how many there may be.
///
/// Where there is one too many, the one that has kept us waiting for its request the longest has to go: whoever holds connections half open
/// must not keep those out that have something to say. When all are at work, the new one goes.
final class ConnectionRoll: Sendable {
    private struct Entry {
        let channel: any Channel
        /// `nil` while we are the ones who are waited for.
        var waitingSince: NIODeadline?
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
    }

    private let state = Mutex(State())
    let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    func enter(_ channel: any Channel, now: NIODeadline) {
        let evicted: (any Channel)? = state.withLock { state in
            var evicted: (any Channel)?
            if state.entries.count >= limit {
                let longest = state.entries.compactMap { key, entry in entry.waitingSince.map { (key: key, since: $0) } }.min {
                    $0.since < $1.since
                }
                guard let longest else { return channel }
                evicted = state.entries.removeValue(forKey: longest.key)?.channel
            }
            state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, waitingSince: now)
            return evicted
        }
        evicted?.close(mode: .all, promise: nil)
    }

    func update(_ channel: any Channel, waitingSince: NIODeadline?) {
        state.withLock { $0.entries[ObjectIdentifier(channel)]?.waitingSince = waitingSince }
    }

    func leave(_ channel: any Channel) {
        state.withLock { _ = $0.entries.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}
