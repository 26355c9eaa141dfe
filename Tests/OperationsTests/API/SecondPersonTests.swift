import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// Where the configuration asks for a second person nothing is corrected by one alone.
@Suite struct SecondPersonTests {
    private let world = OperatorWorld(
        merchants: Merchants(
            Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")], gateways: [Gateway(id: "7", type: "nmi")])))

    private func ask(
        _ console: ConsoleAPI, _ path: String, _ body: JSONValue? = .object([]), as name: String = "Ada", role: ConsoleRole = .admin,
        within span: Moment.Span? = .minutes(60)
    ) async -> ConsoleResponse {
        await console.answer(
            ConsoleRequest(
                method: body == nil ? .get : .post, path: path.split(separator: "/").map(String.init), query: [:],
                body: body ?? .object([]),
                person: ConsoleRequest.Person(name: name, role: role, isOpen: false, secondPerson: span)))
    }

    private func correction(_ ids: [UUID5], isRerun: Bool = true) -> JSONValue {
        .object(of: [
            ("action", "replay"), ("letters", .array(ids.map { .string($0.description) })), ("note", "nobody waits"),
            ("crmConsent", .bool(true)), ("rerun", .bool(isRerun)), ("canary", .bool(false)),
        ])
    }

    private func proposed(_ console: ConsoleAPI, _ ids: [UUID5]) async throws -> String {
        let answer = await ask(console, "runs", correction(ids))
        #expect(answer.status == 202 && answer.body["state"]?.string == "proposed" && answer.body["total"]?.int64 == Int64(ids.count))
        return try #require(answer.body["id"]?.string)
    }

    private func finished(_ console: ConsoleAPI, _ id: String) async throws {
        try await eventually("the run ends") {
            let state = await ask(console, "runs/\(id)", nil).body["state"]?.string
            return ["finished", "failed", "stopped"].contains(state ?? "")
        }
    }

    @Test func aCorrectionIsSentWhenAnotherAdminApprovesIt() async throws {
        let ids = world.write([OperatorWorld.declined("ONE"), OperatorWorld.declined("TWO")])
        let console = try await world.console()
        let id = try await proposed(console, ids)
        #expect(await ask(console, "overview", nil, as: "Eve").body["proposals"]?.int64 == 1)
        #expect(await ask(console, "runs", nil).body["runs"]?.array?.first?["state"]?.string == "proposed")
        #expect(await ask(console, "runs/\(id)/approve").status == 403, "who proposed it approves it alone")
        #expect(await ask(console, "runs/\(id)/approve", as: "Otto", role: .operator).status == 403)
        #expect(world.broker.sent.isEmpty && world.broker.records.isEmpty)

        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 202)
        try await finished(console, id)
        #expect(try await world.states(ids) == [.resolved, .resolved])
        let selected = try #require(world.broker.records.first)
        #expect(selected.by.name == "Ada" && selected.note == "nobody waits (approved by Eve)" && selected.job?.description == id)
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 409, "it is approved once")
        #expect(world.broker.sent.count == 2)
        #expect(await ask(console, "runs", nil).body["runs"]?.array?.count == 1)
    }

