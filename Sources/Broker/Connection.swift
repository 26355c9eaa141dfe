import CRabbitMQ
import DequeModule
import Glibc
import Synchronization

/// One connection to the broker, for as long as the link lives: a thread that owns the socket, and an inbox through which everybody
/// else speaks to it. A lost session is replaced by the next, on every host in turn, until the connection is closed.
///
/// `@unchecked Sendable`: `inbox` is locked and `wake` never changes; everything under "the thread's own" is touched by the thread
/// alone, which `start` creates once.
final class Connection: @unchecked Sendable {
    private struct Inbox {
        var commands: [Command] = []
        var isAsleep = false
        /// Before the start, and from the close on.
        var isClosed = true
    }

    let role: LinkEvent.Role
    let events: @Sendable (LinkEvent) -> Void
    private let inbox = Mutex(Inbox())
    private let wake: Int32
    private let connected = Atomic<Bool>(false)
    private let blocked = Atomic<Bool>(false)
    private let sessions = Atomic<Int>(0)

    // The thread's own.
    /// What it took out of the inbox, which has the other's room meanwhile: neither asks for memory at every turn.
    private var taken: [Command] = []
    /// Its hosts in the order in which they are tried next, and the login that was known last.
    var configuration: BrokerConfiguration
    private var consumers: [Consumer] = []
    /// Those of them whose queue the broker refuses, and when to try it again.
    var absent: [(consumer: Consumer, notBefore: Int64)] = []
    /// Readings that have subscribed anew, and until when their stream is to show that it is the one they knew.
    var resuming: [(consumer: Consumer, resumption: StreamResumption, until: Int64)] = []
    /// Publishes that are not written yet.
    var pending: Deque<(batch: PublishBatch, index: Int)> = []
    private var waiting: [(consumer: Consumer, tag: UInt64, generation: UInt64, notBefore: Int64)] = []
    private var onClosed: (() -> Void)?
    /// When a close is not put off any longer.
    private var closingEnds = Int64.max
    private var onFirstOutcome: ((Result<Void, BrokerError>) -> Void)?
    private var failsFast = false
    private var pace = TurnPace()

    init(_ configuration: BrokerConfiguration, role: LinkEvent.Role, events: @escaping @Sendable (LinkEvent) -> Void) {
        self.configuration = configuration
        self.role = role
        self.events = events
        wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    }

    deinit {
        Glibc.close(wake)
    }

    var renewsQuietAfter: Int64 { configuration.renewsQuietAfter }

    var isConnected: Bool { connected.load(ordering: .acquiring) }
    /// Counts the sessions this connection has had.
    var sessionNumber: Int { sessions.load(ordering: .acquiring) }
    var isBlocked: Bool { blocked.load(ordering: .acquiring) }

