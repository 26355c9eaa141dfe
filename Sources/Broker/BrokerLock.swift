import CRabbitMQ
import Synchronization

/// Something that one holder has at a time, in all of the cluster, and that frees itself when its holder dies.
///
/// It is an exclusive queue: the broker refuses its name to every other connection and deletes it with the connection that declared it.
/// That is the connection of the publishes, so that what is published under the lock ends with the lock: nothing of it waits for the
/// next session, in which somebody else may be the holder.
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

    /// Publishes while the lock is held, and waits until the broker has confirmed every message. What the broker had not read when the
    /// lock was lost is not sent any more.
    ///
    /// - Throws: `PublishError.connectionLost` once the lock is lost, whether or not some of the messages arrived; else as a link does.
    public func publish(_ messages: [OutgoingMessage]) async throws(PublishError) {
        if messages.isEmpty { return }
        guard isHeld else { throw .connectionLost }
        try await connection.publish(messages, inSession: session)
    }

    fileprivate func markReleased() { isReleased.store(true, ordering: .releasing) }
}

extension BrokerLink {
    /// Takes a lock; `nil` when somebody else holds it, on this link or another. Needs the right to configure a queue of that name.
    ///
    /// - Throws: `BrokerError`, where nobody knows who holds it; this link does not.
    public func lock(_ name: String) async throws(BrokerError) -> BrokerLock? {
        let connection = publishing
        do throws(BrokerError) {
            return try await perform(on: connection) { (session) throws(BrokerError) -> BrokerLock? in
                try connection.refuseUnderAlarm(session)
                return try session.lock(name) ? BrokerLock(name, connection, session: connection.sessionNumber) : nil
            }
        } catch {
            // The broker may give it to us yet, and nobody would know.
            if case .timedOut = error { connection.post(.breakOff) }
            throw error
        }
    }

    /// Whether somebody holds a lock at the moment.
    ///
    /// - Throws: `BrokerError`, where the broker could not be asked.
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
        do throws(BrokerError) {
            try await perform(on: publishing) { (session) throws(BrokerError) in try session.unlock(lock.name) }
        } catch .connectionLost, .closed {
            // The lock went with its connection.
        } catch {
            // Else nobody could have it for as long as this process lives.
            publishing.post(.breakOff)
        }
    }
}

extension Session {
    /// For what is asked alone, on the connection of the publishes: channel 1 publishes, and there are no subscriptions beside it. Whoever takes it
    /// closes it.
    static let lockChannel: UInt16 = 2

    /// `false` when another connection has the queue (405), or this one has it already, which the broker would allow.
    fileprivate func lock(_ name: String) throws(BrokerError) -> Bool {
        if locks.contains(name) { return false }
        var declare = amqp_queue_declare_t(
            ticket: 0, queue: scratch.bytes(name), passive: 0, durable: 0, exclusive: 1, auto_delete: 0, nowait: 0,
            arguments: scratch.table(FieldTable()))
        do throws(BrokerError) {
            try onLockChannel(
                UInt32(AMQP_QUEUE_DECLARE_METHOD), &declare, UInt32(AMQP_QUEUE_DECLARE_OK_METHOD), "declaring the lock \(name)")
        } catch {
            if case .refused(405, _) = error { return false }
            throw error
        }
        locks.insert(name)
        return true
    }

    fileprivate func unlock(_ name: String) throws(BrokerError) {
        guard locks.remove(name) != nil else { return }
        var delete = amqp_queue_delete_t(ticket: 0, queue: scratch.bytes(name), if_unused: 0, if_empty: 0, nowait: 0)
        try onLockChannel(UInt32(AMQP_QUEUE_DELETE_METHOD), &delete, UInt32(AMQP_QUEUE_DELETE_OK_METHOD), "releasing the lock \(name)")
    }

    /// Runs a call on a channel of its own, which ends with it: a refused call costs its channel, and the publishes shall keep theirs.
    private func onLockChannel<Method>(_ id: UInt32, _ method: inout Method, _ reply: UInt32, _ what: String) throws(BrokerError) {
        try openChannel(Self.lockChannel)
        _ = try call(Self.lockChannel, id, &method, [reply], what)
        try closeChannel(Self.lockChannel)
    }
}
