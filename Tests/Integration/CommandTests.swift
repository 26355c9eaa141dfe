import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

/// The commands as people and scripts use them.
@Suite struct CommandTests {
    @Test(.timeLimit(.minutes(10)))
    func lookingAtResultsTakesNothingAway() async throws {
        try await Fleet.with { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link, inbox: "recovery.unrouted")
            try await crm.publish((0..<50).map { CRM.decline("R\($0)") })
            try await eventually("the results wait") { try await fleet.link.readyCount(of: "crm.results") == 50 }
            var seen: [String] = []
            for _ in 0..<2 {
                let shown = try await fleet.salvage("results", "--json")
                #expect(shown.status == 0)
                seen.append(shown.output)
                try await eventually("they wait again") { try await fleet.link.readyCount(of: "crm.results") == 50 }
            }
            #expect(seen[0].split(separator: "\n").count == 50)
            #expect(seen[0] == seen[1])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func publishTakesNDJSONAndTellsWhatBecameOfEach() async throws {
        try await Fleet.with { fleet in
            try await fleet.startWorker()
            let file = fleet.folder.appending(path: "declines.ndjson")
            let lines = ["P1", "P2"].map { CRM.decline($0) } + [CRM.decline("P3", token: "tok_decline")]
            try Data(lines.flatMap { $0 + [0x0A] }).write(to: file)
            let plain = try await fleet.salvage("publish", file.path)
            #expect(plain.status == 0 && plain.output == "3 events published and confirmed.\n")
            // What is told of these must not come among the next.
            try await eventually("all are told") { try await fleet.link.readyCount(of: "crm.results") == 3 }
            let others = fleet.folder.appending(path: "others.ndjson")
            let next = ["P4", "P5"].map { CRM.decline($0) } + [CRM.decline("P6", token: "tok_decline")]
            try Data(next.flatMap { $0 + [0x0A] }).write(to: others)
            let waited = try await fleet.salvage("publish", "--wait", "--json", others.path)
            #expect(waited.status == 0)
            #expect(waited.output.split(separator: "\n").count == 3)
            #expect(
                waited.output.contains(
                    #""order":"P6","trigger":"initial","class":"soft","rule":"table:nmi/201","route":"cascade","result":"declined""#))
            let expectation = fleet.folder.appending(path: "expected.json")
            try #"{"declines.ndjson:1":{"result":"declined"}}"#.write(to: expectation, atomically: true, encoding: .utf8)
            let wrong = try await fleet.salvage("publish", "--expect", expectation.path, file.path)
            #expect(wrong.status == 1)
            #expect(wrong.error.contains("declines.ndjson:1: result is approved, expected declined"))
            // Two publications of the same declines charged each of them once; the others came beside them.
            #expect(try await fleet.ledger().count == 4)
        }
    }

    /// No broker is asked before the command line is right, and none ends the process by a trap.
    @Test(arguments: [
        ["trace", ""], ["trace", " "], ["trace", "A1", "--days", "9223372036854775807"], ["trace", "A1", "--days=-9223372036854775807"],
        ["trace", "A1", "--days", "0"],
        ["dead", "list", "--offset=-1"], ["publish", "none.json", "--timeout=-1"],
    ])
    func aNumberThatSaysNothingIsRefused(arguments: [String]) async throws {
        let refused = try await ChildProcess.run(
            TestMachine.salvage, arguments, environment: ["SALVAGE_BROKER_URL": "amqp://127.0.0.1:1"])
        #expect(refused.status == 64 && refused.error.contains("expected a"), "\(refused)")
    }

    /// A variable of a script that is not set must not mean all of them, or another fleet; and nothing that is given is passed over.
    @Test(
        arguments: [
            (["report", "--merchant", ""], "--merchant is empty"), (["report", "--gateway", " "], "--gateway is empty"),
            (["report", "--by", ""], "--by is empty"), (["dead", "list", "--merchant", ""], "--merchant is empty"),
            (["report", "--lost", "--from", " "], "--from is empty"),
            (["status", "--prefix", ""], "--prefix is empty"), (["status", "--broker-url", ""], "--broker-url is empty"),
            (["dead", "replay", "3f2a", "--note", "x", "--config", ""], "--config is empty"),
            (["dead", "discard", "3f2a", "--note", "x", "--as", ""], "--as is empty"),
            (["dead", "replay", "--resume", ""], "The run's name is empty"), (["run", "--stages", ""], "--stages is empty"),
            (["webhooks", "--webhooks-listen", ""], "--webhooks-listen is empty"), (["console", "--listen", ""], "--listen is empty"),
            (["results", "--follow", "--queue", "crm.results"], "leave out --queue"),
            (["publish", "--raw", "--fill", "none.json"], "give one of both"),
            (["classify", "--event", "none.json", "--order-type", "recurring"], "leave out --order-type"),
            (["classify", "--source", "nmi", "--code", "1", "--network", "vsia"], "expected one of visa, mastercard"),
            (["keys", "new", "a/b"], "found 'a/b'"), (["notices"], "SALVAGE_NOTICE_SECRET"),
        ] as [([String], String)])
    func whatSaysNothingOrIsPassedOverIsRefused(arguments: [String], words: String) async throws {
        let refused = try await ChildProcess.run(
            TestMachine.salvage, arguments, environment: ["SALVAGE_BROKER_URL": "amqp://127.0.0.1:1", "SALVAGE_NOTICE_URL": ""])
        #expect(refused.status == 64 && refused.error.contains(words), "\(refused)")
    }

    /// What starts beside its broker needs no loop around it.
    @Test(.timeLimit(.minutes(5)))
    func theTopologyWaitsForABrokerThatComesLater() async throws {
        try await Fleet.with { fleet in
            let later = "later-" + fleet.virtualHost
            let url = try #require(fleet.commandEnvironment["SALVAGE_BROKER_URL"]).replacing(fleet.virtualHost, with: later)
            let log = fleet.folder.appending(path: "topology.log")
            let command = try ChildProcess(
                TestMachine.salvage, ["topology", "apply", "--wait", "120"],
                environment: fleet.commandEnvironment.merging(["SALVAGE_BROKER_URL": url]) { $1 }, output: log)
            func said(_ text: String) -> Bool { log.text.contains(text) }
            try await eventually("it says that it waits") { said("Waiting for the broker, at most 120 s") }
            _ = try await TestMachine.control(["add_vhost", later])
            _ = try await TestMachine.control(["set_permissions", "-p", later, "guest", ".*", ".*", ".*"])
            #expect(await command.status() == 0)
            #expect(said("bindings stand."))
            _ = try await TestMachine.control(["delete_vhost", later])
            #expect(try await fleet.salvage("topology", "apply", "--wait", "0", "--broker-url", "amqp://127.0.0.1:1").status == 69)
            #expect(try await fleet.salvage("topology", "apply", "--wait", "-1").status == 64)
        }
    }

    /// A look is no taker: what nobody else has a queue for becomes a letter, and nothing else.
    @Test(.timeLimit(.minutes(10)))
    func followingResultsSwallowsNone() async throws {
        try await Fleet.with { fleet in
            try await fleet.link.delete(queue: "crm.results")
            try await fleet.startWorker()
            let log = fleet.folder.appending(path: "follower.log")
            let follower = try ChildProcess(
                TestMachine.salvage, ["results", "--follow"], environment: fleet.commandEnvironment, output: log)
            defer { follower.signal(SIGKILL) }
            func shown(_ text: String) -> Bool { log.text.contains(text) }
            try await eventually("it looks") { shown("Ctrl-C ends") }
            try await fleet.link.publish([OutgoingMessage(exchange: "declines", routingKey: "decline.initial", body: CRM.decline("SEEN"))])
            try await eventually("it is shown") { shown("approved") && shown("SEEN-S0") }
            try await eventually("it is a letter") { try await fleet.letters("--reason", "unroutable").map(\.orderId) == ["SEEN"] }
            // A replay finds out no more than that a queue took it.
            let bound = try await fleet.salvage("topology", "apply")
            #expect(bound.status == 0)
            let replayed = try await fleet.salvage("dead", "replay", "--all", "--note", "the queue is back")
            #expect(replayed.status == 0 && replayed.output.contains("a queue took it"), "\(replayed.output)\(replayed.error)")
            try await eventually("it is there") { try await fleet.link.readyCount(of: "crm.results") == 1 }
        }
    }

    @Test func aPipeIsReadToItsEndAndAFullDiskIsNoSuccess() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "pipes-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "salvage.yaml").path
        try Fleet.Plan.oneMerchant().replacing("SANDBOX", with: "sandbox").write(toFile: file, atomically: true, encoding: .utf8)
        func shell(_ line: String) async throws -> (status: Int32, output: String, error: String) {
            try await ChildProcess.run("/bin/sh", ["-c", line], environment: ["salvage": TestMachine.salvage, "file": file])
        }
        let piped = try await shell(#"for line in 1; do "$salvage" --version >&2; cat "$file"; done | "$salvage" config check /dev/stdin"#)
        #expect(piped.status == 0 && piped.output.contains("/dev/stdin is valid."), "\(piped)")
        let full = try await shell(#""$salvage" topology print >/dev/full"#)
        #expect(full.status == 1 && full.error.contains("the output cannot be written"), "\(full)")
        let sealed = try await shell(
            #""$salvage" keys new k --into "${file%/*}" && echo nonsense | "$salvage" keys seal "${file%/*}/k.public.pem""#)
        #expect(sealed.status == 1 && sealed.error.contains("holds no card"), "\(sealed)")
    }

    @Test(.timeLimit(.minutes(10)))
    func whatIsWrongWithTheBrokerIsSaidWithWhatToDo() async throws {
        let away = try await ChildProcess.run(
            TestMachine.salvage, ["dead", "stats"], environment: ["SALVAGE_BROKER_URL": "amqp://127.0.0.1:1"])
        #expect(away.status == 69 && away.error.contains("Check that the broker runs"), "\(away)")
        var plan = Fleet.Plan()
        plan.appliesTopology = false
        try await Fleet.with(plan) { fleet in
            let bare = try await fleet.salvage("dead", "list")
            #expect(bare.status == 1 && bare.error.contains("Run `salvage topology apply`, or check --prefix"), "\(bare)")
        }
    }

    @Test func classifySaysWhyAndWhichTable() async throws {
        let hard = try await ChildProcess.run(TestMachine.salvage, ["classify", "--source", "nmi", "--code", "252"])
        #expect(hard.status == 0)
        #expect(
            hard.output.hasPrefix(
                "hard  Table nmi, code 252 (stolen card): the network forbids to try again.\nrule: network_order:nmi/252\n"))

        let folder = FileManager.default.temporaryDirectory.appending(path: "classify-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "salvage.yaml")
        let rule = "\n    declineMapping:\n      - { gateway: nmi, code: 252, class: soft, overrideNetwork: true }\n"
        try (Fleet.Plan.oneMerchant().replacing("SANDBOX", with: "sandbox") + rule).write(to: file, atomically: true, encoding: .utf8)
        let lifted = try await ChildProcess.run(
            TestMachine.salvage, ["classify", "--source", "nmi", "--code", "252", "--merchant", "acme", "--config", file.path])
        #expect(
            lifted.output.hasPrefix(
                "soft  The merchant's rule merchants[0].declineMapping[0] says soft and lifts the network's order (stolen card)."),
            "\(lifted)")

        let event = folder.appending(path: "decline.json")
        try Data(CRM.decline("C1")).write(to: event)
        let routed = try await ChildProcess.run(TestMachine.salvage, ["classify", "--event", event.path, "--config", file.path, "--json"])
        #expect(
            routed.output.contains(#""class":"soft""#)
                && routed.output.contains(#""route":"cascade","routeDetail":"to FlexFactor gateway 42""#), "\(routed)")
        #expect(try await ChildProcess.run(TestMachine.salvage, ["classify", "--source", "nmi"]).status == 64)
        let byVariable = try await ChildProcess.run(
            TestMachine.salvage, ["classify", "--source", "nmi", "--code", "252", "--merchant", "acme"],
            environment: ["SALVAGE_CONFIG": file.path])
        #expect(byVariable.output == lifted.output)
        let odd = try await ChildProcess.run(TestMachine.salvage, ["classify", "--source", "nmj", "--code", "252"])
        #expect(odd.error.contains("there is no table of the codes of nmj"))
        #expect(try await ChildProcess.run(TestMachine.salvage, ["classify", "--event", event.path, "--code", "1"]).status == 64)
    }

    @Test func configCheckListsEveryFaultWithItsPlace() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "faulty-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try """
        merchants:
          - id: acme
            flexFactorGateways:
              - { id: "42", appKey: { env: NO_SUCH_VARIABLE }, mid: nonsense, environment: ftp://x, expiryDays: 22, cascadeAll: true, hmacSigningKey: c2hvcnQ= }
              - { id: "43", appKey: k, appSecret: CANARYsecret, mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11, environment: sandbox, cascadeAll: true, expiryDay: 3 }
            gateways: [{ id: "7", type: nmi, directCascade: nowhere }]
            gatewayProfiles: [{ id: p, members: ["7", "42"] }]
            campaigns: [{ id: c, products: [{ gateways: ["43"] }] }]
            recycleBilling: { reattempts1To3: "42" }
        """.write(to: file, atomically: true, encoding: .utf8)
        let outcome = try await ChildProcess.run(TestMachine.salvage, ["config", "check", file.path])
        #expect(outcome.status == 1)
        for expected in [
            "merchants[0].flexFactorGateways[0].appKey (line 4): the environment variable NO_SUCH_VARIABLE is not set",
            "merchants[0].flexFactorGateways[0].appSecret (line 4): missing",
            "merchants[0].flexFactorGateways[0].mid (line 4): expected a GUID",
            "merchants[0].flexFactorGateways[0].environment (line 4): expected sandbox, production",
            "merchants[0].flexFactorGateways[0].expiryDays (line 4): expected a whole number of 1...21, found '22'",
            "merchants[0].flexFactorGateways[0].hmacSigningKey (line 4): expected Base64 of at least 32 bytes",
            "merchants[0].flexFactorGateways[1].expiryDay (line 5): this key is not known here; did you mean expiryDays?",
            "merchants[0].flexFactorGateways[1].cascadeAll (line 5): another gateway of this merchant sets cascadeAll",
            "merchants[0].gateways[0].directCascade (line 6): there is no cascade profile nowhere",
            "merchants[0].gatewayProfiles[0].members[1] (line 7): a FlexFactor gateway is for salvage only",
            "merchants[0].campaigns[0].products[0].gateways[0] (line 8): a FlexFactor gateway is for salvage only",
            "merchants[0].recycleBilling.reattempts1To3 (line 9): FlexFactor takes re-attempts 4-6 and 7-9 only",
        ] { #expect(outcome.error.contains(expected), "missing: \(expected)\nin:\n\(outcome.error)") }
        #expect(!outcome.error.contains("CANARY") && !outcome.error.contains("c2hvcnQ"))
        #expect(outcome.error.contains("has 12 faults"))
    }
}
