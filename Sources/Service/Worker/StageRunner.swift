import Broker
import DeclineRecovery
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
    private let turn = Atomic<Int>(0)
    private let open = Atomic<Int>(0)

    init(
        _ stage: Stage, lanes: [(lane: Lane, handle: Handle)], names: TopologyNames, report: StageReport, clock: SystemClock, workerID: String
    ) {
        self.stage = stage
        self.lanes = lanes
        self.names = names
        self.report = report
        self.clock = clock
        self.workerID = workerID
    }

    /// Deliveries in work.
    var inFlight: Int { open.load(ordering: .relaxed) }

    func take(_ batch: [Delivery]) {
        open.add(batch.count, ordering: .relaxed)
        let (lane, handle) = lanes[turn.add(1, ordering: .relaxed).oldValue % lanes.count]
        lane.eventLoop.execute {
            for delivery in batch {
                // Runs at once, here, up to its first wait.
                Task.immediate(executorPreference: lane.executor) {
                    await self.process(delivery, handle)
                    self.open.subtract(1, ordering: .relaxed)
                }
            }
        }
    }

    private func process(_ delivery: Delivery, _ handle: Handle) async {
        let message = IncomingMessage(delivery)
        if case .integer(let due)? = delivery.properties.headers[HeaderName.due] {
            report.cameFromLadder(late: clock.now() - Moment(milliseconds: due))
        }
        let handled = await handle(message)
        let now = clock.now()
        let outgoing = handled
            .publishing(from: stage, at: now, worker: workerID, traceparent: message.traceparent)
            .map { $0.brokerMessage(names, now: now) }
        while true {
            do throws(FinishError) {
                try await delivery.finish(publishing: outgoing)
                return report.finished(handled.account, message)
            } catch {
                report.failed(error)
                switch error {
                case .deliveryLost: return
                // What replaces the message may or may not be there. Publishing it again is harmless: ids repeat with it.
                case .publish(.connectionLost): continue
                case .publish(.closed): return
                case .publish(.returned), .publish(.nacked), .publish(.unsendable): return delivery.handBack(afterMilliseconds: 1_000)
                }
            }
        }
    }
}
