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
    private let names: TopologyNames
    private let report: StageReport
    private let clock: SystemClock
    private let workerID: String
    private let suspicion: Suspicion
    private let longestHold: Moment.Span
    private let isStopping = Atomic<Bool>(false)
    private let turn = Atomic<Int>(0)
    private let open = Atomic<Int>(0)

    init(
        _ stage: Stage, lanes: [(lane: Lane, handle: Handle)], names: TopologyNames, report: StageReport, clock: SystemClock, workerID: String,
        suspicion: Suspicion, longestHold: Moment.Span
    ) {
        self.stage = stage
        self.lanes = lanes
        self.names = names
        self.report = report
        self.clock = clock
        self.workerID = workerID
        self.suspicion = suspicion
        self.longestHold = longestHold
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
        let message = IncomingMessage(delivery, at: stage, names)
        let handled: Handled
        if suspicion.course(at: stage, deliveries: message.deliveries) == .setAside {
            handled = .settingAside(message, from: stage)
        } else {
            if let due = message.due { report.cameFromLadder(late: clock.now() - due) }
            handled = await handle(message)
        }
        if let pause = handled.pause, await !rest(pause, on: lane) { return }
        let now = clock.now()
        let outgoing = handled
            .publishing(from: stage, at: now, worker: workerID, traceparent: message.traceparent)
            .map { $0.brokerMessage(names, now: now) }
        let onward = handled.onward.map { [Broker.OutgoingMessage(delivery, at: stage, $0, names, now: now)] } ?? []
        if await finish(delivery, publishing: onward + outgoing, on: lane) { report.finished(handled.account, message) }
    }

    /// Finishes a delivery, however often it takes. `false` when it is the broker's again.
    ///
    /// While it cannot be finished it is held, not handed back: that would count as a delivery more, and the broker would write the
    /// message anew each time. Nor is it held for ever: after its `consumer_timeout` the broker breaks the connection off, which counts for
    /// all that is in work. In time it goes to the end of its queue instead, as a new message.
    private func finish(_ delivery: Delivery, publishing outgoing: [Broker.OutgoingMessage], on lane: Lane) async -> Bool {
        var pause = HoldPause()
        var held: Moment.Span = .seconds(0)
        var connectionsLost = 0
        while true {
            do throws(FinishError) {
                try await delivery.finish(publishing: outgoing)
                return true
            } catch {
                report.failed(error)
                switch error {
                case .deliveryLost, .publish(.closed): return false
                case .publish(.connectionLost):
                    // What replaces the message may or may not be there. Publishing it again is harmless: ids repeat with it. But it may
                    // itself be why the broker breaks the connection off.
                    connectionsLost += 1
                    if connectionsLost == 1 { continue }
                case .publish(.returned), .publish(.nacked), .publish(.unsendable): break
                }
                let next = pause.next()
                if await !rest(next, on: lane) { return false }
                held = .milliseconds(held.milliseconds + next.milliseconds)
                if held >= longestHold, await sendAgain(delivery) { return false }
            }
        }
    }

    /// Puts a delivery to the end of its stage's queue; `false` when that cannot be done either.
    private func sendAgain(_ delivery: Delivery) async -> Bool {
        do throws(FinishError) {
            try await delivery.finish(publishing: [Broker.OutgoingMessage(delivery, at: stage, .again(stage), names, now: clock.now())])
            return true
        } catch {
            report.failed(error)
            return false
        }
    }

    /// Waits on the lane's clock, in pieces, so that an order to stop is heard soon; `false` when it came.
    private func rest(_ pause: Moment.Span, on lane: Lane) async -> Bool {
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
