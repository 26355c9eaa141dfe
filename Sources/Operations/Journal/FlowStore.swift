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
        /// Counts how often the journal was begun with: what an earlier reading hands out counts no more.
        var round = 0
        var readings: [any StreamFollower] = []
        /// Another journal stands in the place of this one, or this one is read once more: it is to be begun with anew.
        var isLost = false
        /// To the roll-up that the book began with.
        var tie: RollupTie?
        var turns: RollupTurns
        var lettersReady = false
        var journalReady = false

        /// The last hours as they were read, and all else as far as a roll-up tells it.
        var shown: FlowBook {
            guard let recent else { return book }
            return tie == nil ? recent : book.with(lastHourOf: recent)
        }
    }

    private let broker: any OperatorBroker
    let names: TopologyNames
    package let pauses = PauseStore()
    package let workers: PulseStore
    private let clock: any OperatorClock
    private let state: Mutex<State>
    private let lastDepths = Remembered<[String: QueueDepth]>(for: .seconds(2))
    private let lastAlarm = Remembered<String?>(for: .seconds(2))
    private let lastLock = Remembered<Bool>(for: .seconds(2))
    /// There are dozens of exchanges and queues.
    private let lastTopology = Remembered<TopologyLook>(for: .seconds(10))
    private let tell: @Sendable (RollupNews) -> Void
    /// Whether it waits for a broker that is away. Who looks once says so instead.
    private let isPatient: Bool

    /// - Parameters:
    ///   - rollups: whether it writes roll-ups, and how often.
    ///   - tell: gets to know what becomes of them.
    package init(
        _ broker: any OperatorBroker, _ names: TopologyNames, clock: any OperatorClock, rollups: RollupTurns = .never,
        tell: @escaping @Sendable (RollupNews) -> Void = { _ in }
    ) {
        self.broker = broker
        workers = PulseStore(broker.pulses, clock: clock)
        self.names = names
        self.clock = clock
        self.tell = tell
        isPatient = rollups.writes
        state = Mutex(State(turns: rollups))
    }

    /// Begins to follow the journal: behind the newest roll-up, or from as far back as its book reaches.
    package func follow() async throws(BrokerFailure) {
        repeat {
            do throws(BrokerFailure) {
                if try await followOnce() { return }
            } catch {
                guard isPatient, error.isAbsence, !Task.isCancelled else { throw error }
                tell(.unknown(error))
            }
            await clock.sleep(.seconds(2))
        } while !Task.isCancelled
    }

    /// The journal is begun with once more. What was known is shown until then, and nothing is rolled up.
    private func followAgain() async {
        while !Task.isCancelled {
            do throws(BrokerFailure) { return try await follow() } catch { tell(.unknown(error)) }
            await clock.sleep(.seconds(2))
        }
    }

    /// - Returns: whether it is followed now. Else it was lost meanwhile.
    private func followOnce() async throws(BrokerFailure) -> Bool {
        let (round, former) = state.withLock { state in
            defer { state.readings = [] }
            state.round += 1
            state.isLost = false
            state.journalReady = false
            return (state.round, state.readings)
        }
        for reading in former { await reading.end() }
        if let isFollowed = try await followRollup(round) { return isFollowed }
        let glance = try await glance(round, patience: .seconds(3))
        let writes = state.withLock { $0.turns.writes }
        // What will be rolled up is to know all days that there are. It is read once.
        let isWhole = writes ? try await canRollUp() : false
        state.withLock { $0.book.money.isWhole = isWhole }
        let start: StreamStart = isWhole ? .first : .time(clock.now() + .days(-FlowBook.days))
        let reading = try await read(from: start, round)
        if let end = try await broker.journal.lastOffset() {
            // A journal of which everything is older has nothing to say.
            let begins = clock.uptime + .seconds(5)
            while reading.lastOffset < end, !isLost, !Task.isCancelled, reading.lastOffset >= 0 || clock.uptime < begins {
                await clock.sleep(.milliseconds(20))
            }
        }
        return await isRead(glance, round)
    }

    /// Whether there is a roll-up of this journal, which is followed from there then; `nil` where there is none.
    private func followRollup(_ round: Int) async throws(BrokerFailure) -> Bool? {
        // Pages show its sums while the rest is being read.
        let found = try await RollupShelf(stream: broker.rollups).find { [self] shown in
            state.withLock { state in
                state.book = shown
                state.tie = RollupTie(JournalRollup.Place(offset: .max, digest: 0))
            }
        }
        let isUnusable = if case .unusable = found { true } else { false }
        state.withLock { $0.turns.isHeldBack = isUnusable }
        if isUnusable { tell(.unusable) }
        guard case .whole(let book, let place) = found, let end = try await broker.journal.lastOffset(), end >= place.offset else {
            forgetRollup()
            return nil
        }
        tell(.read(behind: Int(end - place.offset)))
        state.withLock { state in
            state.book = book
            state.tie = RollupTie(place)
            // What stands up to there is in it: whoever hands that out again reads once more.
            state.lastOffset = place.offset
            state.turns.begin(at: place.offset)
        }
        let glance = end - place.offset > RollupTurns.longTail ? try await glance(round, patience: .seconds(0)) : nil
        let reading = try await read(from: .offset(place.offset), round)
        while reading.lastOffset < end, !isLost, !Task.isCancelled {
            if state.withLock({ $0.tie?.isBroken ?? false }) { break }
            await clock.sleep(.milliseconds(20))
        }
        if isLost || state.withLock({ $0.tie?.isHeld ?? true }) { return await isRead(glance, round) }
        await reading.end()
        await glance?.end()
        forgetRollup()
        tell(.ofAnotherJournal)
        return nil
    }

    private func read(from start: StreamStart, _ round: Int) async throws(BrokerFailure) -> any StreamFollower {
        let reading = try await broker.journal.follow(from: start) { [self] in take($0, round) }
        state.withLock { $0.readings.append(reading) }
        return reading
    }

    private var isLost: Bool { state.withLock { $0.isLost } }

    /// Whether this login may write roll-ups. Whoever may not, and where none stands, would read all of the journal again at each start, for days
    /// of which its pages show nothing unless asked.
    private func canRollUp() async throws(BrokerFailure) -> Bool {
        do throws(BrokerFailure) {
            guard try await broker.rollups.isThere() else { return false }
            // Empty, which nobody takes for a part: a broker says of a right to write only by what it takes.
            try await broker.rollups.append([])
            return true
        } catch {
            // Under an alarm nobody is told whether he may; the journal is read as ever.
            if error.isAbsence, !error.isAlarm { throw error }
            guard error.isRefusal else { return true }
            state.withLock { $0.turns.forbid() }
            tell(.impossible)
            return false
        }
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

    private func isRead(_ glance: (any StreamFollower)?, _ round: Int) async -> Bool {
        let isRead = state.withLock { state in
            if state.isLost || state.round != round { return false }
            state.journalReady = true
            state.recent = nil
            return true
        }
        await glance?.end()
        return isRead
    }

    private func take(_ entries: [StreamMessage], _ round: Int) {
        let records = entries.map { ($0, JournalRecord.decode($0.body)) }
        let (now, uptime) = (clock.now(), clock.uptime)
        let (due, isLost): ((book: FlowBook, place: JournalRollup.Place)?, Bool) = state.withLock { state in
            guard state.round == round, !state.isLost else { return (nil, false) }
            for (entry, record) in records {
                guard state.tie?.admits(entry) ?? true else { continue }
                // Of a journal that was made anew, or is read once more, nothing counts twice. A roll-up may know more of it than is left.
                if entry.offset <= state.lastOffset {
                    defer { state.journalReady = false }
                    state.isLost = true
                    // Who begins with it just now sees that himself.
                    return (nil, state.journalReady)
                }
                if state.lastOffset < 0, entry.offset == 0 {
                    // Nothing was before: whatever stands in the way knows no more.
                    state.book.money.isWhole = true
                    state.turns.isHeldBack = false
                }
                state.lastOffset = entry.offset
                if let record { state.book.take(record, now: now) }
            }
            guard let last = entries.last, last.offset == state.lastOffset,
                state.turns.isDue(at: last.offset, entries: state.book.entryCount, isLive: state.journalReady, now: uptime)
            else { return (nil, false) }
            return ((state.book, JournalRollup.Place(last)), false)
        }
        if isLost { Task { [self] in await followAgain() } }
        if let due { Task { [self] in await write(due.book, at: due.place, round) } }
    }

    private func write(_ book: FlowBook, at place: JournalRollup.Place, _ round: Int) async {
        let begun = clock.uptime
        let outcome = await RollupShelf(stream: broker.rollups).write(book, at: place, of: broker.journal, clock) { other in
            state.withLock { $0.turns.leaves(place.offset, to: other) }
        }
        let now = clock.uptime
        let isPoorer = state.withLock { state in
            state.turns.ended(outcome, at: place.offset, isOfThisReading: state.round == round && !state.isLost, now: now)
            guard case .poorer = outcome, state.round == round, state.journalReady else { return false }
            state.isLost = true
            state.journalReady = false
            return true
        }
        switch outcome {
        case .needless: break
        case .poorer: tell(.poorer)
        case .written: tell(.written(entries: book.entryCount, took: now - begun))
        case .impossible: tell(.impossible)
        case .failed(let failure): tell(.failed(failure))
        }
        if isPoorer { await followAgain() }
    }

    /// Five weeks of a busy fleet take minutes to read; what goes on now is seen within seconds.
    private func glance(_ round: Int, patience: Moment.Span) async throws(BrokerFailure) -> any StreamFollower {
        state.withLock { $0.recent = FlowBook() }
        let reading = try await broker.journal.follow(from: .time(clock.now() + .minutes(-120))) { [self] entries in
            let records = entries.compactMap { JournalRecord.decode($0.body) }
            state.withLock { state in
                if state.round == round { for record in records { state.recent?.take(record) } }
            }
        }
        state.withLock { $0.readings.append(reading) }
        if let end = try await broker.journal.lastOffset() {
            let patience = clock.uptime + patience
            while reading.lastOffset < end, clock.uptime < patience, !Task.isCancelled { await clock.sleep(.milliseconds(20)) }
        }
        return reading
    }

    /// Begins to follow what is paused.
    package func hearPauses() async throws(BrokerFailure) { try await pauses.follow(broker.pauses) }

    /// The letters were read to their end.
    package func lettersAreReady() { state.withLock { $0.lettersReady = true } }

    package var isReady: (letters: Bool, journal: Bool) { state.withLock { ($0.lettersReady, $0.journalReady) } }

    /// How far the journal is read, and whether what is shown meanwhile is a roll-up and what was read behind it, instead of the last hours; `nil`
    /// once all is read.
    var reading: (until: Moment?, isBehindRollup: Bool)? {
        state.withLock { $0.journalReady ? nil : ($0.book.money.until, $0.tie != nil) }
    }

    func look<Answer>(_ body: (FlowBook) -> Answer) -> Answer { state.withLock { body($0.shown) } }

    /// How many wait whose time is over and which nobody has taken up, and since when the first of them.
    package func overdue(now: Moment) -> (count: Int, oldest: Moment?) {
        let late = look { book in book.overdue(now: now).map(\.until) }
        return (late.count, late.min())
    }

    /// When a stage, or any of them, was done with a message last, by the journal.
    func lastWork(of stage: Stage?) -> Moment? { look { book in stage.map { book.lastWork[$0] } ?? book.lastWork.values.max() } }

    func depths(_ now: Moment) async throws(BrokerFailure) -> [String: QueueDepth] {
        try await lastDepths.answer(now) { () async throws(BrokerFailure) -> [String: QueueDepth] in
            var depths: [String: QueueDepth] = [:]
            for (name, _, _) in queues {
                // Who only reads letters sees the rest without this number.
                depths[name] = try await broker.depth(of: name)
            }
            return depths
        }
    }

    /// Why the broker takes no messages.
    package func alarm(_ now: Moment) async throws(BrokerFailure) -> String? {
        try await lastAlarm.answer(now) { () async throws(BrokerFailure) in try await broker.alarm() }
    }

    /// Which exchanges and queues are gone.
    package func topology(_ now: Moment) async throws(BrokerFailure) -> TopologyLook {
        try await lastTopology.answer(now) { () async throws(BrokerFailure) in try await broker.topology() }
    }

    /// Whether somebody acts on dead letters.
    func isLocked(_ now: Moment) async throws(BrokerFailure) -> Bool {
        try await lastLock.answer(now) { () async throws(BrokerFailure) in try await broker.lock.isTaken() }
    }
}
