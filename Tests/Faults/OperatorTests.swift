import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import Synchronization
import TestSupport
import Testing

extension Breakages {
    /// Operators who act at once, whose processes die in the middle, and who look at very many letters.
    @Suite struct OperatorTests {
        /// A fleet whose worker knows the merchant, and letters from before it did.
        private func withLetters(_ count: Int, _ body: (Fleet, CRM) async throws -> Void) async throws {
            var plan = Fleet.Plan()
            plan.configuration = Fleet.Plan.oneMerchant(deadlineSeconds: 600)
            plan.settings = ["SALVAGE_LOG_LEVEL": "warning"]
            try await Fleet.with(plan) { fleet in
                let crm = try await CRM(fleet.link)
                try await fleet.write(
                    (0..<count).map { number in
                        .sample(.unknownMerchant, body: CRM.decline("OP\(number)"), order: "OP\(number)", messageID: "decline-OP\(number)")
                    })
                try await fleet.startWorker(["SALVAGE_LOG_LEVEL": "info"])
                try await body(fleet, crm)
            }
        }

        @Test(.timeLimit(.minutes(10)))
        func twoWhoReplayTheSameGroupSendEachMessageOnce() async throws {
            let count = 200
            try await withLetters(count) { fleet, crm in
                let sent = try await Copies(fleet.link)
                let operators = try (0..<2).map { number in
                    try fleet.begin(
                        ["dead", "replay", "--reason", "unknown_merchant", "--note", "both of us", "--rate", "200", "--json"],
                        environment: ["SALVAGE_OPERATOR": "operator \(number)"])
                }
                var statuses: [Int32] = []
                for person in operators { statuses.append(await person.status()) }
                // Whoever came second found nothing left, or somebody else at it.
                #expect(statuses.contains(0) && statuses.allSatisfy { [0, 1, 2, 3].contains($0) }, "\(statuses)")
                try await eventually("all are told", seconds: 180) { crm.finals.count == count }
                try await eventually("all copies are seen") { sent.counts.count == count }
                #expect(sent.counts.values.allSatisfy { $0 == 1 }, "sent more than once: \(sent.counts.filter { $0.value > 1 })")
                try await expectTheTruth(crm, fleet, declines: count)
                #expect(try await fleet.letters("--state", "resolved").count == count)
            }
        }

        @Test(.timeLimit(.minutes(10)))
        func aRunWhoseProcessIsKilledIsFinishedByAnother() async throws {
            let count = 300
            try await withLetters(count) { fleet, crm in
                for _ in 0..<2 {
                    let person = try fleet.begin(
                        crm.count == 0
                            ? ["dead", "replay", "--all", "--note", "the merchant is there now", "--rate", "30"]
                            : ["dead", "replay", "--resume"])
                    let before = crm.finals.count
                    // In the middle: some are told, not all are.
                    try await eventually("it is at it", seconds: 180) { crm.finals.count > before + 20 || person.hasEnded }
                    await person.end(SIGKILL)
                    #expect(crm.finals.count < count, "the kill came too late to hurt")
                }
                // The lock went with the dead process.
                let resumed = try await fleet.salvage("dead", "replay", "--resume", "--json")
                #expect(resumed.status == 0, "\(resumed.output)\(resumed.error)")
                try await eventually("all are told", seconds: 180) { crm.finals.count == count }
                try await expectTheTruth(crm, fleet, declines: count)
                #expect(try await fleet.letters("--state", "resolved").count == count)
                #expect(try await fleet.letters().isEmpty)
                #expect(try await fleet.salvage("dead", "replay", "--resume").status == 2, "nothing is left to resume")
            }
        }

        @Test(.timeLimit(.minutes(10)))
        func aBrokerThatGoesAwayInTheMiddleLosesNothing() async throws {
            let count = 200
            try await withLetters(count) { fleet, crm in
                let person = try fleet.begin(["dead", "replay", "--all", "--note", "the merchant is there now", "--rate", "50"])
                try await eventually("it is at it", seconds: 180) { crm.finals.count > 20 }
                let closed = try await TestMachine.control([
                    "close_all_connections", "--vhost", fleet.virtualHost, "an operator of the broker's",
                ])
                #expect(closed.status == 0, "\(closed.error)")
                _ = await person.status()
                try await eventually("the rest goes through", seconds: 120) {
                    let resumed = try await fleet.salvage("dead", "replay", "--resume")
                    return resumed.status == 0 || resumed.status == 2
                }
                try await eventually("all are told", seconds: 180) { crm.finals.count == count }
                try await expectTheTruth(crm, fleet, declines: count)
                #expect(try await fleet.letters().isEmpty)
            }
        }

