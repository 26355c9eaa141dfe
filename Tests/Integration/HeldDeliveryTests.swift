import Broker
import FleetSupport
import Foundation
import Testing

/// What cannot be finished stays where it is, and is finished as soon as it can be.
@Suite struct HeldDeliveryTests {
    enum Missing: String, CaseIterable, Sendable {
        case stream, exchange
    }

    @Test(.timeLimit(.minutes(10)), arguments: Missing.allCases, [false, true])
    func withoutAPlaceForLettersNothingIsLostOrFinished(missing: Missing, isStopped: Bool) async throws {
        var plan = Fleet.Plan()
        let port = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(port)"
        try await Fleet.with(plan) { fleet in
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            switch missing {
            case .stream: try await fleet.link.delete(queue: "recovery.dead")
            case .exchange: try await fleet.link.delete(exchange: "recovery.dead")
            }
            try await crm.publish([Array("no JSON at all".utf8)])
            try await eventually("the worker has tried more than once") { try await failures(port) >= 3 }
            try await crm.publish([CRM.decline("MEANWHILE")])
            try await eventually("everybody else is answered") { crm.result(of: "MEANWHILE")?.kind == "approved" }
            #expect(try await fleet.link.readyCount(of: "recovery.intake") == 0)
            #expect(!fleet.workerLog.contains("The connection to the broker is lost"))
            if isStopped {
                let start = ContinuousClock.now
                #expect(await worker.end(SIGTERM) == 0)
                #expect(ContinuousClock.now - start < .seconds(24), "it waited for its grace period")
                try await eventually("it is back in its queue") { try await fleet.link.readyCount(of: "recovery.intake") == 1 }
            }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let letters = try await DeadLetters(fleet.link)
            if isStopped { try await fleet.startWorker() }
            try await eventually("the letter comes") { letters.all.map(\.reason) == ["unreadable"] }
            // Held all the while, not handed back and taken again.
            #expect(String(decoding: letters.all[0].body, as: UTF8.self).contains(#""redelivered":\#(isStopped)"#))
        }
    }

    /// The broker breaks off a connection that holds something for too long, and counts that against all that is in work there.
    @Test(.timeLimit(.minutes(10)))
    func whatIsHeldTooLongGoesToTheEndOfItsQueueAsIfItHadJustCome() async throws {
        var plan = Fleet.Plan()
        plan.settings["SALVAGE_HOLD_SECONDS"] = "1"
        let port = try TestMachine.freePort()
        plan.settings["SALVAGE_LISTEN"] = "127.0.0.1:\(port)"
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            try await fleet.link.delete(queue: "recovery.dead")
            let crm = try await CRM(fleet.link)
            try await crm.publish([Array("no JSON at all".utf8)])
            // A message that is held fails twice before its second is over: with the ninth it has been round more often than suspects are made of.
            try await eventually("it has been round often") { try await failures(port) >= 9 }
            #expect(try await fleet.salvage("topology", "apply").status == 0)
            let letters = try await DeadLetters(fleet.link)
            try await eventually("the letter comes") { letters.all.map(\.reason) == ["unreadable"] }
            let text = String(decoding: letters.all[0].body, as: UTF8.self)
            for part in [#""exchange":"declines""#, #""routingKey":"decline.initial""#, #""stage":"intake""#, #""redelivered":true"#] {
                #expect(text.contains(part), "\(part) is not in \(text)")
            }
            #expect(!text.contains("salvage-origin"))
        }
    }

    /// How often the worker could not finish a delivery.
    private func failures(_ port: Int) async throws -> Int {
        let page = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
        return page.split(separator: "\n").filter { $0.hasPrefix("salvage_finish_failures_total{stage=\"intake\"") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }
}
