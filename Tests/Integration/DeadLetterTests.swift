import Broker
import DeclineRecovery
import FleetSupport
import FlexFactor
import Foundation
import TestSupport
import Testing

/// What an operator does at the command line, with everything real.
@Suite struct DeadLetterTests {
    /// Retries of merchant `acme`; `late` comes into the configuration when a test says so.
    private func plan(hasKey: Bool = true) async throws -> Fleet.Plan {
        var plan = try Fleet.Plan.retries(days: 10)
        plan.settings["SALVAGE_OPERATOR"] = "alice"
        if hasKey { plan.settings["SALVAGE_CARD_KEYS"] = "test=" + (try await CardKeyFile.shared.path()) }
        plan.settings["USER"] = "nobody"
        return plan
    }

    /// Everything `acme` has, under another name as well.
    private func configuration(_ plan: Fleet.Plan, with merchant: String) -> String {
        plan.configuration + "\n" + plan.configuration.replacing("merchants:\n", with: "").replacing("id: acme", with: "id: \(merchant)")
    }

    /// A worker follows the file only when it is told.
    private func reload(_ fleet: Fleet, _ worker: ChildProcess, _ yaml: String) async throws {
        let before = fleet.workerLog.components(separatedBy: "Configuration reloaded").count
        try fleet.configure(yaml)
        worker.signal(SIGHUP)
        try await eventually("the worker has the new configuration") {
            fleet.workerLog.components(separatedBy: "Configuration reloaded").count > before
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func lookingChangesNothing() async throws {
        try await Fleet.with(try await plan()) { fleet in
            try await fleet.write(
                (0..<40).map { number in
                    .sample(
                        number % 4 == 0 ? .unknownMerchant : .invalidEvent, body: CRM.recycle("LOOK\(number)", merchant: "nobody"),
                        order: "LOOK\(number)",
                        merchant: number % 2 == 0 ? "acme" : "bold",
                        faults: [FieldError(path: "$.data.order.type", message: "expected NEEDLE\(number)x")])
                })
            let before = try await fleet.deadStream().map(\.body)
            for _ in 0..<3 {
                let all = try await fleet.letters()
                #expect(all.count == 40)
                #expect(all.first?.orderId == "LOOK39", "the newest first")
                #expect(try await fleet.letters("--reason", "unknown_merchant").count == 10)
                #expect(try await fleet.letters("--merchant", "bold", "--stage", "intake").count == 20)
                #expect(try await fleet.letters("--order", "LOOK7").map(\.orderId) == ["LOOK7"])
                #expect(try await fleet.letters("--text", "needle7X").map(\.orderId) == ["LOOK7"], "in a letter's faults, case ignored")
                #expect(try await fleet.letters("--text", "Troy").count == 40, "in the message itself")
                #expect(try await fleet.letters("--since", "1h").count == 40)
                #expect(try await fleet.letters("--until", "1h").isEmpty)
                #expect(try await fleet.letters("--state", "resolved,discarded").isEmpty)
                let stats = try await fleet.salvage("dead", "stats")
                #expect(stats.status == 0 && stats.output.contains("invalid_event") && stats.output.contains("corrected"))
                let shown = try await fleet.salvage("dead", "show", String(all[0].id.prefix(13)))
                #expect(shown.status == 0 && shown.output.contains("$.data.order.type: expected NEEDLE39x"))
                #expect(shown.output.contains("fails: It would be rejected"), "what would happen now: \(shown.output)")
                let exported = try await fleet.salvage("dead", "export", "--merchant", "acme")
                let lines = exported.output.split(separator: "\n")
                #expect(lines.count == 20 && lines.allSatisfy { $0.contains("\"event\":{\"specversion\"") })
            }
            #expect(try await fleet.letters("--reason", "unknown_merchant,invalid_event", "--reason", "unreadable").count == 40)
            #expect(try await fleet.letters("--since", "1w", "--until", "2100-01-02").count == 40)
            #expect(try await fleet.letters("--until", "2000-01-02 03:04:05").isEmpty)
            // A screen of 80 columns has room for which order it is, since when, and of what it died.
            let heading = try #require(try await fleet.salvage("dead", "list").output.split(separator: "\n").first)
            #expect(heading.split(separator: " ").prefix(4) == ["letter", "order", "last", "reason"])
            let few = try await fleet.salvage("dead", "stats", "--merchant", "bold", "--json").output
            #expect(few.contains(#""total":20,"states":{"open":20,"#), "totals are of what is meant: \(few)")
            #expect(try await fleet.salvage("dead", "show", "ffffffff").status == 2)
            // An empty value, of a variable that is not set perhaps, is not everything.
            for empty in [["--text", ""], ["--merchant", " "], ["--state", ""], ["--reason", ""], ["--since", "1h", "--until", "2h"]] {
                #expect(try await fleet.salvage(["dead", "discard", "--note", "x"] + empty).status == 64, "\(empty)")
            }
            #expect(try await fleet.salvage("dead", "list", "--reason", "nonsense").status == 64)
            #expect(try await fleet.deadStream().map(\.body) == before)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aMendedConfigurationLetsLettersBeReplayedAndTheCRMIsToldOnce() async throws {
        let plan = try await plan()
        try await Fleet.with(plan) { fleet in
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish((0..<3).map { CRM.recycle("LATE\($0)", merchant: "late") }, key: "decline.recycle")
            try await eventually("each has its letter") { try await fleet.letters().count == 3 }

            // As things are it is certain to fail, and is not sent.
            let refused = try await fleet.salvage("dead", "replay", "--reason", "unknown_merchant", "--note", "try")
            #expect(
                refused.status == 1 && refused.output.contains("The configuration has no merchant late"),
                "\(refused.output)\(refused.error)")
            #expect(try await fleet.letters().allSatisfy { $0.state == "open" })
            #expect(try await fleet.salvage("dead", "replay", "--all").status == 64, "a note is required")
            #expect(try await fleet.salvage("dead", "replay", "--note", "x").status == 64, "which letters must be said")

            // The operator's configuration knows the merchant, the worker's does not: they fail again, of the same cause.
            try fleet.configure(configuration(plan, with: "late"))
            let again = try await fleet.salvage("dead", "replay", "--merchant", "late", "--note", "merchant added", "--canary")
            #expect(
                again.status == 1 && again.output.contains("stopped by itself: 1 of 1 failed again; 2 were not sent"),
                "\(again.output)\(again.error)")
            let after = try await fleet.letters("--state", "all")
            #expect(after.map(\.state).sorted() == ["failed_again", "open", "open"])
            #expect(after.first { $0.state == "failed_again" }?.occurrences == 2)
            #expect(try await fleet.salvage("dead", "discard", "--all", "--note", " ").status == 64, "an empty note says nothing")

            try await reload(fleet, worker, configuration(plan, with: "late"))
            let dryRun = try await fleet.salvage("dead", "replay", "--merchant", "late", "--dry-run")
            #expect(dryRun.status == 0 && dryRun.output.contains("FlexFactor gateway 42 would take it on for 10 days"))
            let resumed = try await fleet.salvage("dead", "replay", "--resume")
            #expect(resumed.status == 1, "one had failed before: \(resumed.output)\(resumed.error)")
            #expect(resumed.output.contains("2 processed (2 told submitted), 1 failed again"))
            let last = try await fleet.salvage("dead", "replay", "--merchant", "late", "--note", "merchant added, the worker has it now")
            #expect(last.status == 0 && last.output.contains("told submitted"), "\(last.output)\(last.error)")

            #expect(try await fleet.letters().isEmpty)
            #expect(try await fleet.letters("--state", "resolved").count == 3)
            try await eventually("all are approved") { crm.results.count { $0.kind == "approved" } == 3 }
            // Told as rejected first; what was sent again is told with an end of its own.
            #expect(crm.finals.filter { $0.key.hasPrefix("LATE") }.values.allSatisfy { $0.count { $0.hasSuffix("/approved") } == 1 })
            let charges = try await fleet.ledger().map(\.externalOrderId)
            #expect(Set(charges).count == 3 && charges.count == 3)

            let id = try #require(try await fleet.letters("--order", "LATE1", "--state", "all").first?.id)
            let story = try await fleet.salvage("dead", "show", id).output
            for part in [
                "alice (command line): selected for replay", "merchant added", "resolved: the replay was processed (told submitted)",
            ] {
                #expect(story.contains(part), "\(part) in \(story)")
            }
            try await validate(fleet)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func anInterruptedRunSaysHowItIsFinishedAndIsGoneOnWith() async throws {
        try await Fleet.with(try await plan()) { fleet in
            let count = 30
            try await fleet.write(
                (0..<count).map { .sample(.unknownMerchant, body: CRM.recycle("INT\($0)", merchant: "acme"), order: "INT\($0)") })
            let log = fleet.folder.appending(path: "interrupted.log")
            let person = try ChildProcess(
                TestMachine.salvage, ["dead", "replay", "--all", "--note", "the merchant is there", "--rate", "2"],
                environment: fleet.commandEnvironment, output: log)
            try await eventually("it is at it") { try await fleet.link.readyCount(of: "recovery.intake") > 0 || person.hasEnded }
            #expect(await person.end(SIGINT) == 130)
            let said = try String(contentsOf: log, encoding: .utf8)
            #expect(said.contains("of \(count) sent; go on with: salvage dead replay --resume"), "\(said)")

            #expect(try await fleet.salvage("dead", "stats").error.contains("Not finished: the run of alice"))
            let runs = try await fleet.salvage("dead", "runs").output
            #expect(runs.contains("not finished") && runs.contains("the merchant is there"))
            for dropped in [["--dry-run"], ["--note", "x"], ["--rate", "9"], ["--canary"], ["--crm-agrees"], ["--accept-skips"]] {
                #expect(try await fleet.salvage(["dead", "replay", "--resume"] + dropped).status == 64, "\(dropped)")
            }
            #expect(try await fleet.link.readyCount(of: "recovery.intake") < count, "nothing more was sent")
            #expect(try await fleet.salvage("dead", "replay", "--resume", "ffffffff").status == 2)

            let run = try #require(runs.split(separator: "\n").last { $0.contains("alice") }?.prefix(8))
            // Nobody works: that what becomes of them is not known is no success.
            let rest = try await fleet.salvage("dead", "replay", "--resume", String(run), "--wait", "0", "--json")
            #expect(rest.status == 1 && rest.output.contains(#""pending":\#(count)"#), "\(rest.output)\(rest.error)")
            #expect(rest.output.components(separatedBy: #""outcome":"pending""#).count == count + 1, "every letter is told of")
            try await eventually("each was sent once") { try await fleet.link.readyCount(of: "recovery.intake") == count }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aSkipIsCountedAndSentOnlyWhenThatIsAccepted() async throws {
        try await Fleet.with(try await plan()) { fleet in
            try await fleet.write(
                (0..<30).map {
                    .sample(.unknownMerchant, body: CRM.decline("OLD\($0)", at: Date(timeIntervalSinceNow: -864_000)), order: "OLD\($0)")
                })
            let dryRun = try await fleet.salvage("dead", "replay", "--all", "--dry-run")
            #expect(
                dryRun.status == 1 && dryRun.output.contains("0 of 30 would be sent")
                    && dryRun.output.contains("30 left out: it would only be skipped"))
            let refused = try await fleet.salvage("dead", "replay", "--all", "--note", "x")
            #expect(
                refused.status == 1 && refused.output.contains("30  left out  it would only be skipped")
                    && refused.output.contains("--accept-skips"), "\(refused.output)")
            try await fleet.startWorker()
            let first = try #require(try await fleet.letters().first?.id)
            let twice = try await fleet.salvage("dead", "replay", first, String(first.prefix(13)), "--note", "x", "--accept-skips")
            #expect(
                twice.status == 0 && twice.output.contains("1 processed (1 told skipped), 0 failed again"), "\(twice.output)\(twice.error)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aCorrectionGoesOverTheOriginalAndCardDataIsRefused() async throws {
        try await Fleet.with(try await plan(hasKey: false)) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.recycle("TYPO", merchant: "acmee")], key: "decline.recycle")
            try await eventually("it has its letter") { try await fleet.letters().count == 1 }
            let id = try #require(try await fleet.letters().first?.id)
            let before = try await fleet.deadStream()

            func replay(_ patch: String, _ more: String...) async throws -> (status: Int32, output: String, error: String) {
                try await fleet.salvage(["dead", "replay", id, "--note", "a typo", "--edit", patch] + more)
            }
            let number = "41" + String(repeating: "1", count: 14)
            let card = try await replay(#"[{"op":"add","path":"/data/order/comment","value":"\#(number)"}]"#)
            #expect(card.status == 1 && card.output.contains("a card number"), "\(card.output)\(card.error)")
            let token = try await replay(#"[{"op":"replace","path":"/data/paymentMethod","value":{"token":"tok_approve.mine"}}]"#)
            #expect(token.status == 1 && token.output.contains("salvage keys seal"))
            let invalid = try await replay(#"[{"op":"replace","path":"/data/order/type","value":"new"}]"#)
            #expect(invalid.status == 1 && invalid.output.contains("$.data.order.type"))
            #expect(try await replay("[{]").status == 64)
            #expect(try await replay(#"[{"op":"replace","path":"/data/nothing","value":1}]"#).status == 1)
            let good = #"[{"op":"replace","path":"/data/merchantId","value":"acme"}]"#
            let dryRun = try await replay(good, "--dry-run")
            #expect(dryRun.status == 1, "the card token was removed, for no worker has a key to seal it: \(dryRun.output)")
            #expect(dryRun.output.contains("/data/merchantId: \"acmee\" -> \"acme\""))
            #expect(try await fleet.deadStream().count == before.count, "nothing was sent or noted")
            #expect(!String(decoding: try await fleet.deadStream().flatMap(\.body), as: UTF8.self).contains(number))

            // The card comes back as only a worker can read it.
            let folder = fleet.folder.path
            #expect(try await fleet.salvage("keys", "new", "ops", "--into", folder).status == 0)
            let content = fleet.folder.appending(path: "token.json")
            try #"{"token":"tok_managed_approve.TYPO"}"#.write(to: content, atomically: true, encoding: .utf8)
            let sealed = try await ChildProcess.run(TestMachine.salvage, ["keys", "seal", folder + "/ops.public.pem"], input: content)
            let jwe = sealed.output.trimmingCharacters(in: .whitespacesAndNewlines)
            await fleet.endFirstWorker()
            try await fleet.startWorker(["SALVAGE_CARD_KEYS": "ops=" + folder + "/ops.private.pem"])
            let whole = #"""
                [{"op":"replace","path":"/data/merchantId","value":"acme"},{"op":"remove","path":"/data/paymentMethod/token"},
                 {"op":"add","path":"/data/paymentMethod/encryptedCard","value":"\#(jwe)"}]
                """#
            let sent = try await replay(whole)
            #expect(sent.status == 0 && sent.output.contains("told submitted"), "\(sent.output)\(sent.error)")
            try await eventually("it is approved") { crm.result(of: "TYPO") != nil && crm.results.contains { $0.kind == "approved" } }
            #expect(try await fleet.ledger().count == 1)
            let shown = try await fleet.salvage("dead", "show", id, "--json").output
            #expect(shown.contains(#""path":"/data/merchantId","kind":"changed","before":"acmee","after":"acme""#))
            #expect(shown.contains(#"\"merchantId\": \"acmee\""#), "the original stands as it was")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aSealedTokenIsReplayedWithoutAnybodySeeingIt() async throws {
        let plan = try await plan()
        try await Fleet.with(plan) { fleet in
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.recycle("SEALED", merchant: "late")], key: "decline.recycle")
            try await eventually("it has its letter") { try await fleet.letters().count == 1 }
            #expect(!String(decoding: try await fleet.deadStream().flatMap(\.body), as: UTF8.self).contains("tok_managed_approve"))
            try await reload(fleet, worker, configuration(plan, with: "late"))
            let sent = try await fleet.salvage("dead", "replay", "--all", "--note", "merchant added")
            #expect(sent.status == 0, "\(sent.output)\(sent.error)")
            try await eventually("it is approved with the card it came with") { crm.results.contains { $0.kind == "approved" } }
            #expect(try await fleet.ledger().count == 1)
            #expect(!fleet.workerLog.contains("tok_managed_approve"))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func anUnknownChargeIsAskedAboutAndNeverSentAgain() async throws {
        var plan = try await plan()
        plan.settings["SALVAGE_STAGES"] = "intake"
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            let now = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            let yesterday = Moment(milliseconds: now.milliseconds - 90_000_000)
            // What a worker that knew nothing more would have left behind: paid, declined, never arrived.
            for (order, token) in [("PAID", "tok_approve"), ("REFUSED", "tok_decline")] {
                try await fleet.evaluate(RecoveryReference(orderID: order, kind: .sale, sequence: 0).text, token: token)
            }
            let letters = ["PAID", "REFUSED", "NEVER"].map { order in
                let recovery = Recovery.sample(order: order, declinedAt: yesterday)
                return DeadLetter.sample(
                    .outcomeUnknown, stage: .cascade, body: WorkEnvelope.encode(recovery), order: order, reference: recovery.reference,
                    gateway: "42",
                    age: .seconds(60))
            }
            try await fleet.write(letters)
            let refused = try await fleet.salvage("dead", "replay", "--all", "--note", "again", "--yes")
            #expect(refused.status == 1 && refused.output.contains("it is reconciled, never sent again"))

            try await fleet.setFaults(#"{"outage": true}"#)
            let away = try await fleet.salvage("dead", "reconcile", letters[0].id.description)
            #expect(away.status == 1 && away.output.contains("not settled"), "\(away.output)\(away.error)")
            try await fleet.setFaults(#"{"outage": false}"#)
            #expect(try await fleet.letters().count == 3, "what FlexFactor cannot tell stays open")

            let settled = try await fleet.salvage("dead", "reconcile", "--reason", "outcome_unknown", "--note", "a day is over")
            #expect(settled.status == 0, "\(settled.output)\(settled.error)")
            try await eventually("all are told") { crm.finals.count == 3 }
            #expect(crm.result(of: "PAID")?.kind == "approved")
            #expect(crm.result(of: "REFUSED")?.kind == "declined")
            #expect(crm.result(of: "NEVER")?.reason == "deadline_passed")
            #expect(try await fleet.ledger().filter { $0.kind == "charge" }.map(\.externalOrderId) == ["PAID-S0"])
            #expect(try await fleet.letters().isEmpty)
            #expect(try await fleet.salvage("dead", "show", letters[0].id.description).output.contains("reconcile did not settle it"))
            try await validate(fleet)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func lettersAreDiscardedRestoredAndResolvedWithTheirReasons() async throws {
        try await Fleet.with(try await plan()) { fleet in
            try await fleet.write(["A", "B", "C"].map { .sample(.invalidEvent, body: CRM.recycle($0, merchant: "acme"), order: $0) })
            let ids = try await fleet.letters().map(\.id)
            #expect(try await fleet.salvage("dead", "discard", ids[0]).status == 64, "why must be said")
            #expect(try await fleet.salvage("dead", "discard", "", "--note", "x").status == 64, "nothing is no beginning of an id")
            #expect(try await fleet.salvage("dead", "discard", ids[0], "--note", "a test of the CRM's").status == 0)
            #expect(try await fleet.salvage("dead", "resolve", ids[1], "--note", "the CRM sent it again", "--as", "bob").status == 0)
            #expect(try await fleet.letters().map(\.id) == [ids[2]])
            #expect(try await fleet.letters("--state", "discarded").map(\.id) == [ids[0]])
            #expect(try await fleet.salvage("dead", "discard", ids[0], "--note", "again").status == 1, "it is discarded already")
            #expect(try await fleet.salvage("dead", "replay", ids[0], "--note", "x").status == 1, "what is discarded is restored first")
            #expect(try await fleet.salvage("dead", "restore", "--state", "discarded,resolved").status == 0)
            #expect(try await fleet.letters().count == 3)
            let shown = try await fleet.salvage("dead", "show", ids[1]).output
            #expect(shown.contains("bob (command line): marked as resolved — \"the CRM sent it again\""))
            #expect(try await fleet.salvage("dead", "restore", "--merchant", "nobody").status == 2, "nothing was meant")
            try await validate(fleet)
        }
    }

    /// Without it every message would go out, whatever is to become of it.
    @Test func withoutAConfigurationNothingIsSentAndNobodyAsked() async throws {
        for command in [["replay", "--note", "x"], ["replay", "--dry-run"], ["reconcile"]] {
            let blind = try await ChildProcess.run(
                TestMachine.salvage, ["dead"] + command + ["--all"],
                environment: ["SALVAGE_CONFIG": "", "SALVAGE_BROKER_URL": "amqp://127.0.0.1:1"])
            #expect(blind.status == 64 && blind.error.contains("Give --config FILE"), "\(command): \(blind)")
        }
    }

    /// Every letter and record is as its schema says.
    private func validate(_ fleet: Fleet, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let entries = try await fleet.deadStream()
        for (type, schema) in [("com.salvage.dead-letter.v1", "dead-letter"), ("com.salvage.dead-letter-record.v1", "dead-letter-record")] {
            let lines = entries.filter { $0.type == type }
            let file = fleet.folder.appending(path: "\(schema).ndjson")
            try Data(lines.flatMap { $0.body + [0x0A] }).write(to: file)
            let outcome = try await ChildProcess.run(
                "/usr/bin/python3", [TestMachine.repository.appending(path: "deploy/local/validate-schemas").path, schema], input: file)
            #expect(outcome.status == 0, "\(outcome.error)", sourceLocation: sourceLocation)
        }
    }
}
