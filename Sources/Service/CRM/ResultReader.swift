package import Broker
import DeclineRecovery
import Synchronization

/// Reads the CRM's inbox and leaves it as it was: the messages are taken, looked at, and given back in their order.
package enum ResultReader {
    /// The bodies of the messages that are ready, oldest first, at most 65,535 of them.
    package static func read(_ queue: String, on link: BrokerLink) async throws(BrokerError) -> [[UInt8]] {
        let ready = min(try await link.readyCount(of: queue), 65_535)
        if ready == 0 { return [] }
        let seen = SeenBodies()
        _ = try await link.consume(queue, prefetch: UInt16(ready)) { batch in seen.add(batch.map(\.body)) }
        // Another consumer may get some of them; what does not come within a second does not come.
        var last = 0
        var quiet = 0
        while seen.count < ready, quiet < 20 {
            try? await Task.sleep(for: .milliseconds(50))
            quiet = seen.count == last ? quiet + 1 : 0
            last = seen.count
        }
        return seen.all
    }
}

private final class SeenBodies: Sendable {
    private let bodies = Mutex<[[UInt8]]>([])

    func add(_ more: [[UInt8]]) { bodies.withLock { $0 += more } }
    var count: Int { bodies.withLock { $0.count } }
    var all: [[UInt8]] { bodies.withLock { $0 } }
}