    @Test func whatNobodyApprovesInTimeIsNotDone() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let id = try await proposed(console, ids)
        world.clock.pass(.minutes(61))
        #expect(await ask(console, "runs/\(id)", nil).body["state"]?.string == "lapsed")
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 409)
        #expect(world.broker.sent.isEmpty)
        #expect(await ask(console, "overview", nil).body["proposals"]?.int64 == 0)
    }

    @Test func whatIsWithdrawnIsNotDone() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let id = try await proposed(console, ids)
        #expect(await ask(console, "runs/\(id)/stop", as: "Otto", role: .operator).status == 403)
        #expect(await ask(console, "runs/\(id)/stop").body["state"]?.string == "withdrawn")
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 409)
        #expect(world.broker.sent.isEmpty)
        #expect(await ask(console, "runs/\(UUID5.numbered(7))/approve", as: "Eve").status == 404)
    }

    // MARK: What is approved is what was seen

    private func patch(_ id: UUID5, _ operations: String) throws -> JSONValue {
        .object(of: [
            ("action", "replay"), ("letters", .array([.string(id.description)])), ("note", "a typo"), ("crmConsent", .bool(true)),
            ("acceptSkips", .bool(true)), ("canary", .bool(true)), ("rate", .integer(7)),
            ("patch", try JSONValue(parsing: Array(operations.utf8).span)),
        ])
    }

    @Test func whatWasPublishedAnewSinceIsNotApproved() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let id = try await proposed(console, ids)
        #expect(world.write([OperatorWorld.declined("ONE", order: #","rerunNumber":3"#)]) == ids, "another message of the same letter")
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 409)
        #expect(world.broker.sent.isEmpty && world.broker.records.isEmpty)
        #expect(await ask(console, "runs/\(id)", nil).body["state"]?.string == "proposed")
    }

    @Test func ofManyThoseThatWerePublishedAnewAreLeftOut() async throws {
        let ids = world.write([OperatorWorld.declined("ONE"), OperatorWorld.declined("TWO")])
        let console = try await world.console()
        let id = try await proposed(console, ids)
        world.write([OperatorWorld.declined("ONE")])
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 202)
        try await finished(console, id)
        let run = await ask(console, "runs/\(id)", nil).body
        #expect(run["leftOut"]?.int64 == 1 && run["succeeded"]?.int64 == 1, "\(run)")
        #expect(run["results"]?.array?.contains { $0["sentence"]?.string?.contains("published anew") == true } == true)
        #expect(try await world.states(ids) == [.open, .resolved])
    }

    @Test func allThatIsApprovedIsShown() async throws {
        let ids = world.write([OperatorWorld.declined("ONE"), OperatorWorld.declined("TWO")])
        let console = try await world.console()
        let one = await ask(
            console, "runs", try patch(ids[0], #"[{"op":"replace","path":"/data/billing/city","value":"York"}]"#)
        ).body
        #expect(one["state"]?.string == "proposed" && one["letter"]?.string == ids[0].description, "\(one)")
        #expect(one["crmConsent"]?.bool == true && one["acceptSkips"]?.bool == true && one["rerun"]?.bool == false)
        #expect(one["canary"]?.bool == true && one["rate"]?.int64 == 7)
        let change = one["differences"]?.array?.first
        #expect(change?["before"]?.string == "Troy" && change?["after"]?.string == "York", "\(one)")
        let many = await ask(console, "runs", correction(ids)).body
        #expect(many["rerun"]?.bool == true && many["acceptSkips"]?.bool == false && many["canary"]?.bool == false)
        #expect(many["letters"]?.array?.compactMap(\.string) == ids.map(\.description))
        // What the one who proposed it saw.
        let dryRun = many["dryRun"]
        #expect(one["dryRun"] == nil && dryRun?["total"]?.int64 == 2 && dryRun?["goes"]?.int64 == 2, "\(many)")
        #expect(dryRun?["consequence"]?.string?.isEmpty == false && dryRun?["why"]?.array == [])
    }

    /// Nothing of it is kept then, so nobody reads it among the runs.
    @Test(arguments: [
        #"[{"op":"add","path":"/data/order/note","value":"4111111111111111"}]"#,
        #"[{"op":"add","path":"/data/note","value":"4111111111111111"},{"op":"remove","path":"/data/note"}]"#,
        #"[{"op":"remove","path":"/data/amount"}]"#,
    ])
    func whatMayNotBeCorrectedIsNotProposed(operations: String) async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let answer = await ask(console, "runs", try patch(ids[0], operations))
        #expect(answer.status == 422, "\(answer)")
        #expect(!String(decoding: answer.body.bytes, as: UTF8.self).contains("4111111111111111"))
        #expect(await ask(console, "runs", nil).body["runs"]?.array?.isEmpty == true)
    }

    /// Its process died before a message was out; one person alone does not send the rest.
    @Test func aCorrectionIsNotResumedByOneAlone() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let order = LetterAction.replay(correction: .rerun, isCanary: false, rate: 50, consent: ReplayConsent(ofCRM: true))
        let (job, isAlive) = try await world.act(order, .letters(ids), dyingAfter: 1)
        let console = try await world.console()
        try #require(!isAlive && world.broker.records.count == 1 && world.broker.sent.isEmpty)
        // What is refused is not offered.
        func seen(role: ConsoleRole = .admin, within span: Moment.Span? = .minutes(60)) async -> JSONValue {
            await ask(console, "runs/\(job.id)", nil, role: role, within: span).body
        }
        #expect(await seen()["resumable"]?.bool == false)
        #expect(await seen()["message"]?.string?.contains("must be proposed anew") == true)
        #expect(await ask(console, "runs", nil).body["runs"]?.array?.first?["resumable"]?.bool == false)
        #expect(await seen(role: .operator, within: nil)["resumable"]?.bool == false)
        #expect(await ask(console, "runs/\(job.id)/resume", role: .operator, within: nil).status == 403)
        #expect(await ask(console, "runs/\(job.id)/resume").status == 409)
        #expect(world.broker.sent.isEmpty)
        #expect(await seen(within: nil)["resumable"]?.bool == true)
        #expect(await ask(console, "runs/\(job.id)/resume", within: nil).status == 202)
        try await finished(console, job.id.description)
        #expect(world.broker.sent.count == 1)
        #expect(await seen(within: nil)["resumable"]?.bool == false)
    }

    /// Two people have said it: that somebody acts for long does not use it up.
    @Test func anApprovedOneWaitsForWhoeverActsAndCanBeBegunWhenItCouldNot() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let id = try await proposed(console, ids)
        let lock = try #require(try await world.broker.process().lock.take())
        let begun = world.clock.now()
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 202)
        try await eventually("it waits once more") { await ask(console, "runs/\(id)", nil).body["state"]?.string == "proposed" }
        #expect(world.clock.now() - begun >= .seconds(120))
        let held = await ask(console, "runs/\(id)", nil).body
        #expect(
            held["approvedBy"]?.string == "Eve" && held["message"]?.string?.hasPrefix("approved by Eve, and it could not begin") == true)
        #expect(world.broker.sent.isEmpty && world.broker.records.isEmpty)
        await lock.release()
        // It waits for as long as at first, and whoever proposed it may begin it now.
        world.clock.pass(.minutes(50))
        #expect(await ask(console, "runs/\(id)/approve", role: .operator).status == 403)
        #expect(await ask(console, "runs/\(id)/approve").status == 202)
        try await finished(console, id)
        #expect(world.broker.sent.count == 1)
        #expect(world.broker.records.first?.note == "nobody waits (approved by Eve)")
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 409)
    }

    /// A person who stops it while it waits for its turn means it.
    @Test func anApprovedOneThatIsStoppedIsOver() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let id = try await proposed(console, ids)
        let lock = try #require(try await world.broker.process().lock.take())
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 202)
        #expect(await ask(console, "runs/\(id)/stop").status == 200)
        try await finished(console, id)
        #expect(await ask(console, "runs/\(id)/approve", as: "Eve").status == 409)
        await lock.release()
        #expect(world.broker.sent.isEmpty)
    }

    private func job(_ tools: LetterTools, id: UUID5) -> LetterJob {
        LetterJob(
            .replay(correction: .rerun, isCanary: false, rate: 50, consent: ReplayConsent(ofCRM: true)), .letters([]), by: .ada, note: "n",
            tools: tools, id: id)
    }

    /// One that is approved by two at once, and stopped as it ends: neither is lost.
    @Test func whatCouldNotBeginIsHeldUnlessItWasStoppedOrAnotherRuns() async throws {
        let tools = try await world.tools(world.broker.process())
        let lock = try #require(try await world.broker.process().lock.take())
        let now = world.clock.now()
        func held(_ change: (JobRegistry, LetterJob) -> Void) async throws -> (registry: JobRegistry, proposal: Proposal) {
            let registry = JobRegistry()
            let proposal = Proposal(
                .replay(correction: .rerun, isCanary: false, rate: 50, consent: ReplayConsent(ofCRM: true)), [], seen: [:],
                differences: nil,
                dryRun: nil, by: .ada, note: "n", at: now, within: .minutes(60))
            #expect(registry.proposals.add(proposal, at: now))
            _ = registry.proposals.end(proposal.id, .approved(by: "Eve", at: now), at: now)
            let job = job(tools, id: proposal.id)
            registry.add(job)
            await job.run(waitingForLock: 0)
            change(registry, job)
            registry.hold(job, approvedBy: "Eve", at: now)
            return (registry, try #require(registry.proposals[proposal.id]))
        }
        let plain = try await held { _, _ in }
        #expect(plain.proposal.isWaiting(at: now) && plain.registry.all.isEmpty)
        let stopped = try await held { registry, job in #expect(registry.stop(job.id) === job) }
        #expect(!stopped.proposal.isWaiting(at: now) && stopped.registry.all.count == 1)
        let anew = try await held { registry, job in registry.add(self.job(tools, id: job.id)) }
        #expect(!anew.proposal.isWaiting(at: now) && anew.registry.all.count == 1)
        await lock.release()
    }

    /// The broker goes as the letters are read under the lock: nothing was written, and both have said it.
    @Test func anApprovedOneThatCameToNothingBeforeItsFirstRecordCanBeBegun() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let tools = try await world.tools(world.broker.process())
        // What comes now does not come to this process, which asks for it in vain.
        world.broker.leaveFollowers(of: .letters)
        world.write([OperatorWorld.declined("TWO")])
        let job = LetterJob(
            .replay(correction: .rerun, isCanary: false, rate: 50, consent: ReplayConsent(ofCRM: true)), .letters(ids), by: .ada, note: "n",
            tools: tools)
        await job.run()
        #expect(job.progress.state == .failed && job.couldNotBegin && world.broker.records.isEmpty)
        // With a record out it has begun, though it came no further.
        let (begun, _) = try await world.act(
            .replay(correction: .rerun, isCanary: false, rate: 50, consent: ReplayConsent(ofCRM: true)), .letters(ids), dyingAfter: 1)
        #expect(begun.progress.state == .failed && !begun.couldNotBegin && world.broker.records.count == 1)
    }

    @Test func whatNobodyKnowsIsNotResumed() async throws {
        let console = try await world.console()
        #expect(await ask(console, "runs/\(UUID5.numbered(7))/resume").status == 404)
    }

    @Test func noneThatWaitsIsForgottenForAnother() async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let first = try await proposed(console, ids)
        for _ in 1..<100 { _ = try await proposed(console, ids) }
        #expect(await ask(console, "runs", correction(ids)).status == 409)
        #expect(await ask(console, "runs/\(first)/stop").status == 200)
        let last = try await proposed(console, ids)
        #expect(await ask(console, "runs/\(first)", nil).status == 404)
        #expect(await ask(console, "runs/\(last)", nil).body["state"]?.string == "proposed")
    }

    /// What the CRM sent is sent by one; and where nobody asks for a second, a correction is as well.
    @Test(arguments: [(false, .minutes(60)), (true, nil)] as [(Bool, Moment.Span?)])
    func whatNeedsNoSecondPersonBeginsAtOnce(isRerun: Bool, span: Moment.Span?) async throws {
        let ids = world.write([OperatorWorld.declined("ONE")])
        let console = try await world.console()
        let answer = await ask(console, "runs", correction(ids, isRerun: isRerun), within: span)
        #expect(answer.status == 202 && answer.body["state"]?.string != "proposed")
        try await finished(console, try #require(answer.body["id"]?.string))
        #expect(await ask(console, "runs/\(answer.body["id"]?.string ?? "")/approve", as: "Eve").status == 404)
    }
}
