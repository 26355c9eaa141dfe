import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

/// What one receiver refuses is put away and comes when it can; nobody else waits for it, and nobody is told over and over.
@Suite struct HeldDeliveryTests {
    private func plan() throws -> (Fleet.Plan, port: Int) {
        var plan = Fleet.Plan()
        let port = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(port)"
        return (plan, port)
    }

    enum Missing: String, CaseIterable, Sendable {
        case stream, exchange
    }

    @Test(.timeLimit(.minutes(10)), arguments: Missing.allCases, [false, true])
    func withoutAPlaceForLettersTheyArePutAwayAndNobodyWaits(missing: Missing, isStopped: Bool) async throws {
        let (plan, port) = try plan()
        try await Fleet.with(plan) { fleet in
            let worker = try await fleet.startWorker(["SALVAGE_PREFETCH_INTAKE": "10"])
            let crm = try await CRM(fleet.link)
            switch missing {
            case .stream: try await fleet.link.delete(queue: "recovery.dead")
            case .exchange: try await fleet.link.delete(exchange: "recovery.dead")
            }
            // More than may be in work at a time.
            try await crm.publish((0..<30).map { Array("no JSON at all \($0)".utf8) })
            try await crm.publish([CRM.decline("MEANWHILE")])
            try await eventually("everybody else is answered") { crm.result(of: "MEANWHILE")?.kind == "approved" }
            try await eventually("the letters are put away") {
                try await number("salvage_held_messages_total{stage=\"intake\"", port) >= 30
            }
            let (status, ready) = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz")
            #expect(String(decoding: ready, as: UTF8.self).contains("recovery.dead"))
            // The worker reads the stream itself, so without it something of its own is missing.
            if missing == .exchange { #expect(status == 200 && !fleet.workerLog.contains("The connection to the broker is lost")) }
            if isStopped {
                #expect(await worker.end(SIGTERM) == 0)
                #expect(try await fleet.link.readyCount(of: "recovery.intake") == 0)
            }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let letters = try await DeadLetters(fleet.link)
            if isStopped { try await fleet.startWorker() }
            try await eventually("the letters come", seconds: 90) {
                Set(letters.all.map { String(decoding: $0.body, as: UTF8.self) }).count == 30
            }
            #expect(
                letters.all.allSatisfy { $0.reason == "unreadable" && !String(decoding: $0.body, as: UTF8.self).contains("salvage-held") })
            try await letters.validate()
        }
    }

