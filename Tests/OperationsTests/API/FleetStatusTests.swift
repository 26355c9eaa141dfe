import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Operations

/// What an operator is told of a fleet.
@Suite struct FleetStatusTests {
    private let world = OperatorWorld()
    private var now: Moment { world.clock.now() }

    private func pulse(
        _ id: String, _ stages: [Stage] = Stage.allCases, at moment: Moment? = nil, circuits: [WorkerPulse.Circuit.State] = [],
        trouble: WorkerPulse.Circuit.Trouble? = nil, claims: WorkerPulse.Claims? = nil, startedAt: Moment? = nil, isQuiet: Bool = false,
        idle: [Stage] = [], complaints: [String] = [], refusing: [WorkerPulse.Refusing] = []
    ) -> WorkerPulse {
        WorkerPulse(
            workerID: id, host: "pod-\(id)", version: "1.0", startedAt: startedAt ?? now, at: moment ?? now, stages: stages, inFlight: [],
            circuits: circuits.map { WorkerPulse.Circuit(merchantID: "acme", gatewayID: "42", state: $0, trouble: trouble) },
            claims: claims,
            quiet: isQuiet ? .init(since: now + .seconds(-9), until: now + .minutes(5), by: "ada", why: "its node goes") : nil,
            idle: idle, complaints: complaints, refusing: refusing)
    }

    private func status(_ pulses: [WorkerPulse], hearsPauses: Bool = true) async throws -> FleetStatus {
        let process = world.broker.process()
        let store = LetterStore(process, TopologyNames(), clock: world.clock)
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        try await store.follow()
        try await flow.workers.listen()
        try await flow.follow()
        if hearsPauses { try await flow.hearPauses() }
        for pulse in pulses { world.broker.write(pulse) }
        return try await FleetStatus(store, flow, TopologyNames(), now: now)
    }

    /// Who looks once hears nothing of a worker that is dead.
    @Test func whoFellSilentBeforeSomebodyLookedIsNamed() async throws {
        let farewell = pulse("c").farewell(at: now)
        let receiver = WorkerPulse(
            workerID: "r", host: "edge", version: "1.0", startedAt: now, at: now + .seconds(-20), stages: [], inFlight: [], circuits: [],
            takesWebhooks: true)
        for pulse in [pulse("d", at: now + .minutes(-6)), pulse("b", at: now + .seconds(-16)), receiver, pulse("c"), farewell] {
            world.broker.write(pulse)
        }
        let process = world.broker.process()
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        try await flow.workers.listen(recalling: true)
        #expect(!flow.workers.areKnown, "nobody has spoken yet")
        world.broker.write(pulse("a"))
        let status = try await FleetStatus(LetterStore(process, TopologyNames(), clock: world.clock), flow, TopologyNames(), now: now)
        #expect(status.faults.map(\.what) == ["The worker b is silent.", "The webhook receiver r is silent."])
        #expect(flow.workers.areKnown && status.workers.map(\.pulse.workerID) == ["a", "b"])
    }

    /// Whose clock is ahead makes nobody else unheard; and who was not heard for five minutes is given up.
    @Test func aClockThatIsAheadSilencesNobody() async throws {
        let process = world.broker.process()
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        try await flow.workers.listen()
        for pulse in [pulse("a"), pulse("b", at: now + .minutes(6)), pulse("a"), pulse("gone")] { world.broker.write(pulse) }
        #expect(flow.workers.pulses.map(\.workerID) == ["a", "b", "gone"])
        world.clock.pass(.minutes(5))
        for pulse in [pulse("a"), pulse("b", at: now + .minutes(6))] { world.broker.write(pulse) }
        #expect(flow.workers.pulses.map(\.workerID) == ["a", "b"])
    }

    private func trouble(_ seconds: Int64, _ failures: [String: Int], _ words: String) -> WorkerPulse.Circuit.Trouble {
        WorkerPulse.Circuit.Trouble(
            since: now + .seconds(-seconds), triedAt: now + .seconds(5 + seconds), failures: failures, last: "timed_out", words: words)
    }

