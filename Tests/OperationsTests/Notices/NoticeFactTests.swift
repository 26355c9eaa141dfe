import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Operations

/// What of a fleet is told, and by what name.
@Suite struct NoticeFactTests {
    private let world = OperatorWorld()
    private var now: Moment { world.clock.now() }
    private let gathering = Moment.Span.minutes(5)

    /// What a process that begins now has to tell.
    private func facts(_ pulses: [WorkerPulse] = []) async throws -> [NoticeFact] {
        let process = world.broker.process()
        let store = LetterStore(process, TopologyNames(), clock: world.clock)
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        try await store.follow()
        try await flow.workers.listen()
        try await flow.follow()
        try await flow.hearPauses()
        for pulse in pulses { world.broker.write(pulse) }
        let besides = [FleetStatus.Fault.noticesUndelivered(since: now, "no answer", advice: "")]
        let status = try await FleetStatus(store, flow, TopologyNames(), besides: besides, now: now)
        return NoticeFact.all(of: status, store, flow, gathering: gathering)
    }

    private func pulse(_ id: String, at moment: Moment, refusing: [WorkerPulse.Refusing] = []) -> WorkerPulse {
        WorkerPulse(
            workerID: id, host: "pod", version: "1", startedAt: moment, at: moment, stages: Stage.allCases, inFlight: [], circuits: [],
            claims: nil, refusing: refusing)
    }

    @Test func whatIsRefusedIsToldForEachPlaceWithItsNumber() async throws {
        func refusing(_ place: String, _ count: Int) -> WorkerPulse.Refusing {
            .init(place: place, count: count, since: now + .seconds(-9), why: "full")
        }
        let pulses = [
            pulse("a", at: now, refusing: [refusing("x", 12), refusing("y", 1)]), pulse("b", at: now, refusing: [refusing("x", 3)]),
        ]
        let facts = try await facts(pulses)
        #expect(facts.map(\.kind) == ["held", "held"] && facts.map(\.subject) == ["x", "y"])
        #expect(facts.map(\.count) == [15, 1] && facts.map(\.order) == [1, 0], "ten times as many are told again")
    }

    @Test func whatStatusCallsAFaultIsToldAndNothingElse() async throws {
        let facts = try await facts([pulse("a", at: now + .seconds(-16))])
        // That notices do not arrive is not told by one.
        #expect(facts.map(\.kind) == ["no_workers", "worker_silent"])
        #expect(facts.last?.subject == "a" && facts.last?.mark == "\((now + .seconds(-16)).milliseconds)")
        #expect(try await self.facts([pulse("a", at: now)]).isEmpty)
    }

    @Test func whatIsGoneAtTheBrokerIsToldEachByItsName() async throws {
        world.broker.find(TopologyLook(missing: [.exchange("declines"), .queue("recovery.retry")]))
        let facts = try await facts([pulse("a", at: now)])
        #expect(facts.map(\.kind) == ["topology_incomplete", "topology_incomplete"])
        #expect(facts.map(\.subject) == ["exchange declines", "queue recovery.retry"] && facts.allSatisfy { $0.mark == nil })
    }

    @Test func noWorkersAreToldFromOthersByWhatWasDoneLast() async throws {
        func work(_ stage: Stage, at moment: Moment) -> JournalRecord {
            JournalRecord(
                at: moment, stage: stage, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1),
                gatewayID: "42", fate: .ignored, detail: "x", attempts: 1, workerID: "w")
        }
        world.broker.write(work(.retry, at: now + .seconds(-50)))
        world.broker.write(work(.intake, at: now + .seconds(-90)))
        let first = try await facts()
        #expect(first.map(\.kind) == ["no_workers"] && first.first?.mark == "\((now + .seconds(-50)).milliseconds)")
        world.clock.pass(.seconds(600))
        #expect(try await facts() == first)
        world.broker.write(work(.intake, at: now))
        #expect(try await facts().first?.mark != first.first?.mark)
    }

    @Test func lettersKeepTheirNameWhateverIsDoneWithThem() async throws {
        let written = now + .minutes(-30)
        let letters = world.write([
            OperatorWorld.letter("A", .attemptsSpent, at: written), OperatorWorld.letter("B", .attemptsSpent, at: written),
            OperatorWorld.letter("C", .outcomeUnknown, phase: .unanswered, at: written + .seconds(400)),
        ])
        let before = try await facts([pulse("a", at: now)])
        #expect(before.map(\.kind) == ["charges_in_doubt", "dead_letters"] && before.map(\.count) == [1, 2])
        #expect(before.map(\.order) == [3, 2])
        let last = try #require(before.last)
        #expect(try #require(last.gatheredUntil) > written && last.mark?.hasSuffix("/1") == true)
        // Its last letter is seen to: what is left has the same name, and no more is told of it.
        try await world.act(.discard, .letters([letters[1]]))
        let after = try await facts([pulse("a", at: now)])
        #expect(after.last?.count == 1 && after.last?.mark == last.mark && after.last?.order == 1)
        world.write([OperatorWorld.letter("D", .attemptsSpent, at: now)])
        let more = try await facts([pulse("a", at: now)])
        #expect(more.last?.mark != last.mark && (more.last?.order ?? 0) > last.order)
    }

    /// Names of people and their own words are for those who may look.
    @Test func aPauseIsToldWithoutWhoAndWhy() async throws {
        world.broker.write(Pause(.merchant("acme"), since: now, until: now + .minutes(60), by: "ada", why: "4111 1111 1111 1111 called"))
        let facts = try await facts([pulse("a", at: now)])
        #expect(facts.map(\.topic) == [.pause] && facts.first?.subject == "merchant acme" && facts.first?.until == now + .minutes(60))
        var book = NoticeBook(NoticeBook.Rules(fleet: "recovery", patience: .seconds(60)))
        book.look(facts, isWhole: true, now: now, uptime: now)
        let notice = try #require(book.due(now: now, uptime: now).first)
        let bytes = notice.body(of: "recovery", console: "https://console.example.com")
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.contains("ada") && !text.contains("4111"))
        let body = try JSONValue(parsing: bytes.span)
        #expect(body["type"]?.string == "pause.begun" && body["timestamp"]?.string == now.rfc3339)
        #expect(body["data"]?["link"]?.string == "https://console.example.com/#/")
        #expect(body["data"]?["subjects"]?.array?.first?["until"]?.string == (now + .minutes(60)).rfc3339)
    }
}
