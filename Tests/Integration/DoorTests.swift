import Broker
import DeclineRecovery
import FleetSupport
import FlexFactor
import Foundation
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The ports of a process as strangers find them.
@Suite struct DoorTests {
    /// A merchant's name may need escapes in a path; whoever registered the URL with them has to be heard.
    @Test(.timeLimit(.minutes(10)))
    func webhooksOfMerchantsWithAnyNameAreTakenAndARepeatIsAnsweredAsTheFirst() async throws {
        var plan = try Fleet.Plan.retries()
        plan.configuration = ["müller", "acme inc", "a/b"].reduce(plan.configuration) { whole, name in
            whole + "\n"
                + plan.configuration.split(separator: "\n").dropFirst().joined(separator: "\n").replacing(
                    "- id: acme", with: "- id: \"\(name)\"")
        }
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let host = "127.0.0.1:\(plan.webhookPort)"
            let key = try #require(HMACSigningKey(base64: Fleet.Plan.webhookKey))
            func post(_ path: String, nonce: String, order: String = "A-R7-88-7") async throws -> (Int, String) {
                let body = "{\"Event\":\"order.completed\",\"ExternalOrderId\":\"\(order)\",\"OrderId\":\"g-1\"}"
                let now = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
                var signed = HeaderFields()
                signed.sign(Array(body.utf8), method: "POST", host: host, key: key, now: now, nonce: nonce)
                let answer = try await TestMachine.http("POST", "http://\(host)/webhooks/\(path)", body, headers: signed.fields)
                return (answer.status, String(decoding: answer.data, as: UTF8.self))
            }
            let nonce = "0123456789abcdef0123456789abcdef"
            for path in ["m%C3%BCller/42", "acme%20inc/42", "a%2Fb/42", "acme/%342"] {
                let first = try await post(path, nonce: nonce)
                #expect(first.0 == 200, "\(path): \(first)")
                // The same delivery again; and the same nonce for another gateway was another delivery.
                let again = try await post(path, nonce: nonce)
                #expect(again == first, "\(path)")
            }
            for path in ["m%FCller/42", "m%C3%BCller%/42", "muller/42"] { #expect(try await post(path, nonce: nonce).0 == 404, "\(path)") }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["SALVAGE_LISTEN", "SALVAGE_WEBHOOKS_LISTEN"])
    func aPortThatIsTakenEndsTheProcessBeforeItConnects(setting: String) async throws {
        try await Fleet.with { fleet in
            let first = try TestMachine.freePort()
            try await fleet.startWorker([setting: "127.0.0.1:\(first)"])
            let before = fleet.workerLog
            let second = try await fleet.startWorker([setting: "127.0.0.1:\(first)"], waits: false)
            try await eventually("it ends") { second.hasEnded }
            try await eventually("it says why") {
                fleet.workerLog.contains("127.0.0.1:\(first) is taken by another process. Give another address with \(setting).")
            }
            #expect(!fleet.workerLog.dropFirst(before.count).contains("Connected to the broker"))
        }
    }

    /// Each reads a stream to its end while somebody waits.
    @Test(.timeLimit(.minutes(10)))
    func ofManyWhoAskTheConsoleAtOnceSomeAreAnsweredAndTheRestHearsSo() async throws {
        var plan = Fleet.Plan()
        plan.configuration += Operator.access()
        try await Fleet.with(plan) { fleet in
            let console = try await fleet.startConsole()
            let answers = await withTaskGroup(of: (status: Int, text: String)?.self) { group in
                for _ in 0..<150 { group.addTask { try? await Self.ask(console, "/api/recoveries?order=NONE", as: .viewer) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let statuses = answers.map { $0?.status ?? 0 }
            #expect(Set(statuses) == [200, 503], "\(statuses)")
            let refused = answers.compactMap(\.self).filter { $0.status == 503 }
            #expect(refused.allSatisfy { $0.text.contains("at once") }, "\(refused.first?.text ?? "")")
            try await eventually("there is room again") {
                try await console.ask("GET", "/api/recoveries?order=NONE", as: .viewer).status == 200
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func guessingTokensIsSlowAndTheRightOneIsNot() async throws {
        var plan = Fleet.Plan()
        plan.configuration += Operator.access()
        try await Fleet.with(plan) { fleet in
            let console = try await fleet.startConsole()
            let start = ContinuousClock.now
            for _ in 0..<5 { #expect(try await console.ask("GET", "/api/session", as: Operator("Mallory", "admin")).status == 401) }
            #expect(ContinuousClock.now - start >= .milliseconds(1_750))
            // In parallel, no more than a few wait; and who knows the right one does not, though he comes from the same address.
            let statuses = await withTaskGroup(of: (isRight: Bool, status: Int).self) { group in
                for number in 0..<48 {
                    group.addTask {
                        let isRight = number % 8 == 7
                        let person = isRight ? Operator.viewer : Operator("Mallory", "admin")
                        return (isRight, (try? await Self.ask(console, "/api/session", as: person).status) ?? 0)
                    }
                }
                return await group.reduce(into: [(isRight: Bool, status: Int)]()) { $0.append($1) }
            }
            #expect(Set(statuses.filter { !$0.isRight }.map(\.status)) == [401, 429], "\(statuses)")
            #expect(statuses.filter(\.isRight).allSatisfy { $0.status == 200 }, "\(statuses)")
            #expect(try await console.ask("GET", "/api/session", as: .viewer).status == 200)
            #expect(console.log.components(separatedBy: "the token is nobody's").count <= 4)
        }
    }

    /// Asks on a connection of its own: one session has only so many, and the rest would wait here instead of there.
    private static func ask(_ console: ConsoleProcess, _ path: String, as person: Operator) async throws -> (status: Int, text: String) {
        var request = URLRequest(url: try #require(URL(string: console.url + path)))
        for (name, value) in ["X-Salvage-Console": "1", "Sec-Fetch-Site": "same-origin", "Authorization": "Bearer \(person.token)"] {
            request.setValue(value, forHTTPHeaderField: name)
        }
        let session = URLSession(configuration: .ephemeral)
        defer { session.invalidateAndCancel() }
        let (data, response) = try await session.data(for: request)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }
}
