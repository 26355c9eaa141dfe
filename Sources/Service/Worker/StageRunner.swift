import Broker
import DeclineRecovery
import FlexFactor
import Logging
import NIOCore
import Pipeline
import Synchronization

/// Brings the deliveries of one queue through a stage: to a lane in one hop for a whole batch, and every delivery to its end.
final class StageRunner: Sendable {
    typealias Handle = @Sendable (IncomingMessage) async -> Handled

    let stage: Stage
    private let lanes: [(lane: Lane, handle: Handle)]
    let names: TopologyNames
    let report: StageReport
    let clock: SystemClock
    private let workerID: String
    private let cut: CutMessage
    private let suspicion: Suspicion
    private let longestHold: Moment.Span
    let holdings: Holdings
    private let isStopping = Atomic<Bool>(false)
    private let turn = Atomic<Int>(0)
    private let open = Atomic<Int>(0)

    init(
        _ stage: Stage, lanes: [(lane: Lane, handle: Handle)], names: TopologyNames, report: StageReport, clock: SystemClock, workerID: String, cut: CutMessage,
        suspicion: Suspicion, longestHold: Moment.Span, holdings: Holdings
    ) {
        self.stage = stage
        self.lanes = lanes
        self.names = names
        self.report = report
        self.clock = clock
        self.workerID = workerID
        self.cut = cut
        self.suspicion = suspicion
        self.longestHold = longestHold
        self.holdings = holdings
    }

    /// Deliveries in work.
    var inFlight: Int { open.load(ordering: .relaxed) }

    /// From now on nothing is held that cannot be finished: the broker has it and hands it to somebody else.
    func stop() { isStopping.store(true, ordering: .relaxed) }

    func take(_ batch: [Delivery]) {
        open.add(batch.count, ordering: .relaxed)
        let (lane, handle) = lanes[turn.add(1, ordering: .relaxed).oldValue % lanes.count]
        lane.eventLoop.execute {
            for delivery in batch {
                // Runs at once, here, up to its first wait.
                Task.immediate(executorPreference: lane.executor) {
                    await self.process(delivery, lane, handle)
                    self.open.subtract(1, ordering: .relaxed)
                }
            }
        }
    }

    private func process(_ delivery: Delivery, _ lane: Lane, _ handle: Handle) async {
        if stage == .held, let held = HeldMessage(delivery) { return await release(held, delivery, lane) }
        let message = IncomingMessage(delivery, at: stage, names)
        var handled: Handled
        if suspicion.course(at: stage, deliveries: message.deliveries) == .setAside {
            handled = .settingAside(message, from: stage)
        } else {
            if let due = message.due { report.cameFromLadder(late: clock.now() - due) }
            handled = await handle(message)
        }
        if handled.onward != nil, let refusal = cut.refusal(of: message, at: stage) { handled = refusal }
        if let pause = handled.pause, await !rest(pause, on: lane) { return }
        let now = clock.now()
        let outgoing = handled
            .publishing(from: stage, at: now, worker: workerID, traceparent: message.traceparent)
            .map { Sending($0.brokerMessage(names, now: now), isCourtesy: $0.isCourtesy) }
        let onward = handled.onward.map { [Sending(Broker.OutgoingMessage(delivery, at: stage, $0, names, now: now))] } ?? []
        if await finish(delivery, publishing: onward + outgoing, on: lane) { report.finished(handled.account, message) }
    }

    /// A message on its way out.
    struct Sending {
        var message: Broker.OutgoingMessage
        /// Whether nobody is wronged when it does not arrive: the result stands elsewhere.
        var isCourtesy = false
        /// Where the message was to go that this one keeps for later.
        var keptFor: Holdings.Place?

        init(_ message: Broker.OutgoingMessage, isCourtesy: Bool = false, keptFor place: Holdings.Place? = nil) {
            self.message = message
            self.isCourtesy = isCourtesy
            keptFor = place
        }
    }

    /// Finishes a delivery, however often it takes. `false` when it is the broker's again.
    ///
    /// What one receiver refuses is no reason to hold the rest: a courtesy is let go, anything else is put away to be tried again by itself
    /// (`HeldMessage`). Only what is refused there as well keeps the delivery in hand: handing it back would count as a delivery more, and the
    /// broker would write the message anew each time. Nor is it held for ever: after its `consumer_timeout` the broker breaks the connection
    /// off, which counts for all that is in work. In time it goes to the end of its queue instead, as a new message.
    func finish(_ delivery: Delivery, publishing outgoing: [Sending], on lane: Lane) async -> Bool {
        var left = outgoing
        var pause = HoldPause()
        var held: Moment.Span = .seconds(0)
        var connectionsLost = 0
        var hold: Holdings.Hold?
        defer { hold.map(holdings.end) }
        while true {
            let failures: [PublishError?]
            switch await delivery.tryToFinish(publishing: left.map(\.message)) {
            case .finished: return true
            case .lost:
                report.failed(.deliveryLost)
                return false
            case .open(let open): failures = open
            }
            var next: [Sending] = []
            var mustRest = false
            var isLost = false
            for (sending, failure) in zip(left, failures) {
                guard let failure else { continue }
                report.failed(.publish(failure))
                switch failure {
                case .closed: return false
                case .connectionLost:
                    // What replaces the message may or may not be there. Publishing it again is harmless: ids repeat with it. But it may
                    // itself be why the broker breaks the connection off.
                    isLost = true
                    next.append(sending)
                case .returned, .nacked, .unsendable:
                    if sending.isCourtesy {
                        report.letGo(failure)
                    } else if sending.keptFor == nil {
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
            if held >= longestHold, await sendAgain(delivery) { return false }
        }
    }

    /// Puts a delivery to the end of its stage's queue; `false` when that cannot be done either.
    private func sendAgain(_ delivery: Delivery) async -> Bool {
        // Of a long one only the beginning is here: the broker has it whole.
        guard delivery.byteCount <= delivery.body.count else { return false }
        do throws(FinishError) {
            try await delivery.finish(publishing: [Broker.OutgoingMessage(delivery, at: stage, .again(stage), names, now: clock.now())])
            return true
        } catch {
            report.failed(error)
            return false
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

/// The pauses between the tries to finish a delivery: 1 s growing to 15 s, each up to a quarter shorter, so that those who failed together do
/// not come back together.
struct HoldPause {
    private var milliseconds: Int64 = 1_000

    mutating func next() -> Moment.Span {
        defer { milliseconds = min(milliseconds * 2, 15_000) }
        return .milliseconds(Int64.random(in: milliseconds * 3 / 4...milliseconds))
    }
}
