import Broker
import FleetSupport
import Foundation
import Testing

/// Canaries in every place where a secret or a card may stand; then every sink is searched for them.
@Suite struct SecrecyTests {
    @Test(.timeLimit(.minutes(2)))
    func noSecretAndNoCardReachesALogAMetricALetterOrAResult() async throws {
        // A valid number of a test brand, made here so that it stands in no file.
        let number = "41" + String(repeating: "1", count: 14)
        let spaced = stride(from: 0, to: 16, by: 4).map { start in String(number.dropFirst(start).prefix(4)) }.joined(separator: " ")
        let canaries = [
            "CANARYappkey01", "CANARYappsecret02", "CANARYenvironment03", "CANARYtoken04", "CANARYholder05", "canary-mail06@example.test",
            Data("CANARYsigningkey07-0123456789abcdef".utf8).base64EncodedString(), number, spaced, "CANARYverification08", "CANARYaddress09",
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
        plan.settings = ["SALVAGE_LOG_LEVEL": "trace", "SALVAGE_LISTEN": "127.0.0.1:\(port)"]
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
                decline("REFUSED", ("tok_approve.REFUSED", "tok_decline.\(canaries[3])"), ("\"responseCode\":\"201\"", "\"responseCode\":\"x\"")),
                decline("NUMBER", ("tok_approve.NUMBER", number)), decline("SPACED", ("tok_approve.SPACED", spaced)),
                decline("VERIFY", ("\"brand\":\"visa\"", "\"brand\":\"visa\",\"cvv\":\"\(canaries[9])\"")),
                decline("BROKEN", ("\"trigger\":\"initial\"", "\"trigger\":\"other\""), ("tok_approve.BROKEN", "tok_approve.\(canaries[3])")),
                Array("not JSON \(number) {\"token\": \"\(canaries[3])\"".utf8),
            ])
            // A token that FlexFactor refuses to give, so that the failure is told as well.
            try await fleet.http("POST", "/sandbox/expire-tokens")
            try await fleet.setFaults(#"{"endpoints": ["token"], "errorBefore": 1}"#)
            try await crm.publish([decline("NOTOKEN")])
            try await eventually("all are answered or kept", seconds: 40) { letters.all.count >= 5 && crm.result(of: "GOOD") != nil && crm.result(of: "NOTOKEN") != nil }
            let metrics = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data
            let configuration = try await fleet.salvage("config", "check", fleet.configurationFile.path, "--json")

            let sinks: [(name: String, text: String)] = [
                ("log", fleet.workerLog), ("metrics", String(decoding: metrics, as: UTF8.self)), ("config check", configuration.output + configuration.error),
                ("letters", letters.all.map { String(decoding: $0.body, as: UTF8.self) }.joined()),
                ("results", crm.results.map { String(decoding: $0.body, as: UTF8.self) }.joined()),
            ]
            for (name, text) in sinks {
                #expect(!text.isEmpty)
                for canary in canaries {
                    // A letter keeps the CRM's own words, as far as they are no card and no key; so a name and an address may stand there.
                    if name == "letters", canary == canaries[4] || canary == canaries[5] || canary == canaries[10] { continue }
                    // Of what is no JSON nobody can say what is a token.
                    #expect(!text.contains(canary) || (name == "letters" && canary == canaries[3] && text.contains("not JSON")), "\(canary) stands in the \(name)")
                }
            }
        }
    }
}
