package import DeclineRecovery
import Operations
import Pipeline
import Synchronization
import TestSupport

/// A broker in memory, with a fleet behind it that takes what is replayed. Each process has its own view of it, and can be made to die
/// after any of its effects.
final class MemoryBroker: Sendable {
    enum StreamName: Hashable { case letters, journal, pulses, pauses, rollups }

    /// What the fleet makes of a replayed message.
    enum Fate: Sendable {
        /// Its worker tells the CRM.
        case told(ResultKind)
        /// It dies again: the letter that is written then.
        case dies(DeadLetter)
        /// Nobody takes it yet.
        case waits
    }

    private struct State {
        var streams: [StreamName: [StreamMessage]] = [:]
        var followers: [StreamName: [@Sendable ([StreamMessage]) -> Void]] = [:]
        var sent: [ReplayMessage] = []
        var claims: [ClaimRecord] = []
        var results: [StageMessage] = []
        var holder: Int?
        var processes = 0
        var refused: Set<String> = []
        var lookups = 0
        var depths: [String: QueueDepth?] = [:]
        var topology = TopologyLook()
        var alarm: String?
        /// So many messages it takes before that.
        var untilAlarm = 0
    }

    private let state = Mutex(State())
    /// A stream is handed out in its order to each follower, whoever writes meanwhile. Held around `state`, never within.
    private let handingOut = Mutex(())
    private let fleet: @Sendable (ReplayMessage) -> Fate

    init(fleet: @escaping @Sendable (ReplayMessage) -> Fate = { _ in .told(.approved) }) {
        self.fleet = fleet
    }

    var sent: [ReplayMessage] { state.withLock { $0.sent } }
    var claims: [ClaimRecord] { state.withLock { $0.claims } }
    var results: [StageMessage] { state.withLock { $0.results } }
    /// The records of what was done, in their order.
    var records: [LetterRecord] {
        state.withLock { ($0.streams[.letters] ?? []).compactMap { message in try? LetterRecord.decode(message.body).get() } }
    }

    /// How often somebody went to letters where they stand.
    var lookups: Int { state.withLock { $0.lookups } }

    /// What stands in a queue from now on; `nil`: it is not there.
    func fill(_ queue: String, _ depth: QueueDepth?) { state.withLock { _ = $0.depths.updateValue(depth, forKey: queue) } }
    fileprivate func depth(of queue: String) -> QueueDepth? {
        guard let known = state.withLock({ $0.depths[queue] }) else { return QueueDepth() }
        return known
    }

    /// What whoever looks at exchanges and queues finds from now on.
    func find(_ topology: TopologyLook) { state.withLock { $0.topology = topology } }
    fileprivate var topology: TopologyLook { state.withLock { $0.topology } }

    /// The broker takes no message with this id.
    func refuse(_ messageID: String) { state.withLock { _ = $0.refused.insert(messageID) } }

    /// The broker takes no messages any more, from so many on; `nil` ends that.
    func raiseAlarm(_ reason: String?, after messages: Int = 0) { state.withLock { ($0.alarm, $0.untilAlarm) = (reason, messages) } }
    var alarm: String? { state.withLock { $0.untilAlarm == 0 ? $0.alarm : nil } }

    static func failure(of alarm: String) -> BrokerFailure {
        BrokerFailure("the broker takes no messages (its alarm: \(alarm))", advice: "free memory", isAbsence: true, isAlarm: true)
    }

    /// A message more, or none: whoever meets an alarm as he publishes loses his connection, and the lock with it.
    private func pass() throws(BrokerFailure) {
        let alarm: String? = state.withLock { state in
            if state.alarm != nil, state.untilAlarm > 0 {
                state.untilAlarm -= 1
                return nil
            }
            if state.alarm != nil { state.holder = nil }
            return state.alarm
        }
        if let alarm { throw Self.failure(of: alarm) }
    }

    func write(_ letter: DeadLetter, traceparent: String? = nil) {
        append(.letters, type: DeadLetter.type, id: letter.id.description, traceparent, letter.encoded())
    }

    func write(_ pulse: WorkerPulse) { append(.pulses, type: WorkerPulse.type, id: nil, nil, pulse.encoded()) }
    func write(_ record: JournalRecord) { append(.journal, type: JournalRecord.type, id: nil, nil, record.encoded()) }
    func write(rollup part: [UInt8]) { append(.rollups, type: nil, id: nil, nil, part) }
    func write(_ pause: Pause) { append(.pauses, type: Pause.type, id: nil, nil, pause.encoded()) }

