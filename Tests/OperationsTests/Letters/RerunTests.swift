import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// Instant declines of long ago, made reruns many at once.
@Suite struct RerunTests {
    private static let merchants = Merchants(
        Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "41", isRetired: true), FlexFactorGateway(id: "42", expiryDays: 9)],
            gateways: [Gateway(id: "7", type: "nmi")]),
        Merchant(id: "zenith", flexFactorGateways: [FlexFactorGateway(id: "77")], gateways: [Gateway(id: "7", type: "nmi")]))

    /// What is meant: two that can be made reruns, of two merchants; and three that cannot.
    private static let letters = [
        OperatorWorld.declined("OLD"), OperatorWorld.declined("THIRD", merchant: "zenith", order: #","rerunNumber":3"#),
        OperatorWorld.declined("RERUN", trigger: #""rerun","recovery":{"gatewayId":"42"}"#, order: #","rerunNumber":1"#),
        OperatorWorld.declined("NOBODYS", merchant: "nobody"), OperatorWorld.letter("UNDERWAY"),
    ]

    private static func order(ofCRM: Bool = true) -> LetterAction {
        .replay(correction: .rerun, isCanary: false, rate: 1_000, consent: ReplayConsent(ofCRM: ofCRM))
    }

    private func sent(_ world: OperatorWorld) throws -> [String: JSONValue] {
        try world.broker.sent.reduce(into: [:]) { sent, message in
            let event = try JSONValue(parsing: message.body.span)
            sent[event["data"]?["order"]?["id"]?.string ?? ""] = event
        }
    }

    private func areReruns(_ sent: [String: JSONValue]) -> Bool {
        sent.count == 2 && sent.values.allSatisfy { $0["data"]?["trigger"]?.string == "rerun" }
            && sent["OLD"]?["data"]?["recovery"]?["gatewayId"]?.string == "42" && sent["OLD"]?["data"]?["order"]?["rerunNumber"]?.int64 == 1
            && sent["THIRD"]?["data"]?["recovery"]?["gatewayId"]?.string == "77"
            && sent["THIRD"]?["data"]?["order"]?["rerunNumber"]?.int64 == 3
    }

    @Test func eachGoesToAGatewayOfItsMerchantAndTheOthersAreLeftOut() async throws {
        let world = OperatorWorld(merchants: Self.merchants)
        let ids = world.write(Self.letters)
        let (job, _) = try await world.act(Self.order(), .letters(ids))
        #expect(job.progress.state == .finished && job.progress.succeeded == 2 && job.progress.leftOut == 3, "\(job.progress)")
        let sent = try sent(world)
        #expect(areReruns(sent), "\(sent)")
        #expect(try await world.states(ids) == [.resolved, .resolved, .open, .open, .open])
        let selected = world.broker.records.first
        #expect(selected?.sentence == "selected for replay, with 1 other, as a rerun")
    }

    @Test func withoutTheCRMsWordNoneGoes() async throws {
        let world = OperatorWorld(merchants: Self.merchants)
        let ids = world.write(Self.letters)
        let (job, _) = try await world.act(Self.order(ofCRM: false), .letters(ids))
        #expect(job.progress.leftOut == 5 && world.broker.sent.isEmpty)
        #expect(job.progress.results.contains { $0.sentence.contains("its people must agree first") })
    }

    /// Whoever finishes the run makes the rest reruns as well.
    @Test(arguments: 1...5)
    func aRunThatDiesIsFinishedAsItBegan(effects: Int) async throws {
        let world = OperatorWorld(merchants: Self.merchants)
        let ids = world.write(Self.letters)
        let (job, _) = try await world.act(Self.order(), .letters(ids), dyingAfter: effects)
        let (rest, _) = try await world.act(.replay(), .unfinished(run: job.id))
        if try await world.book().runs[job.id] != nil {
            #expect(rest.progress.state == .finished)
            let sent = try sent(world)
            #expect(areReruns(sent), "\(sent)")
            #expect(try await world.states(ids).prefix(2) == [.resolved, .resolved])
        } else {
            #expect(world.broker.sent.isEmpty)
        }
    }

    private func ask(_ console: ConsoleAPI, _ path: [String], _ body: JSONValue, _ role: ConsoleRole = .admin) async -> ConsoleResponse {
        await console.answer(
            ConsoleRequest(
                method: .post, path: path, query: [:], body: body, person: ConsoleRequest.Person(name: "Ada", role: role, isOpen: false)))
    }

    @Test func theConsoleTriesItFirstAndAsksForTheRoleThatCorrects() async throws {
        let world = OperatorWorld(merchants: Self.merchants)
        let ids = world.write(Self.letters)
        let console = try await world.console()
        func body(_ more: (String, JSONValue)...) -> JSONValue {
            .object(
                of: [
                    ("action", "replay"), ("letters", .array(ids.map { .string($0.description) })), ("note", "why"), ("rerun", .bool(true)),
                    ("crmConsent", .bool(true)),
                ] + more.map { ($0.0, $0.1) })
        }
        let tried = await ask(console, ["runs", "rehearse"], body())
        #expect(tried.status == 200 && tried.body["goes"]?.int64 == 2 && tried.body["leftOut"]?.int64 == 3, "\(tried)")
        #expect(await ask(console, ["runs"], body(), .operator).status == 403)
        let patch = JSONValue.array([.object(of: [("op", "remove"), ("path", "/id")])])
        #expect(await ask(console, ["runs"], body(("patch", patch))).status == 400)
        #expect(world.broker.sent.isEmpty)
        #expect(await ask(console, ["runs"], body()).status == 202)
    }
}
