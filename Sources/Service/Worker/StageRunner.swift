import Broker
import DeclineRecovery
import FlexFactor
import Logging
import NIOCore
import Pipeline
import Synchronization

/// Brings the deliveries of one queue through a stage: to a lane in one hop for a whole batch, and every delivery to its end.
final class StageRunner: Sendable {
    typealias Handle = @Sendable (IncomingMessage) async -> StageOutcome
    /// Sends a reply once, apart from everything else, and says why it did not arrive.
    typealias Replying = @Sendable (Broker.OutgoingMessage, @escaping @Sendable (PublishError) -> Void) -> Void

    let stage: Stage
    private let stations: [Station]
    let names: TopologyNames
    let report: StageReport
    let clock: any WallClock
    private let workerID: String
    private let cut: CutMessage
    private let suspicion: Suspicion
    private let longestHold: Moment.Span
    let holdings: Holdings
    private let isStopping = Atomic<Bool>(false)
    private let turn = Atomic<Int>(0)
    private let open = Atomic<Int>(0)
    private let survivors = Survivors()
    /// Where FlexFactor is called: what one gateway delays must not delay the others.
    private let shares: Budget?
    /// `nil` where nobody takes traces.
    private let tracer: Tracer?
    private let replying: Replying
    /// What is worked on, for the end of the process.
    private let inWork = Mutex<(next: UInt64, deliveries: [UInt64: Handed])>((0, [:]))

    /// A lane, and what it does with a message: a function that stands in a tuple of an array is wrapped anew whenever it is taken out.
    private struct Station: Sendable {
        let lane: Lane
        let handle: Handle
        let tasks = RestingTasks<Turn>()
    }

    typealias Turn = GatewayShares<Handed>.Turn

    /// A delivery in hand.
    struct Handed: Sendable {
        let delivery: Delivery
        /// By what `Survivors` knows its message.
        let key: Int
        /// How often this process was handed its message before, and lived.
        let survived: Int
        /// Nanoseconds since 1970, where somebody takes traces.
        let arrived: UInt64
    }

    /// The shares, for the threads that take from them.
    private final class Budget: Sendable {
        private let shares: Mutex<GatewayShares<Handed>>

        init(_ shares: sending GatewayShares<Handed>) {
            self.shares = Mutex(shares)
        }

        func withLock<Result>(_ body: (inout GatewayShares<Handed>) -> sending Result) -> sending Result { shares.withLock(body) }
    }

    /// - Parameter budget: messages in work at a time, where they are divided among gateways; the broker hands out twice as many.
    /// - Parameter isSlow: whether FlexFactor is slow for whoever's share this is.
    init(
        _ stage: Stage, lanes: [(lane: Lane, handle: Handle)], names: TopologyNames, report: StageReport, clock: any WallClock,
        workerID: String, cut: CutMessage,
        suspicion: Suspicion, longestHold: Moment.Span, holdings: Holdings, budget: Int?,
        isSlow: @escaping @Sendable (String) -> Bool? = { _ in nil }, tracer: Tracer?,
        replying: @escaping Replying
    ) {
        self.stage = stage
        stations = lanes.map { Station(lane: $0.lane, handle: $0.handle) }
        self.names = names
        self.report = report
        self.clock = clock
        self.workerID = workerID
        self.cut = cut
        self.suspicion = suspicion
        self.longestHold = longestHold
        self.holdings = holdings
        self.tracer = tracer
        self.replying = replying
        shares = Self.shares(budget, stage, isSlow)
        watchShares()
    }

    /// Outside of the initializer, where the optimizer of Swift 6.3 ends on it.
    @inline(never)
    private static func shares(_ budget: Int?, _ stage: Stage, _ isSlow: @escaping @Sendable (String) -> Bool?) -> Budget? {
        // A customer waits for a cascade.
        budget.map {
            Budget(
                GatewayShares(
                    budget: $0, room: max($0 / 2, 1), longest: stage == .cascade ? .seconds(10) : .seconds(60), isSlow: isSlow))
        }
    }

    /// Deliveries in hand.
    var inFlight: Int { open.load(ordering: .relaxed) }

