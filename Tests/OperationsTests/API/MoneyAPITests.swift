import DeclineRecovery
import JSON
import Pipeline
import Synchronization
import TestSupport
import Testing

@testable import Operations

/// What the console's page asks about money, and when it can be told.
@Suite struct MoneyAPITests {
    /// A broker whose journal is so long that its beginning takes until somebody lets it.
    private final class LongJournal: OperatorBroker, MessageStream, StreamFollower {
        private struct State {
            var isRead = false
            var waiting: (@Sendable ([StreamMessage]) -> Void)?
        }

        private let base: Process
        private let records: [StreamMessage]
        private let state = Mutex(State())

        init(_ base: Process, _ records: [JournalRecord]) {
            self.base = base
            self.records = records.enumerated().map {
                StreamMessage(offset: Int64($0), type: JournalRecord.type, messageID: nil, traceparent: nil, body: $1.encoded())
            }
        }

        var letters: any MessageStream { base.letters }
        var journal: any MessageStream { self }
        var pulses: any MessageStream { base.pulses }
        var pauses: any MessageStream { base.pauses }
        var rollups: any RollupStream { base.rollups }
        var lock: any OperatorLock { base.lock }
        var isConnected: Bool { true }
        func alarm() async throws(BrokerFailure) -> String? { nil }
        func depth(of queue: String) async throws(BrokerFailure) -> QueueDepth? { QueueDepth() }
        func topology() async throws(BrokerFailure) -> TopologyLook { TopologyLook() }
        func order(_ pause: Pause) async throws(BrokerFailure) { try await base.order(pause) }

        var isAskedForAll: Bool { state.withLock { $0.waiting != nil } }

        /// All of it comes.
        func letThrough() {
            state.withLock { $0.waiting }?(records)
            state.withLock { $0.isRead = true }
        }

        func follow(
            from start: StreamStart, mostAhead: Int, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void
        ) async throws(BrokerFailure) -> any StreamFollower {
            guard case .time(let begin) = start, OperatorWorld.start + .days(1) - begin < .days(1) else {
                state.withLock { $0.waiting = onBatch }
                return self
            }
            let young = records.filter { JournalRecord.decode($0.body).map { $0.at >= begin } ?? false }
            onBatch(young)
            return Glance(last: young.last?.offset ?? -1)
        }

        func readToEnd(from start: StreamStart, _ onBatch: @escaping @Sendable ([StreamMessage]) -> Void) async throws(BrokerFailure) {
            onBatch(records)
        }

        func lastOffset() async throws(BrokerFailure) -> Int64? { records.last?.offset }

        // What reads all of it.
        var lastOffset: Int64 { state.withLock { $0.isRead } ? records.last?.offset ?? -1 : -1 }
        func reach(_ offset: Int64, patience seconds: Int) async throws(BrokerFailure) {}
        func end() async {}
    }

    private struct Glance: StreamFollower {
        let last: Int64
        var lastOffset: Int64 { last }
        func reach(_ offset: Int64, patience seconds: Int) async throws(BrokerFailure) {}
        func end() async {}
    }

    /// Stands, and lets others run while somebody waits.
    private struct StandingClock: OperatorClock {
        func now() -> Moment { OperatorWorld.start + .days(1) }
        var uptime: Moment { OperatorWorld.start }
        func sleep(_ span: Moment.Span) async { await Task.yield() }
    }

    private func sale(_ order: String, _ units: Int64, at moment: Moment) -> [JournalRecord] {
        [("passed", "cascade", Stage.intake), ("told", "approved", .cascade)].map { fate, detail, stage in
            JournalRecord(
                at: moment, stage: stage, merchantID: "acme", reference: RecoveryReference(orderID: order, kind: .sale, sequence: 0),
                gatewayID: "42", fate: JournalRecord.Fate(fate), detail: detail, rule: stage == .intake ? "table:nmi/202" : nil,
                attempts: 1,
                amount: Money(minorUnits: units, currency: .usd), workerID: "w")
        }
    }

