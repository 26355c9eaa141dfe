import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// Whether the pages say what is so, and the same everywhere.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func allPlacesSayTheSameOfWhatIsInDoubtAndWhoActs() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            let faulty = String(decoding: CRM.recycle("FAULTY"), as: UTF8.self).replacing("\"amount\":{", with: "\"amounts\":{")
            try await crm.publish([Self.stranded("LOST"), Array(faulty.utf8), CRM.recycle("SOLD")], key: "decline.recycle")
            try await fleet.write([
                .sample(.outcomeUnknown, stage: .retry, body: Array("{}".utf8), order: "DOUBT", age: .seconds(7_200)),
                .sample(.unexpectedType, stage: .retry, body: Array("{}".utf8), order: "ODD"),
            ])
            try await fleet.link.publish([
                OutgoingMessage(
                    exchange: "recovery.dead", routingKey: "",
                    properties: MessageProperties(messageID: "later", type: "com.salvage.dead-letter.v9"),
                    body: Array(#"{"type":"com.salvage.dead-letter.v9"}"#.utf8))
            ])
            try await eventually("the sale is told") { crm.result(of: "SOLD", "approved") != nil }

            try await browser.signIn(console, as: .admin)
            // A faulty event is the CRM's to mend; the alert counts the others.
            try await browser.sees("stat-letters", "3", "1 × outcome_unknown: reconcile", "1 more waits for the CRM")
            try await browser.sees("nav-letters-count", "3")
            try await browser.sees("stat-unknowns", "1", "1 letter: reconcile", "the oldest for 2 h")
            try await browser.sees("stat-recovered", "49.99", "1 approval told today")
            try await browser.sees("unreadable", "1 message", "cannot be read", "com.salvage.dead-letter.v9")
            let metrics = try await console.ask("GET", "/metrics").text
            for line in [
                #"salvage_dead_letters{reason="outcome_unknown",handling="reconcile"} 1"#,
                #"salvage_dead_letters{reason="unknown_merchant",handling="replay"} 1"#,
                #"salvage_dead_letters_with_crm{reason="invalid_event"} 1"#, "salvage_dead_letters_unreadable 1",
                "salvage_unknown_outcomes 1",
            ] { #expect(metrics.contains(line + "\n"), "\(line) in \(metrics)") }
            #expect(!metrics.contains(#"salvage_dead_letters{reason="invalid_event""#))
            let stats = try await fleet.salvage("dead", "stats")
            for part in ["one charge in doubt", "one letter of these waits for the CRM", "one message among the letters cannot be read"] {
                #expect(stats.error.contains(part), "\(part) in \(stats.error)")
            }

            // Page and command draw from one source, and both say what FlexFactor took.
            try await browser.turn(to: "#/money?by=code")
            try await browser.sees("money-net", "49.99")
            try await browser.sees("money-row", "nmi/201", "1", "1.55", "48.44")
            try await browser.sees("money-gain", "48.44")
            let report = try await fleet.salvage("report", "--days", "1", "--by", "code,route", "--csv")
            #expect(report.status == 0 && report.output.contains("nmi/201,retry,USD,1,49.99,1,49.99,"), "\(report.output)\(report.error)")
            #expect(report.output.contains(",1.55,48.44"), "\(report.output)")
            #expect(try await fleet.salvage("report", "--month", "2020-01").status == 1)
            #expect(try await fleet.salvage("report", "--days", "1", "--by", "merchant,reason").output.contains("not offered"))

            // What is done at a terminal stands among the runs, with who and why.
            let discarded = try await fleet.salvage("dead", "discard", "--order", "ODD", "--note", "not ours", "--as", "Theo")
            #expect(discarded.status == 0, "\(discarded.error)")
            try await browser.turn(to: "#/runs")
            try await browser.sees("run", "Discard of 1 letter", "Theo at the command line", "not ours")
            #expect(try await fleet.salvage("dead", "runs").output.contains("discard"))

            // Whoever is about to act sees on every page that somebody does.
            let lock = try #require(try await fleet.link.lock("recovery.dead.lock"))
            for page in ["#/runs", "#/letters", "#/mapping", "#/"] {
                try await browser.turn(to: page)
                try await browser.sees("acting", "somebody acts on dead letters")
            }
            await fleet.link.release(lock)
            try await browser.misses("acting")

            // Escape leads from a letter back to where one came from.
            try await browser.turn(to: "#/letters?reason=unknown_merchant")
            try await browser.sees("letter-link", "LOST")
            try await browser.click("letter-link")
            try await browser.sees("facts", "LOST")
            try await browser.run("document.activeElement.blur()")
            try await browser.keys(Browser.Key.escape)
            try await browser.sees("letters-row")
            #expect(try await browser.hash() == "#/letters?reason=unknown_merchant")

            // Without workers no number of a page is good news.
            await fleet.stopWorkers()
            try await eventually("the header says so", seconds: 60) { try await browser.text("connection") == "no worker runs" }
            #expect(
                try await browser.run("return document.querySelector('[data-test=connection]').className").string?.contains("bad") == true)
        }
    }
}
