import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// Pausing from the console: who may, what is refused and in which words, and that everybody else hears of it.
@Suite struct PausesAPITests {
    private let world = OperatorWorld()
    private var now: Moment { world.clock.now() }

    private func console() async throws -> ConsoleAPI {
        let process = world.broker.process()
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        try await flow.workers.listen()
        try await flow.hearPauses()
        for worker in ["salvage pod-1 1", "salvage pod-2 1", "salvage pod-2 7"] {
            world.broker.write(
                WorkerPulse(
                    workerID: worker, host: "pod", version: "1", startedAt: now, at: now, stages: [.intake], inFlight: [], circuits: []))
        }
        let merchants = ["acme", "zenith"].map { id in
            Merchant(id: MerchantID(id), flexFactorGateways: ["42", "\(id)-1"].map { FlexFactorGateway(id: GatewayID($0)) })
        }
        return ConsoleAPI(
            tools: try await world.tools(process), flow: flow, merchants: { merchants },
            draft: { _, merchant throws(DraftFaults) in merchant }, version: "test")
    }

    private func ask(
        _ console: ConsoleAPI, _ path: [String] = ["pauses"], _ body: String? = nil, as role: ConsoleRole = .operator
    ) async -> ConsoleResponse {
        let parsed = body.map { try! JSONValue(parsing: Array($0.utf8).span) }
        return await console.answer(
            ConsoleRequest(
                method: body == nil ? .get : .post, path: path, query: [:], body: parsed ?? .object([]),
                person: ConsoleRequest.Person(name: "Ada", role: role, isOpen: false)))
    }

    private func paused(_ console: ConsoleAPI) async -> [String] {
        (await ask(console, as: .viewer).body["pauses"]?.array ?? []).compactMap { $0["target"]?.string }
    }

    private func order(_ names: String, seconds: Int = 3_600, why: String = "charged twice", more: String = "") -> String {
        "{\(names), \"seconds\": \(seconds), \"why\": \"\(why)\"\(more)}"
    }

