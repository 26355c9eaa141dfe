import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// The rights that `topology print --permissions` writes, given to real users: enough for the work of each, and for nothing else.
@Suite(.serialized) struct RightsTests {
    private static let roles = ["topology", "worker", "webhooks", "console-viewer", "console-operator", "crm-publisher", "crm-consumer"]

    /// A fleet on a virtual host of its own, whose users are the roles.
    private func withUsers(_ plan: Fleet.Plan, _ body: (Fleet, (String) -> String) async throws -> Void) async throws {
        var plan = plan
        plan.appliesTopology = false
        plan.brokerURL = try await TestMachine.freshVirtualHost()
        let base = try #require(plan.brokerURL)
        do {
            try await TestMachine.addUsers(Self.roles.map { "salvage-" + $0 })
            try await Fleet.with(plan) { fleet in
                let printed = try await fleet.salvage("topology", "print", "--permissions")
                try #require(printed.status == 0, "\(printed.error)")
                // The lines as they stand, with our node's rabbitmqctl.
                let script =
                    "rabbitmqctl() { bash '\(TestMachine.brokerScript)' ctl '\(TestMachine.brokerFolder)' \"$@\"; }\nset -e\n"
                    + printed.output
                let given = try await ChildProcess.run("/bin/bash", ["-c", script])
                try #require(given.status == 0, "\(given.error)")
                try await body(fleet) { base.replacing("guest:guest", with: "salvage-\($0):secret") }
            }
        } catch {
            await forget(base)
            throw error
        }
        await forget(base)
    }

    private func forget(_ url: String) async {
        try? await TestMachine.deleteUsers(Self.roles.map { "salvage-" + $0 })
        TestMachine.end(virtualHost: url.split(separator: "/").last.map(String.init) ?? "")
    }

    private func link(_ url: String) async throws -> BrokerLink { try await BrokerLink.open(BrokerConfiguration(url: url)) }