    /// The broker breaks off a connection that holds something for too long, and counts that against all that is in work there.
    @Test(.timeLimit(.minutes(10)))
    func whatIsTakenNowhereGoesToTheEndOfItsQueueInTimeAsIfItHadJustCome() async throws {
        var (plan, port) = try plan()
        plan.settings["SALVAGE_HOLD_SECONDS"] = "1"
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            try await fleet.link.delete(queue: "recovery.dead")
            for rung in 0..<21 { try await fleet.link.delete(exchange: "recovery.delay." + (rung < 10 ? "0\(rung)" : "\(rung)")) }
            let crm = try await CRM(fleet.link)
            try await crm.publish([Array("no JSON at all".utf8)])
            try await eventually("the worker says that it holds something") {
                let (status, page) = try await TestMachine.http("GET", "http://127.0.0.1:\(port)/readyz")
                return status == 503 && String(decoding: page, as: UTF8.self).contains("deliveries: 1")
            }
            try await eventually("it has been round often", seconds: 60) {
                try await number("salvage_finish_failures_total{stage=\"intake\"", port) >= 9
            }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let letters = try await DeadLetters(fleet.link)
            try await eventually("the letter comes", seconds: 60) { letters.all.map(\.reason) == ["unreadable"] }
            let text = String(decoding: letters.all[0].body, as: UTF8.self)
            for part in [#""exchange":"declines""#, #""routingKey":"decline.initial""#, #""stage":"intake""#, #""redelivered":true"#] {
                #expect(text.contains(part), "\(part) is not in \(text)")
            }
            #expect(!text.contains("salvage-origin"))
        }
    }

    private static let full: FieldTable = ["x-max-length": 1, "x-overflow": "reject-publish"]

    @Test(.timeLimit(.minutes(10)))
    func aReplyQueueThatIsFullHoldsNobody() async throws {
        let (plan, port) = try plan()
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.link.declare(Topology(queues: [Queue("salvage.reply.full", .quorum, arguments: Self.full)]))
            try await fleet.startWorker()
            // The broker tells a publisher that the queue is full only once it is, and takes what it had sent before.
            var first = 0
            while try await number("salvage_replies_let_go_total", port) < 1, first < 40 {
                first += 1
                try await crm.publish([CRM.decline("FIRST\(first)")], replyTo: "salvage.reply.full", correlationID: "1")
                try await eventually("it is answered", seconds: 60) { crm.results.count == first }
            }
            let before = try await number("salvage_replies_let_go_total", port)
            try await crm.publish((0..<40).map { CRM.decline("FULL\($0)") }, replyTo: "salvage.reply.full", correlationID: "1")
            try await eventually("all are answered", seconds: 60) { Set(crm.results.map(\.orderID)).count == 40 + first }
            try await eventually("replies are let go") { try await number("salvage_replies_let_go_total", port) >= before + 30 }
            #expect(crm.count == 40 + first)
            #expect(try await number("salvage_held_messages_total", port) == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func oneSubscribersFullQueueFloodsNobodyElseAndLosesNothing() async throws {
        let (plan, port) = try plan()
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.link.declare(
                Topology(
                    queues: [Queue("lab.full", .quorum, arguments: Self.full)],
                    bindings: [Binding("recovery.results", "#", to: .queue("lab.full"))]))
            try await fleet.startWorker(["SALVAGE_PREFETCH_CASCADE": "5"])
            try await crm.publish((0..<40).map { CRM.decline("SUB\($0)") })
            try await eventually("all others are told", seconds: 60) { Set(crm.results.map(\.orderID)).count == 40 }
            try await eventually("results are put away") { try await number("salvage_held_messages_total", port) >= 30 }
            // Two trials or more are over, and each cost one copy.
            try await eventually("it was tried again", seconds: 60) {
                try await number("salvage_finish_failures_total{stage=\"held\"", port) >= 2
            }
            #expect(crm.count <= 40 + Int(try await number("salvage_finish_failures_total{stage=\"held\"", port)) + 1)
            let late = try await CRM(fleet.link, inbox: "lab.full")
            try await eventually("the full queue gets everything in the end", seconds: 120) { Set(late.results.map(\.orderID)).count == 40 }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aMissingJournalRepeatsNoResult() async throws {
        let (plan, port) = try plan()
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            try await fleet.startWorker()
            try await fleet.link.delete(queue: "recovery.journal")
            try await crm.publish((0..<3).map { CRM.decline("JOURNAL\($0)") })
            try await eventually("journal records are put away", seconds: 60) { try await number("salvage_held_messages_total", port) >= 6 }
            try await eventually("all are answered") { crm.count >= 3 }
            try await eventually("the journal was tried again", seconds: 60) {
                try await number("salvage_finish_failures_total{stage=\"held\"", port) >= 1
            }
            #expect(crm.count == 3)
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            try await eventually("its records come", seconds: 90) { try await number("salvage_held_messages_given_out_total", port) >= 6 }
            #expect(crm.count == 3)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whatDoesNotSayWhereItIsToGoIsALetter() async throws {
        try await Fleet.with { fleet in
            let letters = try await DeadLetters(fleet.link)
            try await fleet.startWorker()
            try await fleet.link.publish([OutgoingMessage(exchange: "recovery.work", routingKey: "held", body: CRM.decline("WHERE"))])
            try await eventually("it is a letter") { letters.all.map(\.reason) == ["unexpected_type"] }
            try await letters.validate()
        }
    }

    /// The sum of a metric's series whose lines begin so.
    private func number(_ beginning: String, _ port: Int) async throws -> Double {
        let page = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
        return page.split(separator: "\n").filter { $0.hasPrefix(beginning) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }
}
