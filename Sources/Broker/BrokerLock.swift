import Synchronization

/// Something that one holder has at a time, in all of the cluster, and that frees itself when its holder dies.
///
/// It is an exclusive queue: the broker refuses its name to every other connection and deletes it with the connection that declared it.
/// A holder whose connection was lost does not hold it any more, and must look at `isHeld` before each step.
public final class BrokerLock: Sendable {
    public let name: String
    private let connection: Connection
    private let session: Int
    private let isReleased = Atomic<Bool>(false)

    fileprivate init(_ name: String, _ connection: Connection, session: Int) {
        self.name = name
        self.connection = connection
        self.session = session
    }

    public var isHeld: Bool { !isReleased.load(ordering: .acquiring) && connection.isConnected && connection.sessionNumber == session }

    fileprivate func markReleased() { isReleased.store(true, ordering: .releasing) }
}

extension BrokerLink {
    /// Takes a lock; `nil` when somebody else holds it, on this link or another. Needs the right to configure a queue of that name.
    public func lock(_ name: String) async throws(BrokerError) -> BrokerLock? {
        let connection = consuming
        // The broker lets a connection declare its own queue again.
        let isTaken = locks.withLock { locks in
            if locks[name] == connection.sessionNumber { return true }
            locks[name] = connection.sessionNumber
            return false
        }
        if isTaken { return nil }
        do throws(BrokerError) {
            return try await perform { (session) throws(BrokerError) in
                try session.declareExclusive(name)
                return BrokerLock(name, connection, session: connection.sessionNumber)
            }
        } catch {
            locks.withLock { locks in locks[name] = nil }
            if case .refused(405, _) = error { return nil }
            throw error
        }
    }

    /// Whether somebody holds a lock at the moment.
    public func isLocked(_ name: String) async throws(BrokerError) -> Bool {
        do throws(BrokerError) {
            _ = try await readyCount(of: name)
            return true
        } catch .refused(404, _) {
            return false
        } catch .refused(405, _) {
            return true
        }
    }

    public func release(_ lock: BrokerLock) async {
        guard lock.isHeld else { return }
        lock.markReleased()
        defer { locks.withLock { locks in locks[lock.name] = nil } }
        // A broker that is away has released it already.
        try? await delete(queue: lock.name)
    }
}