    /// From now on nothing is held that cannot be finished, and nothing waits: the broker has it and hands it to somebody else.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        giveUpWaiting()
        for station in stations { station.tasks.end() }
    }

    /// What waits for its turn goes back to the queue.
    func giveUpWaiting() {
        for handed in shares?.withLock({ $0.giveUp() }) ?? [] {
            // What cannot be sent again is the broker's to hand out again: the channel stays, and nobody else would.
            passOn(handed) { handed, _ in if await !self.sendAgain(handed) { handed.delivery.handBack() } }
        }
    }

    func take(_ batch: [Delivery]) {
        open.add(batch.count, ordering: .relaxed)
        let arrived = tracer == nil ? 0 : SystemClock.nanoseconds()
        let batch = batch.map { delivery in
            let key = Survivors.key(delivery)
            return Handed(delivery: delivery, key: key, survived: survivors.handedOut(key), arrived: arrived)
        }
        guard let shares else { return begin(batch.map { Turn(free: $0) }) }
        if isStopping.load(ordering: .relaxed) {
            for handed in batch { passOn(handed) { await self.sendAgain($0) } }
            return
        }
        let now = clock.now()
        carryOut(
            shares.withLock { shares in
                batch.reduce(into: GatewayShares<Handed>.Moves()) { moves, handed in
                    let notes = DeliveryNotes(handed.delivery, at: stage, names)
                    // Of a long one only the beginning is here, which must not be sent on.
                    let isCut = handed.delivery.byteCount > handed.delivery.body.count
                    let next = shares.arrived(handed, of: notes.share, freeFrom: isCut ? now : notes.freeFrom, now: now)
                    moves.begin += next.begin
                    moves.putOff += next.putOff
                }
            })
    }

    private func carryOut(_ moves: GatewayShares<Handed>.Moves) {
        if !moves.begin.isEmpty { begin(moves.begin) }
        for (handed, until) in moves.putOff {
            report.putOff()
            passOn(handed) { await self.putOff($0, until: until, on: $1) }
        }
    }

    @inline(never)
    private func watchShares() {
        guard let shares, let lane = stations.first?.lane else { return }
        lane.eventLoop.scheduleRepeatedTask(initialDelay: .milliseconds(200), delay: .milliseconds(200)) { [weak self] task in
            guard let self, !isStopping.load(ordering: .relaxed) else { return task.cancel() }
            carryOut(shares.withLock { $0.looked(now: self.clock.now()) })
        }
    }

    private func begin(_ turns: [Turn]) {
        let station = nextStation()
        station.lane.eventLoop.execute {
            for turn in turns {
                if station.tasks.give(turn) { continue }
                // Runs at once, here, up to its first wait.
                Task.immediate(executorPreference: station.lane.executor) { await self.work(at: station) }
            }
        }
    }

    /// Works on one message after the other, for as long as the task may rest in between. What a message leaves room for is the next: the task
    /// is awake already, and on its lane.
    private func work(at station: Station) async {
        while let begun = await station.tasks.next() {
            var next: Turn? = begun
            while let turn = next {
                let number = inWork.withLock { inWork in
                    inWork.next += 1
                    inWork.deliveries[inWork.next] = turn.item
                    return inWork.next
                }
                await process(turn.item, station.lane, station.handle)
                _ = inWork.withLock { $0.deliveries.removeValue(forKey: number) }
                open.subtract(1, ordering: .relaxed)
                next = ended(turn)
            }
        }
    }

    /// Says which turn follows on another, and begins those that do beside it.
    private func ended(_ turn: Turn) -> Turn? {
        guard var moves = shares?.withLock({ $0.ended(turn, now: clock.now()) }) else { return nil }
        let next = moves.begin.isEmpty ? nil : moves.begin.removeFirst()
        carryOut(moves)
        return next
    }

    private func nextStation() -> Station { stations[turn.add(1, ordering: .relaxed).oldValue % stations.count] }

    /// Ends a delivery that is not worked on here.
    private func passOn(_ handed: Handed, _ how: @escaping @Sendable (Handed, Lane) async -> Void) {
        let lane = nextStation().lane
        Task(executorPreference: lane.executor) {
            if handed.delivery.isOpen { await how(handed, lane) }
            self.open.subtract(1, ordering: .relaxed)
        }
    }

    private func passOn(_ handed: Handed, _ how: @escaping @Sendable (Handed) async -> Bool) {
        passOn(handed) { handed, _ in _ = await how(handed) }
    }

    /// Sends a delivery through the delay ladder as it came.
    private func putOff(_ handed: Handed, until: Moment, on lane: Lane) async {
        let later = Broker.OutgoingMessage(
            handed.delivery, at: stage, .ladder(stage, until: until), names, survived: handed.survived, now: clock.now())
        if await finish(handed, publishing: [later], on: lane) { survivors.finished(handed.key) }
    }

    /// Gives back what is worked on and will not be finished in time: to the end of the queue, as a new message, for whoever is ended by us
    /// has not ended us. Waits at most so long for the broker to take it.
    func handBack(within span: Duration) async {
        let left = inWork.withLock { Array($0.deliveries.values) }
        await within(span) {
            await withTaskGroup { group in
                for handed in left { group.addTask { _ = await self.sendAgain(handed) } }
            }
        }
    }

    private func process(_ handed: Handed, _ lane: Lane, _ handle: Handle) async {
        let delivery = handed.delivery
        // It may have waited, and its connection have gone meanwhile.
        guard delivery.isOpen else { return }
        if stage == .held, let held = HeldMessage(delivery) { return await release(held, handed, lane) }
        let begun = NIODeadline.now()
        let (message, step) = received(handed)
        let tracestate = TraceParent.state(in: delivery.properties.headers)
        var handled: StageOutcome
        if suspicion.course(at: stage, deliveries: message.deliveries) == .setAside {
            handled = .settingAside(message, from: stage)
        } else {
            if let due = message.due { report.cameFromLadder(late: clock.now() - due) }
            handled = await deciding(message, step, tracestate, handle)
        }
        if handled.onward != nil, let refusal = cut.refusal(of: message, at: stage) { handled = refusal }
        if let pause = handled.pause, await !rest(pause, on: lane) { return }
        let outgoing = outgoing(of: handled, message, tracestate, handed)
        let published = NIODeadline.now()
        let publishedAt = step == nil ? 0 : SystemClock.nanoseconds()
        guard await finish(handed, publishing: outgoing.messages, on: lane) else {
            if handled.isClaimed, !delivery.isOpen { await tellWithoutDelivery(outgoing.messages, of: handed, on: lane) }
            return
        }
        // Whoever waits hears nothing that does not stand, and what becomes of that holds up nobody.
        for reply in outgoing.replies { replying(reply) { [report] failure in report.letGo(failure) } }
        survivors.finished(handed.key)
        report.finished(handled.entry, message)
        let ended = NIODeadline.now()
        report.took(ended - begun, confirm: ended - published)
        step?.end(handled.entry, publishedFrom: publishedAt, count: outgoing.messages.count + outgoing.replies.count)
    }

    // What waits for a stage keeps room for each of its values for as long; so what comes before and after stands apart.

    @inline(never)
    private func received(_ handed: Handed) -> (IncomingMessage, StageStep?) {
        let delivery = handed.delivery
        // Of what was parked it is told how late it comes.
        if let published = delivery.properties.timestamp, published > 0, delivery.properties.headers[HeaderName.due] == nil {
            report.waited(since: published, until: clock.now())
        }
        let message = IncomingMessage(delivery, at: stage, names, survived: handed.survived)
        guard let step = tracer?.step(of: message, handed, at: names.queue(of: stage)) else { return (message, nil) }
        return (message.with(traceparent: step.span.context.text), step)
    }

    /// What a message led to.
    private struct Outgoing {
        /// In its place; first the message itself, where it goes on as it came.
        var messages: [Broker.OutgoingMessage] = []
        /// For whoever waits.
        var replies: [Broker.OutgoingMessage] = []
    }

    @inline(never)
    private func outgoing(
        of handled: StageOutcome, _ message: IncomingMessage, _ tracestate: String?, _ handed: Handed
    ) -> Outgoing {
        let now = clock.now()
        var outgoing = Outgoing()
        outgoing.messages.reserveCapacity(handled.publishing.count + 2)
        if let onward = handled.onward {
            outgoing.messages.append(
                Broker.OutgoingMessage(handed.delivery, at: stage, onward, names, survived: handed.survived, now: now))
        }
        for one in handled.publishing {
            let sent = one.brokerMessage(names, now: now, tracestate: tracestate)
            if one.isCourtesy { outgoing.replies.append(sent) } else { outgoing.messages.append(sent) }
        }
        if let line = handled.journal(from: stage, at: now, worker: workerID, traceparent: message.traceparent) {
            outgoing.messages.append(line.brokerMessage(names, now: now, tracestate: tracestate))
        }
        return outgoing
    }

    /// Finishes a delivery, however often it takes. `false` when it is the broker's again.
    ///
    /// Nearly always the first try is the last: only the others keep what they need.
    private func finish(_ handed: Handed, publishing messages: [Broker.OutgoingMessage], on lane: Lane) async -> Bool {
        let attempt = await handed.delivery.tryToFinish(publishing: messages)
        guard case .open(let failures) = attempt else { return isFinished(attempt, messages) }
        return await finish(handed, publishing: messages.map { Sending($0) }, after: failures, on: lane)
    }

    /// The tries that follow, or all of them.
    ///
    /// What one receiver refuses is no reason to hold the rest: it is put away to be tried again by itself (`HeldMessage`). Only what is
    /// refused there as well keeps the delivery in hand: handing it back would count as a delivery more, and the broker would write the
    /// message anew each time. Nor is it held for ever: after its `consumer_timeout` the broker breaks the connection off, which counts for
    /// all that is in work. In time it goes to the end of its queue instead, as a new message.
    ///
    /// - Parameter failed: what the first try came to, where it was made.
    func finish(_ handed: Handed, publishing outgoing: [Sending], after failed: [PublishError?]? = nil, on lane: Lane) async -> Bool {
        let delivery = handed.delivery
        var left = outgoing
        var known = failed
        var pause = HoldPause()
        var held: Moment.Span = .seconds(0)
        var connectionsLost = 0
        var hold: Holdings.Hold?
        defer { hold.map(holdings.end) }
        while true {
            let failures: [PublishError?]
            if let first = known {
                failures = first
                known = nil
            } else {
                let attempt = await delivery.tryToFinish(publishing: left.map(\.message))
                guard case .open(let open) = attempt else { return isFinished(attempt, left.map(\.message)) }
                failures = open
            }
            var next: [Sending] = []
            var mustRest = false
            var isLost = false
            for (sending, failure) in zip(left, failures) {
                guard let failure else { continue }
                report.failed(.publish(failure))
                switch failure {
                case .closed: return false
                case .connectionLost, .blocked:
                    // What replaces the message may or may not be there. Publishing it again is harmless: ids repeat with it. But it may
                    // itself be why the broker breaks the connection off.
                    isLost = true
                    next.append(sending)
                case .returned, .nacked, .unsendable:
                    if sending.keptFor == nil {
                        next.append(keep(sending.message, because: failure))
                    } else {
                        mustRest = true
                        next.append(sending)
                    }
                }
            }
            left = next
            if isLost {
                connectionsLost += 1
                mustRest = mustRest || connectionsLost > 1
            }
            if !mustRest { continue }
            hold = hold ?? holdings.begin(stage)
            let wait = pause.next()
            if await !rest(wait, on: lane) { return false }
            held = held + wait
            if held >= longestHold, await sendAgain(handed) { return false }
        }
    }

    /// Waits on the lane's clock, in pieces, so that an order to stop is heard soon; `false` when it came.
    func rest(_ pause: Moment.Span, on lane: Lane) async -> Bool {
        var left = pause.milliseconds
        while left > 0, !isStopping.load(ordering: .relaxed) {
            let piece = min(left, 250)
            await lane.http.wait(.milliseconds(piece))
            left -= piece
        }
        return !isStopping.load(ordering: .relaxed)
    }
}
