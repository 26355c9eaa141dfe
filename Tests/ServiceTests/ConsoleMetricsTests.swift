import DeclineRecovery
import Operations
import Testing

@testable import Service

/// What alerts are told by a console that has not read everything.
@Suite struct ConsoleMetricsTests {
    /// A 0 before the first read is finished would end an alert, and the rise behind it would ring anew.
    @Test func whatIsNotReadYetIsLeftOut() async throws {
        let broker = EmptyBroker()
        let store = LetterStore(broker, TopologyNames(), clock: SystemClock())
        let flow = FlowStore(broker, TopologyNames(), clock: SystemClock())
        let metrics = ConsoleMetrics()
        func page() -> String { metrics.page(store, flow, nil, isReady: true, now: SystemClock().now()) }
        #expect(!page().contains("salvage_dead_letters") && !page().contains("salvage_unknown_outcome") && !page().contains("_recoveries"))
        // How much of its memory it takes it knows at once.
        #expect(page().contains("\nprocess_resident_memory_bytes "))
        try await store.follow()
        flow.lettersAreReady()
        #expect(page().contains("salvage_dead_letters_unreadable 0\n"))
        #expect(!page().contains("salvage_unknown_outcome") && !page().contains("_recoveries"))
        try await flow.follow()
        for line in [
            "salvage_unknown_outcomes 0\n", "salvage_unknown_outcome_oldest_seconds 0\n", "salvage_parked_recoveries 0\n",
            "salvage_overdue_recoveries 0\n",
        ] {
            #expect(page().contains(line), "\(line) in \(page())")
        }
    }

    @Test func aConsoleSaysWhetherItIsReady() {
        let broker = EmptyBroker()
        let store = LetterStore(broker, TopologyNames(), clock: SystemClock())
        let flow = FlowStore(broker, TopologyNames(), clock: SystemClock())
        let metrics = ConsoleMetrics()
        for (isReady, line) in [(false, "\nsalvage_ready 0\n"), (true, "\nsalvage_ready 1\n"), (false, "\nsalvage_ready 0\n")] {
            #expect(metrics.page(store, flow, nil, isReady: isReady, now: SystemClock().now()).contains(line))
        }
    }

    /// A person's new token that is not taken is found by nobody who looks at workers.
    @Test func aConfigurationThatTheConsoleRefusesIsTold() {
        let broker = EmptyBroker()
        let store = LetterStore(broker, TopologyNames(), clock: SystemClock())
        let flow = FlowStore(broker, TopologyNames(), clock: SystemClock())
        let reloads = ReloadMetrics()
        let metrics = ConsoleMetrics(reloads: reloads)
        func page() -> String { metrics.page(store, flow, nil, isReady: true, now: SystemClock().now()) }
        #expect(page().contains("salvage_configuration_last_reload_successful 1\n"))
        reloads.note(isApplied: false)
        #expect(page().contains("salvage_configuration_last_reload_successful 0\n"))
        #expect(page().contains("salvage_configuration_reloads_total{outcome=\"refused\"} 1\n"))
        reloads.note(isApplied: true)
        #expect(page().contains("salvage_configuration_last_reload_successful 1\n"))
        // Without a configuration there is none that could be refused.
        let bare = ConsoleMetrics().page(store, flow, nil, isReady: true, now: SystemClock().now())
        #expect(!bare.contains("salvage_configuration_"))
    }
}

/// A broker on which nothing stands.
private struct EmptyBroker: OperatorBroker {
    struct Stream: RollupStream {
        func follow(
            from start: StreamStart, mostAhead: Int, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void
        ) async throws(BrokerFailure) -> any StreamFollower { Follower() }

        func readToEnd(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure) {}
        func lastOffset() async throws(BrokerFailure) -> Int64? { nil }
        func isThere() async throws(BrokerFailure) -> Bool { true }
        func append(_ part: [UInt8]) async throws(BrokerFailure) {}
    }

    struct Follower: StreamFollower {
        let lastOffset: Int64 = -1
        func reach(_ offset: Int64, patience seconds: Int) async throws(BrokerFailure) {}
        func end() async {}
    }

    struct Lock: OperatorLock {
        func take() async throws(BrokerFailure) -> (any HeldLock)? { nil }
        func isTaken() async throws(BrokerFailure) -> Bool { false }
    }

    var letters: any MessageStream { Stream() }
    var journal: any MessageStream { Stream() }
    var pulses: any MessageStream { Stream() }
    var pauses: any MessageStream { Stream() }
    var rollups: any RollupStream { Stream() }
    var lock: any OperatorLock { Lock() }
    var isConnected: Bool { true }

    func alarm() async throws(BrokerFailure) -> String? { nil }
    func topology() async throws(BrokerFailure) -> TopologyLook { TopologyLook() }
    func depth(of queue: String) async throws(BrokerFailure) -> QueueDepth? { QueueDepth() }
    func order(_ pause: Pause) async throws(BrokerFailure) {}
}
