import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// Letters that are done with without an operator, and letters that the broker does not take back.
@Suite struct MendedLetterTests {
    private func faulty(_ body: [UInt8]) -> [UInt8] {
        Array(String(decoding: body, as: UTF8.self).replacing("\"amount\":{", with: "\"amounts\":{").utf8)
    }

    @Test(.timeLimit(.minutes(10)))
    func aFaultyEventsLetterResolvesItselfWhenTheMendedEventComesThrough() async throws {
        try await Fleet.with { fleet in
            let first = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([faulty(CRM.decline("MENDED")), faulty(CRM.decline("LEFT"))])
            try await eventually("both are letters") { try await fleet.letters().count == 2 }
            // Another pod, which was not there when the letters were written, takes the mended event in.
            try await fleet.startWorker()
            await first.end(SIGKILL)
            try await crm.publish([CRM.decline("MENDED")])
            try await eventually("its letter is resolved") { try await fleet.letters().map(\.orderId) == ["LEFT"] }
            let resolved = try #require(try await fleet.letters("--state", "resolved").first)
            #expect(resolved.orderId == "MENDED" && resolved.outcome?.contains("the CRM sent it again") == true)
            let shown = try await fleet.salvage("dead", "show", resolved.id)
            #expect(shown.output.contains("(worker): resolved by itself"), "\(shown.output)")
            // It dies again: it is to be seen to again.
            try await crm.publish([faulty(CRM.decline("MENDED"))])
            try await eventually("it is open again") { try await Set(fleet.letters().map(\.orderId)) == ["LEFT", "MENDED"] }
        }
    }
}
