import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

/// Whoever may write declines names where their answer goes; whatever he names costs nobody else anything.
@Suite struct ForgedReplyTests {
    /// In the form of the broker's own: of a process that is nowhere, and of a node that runs no more.
    private static let tokens = [
        "g1hkAA1ub25vZGVAbm9ob3N0AAAAAQAAAAAAAAAA.YTmkLILNpiCI7AgmdbAmJg==", "g1h2AAdyZXBseUAxAAAElQAAAABrCQpk.YTmkLILNpiCI7AgmdbAmJg==",
    ]

    @Test(.timeLimit(.minutes(10)))
    func aForgedTokenHoldsUpNobody() async throws {
        var plan = Fleet.Plan()
        let port = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(port)"
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker()
            for round in 0..<5 {
                for (number, token) in Self.tokens.enumerated() {
                    let decline = CRM.decline("FORGED\(round)T\(number)", code: "252")
                    try await crm.publish([decline], replyTo: "amq.rabbitmq.reply-to." + token, correlationID: "1")
                }
            }
            try await crm.publish([CRM.decline("NONE", code: "252")], replyTo: "amq.rabbitmq.reply-to.x.y", correlationID: "1")
            try await crm.publish([CRM.decline("SALE")])
            try await eventually("the sale is answered", seconds: 30) { crm.result(of: "SALE")?.kind == "approved" }
            try await eventually("so is everybody") { Set(crm.results.map(\.orderID)).count == 12 }
            #expect(crm.count == 12, "and nobody twice")

            let queue = try await fleet.link.tap([])
            let answers = Answers()
            _ = try await fleet.link.consume(queue, prefetch: 10) { answers.take($0) }
            // A reply that is under way when its connection ends is let go, so one more may be asked for.
            var (number, asked) = (0, ContinuousClock.now)
            try await eventually("whoever waits is answered", seconds: 60) {
                if asked <= .now {
                    try await crm.publish([CRM.decline("PAGE\(number)")], replyTo: queue, correlationID: "page")
                    (number, asked) = (number + 1, .now + .seconds(2))
                }
                return !answers.all.isEmpty
            }
            #expect(answers.all.first?.properties.correlationID == "page")

            let page = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
            let lost = page.split(separator: "\n").filter { $0.hasPrefix("salvage_broker_connections_lost_total{") }
            #expect(lost.count == 2 && lost.allSatisfy { $0.hasSuffix("} 0") }, "\(lost)")
            #expect(page.contains("salvage_replies_refused_total{merchant=\"acme\"} 1\n"))
            #expect(try await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz").status == 200)
            #expect(!fleet.workerLog.contains("The connection to the broker is lost"))
        }
    }
}