    private func parked(until: Moment) -> JournalRecord {
        JournalRecord(
            at: now, stage: .retry, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1),
            gatewayID: "42", fate: .parked, detail: "watching", until: until, attempts: 1,
            amount: Money(minorUnits: 500, currency: .usd), workerID: "w")
    }

    @Test func allIsWellWhereEveryStageIsServed() async throws {
        world.broker.write(parked(until: now + .minutes(5)))
        let status = try await status([pulse("a", [.intake, .cascade]), pulse("b", Stage.allCases, circuits: [.closed])])
        #expect(status.faults.isEmpty && status.parked == 1 && status.overdue == 0)
        #expect(status.json["well"]?.bool == true && status.json["workers"]?.array?.count == 2)
    }

    @Test func aFleetWithoutWorkersIsNotWell() async throws {
        let silent = try await status([pulse("a", at: now + .seconds(-16))])
        #expect(silent.faults.map(\.what) == ["No worker runs: what comes in waits in its queue.", "The worker a is silent."])
    }

    /// Nobody's word comes through then, so nobody is missed.
    @Test func aBrokerThatTakesNoMessagesIsTheFaultAndNobodyElse() async throws {
        world.broker.raiseAlarm("low on memory")
        for pulses in [[], [pulse("a", at: now + .seconds(-16))], [pulse("a"), pulse("b", at: now + .seconds(-16))]] {
            let status = try await status(pulses)
            let fault = try #require(status.faults.first)
            #expect(status.faults.count == 1 && fault.kind == .brokerBlocked, "\(status.faults)")
            #expect(fault.what.contains("takes no messages (its alarm: low on memory)") && fault.advice.contains("`rabbitmqctl status`"))
        }
        // Whoever is heard has published.
        #expect(try await status([pulse("a")]).faults.isEmpty)
        world.broker.raiseAlarm(nil)
        #expect(try await status([]).faults.map { $0.kind } == [.noWorkers])
    }

    @Test func theConsoleTellsAnAlarmInItsOwnWords() {
        let told = ConsoleError.broker(MemoryBroker.failure(of: "low on disk"))
        #expect(told.status == 503 && told.what == "The broker takes no messages (its alarm: low on disk).")
        #expect(told.advice == "free memory")
    }

    @Test func aStageThatNobodyServesIsNamed() async throws {
        let some = try await status([pulse("a", Stage.allCases.filter { $0 != .retry }), pulse("b", [.retry], at: now + .seconds(-16))])
        #expect(some.faults.contains { $0.what.hasPrefix("No worker serves the stage retry") } && some.faults.count == 2)
    }

    /// A worker that lives, and reads nothing, serves nothing.
    @Test func aStageWhoseQueueIsGoneIsNamedAndWhatTheWorkerSays() async throws {
        let gone = ["topology: recovery.intake: the broker refuses (404)"]
        let before = now + .minutes(-5)
        let status = try await status([pulse("a", startedAt: before, idle: [.intake], complaints: gone)])
        #expect(status.faults.map(\.kind) == [.workerNotReady, .stageUnserved] && status.faults.map(\.subject) == ["a", "intake"])
        #expect(status.faults.first?.what == "The worker a is not ready: topology: recovery.intake: the broker refuses (404).")
        let stage = try #require(status.faults.last)
        #expect(stage.what == "No worker serves the stage intake: who is to, a, does not read recovery.intake; 0 messages wait.")
        #expect(status.faults.allSatisfy { $0.advice.contains("`salvage topology apply` declares it") })
        #expect(status.json["workers"]?.array?.first?["idle"]?.array?.compactMap(\.string) == ["intake"])
        #expect(status.json["workers"]?.array?.first?["notReady"]?.array?.compactMap(\.string) == gone)
        // Where another reads it, the stage is served; and of one that has only begun nobody is told.
        let other = try await self.status([pulse("a", startedAt: before, idle: [.intake], complaints: gone), pulse("b")])
        #expect(other.faults.map(\.kind) == [.workerNotReady])
        #expect(try await self.status([pulse("a", complaints: ["consumers: not subscribed yet"])]).faults.isEmpty)
    }

    /// No worker has to do with the exchange to which the CRM publishes, so none says that it is gone.
    @Test func whatIsGoneAtTheBrokerIsNamedThoughNoWorkerMissesIt() async throws {
        world.broker.find(TopologyLook(missing: [.exchange("declines"), .queue("recovery.retry"), .queue("recovery.claims")], unseen: 2))
        let status = try await status([pulse("a")])
        #expect(status.faults.map(\.kind) == Array(repeating: .topologyIncomplete, count: 3) && status.json["well"]?.bool == false)
        #expect(status.faults.map(\.subject) == ["exchange declines", "queue recovery.retry", "queue recovery.claims"])
        #expect(status.faults.first?.what == "The exchange declines does not exist: nothing that the CRM publishes is taken.")
        // What is paid may be charged again where claims are declared anew: a person decides before anything is.
        #expect(status.faults.allSatisfy { $0.advice == "docs/runbooks/SalvageClaimsBehind.md" })
        #expect(status.unseen == 2 && status.json["unseen"]?.int64 == 2)
        world.broker.find(TopologyLook(missing: [.exchange("declines"), .queue("recovery.retry")]))
        #expect(try await self.status([pulse("a")]).faults.allSatisfy { $0.advice.contains("`salvage topology apply` declares it") })
        // What a login may not look at is not gone.
        world.broker.find(TopologyLook(unseen: 63))
        #expect(try await self.status([pulse("a")]).faults.isEmpty)
    }

    @Test func whoTakesWebhooksAloneIsSeenAndIsNoWorker() async throws {
        func receiver(_ id: String, at moment: Moment, complaints: [String] = []) -> WorkerPulse {
            WorkerPulse(
                workerID: id, host: "edge", version: "1.0", startedAt: now + .minutes(-5), at: moment, stages: [], inFlight: [],
                circuits: [], complaints: complaints, takesWebhooks: true)
        }
        let well = try await status([pulse("a"), receiver("r", at: now)])
        #expect(well.faults.isEmpty && well.takesWebhooks && well.workers.map(\.pulse.workerID) == ["a"])
        #expect(well.json["receivers"]?.array?.compactMap { $0["id"]?.string } == ["r"])
        #expect(well.json["workers"]?.array?.first?["webhooks"]?.bool == false)
        let (silent, unready) = (receiver("r", at: now + .seconds(-16)), receiver("s", at: now, complaints: ["broker: away"]))
        let ill = try await status([pulse("a"), silent, unready])
        #expect(ill.faults.map(\.kind) == [.workerSilent, .workerNotReady] && ill.takesWebhooks)
        #expect(ill.faults.map(\.what) == ["The webhook receiver r is silent.", "The webhook receiver s is not ready: broker: away."])
        // Nobody works where only webhooks are taken; and one that has said goodbye is not missed.
        #expect(try await status([receiver("r", at: now)]).faults.map(\.kind) == [.noWorkers])
        let gone = try await status([pulse("a"), receiver("r", at: now), receiver("r", at: now).farewell(at: now)])
        #expect(gone.faults.isEmpty && gone.receivers.isEmpty && !gone.takesWebhooks)
    }

    /// It has not begun to read the claims: that it reads them yet would send somebody the wrong way.
    @Test func aWorkerThatWaitsForTheTopologySaysSo() async throws {
        let unread = WorkerPulse.Claims(offset: -1, lag: .seconds(0), isCaughtUp: false)
        func waiting(_ complaint: String, since start: Moment) -> WorkerPulse {
            pulse("a", claims: unread, startedAt: start, idle: Stage.allCases, complaints: [complaint, "consumers: not subscribed yet"])
        }
        let gone = "topology: queue recovery.retry does not exist"
        let status = try await status([waiting(gone, since: now + .minutes(-2))])
        #expect(status.faults.first?.kind == .workerNotReady && status.faults.count == 1 + Stage.allCases.count)
        #expect(status.faults.dropFirst().allSatisfy { $0.kind == .stageUnserved })
        #expect(status.faults.first?.what == "The worker a is not ready: \(gone); consumers: not subscribed yet.")
        #expect(status.faults.dropFirst().first?.what.contains("who is to, a, does not read recovery.intake") == true)
        #expect(status.faults.allSatisfy { $0.advice.contains("`salvage topology apply`") })
        // One that has begun a moment ago has no ailment yet, and one that lacks a right needs no topology.
        #expect(try await self.status([waiting(gone, since: now)]).faults.allSatisfy { $0.kind == .stageUnserved })
        let barred = "topology: exchange recovery.work: the broker's user lacks the right to write it"
        let without = try await self.status([waiting(barred, since: now + .minutes(-2))])
        #expect(without.faults.first?.advice.contains("`salvage topology print --permissions`") == true)
    }

    /// Nobody can speak then, so nobody is missed.
    @Test(arguments: [TopologyLook.Place.exchange("recovery.pulse"), .queue("recovery.pulse")])
    func nobodyIsHeardWhereThePlaceOfThePulseIsGone(_ place: TopologyLook.Place) async throws {
        world.broker.find(TopologyLook(missing: [place]))
        let status = try await status([pulse("a", at: now + .seconds(-16))])
        #expect(status.faults.map(\.kind) == [.topologyIncomplete, .noWorkers])
        let nobody = try #require(status.faults.last)
        #expect(nobody.what.hasPrefix("No worker is heard of, for the \(place)") && nobody.advice.contains("`salvage topology apply`"))
        // Who is heard all the same is there, and who fell silent beside it is missed.
        let heard = try await self.status([pulse("a"), pulse("b", at: now + .seconds(-16))])
        #expect(heard.faults.map(\.kind) == [.topologyIncomplete, .workerSilent])
    }

    /// A result that its exchange does not take waits in no queue that anybody counts.
    @Test func whereMessagesAreRefusedIsNamed() async throws {
        let results = "exchange 'recovery.results' with key 'new_sale.approved'"
        func refusing(_ seconds: Int64, _ count: Int, _ why: String = "no such exchange") -> [WorkerPulse.Refusing] {
            let (since, next) = (now + .seconds(-seconds), now + .seconds(seconds))
            return [.init(place: results, count: count, since: since, why: why, triedAt: next)]
        }
        let status = try await status([pulse("a", refusing: refusing(9, 2)), pulse("b", refusing: refusing(30, 1))])
        let fault = try #require(status.faults.first)
        #expect(status.faults.count == 1 && fault.kind == .held && fault.subject == results && fault.since == now + .seconds(-30))
        #expect(fault.what.contains("refused at \(results)") && fault.what.contains("(a, b): no such exchange."), "\(fault.what)")
        #expect(status.refusing.map(\.count) == [3] && fault.advice.contains("`salvage topology check`"))
        #expect(fault.what.hasSuffix("put away (3), and tried again by themselves: the next is tried at \((now + .seconds(9)).rfc3339)."))
        // No topology mends what a right forbids.
        let barred = "the broker's user may not write to exchange 'recovery.results' with key 'new_sale.approved' (403 ACCESS_REFUSED)"
        let without = try await self.status([pulse("a", refusing: refusing(9, 2, barred))])
        #expect(without.faults.first?.advice.contains("`salvage topology print --permissions`") == true)
    }

    @Test func anOpenCircuitIsAFaultAndAPauseIsNone() async throws {
        world.broker.write(Pause(.merchant("acme"), since: now, until: now + .minutes(5), by: "ada", why: "new keys"))
        let status = try await status([pulse("a", circuits: [.open]), pulse("b", circuits: [.closed])])
        #expect(status.faults.count == 1 && status.faults.first?.what.contains("gateway 42 of merchant acme, at 1 of 2 workers") == true)
        #expect(status.pauses.map(\.target) == [.merchant("acme")])
    }

    /// Where others reach FlexFactor, it is the worker that somebody must go to.
    @Test func whoseCircuitIsOpenIsNamedWhereItIsClosedAtOthers() async throws {
        let early = pulse("b", circuits: [.open], trouble: trouble(60, ["timed_out": 20], "no answer in time"))
        let late = pulse("a", circuits: [.trying], trouble: trouble(10, ["timed_out": 20], "no answer in time"))
        let some = try await status([early, late, pulse("c", circuits: [.closed])])
        let fault = try #require(some.faults.first)
        #expect(fault.what.contains("at 2 of 3 workers (b, a), since \((now + .seconds(-60)).rfc3339)"), "\(fault.what)")
        #expect(fault.advice.contains("`salvage pause --worker 'b' --for 2h"))
        let places = some.json["circuits"]?.array?.first?["at"]?.array
        #expect(places?.compactMap { $0["worker"]?.string } == ["b", "a"] && places?.last?["state"]?.string == "trying")
        #expect(places?.first?["since"]?.int64 == (now + .seconds(-60)).milliseconds)
        let all = try await status([early, late])
        #expect(all.circuits.first?.isOfSome == false && all.faults.first?.what.contains("at 2 of 2 workers, since") == true)
        #expect(all.faults.first?.advice == "docs/runbooks/SalvageCircuitOpen.md")
    }

    /// A login without the right to the stream must not be told that nothing is paused.
    @Test func pausesThatCannotBeReadAreNotNone() async throws {
        let known = try await status([pulse("a")])
        #expect(known.pausesAreKnown && known.knowsNoPause)
        let unknown = try await status([pulse("a")], hearsPauses: false)
        #expect(!unknown.pausesAreKnown && !unknown.knowsNoPause && unknown.json["pausesKnown"]?.bool == false)
    }

    /// Whoever had a worker paused to end it is done with it.
    @Test func thePauseOfAWorkerThatHasEndedIsNoNews() async throws {
        for id in ["a", "gone"] {
            world.broker.write(Pause(.worker(id), since: now, until: now + .minutes(5), by: "ada", why: "its node goes"))
        }
        let status = try await status([pulse("a", isQuiet: true), pulse("b"), pulse("gone").farewell(at: now)])
        #expect(status.heededPauses.map(\.target) == [.worker("a")] && status.faults.isEmpty)
        #expect(status.json["pauses"]?.array?.compactMap { $0["worker"]?.string } == ["a"])
        #expect(status.pauses.count == 2, "it is in force")
    }

    @Test func anOpenCircuitSaysSinceWhenAndWhy() async throws {
        let early = pulse("a", at: now + .seconds(-1), circuits: [.open], trouble: trouble(60, ["timed_out": 20], "no answer in time"))
        let late = pulse("b", circuits: [.trying], trouble: trouble(10, ["server_error": 21, "timed_out": 2], "FlexFactor answered 503"))
        let status = try await status([early, late, pulse("c", circuits: [.closed])])
        let circuit = try #require(status.circuits.first)
        #expect(status.circuits.count == 1 && circuit.state == .open && circuit.notClosed == 2 && circuit.all == 3)
        // Since the first of them, and when the next of them tries.
        #expect(circuit.since == now + .seconds(-60) && circuit.triedAt == now + .seconds(15))
        #expect(circuit.why == "43 calls failed (22 timed_out, 21 server_error), the last: FlexFactor answered 503")
        let fault = try #require(status.faults.first)
        #expect(fault.kind == .circuitOpen && fault.subject == "gateway 42 of merchant acme" && fault.since == circuit.since)
        #expect(
            fault.what.contains("since \((now + .seconds(-60)).rfc3339)") && fault.what.contains("43 calls failed (22 timed_out"))
        #expect(status.json["circuits"]?.array?.first?["failures"]?["timed_out"]?.int64 == 22)
    }

    /// What waits there are orders that are paid and not complete. A CRM that fetches them from time to time reads as little, so it is no fault.
    @Test func resultsThatNobodyReadsAreAWarning() async throws {
        world.broker.fill("crm.results", QueueDepth(ready: 3, readers: 0))
        let status = try await status([pulse("a")])
        #expect(status.faults.isEmpty && status.inbox?.waiting == 3)
        #expect(status.inbox?.warning?.what == "3 results wait in crm.results, and nobody reads it: what they tell is not done.")
        #expect(status.json["results"]?["advice"]?.string == "docs/runbooks/SalvageResultsUnread.md")
        for depth in [QueueDepth(ready: 3, readers: 1), QueueDepth(ready: 0, readers: 0)] {
            world.broker.fill("crm.results", depth)
            let read = try await self.status([pulse("a")])
            #expect(read.inbox?.readers == depth.readers && read.inbox?.warning == nil)
            #expect(read.json["results"]?["waiting"]?.int64 == Int64(depth.ready) && read.json["results"]?["warning"] == nil)
        }
        // The CRM reads a queue of its own.
        world.broker.fill("crm.results", nil)
        let without = try await self.status([pulse("a")])
        #expect(without.inbox == nil && without.json["results"] == nil)
    }

    /// Each sale through it is skipped: a fleet of which nobody hears that is not well.
    @Test func aGatewayWhoseKeysAreRefusedIsAFault() async throws {
        func pulse(_ id: String, _ refusal: WorkerPulse.Circuit.Refusal?) -> WorkerPulse {
            WorkerPulse(
                workerID: id, host: "pod", version: "1.0", startedAt: now, at: now, stages: Stage.allCases, inFlight: [],
                circuits: [WorkerPulse.Circuit(merchantID: "acme", gatewayID: "42", state: .closed, refusal: refusal)])
        }
        let since = now + .seconds(-60)
        let status = try await status([
            pulse("a", .init(since: since, words: "FlexFactor refuses appKey (401)")), pulse("b", .init(since: now, words: "later")),
            pulse("c", nil),
        ])
        let fault = try #require(status.faults.first)
        #expect(status.faults.count == 1 && fault.kind == .gatewayMisconfigured && fault.subject == "gateway 42 of merchant acme")
        #expect(fault.since == since && fault.what.contains("at 2 of 3 workers") && fault.what.contains("FlexFactor refuses appKey (401)."))
        #expect(status.json["well"]?.bool == false && fault.advice == "docs/runbooks/SalvageGatewayMisconfigured.md")
        #expect(try await self.status([pulse("a", nil), pulse("b", nil), pulse("c", nil)]).faults.isEmpty)
    }

    @Test func aWorkerThatReadsTheClaimsServesNothingYet() async throws {
        let reading = WorkerPulse.Claims(offset: 10, lag: .minutes(600), isCaughtUp: false)
        let young = try await status([pulse("a", claims: reading)])
        #expect(young.faults.map(\.kind) == Stage.allCases.map { _ in .stageUnserved })
        #expect(young.faults.first?.what == "No worker serves the stage intake yet; 0 messages wait.")
        #expect(young.workers.first?.claims?.isCaughtUp == false)
        // Another serves meanwhile; and one that reads for long is told of.
        let old = try await status([pulse("a", claims: reading, startedAt: now + .seconds(-61)), pulse("b")])
        #expect(old.faults.map(\.kind) == [.claimsBehind] && old.faults.first?.since == now + .seconds(-61))
    }

    @Test func aWorkerThatIsPausedServesNothing() async throws {
        let others = Stage.allCases.filter { $0 != .retry }
        let status = try await status([pulse("a", isQuiet: true), pulse("b", others)])
        #expect(
            status.faults.map(\.what) == ["No worker serves the stage retry: who does, a, is paused; 0 messages wait."], "\(status.faults)")
        #expect(status.faults.first?.advice.contains("salvage resume --worker 'a'") == true)
        let said = status.json["workers"]?.array?.map { $0["quiet"] }
        #expect(said?.first??["since"]?.int64 == (now + .seconds(-9)).milliseconds && said?.first??["why"]?.string == "its node goes")
        #expect(said?.count == 2 && said?.last == .some(nil))
        #expect(try await self.status([pulse("a", isQuiet: true), pulse("b")]).faults.isEmpty, "it is no fault where others work")
    }

    @Test func aWorkerThatIsBehindWithTheClaimsIsAFault() async throws {
        func claims(_ offset: Int64, lag seconds: Int64 = 0) -> WorkerPulse.Claims {
            WorkerPulse.Claims(offset: offset, lag: .seconds(seconds), isCaughtUp: true)
        }
        // By its own word.
        let slow = try await status([pulse("a", claims: claims(5, lag: 7)), pulse("b", claims: claims(5))])
        #expect(slow.faults.map(\.what) == ["The worker a is 7 s behind with the claims: what it would charge waits."])
        #expect(try await status([pulse("a", claims: claims(5, lag: 5))]).faults.isEmpty)
    }

    @Test func whoReadsLessThanOthersIsBehindOnceThatLasts() {
        var race = ClaimsRace()
        func take(_ id: String, _ offset: Int64, at seconds: Int64) {
            race.take(
                pulse(id, claims: WorkerPulse.Claims(offset: offset, lag: .seconds(0), isCaughtUp: true)), now: now + .seconds(seconds))
        }
        func behind(_ id: String, at seconds: Int64) -> (messages: Int64, lag: Moment.Span) {
            race.behind(id, now: now + .seconds(seconds))
        }
        take("a", 100, at: 0)
        take("b", 90, at: 1)
        #expect(behind("b", at: 4) == (10, .seconds(3)) && behind("a", at: 4) == (0, .seconds(0)))
        // It has reached what the other had read, which has read more meanwhile: it is behind by that, and only since now.
        take("a", 150, at: 5)
        take("b", 120, at: 6)
        #expect(behind("b", at: 6) == (30, .seconds(0)))
        take("b", 120, at: 12)
        #expect(behind("b", at: 12) == (30, .seconds(6)))
        take("b", 150, at: 13)
        #expect(behind("b", at: 20) == (0, .seconds(0)))
        // A stream that was made anew counts from 0 again; and who is gone counts no more.
        take("a", 3, at: 21)
        take("b", 3, at: 22)
        #expect(behind("a", at: 30) == (0, .seconds(0)) && behind("b", at: 30) == (0, .seconds(0)))
        race.forget("a")
        take("b", 2, at: 31)
        #expect(behind("b", at: 40) == (0, .seconds(0)))
    }

    @Test func whatIsOverdueIsAFault() async throws {
        world.broker.write(parked(until: now + .seconds(-61)))
        #expect(try await status([pulse("a")]).faults.map(\.what) == ["one recovery is due for more than a minute and not taken up."])
        // Nobody takes it while its stage is paused.
        world.broker.write(Pause(.stage(.retry), since: now, until: now + .minutes(5), by: "ada", why: "a move"))
        #expect(try await status([pulse("a")]).faults.isEmpty)
    }

    @Test func lettersAreAFault() async throws {
        world.write([OperatorWorld.letter("A", .outcomeUnknown, phase: .unanswered), OperatorWorld.letter("B", .attemptsSpent)])
        let status = try await status([pulse("a")])
        #expect(status.inDoubt == 1 && status.lettersToDo == 2 && status.unknown == 1 && status.oldestUnknown != nil)
        #expect(status.faults.map(\.advice) == ["`salvage dead reconcile --all`", "`salvage dead list`"])
    }
}
