import Broker
import DeclineRecovery
import FlexFactor
import Logging
import Operations
import Synchronization

/// Tells the operator's own address what is wrong, so that nobody must watch. It holds nobody up: a receiver that is slow or away costs its own
/// notices time, and nothing waits for it but the next of them.
final class NoticeSender: Sendable {
    private let receiver: NoticeReceiver
    private let address: String
    private let link: BrokerLink
    private let letters: LetterStore
    private let flow: FlowStore
    private let logger: Logger
    private let clock = SystemClock()
    private let rhythm: Duration
    private let limiter = LogLimiter()
    private let state: Mutex<State>

    private struct State {
        var book: NoticeBook
        var sent = 0
        var failed = 0
        /// Since the last that arrived: how many tries failed, since when, and how the last did.
        var trouble: (failures: Int, since: Moment, last: String, advice: String)?
        /// Since when the broker is away.
        var away: Moment?
    }

    init(
        _ settings: NoticeSettings, _ names: TopologyNames, _ link: BrokerLink, _ letters: LetterStore, _ flow: FlowStore, _ logger: Logger
    ) {
        receiver = NoticeReceiver(settings, fleet: names.prefix)
        address = "\(settings.address)"
        self.link = link
        self.letters = letters
        self.flow = flow
        self.logger = logger
        rhythm = .milliseconds(min(max(settings.patience.milliseconds / 4, 250), 5_000))
        state = Mutex(State(book: NoticeBook(NoticeBook.Rules(fleet: names.prefix, patience: settings.patience))))
    }

    /// How many were sent, how many tries failed, how many wait.
    var counts: (sent: Int, failed: Int, waiting: Int) {
        let (now, uptime) = (clock.now(), clock.uptime)
        return state.withLock { ($0.sent, $0.failed, $0.book.waiting(now: now, uptime: uptime)) }
    }

    /// For so many tries in a row nobody is told that they failed.
    private static let patience = 3

    /// That notices do not arrive, where somebody looks.
    var faults: [FleetStatus.Fault] {
        let (now, uptime) = (clock.now(), clock.uptime)
        return state.withLock { state in
            // What ended before it could be told is nobody's trouble any more.
            guard let trouble = state.trouble, trouble.failures >= Self.patience, state.book.waiting(now: now, uptime: uptime) > 0 else {
                return []
            }
            return [.noticesUndelivered(since: trouble.since, trouble.last, advice: trouble.advice)]
        }
    }

    func run(until stop: StopSignal) async {
        logger.info("Notices of what is wrong are sent", metadata: [LogKey.host: "\(address)"])
        while !stop.isSet {
            await look()
            for notice in due where !stop.isSet {
                // Who does not answer one does not answer the next.
                if await !tell(notice) { break }
            }
            await stop.wait(atMost: rhythm)
        }
    }

    private var due: [Notice] {
        let (now, uptime) = (clock.now(), clock.uptime)
        return state.withLock { $0.book.due(now: now, uptime: uptime) }
    }

    private func look() async {
        let (now, uptime) = (clock.now(), clock.uptime)
        guard link.isConnected else {
            state.withLock { state in
                let since = state.away ?? now
                state.away = since
                state.book.look([.brokerAway(since: since)], isWhole: false, now: now, uptime: uptime)
            }
            return
        }
        let (facts, isWhole) = await facts(now)
        state.withLock { state in
            state.away = nil
            state.book.look(facts, isWhole: isWhole, now: now, uptime: uptime)
        }
    }

    /// What is wrong, and whether that is all: who has not read all yet, or has heard of nobody, knows of nothing wrong, and while the broker takes
    /// no messages nobody is heard.
    private func facts(_ now: Moment) async -> (facts: [NoticeFact], isWhole: Bool) {
        guard flow.isReady.letters, flow.isReady.journal, flow.workers.areKnown else { return ([], false) }
        do throws(BrokerFailure) {
            let status = try await FleetStatus(letters, flow, letters.names, now: now)
            let gathering = state.withLock { $0.book.rules.gathering }
            let isHeard = !status.faults.contains { $0.kind == .brokerBlocked }
            return (NoticeFact.all(of: status, letters, flow, gathering: gathering), isHeard)
        } catch {
            return ([], false)
        }
    }

    /// - Returns: whether the receiver has it.
    private func tell(_ notice: Notice) async -> Bool {
        switch await receiver.send(notice) {
        case .delivered:
            state.withLock { state in
                state.book.delivered(notice)
                state.sent += 1
                state.trouble = nil
            }
            logger.info(
                "A notice is sent", metadata: [LogKey.reason: "\(notice.event.rawValue) \(notice.kind)", LogKey.host: "\(address)"])
            return true
        case .failed(let why, let advice, let wish):
            let (now, uptime) = (clock.now(), clock.uptime)
            state.withLock { state in
                state.book.failed(notice, uptime: uptime, wish: wish, jitter: Double.random(in: 0...1))
                state.failed += 1
                let (failures, since) = state.trouble.map { ($0.failures + 1, $0.since) } ?? (1, now)
                state.trouble = (failures, since, why, advice)
            }
            if let suppressed = limiter.admit("notices", now: now) {
                logger.warning(
                    "A notice did not arrive; it is tried again by itself",
                    metadata: [
                        LogKey.reason: "\(notice.event.rawValue) \(notice.kind)", LogKey.host: "\(address)", LogKey.error: "\(why)",
                        LogKey.advice: "\(advice)", LogKey.suppressed: "\(suppressed)",
                    ])
            }
            return false
        }
    }
}