    /// Starts the thread.
    ///
    /// - Parameter failsFast: whether one fruitless round over the hosts, or a refused login, ends it all; otherwise it tries for ever.
    /// - Parameter onFirstOutcome: called once, when the first session stands or `failsFast` ended it.
    func start(failsFast: Bool, onFirstOutcome: @escaping (Result<Void, BrokerError>) -> Void) {
        inbox.withLock { $0.isClosed = false }
        self.failsFast = failsFast
        self.onFirstOutcome = onFirstOutcome
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        // rabbitmq-c decodes nested header tables by recursion without a limit: a hostile message needs less than 8 MB of stack.
        pthread_attr_setstacksize(&attributes, 16 << 20)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { raw in
                guard let raw else { return nil }
                let connection = Unmanaged<Connection>.fromOpaque(raw).takeRetainedValue()
                connection.run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(status == 0, "Connection.start: no thread can be made (\(errorText(status)))")
    }

    /// Hands a command to the thread. After the close, commands end at once as the close ends them.
    func post(_ command: Command) {
        let wasAsleep: Bool? = inbox.withLock { inbox in
            if inbox.isClosed { return nil }
            inbox.commands.append(command)
            defer { inbox.isAsleep = false }
            return inbox.isAsleep
        }
        switch wasAsleep {
        case nil: refuse(command)
        case true?: eventfd_write(wake, 1)
        case false?: break
        }
    }

    /// Publishes and waits until the broker has settled every message.
    ///
    /// - Parameter session: the number of the only session that may send them; `nil` for any.
    func publish(_ messages: [OutgoingMessage], inSession session: Int? = nil) async throws(PublishError) {
        if let failure = await settled(messages, inSession: session).lazy.compactMap({ $0 }).first { throw failure }
    }

    /// Publishes, waits until the broker has settled every message, and says of each why it is not with the broker; `nil` where it is, and of
    /// none where all are.
    func settled(_ messages: [OutgoingMessage], inSession session: Int? = nil) async -> [PublishError?] {
        // Nothing would ever settle it.
        if messages.isEmpty { return [] }
        return await withUnsafeContinuation { post(.publish(PublishBatch(messages, inSession: session, .waiting($0)))) }
    }

    // MARK: The thread

    private func run() {
        // A write to a socket that the peer closed shall be an error, not the end of the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        var ceiling = Int64(configuration.reconnectDelay.lowerBound)
        while onClosed == nil {
            var begin = monotonicMilliseconds()
            do throws(BrokerError) {
                let session = try connect()
                begin = monotonicMilliseconds()
                try serve(session)
            } catch {
                if failsFast, let outcome = onFirstOutcome {
                    onFirstOutcome = nil
                    outcome(.failure(error))
                    break
                }
                // A session that stood for a while is replaced at once. One that ends as soon as it stands is as fruitless as an attempt
                // that fails, and those are spaced out.
                let stood = connectedOnce && monotonicMilliseconds() - begin >= Self.steady
                if stood { ceiling = Int64(configuration.reconnectDelay.lowerBound) }
                let pause = stood ? 0 : Int64.random(in: 0...(connectedOnce ? min(ceiling, 1_000) : ceiling)) + 50
                if onClosed == nil, !connectedOnce { events(.connectFailed(role, error, retryInMilliseconds: pause)) }
                idle(for: pause)
                if !stood { ceiling = min(ceiling * 2, Int64(configuration.reconnectDelay.upperBound)) }
            }
        }
        shutDown()
    }

    /// How long a session must stand to count as one, in milliseconds.
    private static let steady: Int64 = 5_000

    /// Whether the error at hand ended a session rather than an attempt to get one; told by `serve`.
    private var connectedOnce = false

    private func connect() throws(BrokerError) -> Session {
        connectedOnce = false
        var failures: [BrokerError] = []
        var remark: String?
        for host in configuration.hosts {
            // The last to be tried again: where a session ended the node may be ending, and still answer.
            configuration.hosts.append(configuration.hosts.removeFirst())
            let renewal = configuration.renewal?()
            if let login = renewal?.login { configuration.login = login }
            remark = renewal?.remark
            do throws(BrokerError) {
                let events = events
                let blocked = BlockedFlag(connection: self)
                return try Session(to: host, configuration, role: role) { event in
                    blocked.note(event)
                    events(event)
                }
            } catch {
                failures.append(error)
            }
        }
        throw BrokerError.ofSeveralHosts(failures).with(remark)
    }

    /// Keeps `isBlocked` in step with what a session hears.
    private struct BlockedFlag {
        unowned let connection: Connection

        func note(_ event: LinkEvent) {
            switch event {
            case .blocked: connection.blocked.store(true, ordering: .releasing)
            case .unblocked: connection.blocked.store(false, ordering: .releasing)
            default: break
            }
        }
    }

    private func serve(_ session: Session) throws(BrokerError) {
        do throws(BrokerError) {
            try session.openChannel(1)
            if role == .publishing { try session.selectConfirms() }
            for consumer in consumers { _ = try subscribe(consumer, session) }
            connectedOnce = true
            sessions.add(1, ordering: .releasing)
            connected.store(true, ordering: .releasing)
            events(.connected(role, host: session.host.description))
            if let outcome = onFirstOutcome {
                onFirstOutcome = nil
                outcome(.success(()))
            }
            while try turn(session) {}
            lose(session)
        } catch {
            lose(session)
            if connectedOnce { events(.disconnected(role, error)) }
            throw error
        }
    }

    /// One turn: do what the inbox says, write once, sleep, read. `false` when the connection is to end.
    private func turn(_ session: Session) throws(BrokerError) -> Bool {
        try carryOutCommands(session)
        try subscribeAbsent(session)
        try restartReadings(session)
        handBackDue(session)
        session.acknowledge()
        try renewQuiet(session)
        try writePending(session)
        try session.flush()
        if onClosed != nil, pending.isEmpty && session.confirms.outstanding == 0 || monotonicMilliseconds() >= closingEnds {
            try session.sayGoodbye()
            return false
        }
        let mustNotSleep = inbox.withLock { inbox in
            inbox.isAsleep = inbox.commands.isEmpty
            return !inbox.isAsleep
        }
        session.sleep(wake: wake, milliseconds: mustNotSleep ? 0 : min(pause, alarmRest(session) ?? .max))
        wakeUp()
        pace.keep()
        pace.found = try session.receive()
        try session.reopenPublishing()
        try session.tendHeartbeat()
        return true
    }

    /// How long nothing but the sockets can want something.
    private var pause: Int64 {
        // A reading whose stream is another one is told by what comes, and so by the socket, or by silence.
        let soonest = (waiting.map(\.notBefore) + absent.map(\.notBefore) + resuming.map { $0.resumption.state == .pending ? $0.until : 0 })
            .min()
        let rest = soonest.map { max($0 - monotonicMilliseconds(), 0) } ?? renewsQuietAfter
        return onClosed == nil ? rest : min(rest, max(closingEnds - monotonicMilliseconds(), 0))
    }

    /// Whether a consumer takes deliveries and is not cancelled.
    func consumes(_ consumer: Consumer) -> Bool { !consumer.onlyReads && consumers.contains { $0 === consumer } }

    private func takeCommands() {
        forgetTaken()
        inbox.withLock { swap(&$0.commands, &taken) }
    }

    /// Nothing that is done keeps anything alive, and a rush of commands keeps no room for ever.
    private func forgetTaken() { taken.removeAll(keepingCapacity: taken.capacity < 10_000) }

    private func wakeUp() {
        inbox.withLock { $0.isAsleep = false }
        var count: eventfd_t = 0
        eventfd_read(wake, &count)
    }

    /// Does what the inbox says. When the session ends in the middle, what was not begun waits for the next one: nobody who waits
    /// for an answer is forgotten.
    private func carryOutCommands(_ session: Session) throws(BrokerError) {
        takeCommands()
        for place in taken.indices {
            do throws(BrokerError) {
                try carryOut(taken[place], session)
            } catch {
                let left = taken[(place + 1)...]
                inbox.withLock { $0.commands.insert(contentsOf: left, at: 0) }
                throw error
            }
        }
        forgetTaken()
    }

    private func carryOut(_ command: Command, _ session: Session) throws(BrokerError) {
        switch command {
        case .publish(let batch): enqueue(batch)
        case .settle(let consumer, .finish(let tag), let generation):
            session.finish(tag, of: consumer, generation)
        case .settle(let consumer, .handBack(let tag, let notBefore), let generation):
            waiting.append((consumer, tag, generation, notBefore))
        case .subscribe(let consumer, let done):
            do throws(BrokerError) {
                try session.subscribe(consumer)
                consumers.append(consumer)
                watchResumption(of: consumer)
                done(.success(()))
            } catch {
                done(.failure(error))
                guard case .refused(let code, _) = error, code != ReplyCode.connectionForced else { throw error }
            }
        case .cancel(let consumer, let done):
            consumers.removeAll { $0 === consumer }
            absent.removeAll { $0.consumer === consumer }
            resuming.removeAll { $0.consumer === consumer }
            defer { done() }
            try session.cancel(consumer)
        case .breakOff: throw .connectionLost(why: "broken off on purpose")
        case .perform(let work): work(.success(session))
        case .close(let done): beginClosing(done)
        }
    }

    /// Ends with what the broker confirms within two seconds: one that takes nothing must not keep a process from its end.
    private func beginClosing(_ done: @escaping () -> Void) {
        (onClosed, closingEnds) = (done, monotonicMilliseconds() + 2_000)
    }

    private func handBackDue(_ session: Session) {
        if waiting.isEmpty { return }
        let now = monotonicMilliseconds()
        for entry in waiting where entry.notBefore <= now { session.handBack(entry.tag, of: entry.consumer, entry.generation) }
        waiting.removeAll { $0.notBefore <= now }
    }

    /// The session is gone: what it had written and not settled is unknown, its deliveries are the broker's again.
    private func lose(_ session: Session) {
        connected.store(false, ordering: .releasing)
        blocked.store(false, ordering: .releasing)
        for consumer in consumers { _ = consumer.nextGeneration() }
        for subscription in session.subscriptions.values where !consumers.contains(where: { $0 === subscription.consumer }) {
            _ = subscription.consumer.nextGeneration()
        }
        waiting.removeAll()
        absent.removeAll()
        resuming.removeAll()
        for entry in session.confirms.removeAll() { entry.settle(.connectionLost) }
        for entry in pending where entry.batch.session != nil { entry.batch.settle(entry.index, .connectionLost) }
        pending.removeAll { $0.batch.session != nil }
    }

    /// Between two sessions: publishes wait for the next one, the rest ends.
    private func idle(for milliseconds: Int64) {
        let end = monotonicMilliseconds() + milliseconds
        while onClosed == nil {
            takeCommands()
            for command in taken {
                switch command {
                case .publish(let batch): enqueue(batch)
                case .settle, .breakOff: break
                case .subscribe(let consumer, let done):
                    consumers.append(consumer)
                    done(.success(()))
                case .cancel(let consumer, let done):
                    consumers.removeAll { $0 === consumer }
                    done()
                case .perform(let work): work(.failure(.connectionLost(why: "not connected at the moment")))
                case .close(let done): beginClosing(done)
                }
            }
            let left = end - monotonicMilliseconds()
            if left <= 0 || onClosed != nil { return }
            inbox.withLock { $0.isAsleep = $0.commands.isEmpty }
            var entry = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
            poll(&entry, 1, Int32(clamping: left))
            wakeUp()
        }
    }

    private func shutDown() {
        inbox.withLock { $0.isClosed = true }
        takeCommands()
        for command in taken { refuse(command) }
        taken.removeAll()
        for (batch, index) in pending { batch.settle(index, .closed) }
        pending.removeAll()
        // Connection and consumers know each other; they must not keep each other alive.
        consumers.removeAll()
        onClosed?()
        onClosed = nil
    }
}
