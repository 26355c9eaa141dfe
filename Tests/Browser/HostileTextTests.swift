import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// Letters hold what strangers wrote. It is shown, and that is all that it does.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func whatStrangersWroteIsTextAndNothingElse() async throws {
        let intruder = Operator("<img src=x onerror=window.hostile=1>", "admin")
        var plan = try await Self.plan()
        plan.configuration = plan.configuration.replacing(Operator.access(), with: Operator.access([intruder]))
        try await Self.with(plan) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await Self.publishHostile(fleet, crm)
            try await eventually("all are told or kept") {
                let kept = try await fleet.link.lastOffset(of: "recovery.dead") ?? -1
                return kept + 1 >= Int64(Self.letters) && crm.result(of: Hostile.picture, "approved") != nil
            }
            try await browser.signIn(console, as: intruder)
            try await browser.sees("person", intruder.name)
            // The question without a token was refused, as it should be.
            _ = try await browser.log()
            try await browser.run("performance.setResourceTimingBufferSize(10000)")
            try await browser.sees("stat-letters", "for the CRM to send the event again")
            try await Self.expectHarmless(browser, console, "the overview")

            try await browser.turn(to: "#/letters?state=all")
            try await browser.sees("letters-total", "of \(Self.letters) letters")
            try await browser.sees("groups", Hostile.script, Hostile.link)
            try await browser.sees("letters-row", Hostile.picture + "-2")
            try await browser.sees("letters-row", "ab‹U+202E›cd", "‹U+0000›")
            try await Self.expectHarmless(browser, console, "the list")

            // A note is read by others as well.
            try await browser.click("select")
            try await browser.click("resolve")
            try await browser.confirm(Hostile.script + Hostile.picture)
            try await browser.sees("run-state", "finished")
            try await browser.sees("run", Hostile.script)

            let answer = try await console.ask("GET", "/api/letters?state=all&limit=200", as: intruder).text
            let ids = answer.matches(of: /\{"id":"([0-9a-f-]{36})"/).map { String($0.1) }
            #expect(ids.count == Self.letters)
            var seen = ""
            for id in ids {
                try await browser.turn(to: "#/letters/\(id)")
                try await browser.sees("facts", id)
                try await browser.run("for (const folded of document.querySelectorAll('details')) folded.open = true")
                if try await browser.has("suggestion") {
                    try await browser.click("suggestion")
                    try await browser.sees("[data-test=check-result][data-state=current]")
                }
                seen += try await browser.text("#page")
                try await Self.expectHarmless(browser, console, "letter \(id)")
            }
            for text in [
                Hostile.script, Hostile.picture, Hostile.link, "crm-\(Hostile.script)", "‹U+202E›", String(repeating: "A", count: 5_000),
                "<html>",
            ] {
                #expect(seen.contains(text), "\(text.prefix(80)) is not shown")
            }
            #expect(!seen.contains("\u{202E}"), "the order of reading can be turned around")

            try await browser.turn(to: "#/runs")
            try await browser.sees("run", Hostile.script)
            try await browser.click("run-link")
            try await browser.sees("run-result")
            try await Self.expectHarmless(browser, console, "the runs")

            try await browser.turn(to: "#/recoveries")
            try await browser.type("recovery-search", Hostile.picture + Browser.Key.enter)
            try await browser.sees("timeline-row", "told the CRM: approved")
            try await Self.expectHarmless(browser, console, "a recovery")
            try await browser.turn(to: "#/mapping")
            try await browser.click("mapping-by-event")
            try await browser.paste(
                "mapping-event", String(decoding: Self.hostile(order: Hostile.picture, merchant: Hostile.script), as: UTF8.self))
            try await browser.sees("mapping-class")
            try await Self.expectHarmless(browser, console, "the mapping of an event")

            // Addresses are text as well: somebody may send a link.
            for hash in [
                "#/letters/\(Hostile.script)", "#/letters?text=\(Hostile.picture)&merchant=\(Hostile.script)",
                "#/recoveries?order=\(Hostile.script)",
                "#/mapping?source=nmi&code=\(Hostile.script)&text=\(Hostile.picture)", "#/runs/\(Hostile.link)", "#/\(Hostile.script)",
                "#javascript:window.hostile=1",
            ] {
                try await browser.turn(to: hash)
                try await eventually("the page has its answer") {
                    try await browser.run("return !document.body.innerText.includes('Asking the server')") == true
                }
                try await Self.expectHarmless(browser, console, hash)
            }

            // The watch itself is awake: what a script of strangers would do is kept from it, and the browser says so.
            let markup = "try { document.querySelector('main').innerHTML = '<b>'; return 'done' } catch (error) { return error.name }"
            #expect(try await browser.run(markup) == "TypeError")
            try await browser.run(
                "document.body.append(Object.assign(document.createElement('img'), { src: 'https://evil.example/x.png' }))")
            var told = ""
            try await eventually("the browser tells of both") {
                told += try await browser.log().map(\.description).joined(separator: "\n")
                return told.contains("TrustedHTML") && told.contains("https://evil.example/x.png")
            }
        }
    }

    enum Hostile {
        static let script = "<script>window.hostile=1</script>"
        static let picture = #""><img src=x onerror="window.hostile=1">"#
        static let link = "javascript:window.hostile=1"
    }

    private static let letters = 7

    private static func publishHostile(_ fleet: Fleet, _ crm: CRM) async throws {
        try await crm.publish([
            hostile(order: Hostile.picture, merchant: "acme"),
            hostile(order: Hostile.picture + "-2", merchant: Hostile.script),
            hostile(order: Hostile.link, merchant: Hostile.link),
            hostile(order: "ab\u{202E}cd\u{0}ef", merchant: "acm\u{202E}"),
            // A text that decides nothing costs no sale, however long it is.
            hostile(order: "LONG", merchant: "acme", text: String(repeating: "A", count: 5_000)),
            hostile(order: String(repeating: Hostile.script, count: 150), merchant: "acme"),
            Array("<html><body>\(Hostile.script)\(Hostile.picture)</body></html>\u{0}\u{202E}".utf8),
            [0xFF, 0xFE, 0x00] + Array(Hostile.script.utf8) + [0x00, 0x1B, 0x9F],
        ])
        try await fleet.link.publish([
            OutgoingMessage(
                exchange: "declines", routingKey: "decline.initial",
                properties: MessageProperties(
                    contentType: Hostile.script, messageID: Hostile.picture, correlationID: Hostile.link, replyTo: Hostile.script,
                    type: Hostile.picture,
                    headers: ["crm-\(Hostile.script)": .string(Hostile.picture), "crm-long": .string(String(repeating: "A", count: 5_000))]),
                body: hostile(order: Hostile.script, merchant: "nobody"))
        ])
    }

    /// A decline whose every free text is an attack.
    private static func hostile(order: String, merchant: String, text: String = Hostile.script) -> [UInt8] {
        func json(_ text: String) -> String { String(decoding: JSONValue.string(text).bytes, as: UTF8.self) }
        return Array(
            String(decoding: CRM.decline("PLACE", token: "tok_approve"), as: UTF8.self)
                .replacing("decline-PLACE", with: "decline-\(order.utf8.count)-\(merchant.utf8.count)")
                .replacing("\"id\":\"PLACE\"", with: "\"id\":\(json(order))").replacing(
                    "\"subject\":\"PLACE\"", with: "\"subject\":\(json(order))"
                )
                .replacing("\"merchantId\":\"acme\"", with: "\"merchantId\":\(json(merchant))").replacing(
                    "\"Do not honor\"", with: json(text)
                )
                .replacing("\"firstName\":\"Ada\"", with: "\"firstName\":\(json(Hostile.picture))").replacing(
                    "\"Cream\"", with: json(Hostile.script)
                )
                .replacing("tok_approve.PLACE", with: "tok_approve.\(order.utf8.count)").utf8)
    }

    /// No script ran, the browser has nothing to complain of, and nobody else was asked for anything.
    private static func expectHarmless(
        _ browser: Browser, _ console: ConsoleProcess, _ place: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(
            try await browser.run("return typeof window.hostile") == "undefined", "a script ran on \(place)", sourceLocation: sourceLocation
        )
        let elements =
            "return document.querySelectorAll('main script, main img, main iframe, main object, a[href^=\"javascript:\"]').length"
        #expect(try await browser.run(elements) == 0, "\(place) has elements of strangers", sourceLocation: sourceLocation)
        let complaints = try await browser.log().filter { line in
            // What was asked for and is not there is told by the server, 404, and noted by the browser.
            !(line.source == "network" && line.message.hasPrefix(console.url + "/api/")) && line.level != "INFO" && line.level != "DEBUG"
        }
        #expect(complaints.isEmpty, "on \(place): \(complaints)", sourceLocation: sourceLocation)
        let asked = try await browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)").array ?? []
        let foreign = asked.compactMap(\.string).filter { !$0.hasPrefix(console.url + "/") && !$0.hasPrefix("data:image/svg+xml,") }
        #expect(!asked.isEmpty && foreign.isEmpty, "\(place) asked for \(foreign)", sourceLocation: sourceLocation)
    }
}