        /// The whole size by `SALVAGE_LETTERS=100000 deploy/local/test --filter OperatorTests`.
        static let letters = ProcessInfo.processInfo.environment["SALVAGE_LETTERS"].flatMap(Int.init) ?? 5_000

        @Test(.timeLimit(.minutes(15)))
        func browsingVeryManyAHundredTimesChangesNothingAndKeepsMemoryBounded() async throws {
            try await Fleet.with { fleet in
                let count = Self.letters
                let body = CRM.decline("MANY")
                for start in stride(from: 0, to: count, by: 5_000) {
                    try await fleet.write(
                        (start..<min(start + 5_000, count)).map { number in
                            .sample(
                                number % 3 == 0 ? .unknownMerchant : .invalidEvent, body: body, order: "MANY\(number)",
                                messageID: "m\(number)",
                                faults: [FieldError(path: "$.data.order.id", message: "expected a text")])
                        })
                }
                let before = try await fleet.link.lastOffset(of: "recovery.dead")
                let port = try TestMachine.freePort()
                let console = try fleet.begin(["console", "--listen", "127.0.0.1:\(port)"], environment: ["SALVAGE_LOG_FORMAT": "json"])
                defer { console.signal(SIGKILL) }
                let address = "http://localhost:\(port)"
                let begun = ContinuousClock.now
                try await eventually("the letters are read", seconds: 300) {
                    ((try? await TestMachine.http("GET", address + "/readyz"))?.status ?? 0) == 200
                }
                let folded = ContinuousClock.now - begun
                func look(_ path: String) async throws -> String {
                    let answer = try await TestMachine.http("GET", address + "/api/" + path, headers: [("X-Salvage-Console", "1")])
                    try #require(answer.status == 200, "\(path): \(answer.status)")
                    return String(decoding: answer.data, as: UTF8.self)
                }
                let start = ContinuousClock.now
                let first = try await look("letters?limit=50")
                let firstPage = ContinuousClock.now - start
                #expect(first.contains("\"total\":\(count),"))
                func browse(_ number: Int) async throws {
                    let offset = count / 100 * (number % 100)
                    let page = try await look("letters?limit=50&offset=\(offset)")
                    #expect(page.contains("\"total\":\(count),"))
                    _ = try await look("letters/groups")
                    if let id = page.firstMatch(of: /"id":"([0-9a-f-]{36})"/)?.1 { _ = try await look("letters/\(id)") }
                }
                for number in 0..<5 { try await browse(number) }
                let settled = try residentMegabytes(of: console)
                for number in 0..<100 { try await browse(number) }
                let after = try residentMegabytes(of: console)
                // A hundred rounds may leave pools and caches warm, not something for each.
                #expect(after < settled + max(40, settled / 4), "resident \(settled) MB before, \(after) MB after")
                #expect(try await fleet.link.lastOffset(of: "recovery.dead") == before)
                #expect(try await look("letters?limit=1").contains("\"total\":\(count),"))
                print(
                    "\(count) letters: read in \(folded), first page in \(firstPage), resident \(settled) MB, \(after) MB after a hundred rounds"
                )
            }
        }

        private func residentMegabytes(of process: ChildProcess) throws -> Int {
            let status = try String(contentsOf: URL(filePath: "/proc/\(process.id)/status"), encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return (Int(line.split(separator: " ").dropLast().last ?? "") ?? 0) / 1_024
        }
    }
}

/// How often each message passes the exchange that the CRM publishes to.
private final class Copies: Sendable {
    private let seen = Mutex<[String: Int]>([:])

    init(_ link: BrokerLink) async throws {
        let tap = try await link.tap([("declines", "#")])
        _ = try await link.consume(tap, prefetch: 1_000) { [self] batch in
            seen.withLock { seen in for delivery in batch { seen[delivery.properties.messageID ?? "", default: 0] += 1 } }
            for delivery in batch { Task { try? await delivery.finish(publishing: []) } }
        }
    }

    var counts: [String: Int] { seen.withLock { $0 } }
}