    @Test(.timeLimit(.minutes(15)))
    func eachRoleDoesItsWorkAndNothingElse() async throws {
        var plan = try Fleet.Plan.retries()
        let hooks = "127.0.0.1:\(plan.webhookPort)"
        plan.settings["SALVAGE_WEBHOOKS_LISTEN"] = "none"
        plan.settings["SALVAGE_CARD_KEYS"] = "test=" + (try await CardKeyFile.shared.path())
        try await withUsers(plan) { fleet, user in
            func command(_ role: String, _ arguments: String...) async throws -> (status: Int32, output: String, error: String) {
                try await fleet.salvage(arguments, environment: ["SALVAGE_BROKER_URL": user(role)])
            }
            let applied = try await command("topology", "topology", "apply")
            try #require(applied.status == 0, "\(applied.error)")
            #expect(try await command("topology", "topology", "apply").status == 0)
            try await fleet.startWorker(["SALVAGE_BROKER_URL": user("worker")])
            try await fleet.startWorker(["SALVAGE_BROKER_URL": user("webhooks"), "SALVAGE_WEBHOOKS_LISTEN": hooks], command: "webhooks")
            let status = try await command("console-viewer", "status", "--json")
            #expect(status.output.contains(#""receivers":[{"id":"#), "\(status)")
            for role in ["worker", "webhooks"] { #expect(try await command(role, "topology", "check", "--role", role).status == 0) }

            // Cascade with a reply, retry through the ladder and a webhook, a letter.
            let publisher = try await link(user("crm-publisher"))
            let consumer = try await link(user("crm-consumer"))
            let crm = try await CRM(consumer)
            let replies = try await fleet.link.tap([])
            let answered = try await CRM(fleet.link, inbox: replies)
            func publish(_ body: [UInt8], _ key: String, replyTo: String? = nil) async throws {
                try await publisher.publish([
                    OutgoingMessage(
                        exchange: "declines", routingKey: key, properties: MessageProperties(correlationID: "1", replyTo: replyTo),
                        body: body)
                ])
            }
            try await publish(CRM.decline("RIGHT"), "decline.initial", replyTo: replies)
            try await publish(CRM.recycle("AGAIN"), "decline.recycle")
            try await publish(CRM.decline("TYPO", merchant: "acmee"), "decline.initial")
            try await eventually("the cascade is told") { crm.result(of: "RIGHT")?.kind == "approved" }
            try await eventually("the reply is there") { answered.result(of: "RIGHT")?.correlationID == "1" }
            try await eventually("the webhook is told") {
                crm.results.contains { $0.orderID == "AGAIN" && $0.reason == "approved_by_webhook" }
            }
            #expect(!fleet.workerLog.contains("connection to the broker is lost"), "\(fleet.workerLog)")

            // Looking, and acting.
            try await eventually("the letter is seen") { try await command("console-viewer", "dead", "list").output.contains("TYPO") }
            #expect(try await command("console-viewer", "trace", "RIGHT").output.contains("approved"))
            let console = try await fleet.startConsole(["SALVAGE_BROKER_URL": user("console-viewer")])
            #expect(try await console.ask("GET", "/api/overview").status == 200)
            try await eventually("it does not read for a roll-up that it may not write") {
                console.log.contains("No roll-ups of the journal can be written here")
            }
            let id = try #require(try await fleet.letters().first?.id)
            let edit = [
                "dead", "replay", id, "--note", "typo", "--edit", #"[{"op": "replace", "path": "/data/merchantId", "value": "acme"}]"#,
                "--config",
                fleet.configurationFile.path,
            ]
            #expect(try await fleet.salvage(edit, environment: ["SALVAGE_BROKER_URL": user("console-viewer")]).status != 0)
            #expect(crm.results.allSatisfy { $0.orderID != "TYPO" || $0.kind == "rejected" })
            let replayed = try await fleet.salvage(edit, environment: ["SALVAGE_BROKER_URL": user("console-operator")])
            #expect(replayed.status == 0, "\(replayed)")
            try await eventually("the replay is told") { crm.results.contains { $0.orderID == "TYPO" && $0.kind == "approved" } }

            let pause = ["pause", "--stage", "retry", "--for", "1h", "--why", "rights", "--as", "ada"]
            func order(_ role: String) async throws -> Int32 {
                try await fleet.salvage(pause, environment: ["SALVAGE_BROKER_URL": user(role)]).status
            }
            #expect(try await order("console-viewer") != 0 && !fleet.workerLog.contains("Paused: "))
            #expect(try await order("console-operator") == 0)
            #expect(try await command("console-viewer", "pauses").output.contains("stage retry"))
            try await eventually("the worker follows") { fleet.workerLog.contains("Paused: stage retry") }
            #expect(!fleet.workerLog.contains("Nothing can be paused"), "\(fleet.workerLog)")

            // What is not theirs.
            for (role, exchange) in [
                ("crm-publisher", "recovery.results"), ("crm-publisher", ""), ("crm-consumer", "declines"), ("worker", "declines"),
                ("webhooks", "recovery.results"), ("webhooks", "recovery.work"), ("webhooks", "recovery.journal"),
                ("console-viewer", "declines"), ("console-viewer", "recovery.dead"),
                ("console-operator", "recovery.delay.03"),
            ] {
                let link = try await link(user(role))
                await #expect(throws: PublishError.self, "\(role) writes to '\(exchange)'") {
                    try await link.publish([OutgoingMessage(exchange: exchange, routingKey: "crm.results", body: [0x7B, 0x7D])])
                }
                await link.close()
            }
            for (role, queue) in [
                ("crm-publisher", "crm.results"), ("crm-consumer", "recovery.intake"), ("worker", "crm.results"),
                ("webhooks", "recovery.outcomes"),
                ("console-viewer", "recovery.cascade"), ("console-operator", "recovery.intake"),
            ] {
                let link = try await link(user(role))
                await #expect(throws: BrokerError.self, "\(role) reads \(queue)") {
                    _ = try await link.consume(queue, prefetch: 1) { _ in }
                }
                await link.close()
            }
            for role in Self.roles where role != "topology" {
                let applied = try await command(role, "topology", "apply")
                #expect(applied.status != 0, "\(role) applied the topology")
            }
            await publisher.close()
            await consumer.close()
        }
    }

    /// Who asks for a reply gets none then; nobody else loses anything by it.
    @Test(.timeLimit(.minutes(15)))
    func withoutTheRightToReplyTheConnectionsStand() async throws {
        try await withUsers(Fleet.Plan()) { fleet, user in
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let rights = ["", "^recovery\\.", "^recovery\\."]
            #expect(try await TestMachine.control(["set_permissions", "-p", fleet.virtualHost, "salvage-worker"] + rights).status == 0)
            try await fleet.startWorker(["SALVAGE_BROKER_URL": user("worker")])
            let crm = try await CRM(fleet.link)
            let replies = try await fleet.link.tap([])
            try await crm.publish([CRM.decline("ASKED")], replyTo: replies, correlationID: "1")
            try await eventually("the result is told all the same") { crm.result(of: "ASKED") != nil }
            for number in 0..<5 {
                try await crm.publish([CRM.decline("NEXT\(number)")])
                try await eventually("others are answered") { crm.result(of: "NEXT\(number)")?.kind == "approved" }
            }
            #expect(!fleet.workerLog.contains("connection to the broker is lost"), "\(fleet.workerLog)")
        }
    }

    /// All names but these, as rights have them.
    private func all(but names: String...) -> String { "^(?!(\(names.map { $0.replacing(".", with: "\\.") }.joined(separator: "|")))$)" }

    private func give(_ role: String, _ fleet: Fleet, write: String, read: String) async throws {
        let given = try await TestMachine.control(["set_permissions", "-p", fleet.virtualHost, "salvage-" + role, "^$", write, read])
        try #require(given.status == 0, "\(given.error)")
    }

    /// RabbitMQ lets anybody see that a thing is there: whoever asked no more than that charged, and had nowhere to say so.
    @Test(.timeLimit(.minutes(15)))
    func aWorkerThatLacksARightTakesNothingAndNamesIt() async throws {
        try await withUsers(Fleet.Plan()) { fleet, user in
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await give(
                "worker", fleet, write: all(but: "recovery.results", "recovery.claims", "recovery.pulse"),
                read: all(but: "recovery.intake", "recovery.cancels"))
            let lacking = [
                "exchange recovery.results: the broker's user lacks the right to write it",
                "exchange recovery.claims: the broker's user lacks the right to write it",
                "exchange recovery.pulse: the broker's user lacks the right to write it",
                "queue recovery.intake: the broker's user lacks the right to read it",
                "queue recovery.cancels: the broker's user lacks the right to read it",
            ]
            func check(_ arguments: String...) async throws -> (status: Int32, output: String, error: String) {
                try await fleet.salvage(["topology", "check"] + arguments, environment: ["SALVAGE_BROKER_URL": user("worker")])
            }
            let checked = try await check("--role", "worker")
            #expect(checked.status == 1 && lacking.allSatisfy(checked.output.contains), "\(checked)")
            #expect(checked.output.components(separatedBy: "lacks the right").count == 1 + lacking.count, "\(checked)")
            #expect(checked.output.contains("`salvage topology print --permissions`") && !checked.output.contains("topology apply"))
            // Without a role it is nobody's want.
            #expect(try await check().status == 0)
            try await fleet.startWorker(["SALVAGE_BROKER_URL": user("worker")], waits: false)
            try await eventually("it says which") { lacking.allSatisfy(fleet.workerLog.contains) }
            #expect(!fleet.workerLog.contains("\"Consuming\""))
            try await give("worker", fleet, write: all(but: "none"), read: all(but: "none"))
            try await eventually("it runs when it may") { fleet.workerLog.contains("\"Consuming\"") }
            #expect(try await check("--role", "worker").status == 0)
            for queue in ["crm.results", "recovery.unrouted"] {
                #expect(try await fleet.link.readyCount(of: queue) == 0, "nothing was published by asking")
            }
            #expect(try await fleet.letters().isEmpty)
        }
    }

    /// What a worker goes on without is for `topology check` to say.
    @Test(.timeLimit(.minutes(15)))
    func rightsThatAreOptionalKeepNoWorkerFromItsWork() async throws {
        try await withUsers(Fleet.Plan()) { fleet, user in
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await give(
                "worker", fleet, write: all(but: "amq.default", "recovery.claims.snapshots"),
                read: all(but: "recovery.claims.snapshots", "recovery.pauses", "recovery.dead", "recovery.retry"))
            let checked = try await fleet.salvage(
                ["topology", "check", "--role", "worker", "--json"], environment: ["SALVAGE_BROKER_URL": user("worker")])
            let lacking = [
                "exchange amq.default", "exchange recovery.claims.snapshots", "queue recovery.claims.snapshots", "queue recovery.pauses",
                "queue recovery.dead", "queue recovery.retry",
            ]
            #expect(checked.status == 1 && lacking.allSatisfy { checked.output.contains("\"\($0): the broker's user") }, "\(checked)")
            try await fleet.startWorker(["SALVAGE_BROKER_URL": user("worker"), "SALVAGE_STAGES": "intake,cascade"])
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("WORKS")])
            try await eventually("it is told") { crm.result(of: "WORKS")?.kind == "approved" }
        }
    }

    /// A classic queue forgets, and a queue in a stream's place is emptied by who only reads.
    @Test(.timeLimit(.minutes(15)))
    func aWorkerDoesNotRunOnQueuesThatCannotKeepWhatIsPromised() async throws {
        try await withUsers(Fleet.Plan()) { fleet, user in
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let others: [String: Queue.Kind] = ["recovery.cascade": .classic, "recovery.cancels": .classic, "recovery.claims": .quorum]
            for (name, kind) in others {
                try await fleet.link.delete(queue: name)
                try await fleet.link.declare(Topology(queues: [Queue(name, kind)]))
            }
            try await fleet.link.publish([OutgoingMessage(exchange: "", routingKey: "recovery.claims", body: [1])])
            try await fleet.startWorker(["SALVAGE_BROKER_URL": user("worker")], waits: false)
            try await eventually("it says which, and what they are to be") {
                [
                    "queue recovery.cascade is a classic queue and must be a quorum queue",
                    "queue recovery.cancels is a classic queue and must be a stream queue",
                    "queue recovery.claims is a quorum queue and must be a stream queue",
                ].allSatisfy(fleet.workerLog.contains)
            }
            let checked = try await fleet.salvage(
                ["topology", "check", "--role", "worker"], environment: ["SALVAGE_BROKER_URL": user("worker")])
            #expect(checked.status == 1 && others.keys.allSatisfy(checked.output.contains), "\(checked)")
            #expect(!fleet.workerLog.contains("\"Consuming\""))
            #expect(try await fleet.link.readyCount(of: "recovery.claims") == 1)
            for name in others.keys { try await fleet.link.delete(queue: name) }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await eventually("it runs when they are right") { fleet.workerLog.contains("\"Consuming\"") }
        }
    }

    /// Nobody but the CRM publishes there, so no worker knows.
    @Test(.timeLimit(.minutes(15)))
    func whoLooksSeesThatTheExchangeOfTheCRMIsGone() async throws {
        try await withUsers(Fleet.Plan()) { fleet, user in
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await fleet.startWorker(["SALVAGE_BROKER_URL": user("worker")])
            func status() async throws -> (status: Int32, output: String, error: String) {
                try await fleet.salvage(["status"], environment: ["SALVAGE_BROKER_URL": user("console-operator")])
            }
            let before = try await status()
            #expect(before.status == 0, "\(before)")
            try await fleet.link.delete(exchange: "declines")
            let gone = try await status()
            #expect(gone.status == 1 && gone.output.contains("The exchange declines does not exist"), "\(gone)")
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            #expect(try await status().status == 0)
        }
    }

    @Test(.timeLimit(.minutes(15)))
    func aPasswordThatIsRotatedInItsFileIsReadAtTheNextConnect() async throws {
        try await withUsers(Fleet.Plan()) { fleet, user in
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let file = fleet.folder.appending(path: "password")
            try "secret\n".write(to: file, atomically: true, encoding: .utf8)
            try await fleet.startWorker([
                "SALVAGE_BROKER_URL": user("worker").replacing(":secret@", with: "@"), "SALVAGE_BROKER_PASSWORD_FILE": file.path,
            ])
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("BEFORE")])
            try await eventually("it works") { crm.result(of: "BEFORE")?.kind == "approved" }
            #expect(try await TestMachine.control(["change_password", "salvage-worker", "another"]).status == 0)
            // The broker first, the file later: the worker waits for it.
            let listed = try await TestMachine.control(["list_connections", "pid", "user"])
            for line in listed.output.split(separator: "\n") where line.contains("salvage-worker") {
                let pid = line.split(separator: "\t").first.map(String.init) ?? ""
                #expect(try await TestMachine.control(["close_connection", pid, "rotated"]).status == 0)
            }
            try await eventually("the old one is refused") { fleet.workerLog.contains("refuses the login") }
            try "another\n".write(to: file, atomically: true, encoding: .utf8)
            try await crm.publish([CRM.decline("AFTER")])
            try await eventually("it works again") { crm.result(of: "AFTER")?.kind == "approved" }
        }
    }
}