    private func ask(_ console: ConsoleAPI, _ query: [String: String]) async -> ConsoleResponse {
        await console.answer(
            ConsoleRequest(
                method: .get, path: ["money"], query: query, body: .null,
                person: ConsoleRequest.Person(name: "Ada", role: .viewer, isOpen: false)))
    }

    @Test func whatGoesOnIsSeenWhileTheRestIsStillRead() async throws {
        let world = OperatorWorld()
        let process = world.broker.process()
        let now = OperatorWorld.start + .days(1)
        let journal = LongJournal(process, sale("OLD", 700, at: now + .days(-20)) + sale("NEW", 50, at: now + .minutes(-5)))
        let flow = FlowStore(journal, TopologyNames(), clock: StandingClock())
        let fee = Mutex(FlexFactorFee(basisPoints: 200, unitsPerSale: 5))
        let console = ConsoleAPI(
            tools: try await world.tools(process), flow: flow,
            merchants: { [Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", fee: fee.withLock { $0 })])] },
            draft: { _, merchant throws(DraftFaults) in merchant }, version: "test")
        async let reading: Void = flow.follow()
        try await eventually("all of the journal is asked for") { journal.isAskedForAll }
        let early = await ask(console, [:])
        #expect(early.body["complete"] == .bool(false) && early.body["totals"]?.array?.first?["gross"]?.int64 == 50)
        #expect(flow.reading?.isBehindRollup == false)
        journal.letThrough()
        try await reading
        let late = await ask(console, ["by": "day"])
        #expect(late.body["complete"] == .bool(true) && late.body["totals"]?.array?.first?["gross"]?.int64 == 750)
        #expect(late.body["rows"]?.array?.count == 2)
        #expect(late.body["rows"]?.array?.map { $0["fee"]?.int64 } == [19, 6] && late.body["totals"]?.array?.first?["gain"]?.int64 == 725)
        // By the configuration as it stands when somebody asks.
        fee.withLock { $0 = FlexFactorFee(basisPoints: 0, unitsPerSale: 1) }
        #expect(await ask(console, [:]).body["totals"]?.array?.first?["fee"]?.int64 == 2)
        let file = await ask(console, ["format": "csv"])
        #expect(file.body["csv"]?.string?.contains("USD,2,7.50,2,7.50,0,0.00,0,0.00,2,7.50,2,7.50,0,0,0.00,0,0.00,7.50,") == true)
    }

    @Test func whatWasReadBeforeAnOutageIsNotAllAndNoFile() async throws {
        let world = OperatorWorld()
        for record in sale("ONE", 50, at: world.clock.now() + .minutes(-5)) { world.broker.write(record) }
        let process = world.broker.process()
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        let console = ConsoleAPI(
            tools: try await world.tools(process), flow: flow, merchants: { [] },
            draft: { _, merchant throws(DraftFaults) in merchant }, version: "test")
        try await flow.follow()
        #expect(await ask(console, [:]).body["complete"] == .bool(true))
        #expect(await ask(console, ["format": "csv"]).status == 200)
        process.die()
        let old = await ask(console, [:])
        #expect(old.status == 200 && old.body["complete"] == .bool(false) && old.body["totals"]?.array?.first?["gross"]?.int64 == 50)
        #expect(await ask(console, ["format": "csv"]).status == 503)
    }

    @Test func whatCannotBeAnsweredIsRefusedInWords() async throws {
        let console = try await OperatorWorld().console()
        let refused = await ask(console, ["by": "weather"])
        #expect(refused.status == 400 && refused.body["error"]?["advice"]?.string?.contains("merchant") == true)
        #expect(await ask(console, ["from": "yesterday"]).status == 400)
        let nothing = await ask(console, [:]).body
        #expect(nothing["fees"] == .bool(false) && nothing["feeNote"]?.string?.contains("no fee") == true)
        let figures = nothing["figures"]
        for figure in MoneyFigure.allCases { #expect(figures?[figure.rawValue]?.string == figure.meaning) }
    }
}