    @Test func whatIsPausedIsSeenByAllAndGoesOnWhenItIsLifted() async throws {
        let console = try await console()
        let asked = now
        let answer = await ask(console, ["pauses"], order(#""merchant": "acme""#))
        #expect(answer.status == 200 && answer.body["target"]?.string == "merchant acme" && answer.body["by"]?.string == "Ada")
        #expect(answer.body["until"]?.int64 == (asked + .minutes(60)).milliseconds && answer.body["why"]?.string == "charged twice")
        #expect(
            await ask(console, ["pauses"], order(#""gateway": "zenith-1""#)).body["target"]?.string == "gateway zenith-1 of merchant zenith"
        )
        #expect(await ask(console, ["pauses"], order(#""stage": "retry""#)).status == 200)
        // Another process, which has only the stream.
        #expect(await paused(try await self.console()) == ["stage retry", "merchant acme", "gateway zenith-1 of merchant zenith"])
        #expect(console.flow.pauses.pauses.inForce(at: now).map(\.target).contains(.stage(.retry)))

        #expect(await ask(console, ["pauses", "lift"], #"{"stage": "retry"}"#).body["target"]?.string == "stage retry")
        #expect(await ask(console, ["pauses", "lift"], #"{"merchant": "acme", "why": "mended"}"#).status == 200)
        #expect(await paused(console) == ["gateway zenith-1 of merchant zenith"])
        world.clock.pass(.minutes(61))
        #expect(await paused(console) == [], "it ends by itself")
        #expect(await ask(console, ["pauses", "lift"], #"{"gateway": "zenith-1"}"#).status == 404, "what has ended is not paused")
    }

    @Test func onePauseDoesNotTakeAnothersPlaceUnasked() async throws {
        let console = try await console()
        #expect(await ask(console, ["pauses"], order(#""merchant": "acme""#, seconds: 86_400)).status == 200)
        let refused = await ask(console, ["pauses"], order(#""merchant": "acme""#, seconds: 60, why: "mine"))
        #expect(refused.status == 409)
        #expect(refused.body["error"]?["what"]?.string?.contains("by Ada until") == true)
        #expect(
            await ask(console, ["pauses"], order(#""merchant": "acme""#, seconds: 60, why: "mine", more: #", "replace": true"#)).status
                == 200)
        world.clock.pass(.minutes(2))
        #expect(await paused(console) == [])
    }

    @Test(arguments: [
        (#"{"merchant": "acme", "seconds": 60}"#, 400), (#"{"merchant": "acme", "seconds": 60, "why": " "}"#, 400),
        (#"{"merchant": "acme", "why": "w"}"#, 400), (#"{"merchant": "acme", "seconds": 60, "until": 1, "why": "w"}"#, 400),
        (#"{"merchant": "acme", "seconds": 604801, "why": "w"}"#, 400), (#"{"merchant": "acme", "until": 1, "why": "w"}"#, 422),
        (#"{"merchant": "acme", "until": 9000000000000, "why": "w"}"#, 422), (#"{"seconds": 60, "why": "w"}"#, 400),
        (#"{"merchant": "acme", "stage": "retry", "seconds": 60, "why": "w"}"#, 400),
        (#"{"merchant": "", "seconds": 60, "why": "w"}"#, 400),
        (#"{"merchant": "nobody", "seconds": 60, "why": "w"}"#, 422), (#"{"gateway": "42", "seconds": 60, "why": "w"}"#, 422),
        (#"{"gateway": "43", "merchant": "acme", "seconds": 60, "why": "w"}"#, 422),
        (#"{"stage": "nothing", "seconds": 60, "why": "w"}"#, 400),
        (#"{"merchants": "acme", "seconds": 60, "why": "w"}"#, 400), (#"{"merchant": "acme", "seconds": "60", "why": "w"}"#, 400),
        (#"{"merchant": "acme", "seconds": 60, "why": "w", "replace": "yes"}"#, 400),
    ])
    func whatIsNotMeantClearlyPausesNothing(body: String, status: Int) async throws {
        let console = try await console()
        let answer = await ask(console, ["pauses"], body)
        #expect(answer.status == status && answer.body["error"]?["advice"]?.string?.isEmpty == false, "\(answer)")
        #expect(await paused(console) == [])
    }

    @Test func aWorkerIsPausedByItsIdOrByItsHost() async throws {
        let console = try await console()
        let named = await ask(console, ["pauses"], order(#""worker": "salvage pod-2 7""#))
        #expect(named.status == 200 && named.body["target"]?.string == "worker salvage pod-2 7" && named.body["kind"]?.string == "worker")
        #expect(await ask(console, ["pauses"], order(#""worker": "pod-1""#)).body["worker"]?.string == "salvage pod-1 1")
        let known = await ask(console)
        #expect(known.body["workers"]?.array?.compactMap { $0["id"]?.string }.count == 3)
        #expect(await ask(console, ["pauses", "lift"], #"{"worker": "pod-1"}"#).body["target"]?.string == "worker salvage pod-1 1")
        // Whoever has ended can go on as well: nothing is to be left paused.
        world.clock.pass(.minutes(1))
        #expect(await ask(console, ["pauses", "lift"], #"{"worker": "salvage pod-2 7"}"#).status == 200)
        #expect(await paused(console) == [])
    }

    @Test(arguments: [
        (#""worker": "pod-3""#, 422, "There are: salvage pod-1 1, salvage pod-2 1, salvage pod-2 7."),
        (#""worker": "pod-2""#, 422, "Several workers live on pod-2: salvage pod-2 1, salvage pod-2 7."),
        (#""worker": "pod""#, 422, "No worker that lives is called pod."), (#""worker": " ""#, 400, "The worker is empty."),
        (#""worker": "pod-1", "stage": "intake""#, 400, "too much"),
    ])
    func whoIsNoWorkerIsNotPaused(names: String, status: Int, what: String) async throws {
        let console = try await console()
        let answer = await ask(console, ["pauses"], order(names))
        #expect(answer.status == status && answer.body["error"]?["what"]?.string?.contains(what) == true, "\(answer)")
        #expect(await paused(console) == [])
    }

    /// Who has read the former stream keeps to it, whatever is paused on the new one.
    @Test func whatWasPausedOnAStreamThatIsNoMoreGoesOnWhenItIsNamed() async throws {
        let console = try await console()
        for names in [#""merchant": "acme""#, #""stage": "retry""#] {
            #expect(await ask(console, ["pauses"], order(names)).status == 200)
        }
        world.broker.makeAnew(.pauses)
        #expect(await paused(console) == ["stage retry", "merchant acme"], "what workers still know is shown")
        #expect(await ask(console).body["pauses"]?.array?.allSatisfy { $0["remembered"]?.bool == true } == true)
        #expect(await ask(console, ["pauses", "lift"], #"{"gateway": "42"}"#).status == 404)
        #expect(await ask(console, ["pauses"], order(#""merchant": "acme""#)).status == 409, "workers heed it")
        #expect(await ask(console, ["pauses"], order(#""merchant": "zenith""#)).status == 200)
        #expect(await paused(console) == ["stage retry", "merchant acme", "merchant zenith"], "the first record lifts nothing")
        let lifted = await ask(console, ["pauses", "lift"], #"{"merchant": "acme"}"#).body
        #expect(
            lifted["target"]?.string == "merchant acme" && lifted["remembered"]?.bool == true && lifted["why"]?.string == "charged twice")
        #expect(await paused(console) == ["stage retry", "merchant zenith"])
        #expect(await ask(console, ["pauses", "lift"], #"{"merchant": "acme"}"#).status == 404)
        #expect(await ask(console, ["pauses", "lift"], #"{"merchant": "zenith"}"#).body["remembered"] == nil)
        // A process that has begun since knows nothing of the former, and lifts what it knows alone.
        #expect(await paused(try await self.console()) == [])
        #expect(await ask(try await self.console(), ["pauses", "lift"], #"{"stage": "retry"}"#).status == 404)
        #expect(await paused(console) == ["stage retry"])
    }

    @Test func whereNothingWasEverPausedNothingGoesOn() async throws {
        let console = try await console()
        for names in [#"{"merchant": "acme"}"#, #"{"worker": "salvage pod-1 1"}"#, #"{"worker": "4111111111111111"}"#] {
            #expect(await ask(console, ["pauses", "lift"], names).status == 404)
        }
        #expect(console.flow.pauses.pauses.isOfNothing, "nothing stands there")
    }

    /// A command has read nothing before, and takes the word of whoever asks; but not for what is no worker's id.
    @Test func aCommandLiftsWhatIsNamedWhereTheStreamHoldsNothing() async throws {
        let desk = PauseDesk(world.broker.process(), clock: world.clock)
        func lift(_ worker: String) async throws(PauseRefusal) -> PauseDesk.Lifted {
            try await desk.lift(
                PauseWords(merchant: nil, gateway: nil, stage: nil, worker: worker), by: "ada", why: "", whereUnknown: true)
        }
        for worker in ["4111111111111111", "pod-1", "salvage pod-1", "salvage pod-1 4111111111111111", "salvage pod 1 1", "salvage  1"] {
            await #expect(throws: PauseRefusal.noWorkerID) { _ = try await lift(worker) }
        }
        #expect(try await desk.known().isOfNothing)
        guard case .forgotten(let lifting) = try await lift("salvage pod-1.acme 17") else { return #expect(Bool(false)) }
        #expect(lifting.target == .worker("salvage pod-1.acme 17") && lifting.isLifting)
        #expect(try PauseWords(merchant: "acme", gateway: "42", stage: nil, worker: nil).description == "gateway 42 of merchant acme")
        #expect(try PauseWords(merchant: nil, gateway: nil, stage: nil, worker: "pod-1").description == "worker pod-1")
        await #expect(throws: PauseRefusal.notPaused) { _ = try await lift("salvage pod-1.acme 17") }
    }

    @Test func beforeAnyWorkerIsKnownNoneIsUnknown() async throws {
        let process = world.broker.process()
        let flow = FlowStore(process, TopologyNames(), clock: world.clock)
        let console = ConsoleAPI(
            tools: try await world.tools(process), flow: flow, merchants: { [] },
            draft: { _, merchant throws(DraftFaults) in merchant }, version: "test")
        #expect(await ask(console, ["pauses"], order(#""worker": "pod-1""#)).status == 503)
        #expect(await ask(console, ["pauses"], order(#""stage": "retry""#)).status == 200)
    }

    @Test func whoOnlyLooksNeitherPausesNorLifts() async throws {
        let console = try await console()
        #expect(await ask(console, ["pauses"], order(#""merchant": "acme""#), as: .viewer).status == 403)
        #expect(await ask(console, ["pauses"], order(#""merchant": "acme""#)).status == 200)
        #expect(await ask(console, ["pauses", "lift"], #"{"merchant": "acme"}"#, as: .viewer).status == 403)
        #expect(await paused(console) == ["merchant acme"])
    }

    @Test func ofSeveralTheOneThatIsMeantMustBeSaid() async throws {
        let console = try await console()
        for merchant in ["acme", "zenith"] {
            #expect(await ask(console, ["pauses"], order(#""merchant": "\#(merchant)", "gateway": "42""#)).status == 200)
        }
        let several = await ask(console, ["pauses", "lift"], #"{"gateway": "42"}"#)
        #expect(several.status == 409 && several.body["error"]?["advice"]?.string?.contains("merchant") == true)
        for worker in ["salvage pod-2 1", "salvage pod-2 7"] {
            #expect(await ask(console, ["pauses"], order(#""worker": "\#(worker)""#)).status == 200)
        }
        let refused = await ask(console, ["pauses", "lift"], #"{"worker": "pod-2"}"#)
        #expect(refused.status == 409 && refused.body["error"]?["advice"]?.string == "Give the id of one.")
        #expect(refused.body["error"]?["what"]?.string?.contains("worker salvage pod-2 1, worker salvage pod-2 7") == true, "\(refused)")
        for worker in ["salvage pod-2 1", "salvage pod-2 7"] {
            #expect(await ask(console, ["pauses", "lift"], #"{"worker": "\#(worker)"}"#).status == 200)
        }
        #expect(await ask(console, ["pauses", "lift"], #"{"gateway": "42", "merchant": "zenith"}"#).status == 200)
        #expect(await paused(console) == ["gateway 42 of merchant acme"])
    }

    @Test func aReasonWithCardDataPausesNothing() async throws {
        let console = try await console()
        let refused = await ask(console, ["pauses"], order(#""merchant": "acme""#, why: "card 4012888888881881 charged twice"))
        #expect(refused.status == 422)
        #expect(refused.body["error"]?["what"]?.string == "The reason holds a card number; leave it out.")
        #expect(await paused(console) == [])
        #expect(await ask(console, ["pauses"], order(#""merchant": "acme""#)).status == 200)
        #expect(await ask(console, ["pauses", "lift"], #"{"merchant": "acme", "why": "4012 8888 8888 1881"}"#).status == 422)
        #expect(await paused(console) == ["merchant acme"])
        let desk = PauseDesk(world.broker.process(), clock: world.clock)
        await #expect(throws: PauseRefusal.cardData("The operator's name holds a card number; leave it out.")) {
            _ = try await desk.pause(
                .stage(.retry), until: now + .minutes(5), by: "ada 4012888888881881", why: "a move", replaces: true)
        }
    }
}
