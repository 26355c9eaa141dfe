import DeclineRecovery
import Operations
import Pipeline
import Synchronization
import TestSupport

/// A stream whose messages stand where they are put, and which can be cut, made anew and held up.
final class PlacedStream: RollupStream {
    private struct State {
        var messages: [StreamMessage] = []
        var followers: [(@Sendable ([StreamMessage]) -> Void, Follower)] = []
        var heldFrom = Int64.max
        var heldFor = Int64.max
        var starts: [StreamStart] = []
        var absences = 0
        var isReadOnly = false
        var isAlarmed = false
    }

    private let state: Mutex<State>
    /// Each follower is handed what stands here in its order, whoever writes meanwhile. Held around `state`, never within.
    private let handingOut = Mutex(())

    init(_ messages: [StreamMessage] = []) { state = Mutex(State(messages: messages)) }

    var messages: [StreamMessage] {
        get { state.withLock { $0.messages } }
        set { state.withLock { $0.messages = newValue } }
    }

    /// Where readings began.
    var starts: [StreamStart] { state.withLock { $0.starts } }

    /// From here on nothing is handed out, to those who begin to read before a place, until it is let go.
    func hold(from offset: Int64, forThoseBefore start: Int64 = .max) {
        state.withLock { state in (state.heldFrom, state.heldFor) = (offset, start) }
    }

    func release() {
        handingOut.withLock { _ in
            let (held, followers) = state.withLock { state in
                defer { state.heldFrom = .max }
                return (state.messages.filter { $0.offset >= state.heldFrom }, state.followers)
            }
            for (onBatch, follower) in followers { hand(held, onBatch, follower) }
        }
    }

    /// So many questions find the broker away.
    func beAway(for questions: Int) { state.withLock { $0.absences = questions } }

    var isAway: Bool { state.withLock { $0.absences > 0 } }

    private func ask() throws(BrokerFailure) {
        let isAway = state.withLock { state in
            defer { state.absences = max(state.absences - 1, 0) }
            return state.absences > 0
        }
        if isAway { throw BrokerFailure("not connected at the moment", advice: "", isAbsence: true) }
    }

    /// Hands out to who follows what stands there, from its beginning.
    func handOutAgain() {
        handingOut.withLock { _ in
            let (messages, followers) = state.withLock { ($0.messages, $0.followers) }
            for (onBatch, follower) in followers { hand(messages, onBatch, follower) }
        }
    }

    func append(_ message: StreamMessage) { append { _ in message } }

    /// - Parameter message: at the next place.
    private func append(_ message: (Int64) -> StreamMessage) {
        handingOut.withLock { _ in
            let (message, isHeld, followers) = state.withLock { state in
                let message = message((state.messages.last?.offset ?? -1) + 1)
                state.messages.append(message)
                return (message, message.offset >= state.heldFrom, state.followers)
            }
            if isHeld { return }
            for (onBatch, follower) in followers { hand([message], onBatch, follower) }
        }
    }

    /// A viewer's login may not write.
    func forbidWriting() { state.withLock { $0.isReadOnly = true } }

    /// The broker takes no messages.
    func raiseAlarm() { state.withLock { $0.isAlarmed = true } }

    func append(_ part: [UInt8]) async throws(BrokerFailure) {
        if state.withLock({ $0.isAlarmed }) { throw MemoryBroker.failure(of: "low on disk") }
        if state.withLock({ $0.isReadOnly }) { throw BrokerFailure("access refused", advice: "", isRefusal: true) }
        append { offset in StreamMessage(offset: offset, type: nil, messageID: nil, traceparent: nil, body: part) }
    }

    func isThere() async throws(BrokerFailure) -> Bool { true }

    private func hand(_ messages: [StreamMessage], _ onBatch: ([StreamMessage]) -> Void, _ follower: Follower) {
        guard !follower.isEnded, let last = messages.last else { return }
        onBatch(messages)
        follower.seen(last.offset)
    }

    func follow(
        from start: StreamStart, mostAhead: Int, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void
    ) async throws(BrokerFailure) -> any StreamFollower {
        try ask()
        let follower = Follower()
        handingOut.withLock { _ in
            let begun = state.withLock { state in
                state.starts.append(start)
                state.followers.append((onBatch, follower))
                return state.messages.filter { message in
                    let isIn =
                        switch start {
                        case .offset(let offset): message.offset >= offset
                        case .next: false
                        case .first: true
                        case .time(let begin): JournalRecord.decode(message.body).map { $0.at >= begin } ?? true
                        }
                    let isHeld = if case .offset(let offset) = start { offset < state.heldFor } else { true }
                    return isIn && (message.offset < state.heldFrom || !isHeld)
                }
            }
            hand(begun, onBatch, follower)
        }
        return follower
    }

    func readToEnd(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure) {
        await (try await follow(from: start, mostAhead: 1, onBatch)).end()
    }

    func lastOffset() async throws(BrokerFailure) -> Int64? {
        try ask()
        return messages.last?.offset
    }

    private final class Follower: StreamFollower {
        private let state = Mutex<(last: Int64, isEnded: Bool)>((-1, false))

        var lastOffset: Int64 { state.withLock { $0.last } }
        var isEnded: Bool { state.withLock { $0.isEnded } }
        func seen(_ offset: Int64) { state.withLock { $0.last = max($0.last, offset) } }
        func end() async { state.withLock { $0.isEnded = true } }

        func reach(_ offset: Int64, patience seconds: Int) async throws(BrokerFailure) {
            while lastOffset < offset, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
        }
    }
}

/// A broker of which journal and roll-ups are a test's own.
struct RollupWorld: OperatorBroker {
    let journal: any MessageStream
    let rollups: any RollupStream
    private let base = MemoryBroker().process()

    init(_ journal: PlacedStream, _ rollups: PlacedStream) {
        self.journal = journal
        self.rollups = rollups
    }

    var letters: any MessageStream { base.letters }
    var pulses: any MessageStream { base.pulses }
    var pauses: any MessageStream { base.pauses }
    var lock: any OperatorLock { base.lock }
    var isConnected: Bool { true }
    func alarm() async throws(BrokerFailure) -> String? { nil }
    func depth(of queue: String) async throws(BrokerFailure) -> QueueDepth? { QueueDepth() }
    func topology() async throws(BrokerFailure) -> TopologyLook { TopologyLook() }
    func order(_ pause: Pause) async throws(BrokerFailure) { try await base.order(pause) }

    /// Stands behind every record; its time passes while somebody waits.
    final class Clock: OperatorClock {
        private let passed = Atomic<Int64>(0)

        func now() -> Moment { .in2026(250 * 86_400) }
        var uptime: Moment { Moment(milliseconds: passed.load(ordering: .relaxed)) }

        func sleep(_ span: Moment.Span) async {
            passed.add(span.milliseconds, ordering: .relaxed)
            await Task.yield()
        }
    }
}
