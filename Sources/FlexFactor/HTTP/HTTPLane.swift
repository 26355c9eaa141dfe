import DeclineRecovery
import Glibc
package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// An HTTP/1.1 client on one event loop: a pool of connections for each origin, keep-alive, one request at a time on each.
///
/// Its reason is first that a payment must know whether a byte of its request was written; no redirects, cookies, proxies or retries
/// stand between the two. A connection that turns out closed before the request is written is replaced by a fresh one.
///
/// `@unchecked Sendable`: everything but the constants is touched on `eventLoop` alone; `execute` hops there first.
package final class HTTPLane: @unchecked Sendable {
    package let eventLoop: any EventLoop
    private let limits: Limits
    /// Whether there are descriptors for one connection more; what is asked for by others must not go to calls.
    private let hasRoom: @Sendable () -> Bool
    /// What the charges on these connections were answered with.
    let answered = AnsweredOrders()
    private var pools: [PoolKey: Pool] = [:]
    private let buffer = RequestBuffer()
    private let deadlines: Deadlines<Pending>
    /// Of who trusts the system's authorities.
    private var systemTLS: NIOSSLContext?

    package struct Limits: Sendable {
        /// Connections to one origin.
        package var connections: Int
        package var connectTimeout: TimeAmount
        /// Longer than this unused, a connection is not trusted: below the 60 s after which FlexFactor's edge closes it.
        let idleAge = TimeAmount.seconds(50)

        package init(connections: Int = 2_000, connectTimeout: TimeAmount = .seconds(5)) {
            self.connections = connections
            self.connectTimeout = connectTimeout
        }
    }

    private struct PoolKey: Hashable {
        let origin: Origin
        /// Whoever trusts others has connections of his own: those that stand were believed by what was trusted then.
        let authorities: TrustedAuthorities?
    }

    /// The connections of one origin, the latest used last, and who waits for one.
    private final class Pool {
        var idle: [HTTPConnection] = []
        var count = 0
        var waiting: CircularBuffer<Pending> = []
        var isLookingForRoom = false
        var isEmpty: Bool { count == 0 && waiting.isEmpty && !isLookingForRoom }
    }

    /// A request that has not ended. It is one of the deadlines by itself, and has who waits without a closure around.
    ///
    /// `@unchecked Sendable`: made for `start`, and touched on the event loop alone from then on.
    private final class Pending: HTTPWaiting, Expiring, @unchecked Sendable {
        let request: HTTPRequest
        let key: PoolKey
        let deadline: NIODeadline
        /// From then on no byte of it may be written any more, though an answer would still be waited for.
        private let writtenBy: ContinuousClock.Instant?
        var progress = HTTPProgress.waiting
        var connection: HTTPConnection?
        var place = -1
        private let deadlines: Deadlines<Pending>
        /// Who waits; resumed once, by whatever ends the request first.
        private var waiting: UnsafeContinuation<HTTPOutcome, Never>?

        init(
            _ request: HTTPRequest, _ key: PoolKey, deadline: NIODeadline, writtenBy: ContinuousClock.Instant?,
            among deadlines: Deadlines<Pending>, _ waiting: UnsafeContinuation<HTTPOutcome, Never>
        ) {
            self.deadlines = deadlines
            self.request = request
            self.key = key
            self.deadline = deadline
            self.writtenBy = writtenBy
            self.waiting = waiting
        }

        /// Whether nothing of it is to be written any more. Asked last before a write: whatever made it late, a turn in the pool or a process
        /// that was frozen, it ends here as not sent, whether or not its timer has come.
        func isOver() -> Bool {
            if waiting != nil, progress == .waiting, isLate { end(progress.timedOut) }
            return waiting == nil
        }

        private var isLate: Bool { NIODeadline.now() >= deadline || (writtenBy.map { ContinuousClock.now >= $0 } ?? false) }

        func end(_ outcome: HTTPOutcome) {
            deadlines.remove(self)
            connection = nil
            let told = waiting
            waiting = nil
            told?.resume(returning: outcome)
        }

        func expire() {
            connection?.abandon()
            end(progress.timedOut)
        }
    }

    package init(eventLoop: any EventLoop, limits: Limits = Limits(), hasRoom: @escaping @Sendable () -> Bool = { true }) {
        self.eventLoop = eventLoop
        deadlines = Deadlines(eventLoop)
        self.limits = limits
        self.hasRoom = hasRoom
    }

    /// Sends a request and waits for its outcome, at the latest until `deadline`.
    ///
    /// - Parameters:
    ///   - authorities: whom to trust; those of the system when `nil`.
    ///   - writtenBy: when it must have been written; later it is not sent.
    func execute(
        _ request: HTTPRequest, to origin: Origin, authorities: TrustedAuthorities?, deadline: NIODeadline,
        writtenBy: ContinuousClock.Instant? = nil
    ) async -> HTTPOutcome {
        await withUnsafeContinuation { continuation in
            let pending = Pending(
                request, PoolKey(origin: origin, authorities: authorities), deadline: deadline, writtenBy: writtenBy,
                among: deadlines, continuation)
            if eventLoop.inEventLoop { start(pending) } else { eventLoop.execute { self.start(pending) } }
        }
    }

    /// Closes the connection on which an answer came that is not its request's. Who waits on it already, asked on the same turn of the
    /// loop, hears that nothing is known.
    func disown(_ response: HTTPResponse) {
        guard let connection = response.connection else { return }
        if eventLoop.inEventLoop { connection.value.disown() } else { eventLoop.execute { connection.value.disown() } }
    }

    /// Posts what nobody's money hangs on.
    ///
    /// - Returns: why it was not taken; `nil` where it was.
    package func post(_ body: [UInt8], type: String, path: String, to origin: Origin, within time: TimeAmount) async -> String? {
        let request = HTTPRequest(method: .post, path: origin.basePath + path, headers: [("content-type", type)], body: body)
        switch await execute(request, to: origin, authorities: nil, deadline: .now() + time) {
        case .answered(let response) where (200..<300).contains(response.status): return nil
        case .answered(let response): return "answered \(response.status)"
        case let outcome: return "\(outcome.failure)"
        }
    }

    /// Gets a page.
    ///
    /// - Returns: its status and text, or why there is none.
    package func page(_ page: Origin, within time: TimeAmount) async -> (status: Int?, text: String) {
        let request = HTTPRequest(method: .get, path: page.basePath, headers: [], body: [])
        switch await execute(request, to: page, authorities: nil, deadline: .now() + time) {
        case .answered(let response): return (response.status, String(decoding: response.body, as: UTF8.self))
        case let outcome: return (nil, outcome.failure.description)
        }
    }

    /// Waits on the loop's clock; nothing blocks.
    package func wait(_ time: TimeAmount) async {
        await withCheckedContinuation { continuation in
            eventLoop.scheduleTask(in: time) { continuation.resume() }
        }
    }

    private func start(_ pending: Pending) {
        deadlines.add(pending)
        assign(pending)
    }

    private func pool(_ key: PoolKey) -> Pool {
        if let pool = pools[key] { return pool }
        // Authorities that were exchanged leave a pool behind, until its last connection is gone.
        pools = pools.filter { !$0.value.isEmpty }
        let pool = Pool()
        pools[key] = pool
        return pool
    }

    private func assign(_ pending: Pending) {
        if pending.isOver() { return }
        let pool = pool(pending.key)
        let oldest = NIODeadline.now() - limits.idleAge
        while let connection = pool.idle.popLast() {
            guard connection.isUsable, connection.idleSince > oldest else {
                connection.close()
                continue
            }
            if send(pending, on: connection) { return }
        }
        if pool.count < limits.connections {
            connect(pending, pool)
        } else {
            pool.waiting.append(pending)
        }
    }

    /// There are no descriptors left. That says nothing of FlexFactor: the request waits for a connection, as it would if the pool were full,
    /// and takes the place of one that only rests.
    private func waitForRoom(_ pending: Pending, _ pool: Pool) {
        pool.waiting.prepend(pending)
        pools.values.filter { !$0.idle.isEmpty }.max { $0.idle.count < $1.idle.count }?.idle.removeFirst().close()
        if pool.isLookingForRoom { return }
        pool.isLookingForRoom = true
        let key = pending.key
        eventLoop.scheduleTask(in: .milliseconds(50)) {
            self.pool(key).isLookingForRoom = false
            self.serveWaiting(key)
        }
    }

    private func send(_ pending: Pending, on connection: HTTPConnection) -> Bool {
        let isWritten = connection.send(pending.request, for: pending)
        if isWritten {
            pending.progress = .written
            pending.connection = connection
        }
        return isWritten
    }

    private func connect(_ pending: Pending, _ pool: Pool) {
        if !hasRoom() { return waitForRoom(pending, pool) }
        pool.count += 1
        let key = pending.key
        let tls: NIOSSLContext?
        do {
            tls = key.origin.isSecure ? try key.authorities?.context ?? systemContext() : nil
        } catch {
            pool.count -= 1
            return pending.end(.notSent(.cannotCall("TLS cannot be set up: \(Self.text(of: error))")))
        }
        let connection = HTTPConnection(
            authority: key.origin.authority, host: key.origin.host, buffer: buffer, onFree: { [weak self] in self?.free($0, key) },
            onGone: { [weak self] in self?.gone($0, key) })
        let bound = NIOLoopBound((pending, connection), eventLoop: eventLoop)
        if tls != nil { connection.awaitHandshake { [weak self] in self?.connected($0, bound.value.0, bound.value.1) } }
        ClientBootstrap(group: eventLoop)
            .connectTimeout(limits.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handlers = channel.pipeline.syncOperations
                    if let tls { try handlers.addHandler(Self.tlsHandler(tls, key.origin.host)) }
                    try handlers.addHandler(RequestDoor())
                    try handlers.addHandler(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
                    try handlers.addHandler(bound.value.1)
                }
            }
            .connect(host: key.origin.host, port: key.origin.port)
            .assumeIsolated()
            .whenComplete { [limits, eventLoop] result in
                let (pending, connection) = bound.value
                switch result {
                case .success where tls == nil:
                    self.connected(.success(()), pending, connection)
                    self.serveWaiting(key)
                case .success:
                    self.serveWaiting(key)
                    // A handshake that never ends must not hold its place in the pool.
                    eventLoop.scheduleTask(in: limits.connectTimeout) { bound.value.1.abandonUnlessStanding() }
                case .failure(let error) where Self.isShortage(error) && !pending.isOver():
                    self.pool(key).count -= 1
                    self.waitForRoom(pending, self.pool(key))
                case .failure(let error):
                    self.pool(key).count -= 1
                    pending.end(.notSent(Self.isOurs(error) ? .cannotCall(Self.text(of: error)) : .cannotConnect(Self.text(of: error))))
                    self.serveWaiting(key)
                }
            }
    }

    private func connected(_ result: Result<Void, any Error>, _ pending: Pending, _ connection: HTTPConnection) {
        switch result {
        case .success:
            // The request may have timed out meanwhile; the connection serves the next.
            if pending.isOver() || !send(pending, on: connection) {
                if !pending.isOver() { pending.end(.notSent(.cannotConnect("the connection was closed as soon as it stood"))) }
                free(connection, pending.key)
            }
        case .failure(let error):
            // The connection reports its end by itself.
            pending.end(.notSent(.cannotConnect("no TLS: \(Self.text(of: error))")))
            connection.close()
        }
    }

    private func free(_ connection: HTTPConnection, _ key: PoolKey) {
        let pool = pool(key)
        while let next = pool.waiting.popFirst() {
            if next.isOver() { continue }
            if send(next, on: connection) { return }
            return assign(next)
        }
        if connection.isUsable { pool.idle.append(connection) }
    }

    private func gone(_ connection: HTTPConnection, _ key: PoolKey) {
        let pool = pool(key)
        pool.count -= 1
        pool.idle.removeAll { $0 === connection }
        serveWaiting(key)
    }

    /// There is room for a connection: the first who waits gets it.
    private func serveWaiting(_ key: PoolKey) {
        let pool = pool(key)
        while pool.count < limits.connections, let next = pool.waiting.popFirst() {
            if !next.isOver() { return connect(next, pool) }
        }
    }

    private func systemContext() throws -> NIOSSLContext {
        if let systemTLS { return systemTLS }
        let context = try TrustedAuthorities.context(trusting: .default)
        systemTLS = context
        return context
    }

    private static func tlsHandler(_ context: NIOSSLContext, _ host: String) throws -> NIOSSLClientHandler {
        // An address has no server name to ask for; the certificate's addresses are checked against the peer's.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    /// Whether a connection failed before it left this machine, for want of something that is ours to give.
    private static func isOurs(_ error: any Error) -> Bool {
        switch error {
        case let error as NIOConnectionError: !error.connectionErrors.isEmpty && error.connectionErrors.allSatisfy { isOurs($0.error) }
        case let error as IOError: ours.contains(error.errnoCode)
        default: false
        }
    }

    /// Whether it failed for want of a descriptor; a name that cannot be looked up may be for that, too.
    private static func isShortage(_ error: any Error) -> Bool {
        switch error {
        case let error as NIOConnectionError where error.connectionErrors.isEmpty: !hasDescriptor
        case let error as NIOConnectionError: error.connectionErrors.allSatisfy { isShortage($0.error) }
        case let error as IOError: error.errnoCode == EMFILE || error.errnoCode == ENFILE
        default: false
        }
    }

    private static var hasDescriptor: Bool {
        let copy = dup(2)
        if copy < 0 { return errno != EMFILE && errno != ENFILE }
        close(copy)
        return true
    }

    private static let ours: Set<CInt> = [
        EPERM, EACCES, EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT, ENOPROTOOPT, EINVAL, ENETUNREACH,
        ENETDOWN,
    ]

    private static func text(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { text(of: $0.error) } ?? "no address for \(error.host)"
        case let error as TLSFailure: error.description
        // Its own description names the call of the library, in brackets of which one is missing.
        case let error as IOError: "\(String(cString: strerror(error.errnoCode))), errno \(error.errnoCode)"
        case let error as ChannelError: String(describing: error)
        default: String(describing: error)
        }
    }
}
