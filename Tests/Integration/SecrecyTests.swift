import Broker
import DeclineRecovery
import FleetSupport
import FlexFactor
import Foundation
import Synchronization
import TestSupport
import Testing

/// Canaries in every place where a secret or a card may stand; then every sink is searched for them.
@Suite struct SecrecyTests {
    @Test(.timeLimit(.minutes(10)))
    func noSecretAndNoCardReachesALogAMetricALetterOrAResult() async throws {
        // A valid number of a test brand, made here so that it stands in no file.
        let number = "41" + String(repeating: "1", count: 14)
        let spaced = stride(from: 0, to: 16, by: 4).map { start in String(number.dropFirst(start).prefix(4)) }.joined(separator: " ")
        let canaries = [
            "CANARYappkey01", "CANARYappsecret02", "CANARYenvironment03", "CANARYtoken04", "CANARYholder05", "canary-mail06@example.test",
            Data("CANARYsigningkey07-0123456789abcdef".utf8).base64EncodedString(), number, spaced, "CANARYverification08",
            "CANARYaddress09",
        ]
        let account = """
            [{"appKey":"\(canaries[0])","appSecret":"\(canaries[1])","mid":"5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11","environmentKey":"\(canaries[2])"}]
            """
        let accounts = FileManager.default.temporaryDirectory.appending(path: "accounts-\(UUID().uuidString).json")
        try account.write(to: accounts, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: accounts) }

