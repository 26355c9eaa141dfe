import Broker
import DeclineRecovery
import FlexFactor
import NIOCore
import Synchronization

/// Says every other second how the process is, to whoever listens.
///
/// It must never be in the way of a payment: it speaks only while the broker takes publishes, keeps no copy of what could not be said, and
/// is still where that costs others something (`PulsePace`).
final class Pulse: Sendable {
    private static let beat = TimeAmount.seconds(2)

    private let link: BrokerLink
    private let names: TopologyNames
    private let take: @Sendable () -> WorkerPulse
    private let state = Mutex(State())

    private struct State {
        var task: RepeatedTask?
        var isSpeaking = false
        var pace = PulsePace()
    }

    init(_ link: BrokerLink, _ names: TopologyNames, _ take: @escaping @Sendable () -> WorkerPulse) {
        self.link = link
        self.names = names
        self.take = take
    }

    /// Whoever speaks already goes on.
    func start(on lane: Lane) {
        state.withLock { state in
            if state.task != nil { return }
            state.task = lane.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.beat) { [self] _ in
                let pulse = take()
                guard maySpeak() else { return }
                Task.immediate(executorPreference: lane.executor) { await self.say(pulse) }
            }
        }
    }

    /// Ends with a farewell, so that nobody takes the silence for a fault. A broker that does not take it at once goes without.
    func stop() async {
        guard let task = state.withLock({ $0.task }) else { return }
        task.cancel()
        let deadline = ContinuousClock.now + .seconds(1)
        while !maySpeak() {
            if ContinuousClock.now >= deadline { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
        let farewell = Task { await say(take().farewell(at: SystemClock().now())) }
        while state.withLock({ $0.isSpeaking }), ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        farewell.cancel()
    }

    private func maySpeak() -> Bool {
        state.withLock { state in
            let isDue = state.pace.beats()
            guard isDue, !state.isSpeaking, link.isConnected, !link.isPublishingBlocked else { return false }
            state.isSpeaking = true
            return true
        }
    }

    private func say(_ pulse: WorkerPulse) async {
        if state.withLock({ $0.pace.isGone }), await !isThere() {
            return state.withLock { state in
                state.isSpeaking = false
                state.pace.missed()
            }
        }
        let failure: PublishError?
        do throws(PublishError) {
            try await link.publish([
                Broker.OutgoingMessage(
                    exchange: names.pulse, routingKey: "", isMandatory: false,
                    properties: MessageProperties(
                        contentType: "application/cloudevents+json", messageID: pulse.id, type: WorkerPulse.type, appID: "salvage",
                        isPersistent: false),
                    body: pulse.encoded())
            ])
            failure = nil
        } catch {
            failure = error
        }
        state.withLock { state in
            state.isSpeaking = false
            state.pace.said(failure)
        }
    }

    /// Whether the exchange has come back, asked beside what is published.
    private func isThere() async -> Bool {
        do throws(BrokerError) {
            return try await link.check(Topology(exchanges: [Exchange(names.pulse, .fanout)])).isEmpty
        } catch {
            return false
        }
    }
}

extension WorkerPulse.Circuit.State {
    init(_ state: CircuitState) {
        self =
            switch state {
            case .closed: .closed
            case .trying: .trying
            case .open: .open
            }
    }
}
