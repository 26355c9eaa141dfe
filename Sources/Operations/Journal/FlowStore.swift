package import DeclineRecovery
import Pipeline
import Synchronization

/// What goes on in the fleet, as this process sees it: the journal's fold, kept up to date, and how full the queues are.
package final class FlowStore: Sendable {
    private struct State {
        var book = FlowBook()
        /// Of the last hours alone, while the whole is still being read.
        var recent: FlowBook?
        var lastOffset: Int64 = -1
        /// To the roll-up that the book began with.
        var tie: RollupTie?
        var turns: RollupTurns
        var lettersReady = false
        var journalReady = false
        var depths: (at: Moment, counts: [String: Int])?
        var lock: (at: Moment, isHeld: Bool)?
        var workers: [String: WorkerPulse] = [:]
        var claims = ClaimsRace()
        /// By the clock that nobody sets.
        var listeningSince: Moment?

        /// The last hours as they were read, and all else as far as a roll-up tells it.
        var shown: FlowBook {
            guard let recent else { return book }
            return tie == nil ? recent : book.with(lastHourOf: recent)
        }
    }

    private let broker: any OperatorBroker
    private let names: TopologyNames
    package let pauses = PauseStore()
    private let clock: any OperatorClock
    private let state: Mutex<State>
    private let tell: @Sendable (RollupNews) -> Void

    /// - Parameters:
    ///   - rollups: whether it writes roll-ups, and how often.
    ///   - tell: gets to know what becomes of them.
    package init(
        _ broker: any OperatorBroker, _ names: TopologyNames, clock: any OperatorClock, rollups: RollupTurns = .never,
        tell: @escaping @Sendable (RollupNews) -> Void = { _ in }
    ) {
        self.broker = broker
        self.names = names
        self.clock = clock
        self.tell = tell
        state = Mutex(State(turns: rollups))
    }

    /// Begins to follow the journal: behind the newest roll-up, or from as far back as its book reaches.
    package func follow() async throws(BrokerFailure) {
        if try await followRollup() { return }
        let glance = try await glance(patience: .seconds(3))
        let writes = state.withLock { $0.turns.writes }
        // What will be rolled up is to know all days that there are. It is read once.
        let isWhole = writes ? (try? await broker.rollups.isThere()) ?? false : false
        state.withLock { $0.book.money.isWhole = isWhole }
        let start: StreamStart = isWhole ? .first : .time(clock.now() + .days(-FlowBook.days))
        let reading = try await broker.journal.follow(from: start) { [self] in take($0) }
        if let end = try await broker.journal.lastOffset() {
            // A journal of which everything is older has nothing to say.
            let begins = clock.uptime + .seconds(5)
            while reading.lastOffset < end, !Task.isCancelled, reading.lastOffset >= 0 || clock.uptime < begins {
                await clock.sleep(.milliseconds(20))
            }
        }
        await isRead(glance)
    }

    /// Whether there is a roll-up of this journal, which is followed from there then.
    private func followRollup() async throws(BrokerFailure) -> Bool {
        // Pages show its sums while the rest is being read.
        let newest = await RollupShelf(stream: broker.rollups).newest { [self] shown in
            state.withLock { state in
                state.book = shown
                state.tie = RollupTie(JournalRollup.Place(offset: .max, digest: 0))
            }
        }
        guard let (book, place) = newest, let end = try await broker.journal.lastOffset(), end >= place.offset else {
            forgetRollup()
            return false
        }
        tell(.read(behind: Int(end - place.offset)))
        state.withLock { state in
            state.book = book
            state.tie = RollupTie(place)
            state.turns.begin(at: place.offset)
        }
        let glance = end - place.offset > RollupTurns.longTail ? try await glance(patience: .seconds(0)) : nil
        let reading = try await broker.journal.follow(from: .offset(place.offset)) { [self] in take($0) }
        while reading.lastOffset < end, !Task.isCancelled {
            if state.withLock({ $0.tie?.isBroken ?? false }) { break }
            await clock.sleep(.milliseconds(20))
        }
        if state.withLock({ $0.tie?.isHeld ?? true }) {
            await isRead(glance)
            return true
        }
        await reading.end()
        await glance?.end()
        forgetRollup()
        tell(.ofAnotherJournal)
        return false
    }

    private func forgetRollup() {
        state.withLock { state in
            state.book = FlowBook()
            state.tie = nil
            state.recent = nil
            state.lastOffset = -1
            state.turns.begin(at: -1)
        }
    }

    private func isRead(_ glance: (any StreamFollower)?) async {
        state.withLock { state in
            state.journalReady = true
            state.recent = nil
        }
        await glance?.end()
    }

    private func take(_ entries: [StreamMessage]) {
        let records = entries.map { ($0, JournalRecord.decode($0.body)) }
        let now = clock.now()
        let due: (book: FlowBook, place: JournalRollup.Place)? = state.withLock { state in
            for (entry, record) in records {
                guard state.tie?.admits(entry) ?? true else { continue }
                // Of a journal that was made anew, or is read once more, nothing counts twice.
                if entry.offset <= state.lastOffset {
                    state.book = FlowBook()
                    state.turns.begin(at: -1)
                }
                state.lastOffset = entry.offset
                if let record { state.book.take(record, now: now) }
            }
            guard let last = entries.last, last.offset == state.lastOffset,
                state.turns.isDue(at: last.offset, entries: state.book.entryCount, isLive: state.journalReady)
            else { return nil }
            return (state.book, JournalRollup.Place(last))
        }
        if let due { Task { [self] in await write(due.book, at: due.place) } }
    }

    private func write(_ book: FlowBook, at place: JournalRollup.Place) async {
        let shelf = RollupShelf(stream: broker.rollups)
        // Another console may have been first.
        if let other = await shelf.newestPlace(), state.withLock({ $0.turns.leaves(place.offset, to: other.offset) }) { return }
        let begun = clock.uptime
        let outcome = await shelf.write(book, at: place, clock)
        state.withLock { $0.turns.ended(outcome, at: place.offset) }
        switch outcome {
        case .written: tell(.written(entries: book.entryCount, took: clock.uptime - begun))
        case .impossible: tell(.impossible)
        case .failed(let failure): tell(.failed(failure))
        }
    }

    /// Five weeks of a busy fleet take minutes to read; what goes on now is seen within seconds.
    private func glance(patience: Moment.Span) async throws(BrokerFailure) -> any StreamFollower {
        state.withLock { $0.recent = FlowBook() }
        let reading = try await broker.journal.follow(from: .time(clock.now() + .minutes(-120))) { [self] entries in
            let records = entries.compactMap { JournalRecord.decode($0.body) }
            state.withLock { state in for record in records { state.recent?.take(record) } }
        }
        if let end = try await broker.journal.lastOffset() {
            let patience = clock.uptime + patience
            while reading.lastOffset < end, clock.uptime < patience, !Task.isCancelled { await clock.sleep(.milliseconds(20)) }
        }
        return reading
    }

    /// Begins to listen to the workers.
    package func listen() async throws(BrokerFailure) {
        _ = try await broker.pulses.follow(from: .next) { [self] entries in
            for pulse in entries.compactMap({ WorkerPulse.decode($0.body) }) {
                let now = clock.uptime
                state.withLock { state in
                    state.workers[pulse.workerID] = pulse.isFarewell ? nil : pulse
                    state.claims.take(pulse, now: now)
                    // Pods come and go under new names.
                    for (id, last) in state.workers where pulse.at - last.at >= .minutes(5) {
                        state.workers[id] = nil
                        state.claims.forget(id)
                    }
                }
            }
        }
        let now = clock.uptime
        state.withLock { $0.listeningSince = now }
    }

    /// Begins to follow what is paused.
    package func hearPauses() async throws(BrokerFailure) { try await pauses.follow(broker.pauses) }

    /// The letters were read to their end.
    package func lettersAreReady() { state.withLock { $0.lettersReady = true } }

    package var isReady: (letters: Bool, journal: Bool) { state.withLock { ($0.lettersReady, $0.journalReady) } }

    /// Whether every worker that runs has said so since this process listens; they do every two seconds.
    package var knowsWorkers: Bool {
        let now = clock.uptime
        return state.withLock { state in !state.workers.isEmpty || state.listeningSince.map { $0 + .seconds(15) < now } ?? false }
    }

    func look<Answer>(_ body: (FlowBook) -> Answer) -> Answer { state.withLock { body($0.shown) } }

    /// What the workers said last, by host.
    package var pulses: [WorkerPulse] { state.withLock { $0.workers.values.sorted { ($0.host, $0.workerID) < ($1.host, $1.workerID) } } }

    /// How many claims a worker has not read that another has, and for how long it has not.
    func behind(_ worker: String) -> (messages: Int64, lag: Moment.Span) {
        let now = clock.uptime
        return state.withLock { $0.claims.behind(worker, now: now) }
    }

    /// When a stage, or any of them, was done with a message last, by the journal.
    func lastWork(of stage: Stage?) -> Moment? { look { book in stage.map { book.lastWork[$0] } ?? book.lastWork.values.max() } }

    // MARK: Queues

    /// For whom what stands in a queue waits.
    enum QueueKind: String {
        /// For workers.
        case work
        /// For its time, as it should.
        case parked
        /// For the CRM.
        case results
    }

    /// Every queue, and what waits in it.
    var queues: [(name: String, what: String, kind: QueueKind)] {
        [
            (names.intake, "declines and commands that came in"), (names.cascade, "cascades: a customer waits"),
            (names.retry, "retries whose step is due"),
            (names.outcomes, "news of FlexFactor's webhooks"), (names.suspects, "what was in work as workers ended: tried alone"),
            (names.unrouted, "results that nobody had bound a queue for"),
            (names.held, "refused where it was to go: tried again by itself"),
        ].map { ($0, $1, .work) } + [(names.crmResults, "results that the CRM has not taken", .results)]
            + DelayLadder.rungs.map {
                (names.delays[$0], "put away, step of \(DelayLadder.span(ofRung: $0).milliseconds / 1_000) s", .parked)
            }
    }

    /// At most every two seconds, however many look.
    func depths(_ now: Moment) async throws(BrokerFailure) -> [String: Int] {
        if let known = state.withLock({ $0.depths }), now - known.at < .seconds(2) { return known.counts }
        var counts: [String: Int] = [:]
        for (name, _, _) in queues {
            // Who only reads letters sees the rest without this number.
            counts[name] = try await broker.readyCount(of: name)
        }
        state.withLock { [counts] in $0.depths = (now, counts) }
        return counts
    }

    /// Whether somebody acts on dead letters; asked at most every two seconds, however many look.
    func isLocked(_ now: Moment) async throws(BrokerFailure) -> Bool {
        if let known = state.withLock({ $0.lock }), now - known.at < .seconds(2) { return known.isHeld }
        let isHeld = try await broker.lock.isTaken()
        state.withLock { $0.lock = (now, isHeld) }
        return isHeld
    }
}