        var plan = Fleet.Plan()
        plan.sandboxArguments = ["--accounts", accounts.path]
        let port = try TestMachine.freePort()
        let collector = try TraceCollector()
        defer { collector.end() }
        plan.settings = [
            "SALVAGE_LOG_LEVEL": "trace", "SALVAGE_LISTEN": "127.0.0.1:\(port)", "SALVAGE_TRACES_SHARE": "1",
            "SALVAGE_TRACES_URL": "http://127.0.0.1:\(collector.port)",
        ]
        plan.configuration = Fleet.Plan.oneMerchant(more: "environmentKey: \(canaries[2])\nhmacSigningKey: \(canaries[6])")
            .replacing("sandbox-app-key", with: canaries[0]).replacing("sandbox-app-secret", with: canaries[1])
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let letters = try await DeadLetters(fleet.link)
            func decline(_ order: String, _ changes: (String, String)...) -> [UInt8] {
                var text = String(decoding: CRM.decline(order, token: "tok_approve"), as: UTF8.self)
                    .replacing("\"holderName\":\"Ada Byron\"", with: "\"holderName\":\"\(canaries[4])\"")
                    .replacing("ada@example.test", with: canaries[5]).replacing("1 Main Street", with: canaries[10])
                for (old, new) in changes { text = text.replacing(old, with: new) }
                return Array(text.utf8)
            }
            try await crm.publish([
                decline("GOOD", ("tok_approve.GOOD", "tok_approve.\(canaries[3])")),
                decline(
                    "REFUSED", ("tok_approve.REFUSED", "tok_decline.\(canaries[3])"), ("\"responseCode\":\"201\"", "\"responseCode\":\"x\"")
                ),
                decline("NUMBER", ("tok_approve.NUMBER", number)), decline("SPACED", ("tok_approve.SPACED", spaced)),
                decline("VERIFY", ("\"brand\":\"visa\"", "\"brand\":\"visa\",\"cvv\":\"\(canaries[9])\"")),
                decline(
                    "BROKEN", ("\"trigger\":\"initial\"", "\"trigger\":\"other\""), ("tok_approve.BROKEN", "tok_approve.\(canaries[3])")),
                Array("not JSON \(number) {\"token\": \"\(canaries[3])\"".utf8),
            ])
            // A token that FlexFactor refuses to give, so that the failure is told as well.
            try await fleet.http("POST", "/sandbox/expire-tokens")
            try await fleet.setFaults(#"{"endpoints": ["token"], "errorBefore": 1}"#)
            try await crm.publish([decline("NOTOKEN")])
            try await eventually("all are answered or kept", seconds: 40) {
                letters.all.count >= 5 && crm.result(of: "GOOD") != nil && crm.result(of: "NOTOKEN") != nil
            }
            try await eventually("the traces are with the collector") {
                let ends = collector.spans.filter { $0.name == "process recovery.cascade" }
                return ["GOOD", "NOTOKEN"].allSatisfy { order in
                    ends.contains { $0.attributes["salvage.reference"]?.contains(order) == true }
                }
            }
            let metrics = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data
            let configuration = try await fleet.salvage("config", "check", fleet.configurationFile.path, "--json")

            let sinks: [(name: String, text: String)] = [
                ("log", fleet.workerLog), ("metrics", String(decoding: metrics, as: UTF8.self)), ("traces", collector.text),
                ("config check", configuration.output + configuration.error),
                ("letters", letters.all.map { String(decoding: $0.body, as: UTF8.self) }.joined()),
                ("results", crm.results.map { String(decoding: $0.body, as: UTF8.self) }.joined()),
            ]
            for (name, text) in sinks {
                #expect(!text.isEmpty)
                for canary in canaries {
                    // A letter keeps the CRM's own words, as far as they are no card and no key; so a name and an address may stand there.
                    if name == "letters", canary == canaries[4] || canary == canaries[5] || canary == canaries[10] { continue }
                    #expect(!text.contains(canary), "\(canary) stands in the \(name)")
                }
            }
        }
    }

    /// What waits for days holds no person and no card, and what tells of it holds none either; an encrypted card is in clear nowhere.
    @Test(.timeLimit(.minutes(10)))
    func aRetryKeepsNobodyOnceItIsSubmitted() async throws {
        let number = "4000" + "0027" + "6000" + "3184"
        let persons = ["CANARYholder05", "canary-mail06@example.test", "CANARYaddress09", "CANARYtoken04"]
        let key = try #require(CardKey.generate(kid: "test"))
        let pem = try #require(key.privatePEM)
        let file = FileManager.default.temporaryDirectory.appending(path: "card-\(UUID().uuidString).pem")
        try pem.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let publicPEM = try #require(key.publicPEM)
        let content = #"{"number":"\#(number)","verificationValue":"917","expirationMonth":12,"expirationYear":2029}"#
        let sealed = try #require(CardSeal(kid: "test", publicPEM: publicPEM).seal(Array(content.utf8)))

        var plan = try Fleet.Plan.retries(days: 10)
        plan.settings["SALVAGE_LOG_LEVEL"] = "trace"
        plan.settings["SALVAGE_CARD_KEYS"] = "test=" + file.path
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let letters = try await DeadLetters(fleet.link)
            let journal = try await Tap(fleet.link, [("recovery.journal", "")])
            let parked = try await Tap(fleet.link, (0..<21).map { ("recovery.delay." + ($0 < 10 ? "0" : "") + String($0), "#") })
            func recycle(_ order: String, _ card: String? = nil) -> [UInt8] {
                var text = String(decoding: CRM.recycle(order, token: "tok_managed_approve.CANARYtoken04"), as: UTF8.self)
                    .replacing("\"holderName\":\"Ada Byron\"", with: "\"holderName\":\"CANARYholder05\"")
                    .replacing("ada@example.test", with: persons[1]).replacing("1 Main Street", with: persons[2])
                if let card {
                    text = text.replacing("\"token\":\"tok_managed_approve.CANARYtoken04.\(order)\"", with: "\"encryptedCard\":\"\(card)\"")
                }
                return Array(text.utf8)
            }
            let otherKey = sealed.exposed.replacing(sealed.exposed.prefix(4), with: "eyJh", maxReplacements: 1)
            try await crm.publish(
                [recycle("TOKEN"), recycle("SEALED", sealed.exposed), recycle("BROKEN", String(otherKey.dropLast(4)) + "AAAA")],
                key: "decline.recycle")
            try await eventually("two are approved and one is refused", seconds: 60) {
                crm.results.count { $0.kind == "approved" } >= 2 && crm.result(of: "BROKEN")?.kind == "rejected" && !letters.all.isEmpty
            }
            #expect(crm.result(of: "BROKEN")?.reason == "card_unusable")
            // Before it is submitted a retry may wait with all that it needs; here it never had to.
            let watching = parked.bodies.filter { $0.contains("\"watching\"") }
            #expect(watching.count >= 2)
            let sinks = [
                ("log", fleet.workerLog), ("journal", journal.bodies.joined()), ("parked", watching.joined()),
                ("results", crm.results.map { String(decoding: $0.body, as: UTF8.self) }.joined()),
                ("letters", letters.all.map { String(decoding: $0.body, as: UTF8.self) }.joined()),
            ]
            for (name, text) in sinks {
                #expect(!text.isEmpty, "\(name)")
                for canary in [number, "\"917\""] + (name == "letters" ? [] : persons) {
                    #expect(!text.contains(canary), "\(canary) stands in the \(name)")
                }
            }
        }
    }
}

/// A look at what passes some exchanges.
final class Tap: Sendable {
    private let seen = Mutex<[String]>([])

    init(_ link: BrokerLink, _ bindings: [(exchange: String, routingKey: String)]) async throws {
        let queue = try await link.tap(bindings)
        _ = try await link.consume(queue, prefetch: 1_000) { [self] batch in
            seen.withLock { seen in seen += batch.map { String(decoding: $0.body, as: UTF8.self) } }
            for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
        }
    }

    var bodies: [String] { seen.withLock { $0 } }
}