    /// - Parameter effects: how many of its effects it lives to see; for ever unless told.
    func process(dyingAfter effects: Int = .max) -> Process {
        let number = state.withLock { state in
            state.processes += 1
            return state.processes
        }
        return Process(broker: self, number: number, effects: effects)
    }

    private func append(_ stream: StreamName, type: String?, id: String?, _ traceparent: String?, _ body: [UInt8]) {
        handingOut.withLock { _ in
            let (message, followers) = state.withLock { state in
                let message = StreamMessage(
                    offset: Int64(state.streams[stream]?.count ?? 0), type: type, messageID: id, traceparent: traceparent, body: body)
                state.streams[stream, default: []].append(message)
                return (message, state.followers[stream] ?? [])
            }
            for follower in followers { follower([message]) }
        }
    }

    fileprivate func take(_ message: OperatorMessage) throws(BrokerFailure) {
        try pass()
        switch message {
        case .record(let record): append(.letters, type: LetterRecord.type, id: record.id.description, nil, record.encoded())
        case .claim(let claim): state.withLock { $0.claims.append(claim) }
        case .stage(let message):
            state.withLock { if case .journal = message.destination {} else { $0.results.append(message) } }
        case .replay(let message):
            if state.withLock({ $0.refused.contains(message.messageID ?? "") }) {
                throw BrokerFailure("no queue took it", advice: "", isOfOneMessage: true)
            }
            state.withLock { $0.sent.append(message) }
            switch fleet(message) {
            case .told(let kind): append(.journal, type: nil, id: nil, message.traceparent, Self.line(.told, kind.rawValue).encoded())
            case .dies(let letter): write(letter, traceparent: message.traceparent)
            case .waits: break
            }
        }
    }

    private static func line(_ fate: JournalRecord.Fate, _ detail: String) -> JournalRecord {
        JournalRecord(
            at: Moment(milliseconds: 0), stage: .cascade, merchantID: "acme",
            reference: RecoveryReference(orderID: "A", kind: .sale, sequence: 0),
            gatewayID: nil, fate: fate, detail: detail, attempts: 1, workerID: "w-1")
    }

    fileprivate func follow(_ stream: StreamName, from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) {
        handingOut.withLock { _ in
            let before: [StreamMessage] = state.withLock { state in
                state.followers[stream, default: []].append(onBatch)
                let all = state.streams[stream] ?? []
                if stream == .letters, case .offset = start { state.lookups += 1 }
                return switch start {
                case .first, .time: all
                case .next: []
                case .offset(let offset): Array(all.dropFirst(Int(offset)))
                }
            }
            if !before.isEmpty { onBatch(before) }
        }
    }

    fileprivate func last(_ stream: StreamName) -> Int64? { state.withLock { $0.streams[stream]?.last?.offset } }

    fileprivate func takeLock(_ process: Int) -> Bool {
        state.withLock { state in
            if state.holder != nil { return false }
            state.holder = process
            return true
        }
    }

    fileprivate func free(_ process: Int) { state.withLock { if $0.holder == process { $0.holder = nil } } }
    fileprivate var isLocked: Bool { state.withLock { $0.holder != nil } }
    fileprivate func holds(_ process: Int) -> Bool { state.withLock { $0.holder == process } }

    /// A stream is deleted, and another stands under its name. Whoever followed the former follows this one.
    func makeAnew(_ stream: StreamName) { state.withLock { $0.streams[stream] = nil } }

    /// Whoever follows a stream hears nothing more of it.
    func leaveFollowers(of stream: StreamName) { state.withLock { $0.followers[stream] = nil } }

    /// The lock goes, as with a connection that is lost.
    func loseLock() { state.withLock { $0.holder = nil } }
}

/// The broker as one process sees it, while it lives.
final class Process: OperatorBroker {
    private let broker: MemoryBroker
    private let number: Int
    private let left: Mutex<Int>

    fileprivate init(broker: MemoryBroker, number: Int, effects: Int) {
        self.broker = broker
        self.number = number
        left = Mutex(effects)
    }

    static let dead = BrokerFailure("the process has ended", advice: "", isAbsence: true)

    var isAlive: Bool { left.withLock { $0 >= 0 } }
    /// Nothing reaches it any more.
    func die() { left.withLock { $0 = -1 } }
    var isConnected: Bool { isAlive }
    var letters: any MessageStream { Stream(process: self, broker: broker, name: .letters) }
    var journal: any MessageStream { Stream(process: self, broker: broker, name: .journal) }
    var pulses: any MessageStream { Stream(process: self, broker: broker, name: .pulses) }
    var pauses: any MessageStream { Stream(process: self, broker: broker, name: .pauses) }
    var rollups: any RollupStream { Stream(process: self, broker: broker, name: .rollups) }
    var lock: any OperatorLock { Lock(process: self, broker: broker) }

    func alarm() async throws(BrokerFailure) -> String? {
        guard isAlive else { throw Self.dead }
        return broker.alarm
    }

    func depth(of queue: String) async throws(BrokerFailure) -> QueueDepth? { broker.depth(of: queue) }

    func topology() async throws(BrokerFailure) -> TopologyLook {
        guard isAlive else { throw Self.dead }
        return broker.topology
    }

    func order(_ pause: Pause) async throws(BrokerFailure) {
        guard isAlive else { throw Self.dead }
        if let alarm = broker.alarm { throw MemoryBroker.failure(of: alarm) }
        broker.write(pause)
    }

    /// One effect more, or the end.
    fileprivate func effect(_ message: OperatorMessage) throws(BrokerFailure) {
        let lives = left.withLock { left in
            if left >= 0 { left -= 1 }
            return left >= 0
        }
        guard lives else {
            broker.free(number)
            throw Self.dead
        }
        try broker.take(message)
    }

    private struct Stream: RollupStream {
        let process: Process
        let broker: MemoryBroker
        let name: MemoryBroker.StreamName

        func follow(
            from start: StreamStart, mostAhead: Int, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void
        ) async throws(BrokerFailure) -> any StreamFollower {
            guard process.isAlive else { throw Process.dead }
            let follower = Follower()
            broker.follow(name, from: start) { [process] batch in
                guard process.isAlive, !follower.isEnded, let last = batch.last else { return }
                onBatch(batch)
                follower.seen(last.offset)
            }
            return follower
        }

        func readToEnd(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure) {
            await (try await follow(from: start, mostAhead: 1, onBatch)).end()
        }

        func lastOffset() async throws(BrokerFailure) -> Int64? { broker.last(name) }
        func isThere() async throws(BrokerFailure) -> Bool { true }

        func append(_ part: [UInt8]) async throws(BrokerFailure) {
            guard process.isAlive else { throw Process.dead }
            broker.write(rollup: part)
        }
    }

    private final class Follower: StreamFollower {
        private let state = Mutex<(last: Int64, isEnded: Bool)>((-1, false))

        var lastOffset: Int64 { state.withLock { $0.last } }
        var isEnded: Bool { state.withLock { $0.isEnded } }
        func seen(_ offset: Int64) { state.withLock { $0.last = max($0.last, offset) } }
        func end() async { state.withLock { $0.isEnded = true } }

        func reach(_ offset: Int64, patience seconds: Int) async throws(BrokerFailure) {
            // Whatever is written is handed out at once.
            if lastOffset < offset { throw Process.dead }
        }
    }

    private struct Lock: OperatorLock {
        let process: Process
        let broker: MemoryBroker

        func take() async throws(BrokerFailure) -> (any HeldLock)? {
            guard process.isAlive else { throw Process.dead }
            if let alarm = broker.alarm { throw MemoryBroker.failure(of: alarm) }
            return broker.takeLock(process.number) ? Held(process: process, broker: broker) : nil
        }

        func isTaken() async throws(BrokerFailure) -> Bool { broker.isLocked }
    }

    private struct Held: HeldLock {
        let process: Process
        let broker: MemoryBroker

        var isHeld: Bool { process.isAlive && broker.holds(process.number) }

        func publish(_ messages: [OperatorMessage]) async throws(BrokerFailure) {
            for message in messages {
                guard isHeld else { throw Process.dead }
                try process.effect(message)
            }
        }

        func release() async { broker.free(process.number) }
    }
}

extension ManualClock: OperatorClock {
    package var uptime: Moment { now() }

    package func sleep(_ span: Moment.Span) async {
        await wait(span)
        await Task.yield()
    }
}
