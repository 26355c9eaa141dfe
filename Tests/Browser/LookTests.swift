import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// How the pages look with a fleet's life on them. With SALVAGE_SCREENSHOTS set, pictures of all are written there.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func noPageScrollsSidewaysHoweverNarrowOrDark() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await Self.live(fleet, crm)
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "12", "2 more wait for the CRM")
            try await Self.work(browser)

            let ids = try await console.ask("GET", "/api/letters?state=all&limit=200", as: .viewer).text
                .matches(of: /\{"id":"([0-9a-f-]{36})","state":"([a-z_]+)","reason":"([a-z_]+)"/).map {
                    (id: String($0.1), state: $0.2, reason: $0.3)
                }
            func letter(_ reason: String, _ state: String = "open") throws -> String {
                "#/letters/" + (try #require(ids.first { $0.reason == reason && $0.state == state }).id)
            }
            let run = try #require(
                try await console.ask("GET", "/api/runs", as: .viewer).text.firstMatch(of: /"id":"([0-9a-f-]{36})","action":"replay"/)
            ).1
            let pages: [(name: String, hash: String, hook: String, edits: Bool)] = [
                ("overview", "#/", "stat-recovered", false),
                ("letters", "#/letters?state=all", "letters-row", false),
                ("letter", try letter("unknown_merchant"), "forecast", false),
                ("editor", try letter("unknown_merchant"), "forecast", true),
                ("letter-faults", try letter("invalid_event"), "faults", false),
                ("letter-unreadable", try letter("unreadable"), "correcting", false),
                ("letter-resolved", try letter("unknown_merchant", "resolved"), "history-row", false),
                ("runs", "#/runs", "run", false),
                ("run", "#/runs/\(run)", "run-result", false),
                ("recoveries", "#/recoveries?order=R1", "timeline-row", false),
                ("money", "#/money?by=code", "money-row", false),
                ("pauses", "#/pauses", "pauses-now", false),
                ("mapping", "#/mapping?source=nmi&code=252&merchant=acme", "mapping-class", false),
            ]
            for (name, look) in [
                ("wide", Browser.Look.desk), ("wide-dark", .darkDesk), ("tablet", .tablet), ("phone", .phone), ("phone-dark", .darkPhone),
            ] {
                try await browser.look(look)
                for page in pages {
                    try await browser.turn(to: page.hash)
                    try await browser.sees(page.hook)
                    if page.edits {
                        if try await !browser.has("undo") { try await browser.click("suggestion") }
                        try await browser.sees("[data-test=check-result][data-state=current]")
                    }
                    let width = Int(try await browser.run("return document.scrollingElement.scrollWidth").int64 ?? 0)
                    #expect(width <= Int(look.width), "\(page.name) is \(width) wide on \(name)")
                    let isCut = "const nav = document.querySelector('#header nav'); return nav.scrollWidth > nav.clientWidth"
                    #expect(try await browser.run(isCut) == false, "the pages' names are cut off on \(page.name) on \(name)")
                    try await Self.expectReadable(browser, "\(page.name) on \(name)")
                    if let folder = Browser.screenshotFolder {
                        try await browser.screenshot(folder.appending(path: "\(page.name)-\(name).png"))
                    }
                }
                // What covers the page, and what sticks to it.
                try await browser.turn(to: "#/letters")
                try await browser.sees("letters-row")
                try await browser.run("document.querySelector('[data-test=select-page-head]').click()")
                try await browser.sees("bulk")
                try await browser.click("replay")
                try await browser.sees("consequence")
                let inside = try await browser.run(
                    "const box = document.getElementById('dialog').getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth"
                )
                #expect(inside == true, "the dialog does not fit on \(name)")
                if let folder = Browser.screenshotFolder {
                    try await browser.screenshot(folder.appending(path: "dialog-\(name).png"), wholePage: false)
                }
                try await browser.click("cancel")
                if let folder = Browser.screenshotFolder {
                    try await browser.screenshot(folder.appending(path: "bulk-\(name).png"), wholePage: false)
                }
                try await browser.click("select-none")
            }
            // On paper: no keys to press, dark on white, and what it is and when it was printed.
            try await browser.look(.paper)
            for page in pages where ["money", "recoveries", "letter", "overview"].contains(page.name) {
                try await browser.turn(to: page.hash)
                try await browser.sees(page.hook)
                try await browser.sees("imprint", "printed", "times in")
                let width = Int(try await browser.run("return document.scrollingElement.scrollWidth").int64 ?? 0)
                #expect(width <= Int(Browser.Look.paper.width), "\(page.name) is \(width) wide on paper")
                let keys = "return [...document.querySelectorAll('button, #header')].filter((node) => node.checkVisibility()).length"
                #expect(try await browser.run(keys) == 0, "\(page.name) prints keys")
                try await Self.expectReadable(browser, "\(page.name) on paper")
                if let folder = Browser.screenshotFolder { try await browser.screenshot(folder.appending(path: "\(page.name)-paper.png")) }
            }
            try await browser.look(.desk)
        }
    }

    /// Declines of all kinds, and what becomes of them.
    private static func live(_ fleet: Fleet, _ crm: CRM) async throws {
        let tokens = ["tok_approve", "tok_decline", "tok_approve", "tok_capture", "tok_challenge"]
        let codes = ["201", "202", "204", "240", "252", "264"]
        try await crm.publish(
            (0..<40).map { number in
                let text = String(
                    decoding: CRM.decline("A\(1_000 + number)", token: tokens[number % 5], code: codes[number % 6]), as: UTF8.self)
                let euros = number % 7 == 0
                return Array(
                    text.replacing(
                        "\"minorUnits\":4999,\"currency\":\"USD\"",
                        with: "\"minorUnits\":\(1_900 + number * 137),\"currency\":\"\(euros ? "EUR" : "USD")\""
                    ).utf8)
            })
        try await crm.publish(
            (0..<6).map { CRM.recycle("R\($0)", token: $0 % 3 == 2 ? "tok_managed_expire" : "tok_managed_approve") }
                + (0..<7).map { stranded("B\(2_000 + $0)") } + (0..<2).map { stranded("C\(3_000 + $0)", merchant: "zenith") },
            key: "decline.recycle")
        let broken = String(decoding: CRM.decline("FAULTY"), as: UTF8.self)
            .replacing("\"currency\":\"USD\"", with: "\"currency\":\"dollars\"").replacing(
                "\"countryCode\":\"US\"", with: "\"countryCode\":\"USA\"")
        let sealed = String(decoding: CRM.decline("SEALED"), as: UTF8.self)
            .replacing("\"token\":\"tok_approve.SEALED\"", with: "\"encryptedCard\":\"eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d\"")
        try await crm.publish([
            Array(broken.utf8), Array(sealed.utf8), Array("<order><id>17</id></order>".utf8), Array("[1,2,3]".utf8),
        ])
        try await eventually("all are told or kept", seconds: 40) {
            let kept = try await fleet.link.lastOffset(of: "recovery.dead") ?? -1
            return kept + 1 >= 13 && Set(crm.results.map(\.orderID)).count >= 40
        }
        // The CRM was told `skipped` of this one, and went on by its own rules.
        try await fleet.write([
            .sample(
                .attemptsSpent, body: CRM.recycle("SPENT", token: "sealed"), order: "SPENT",
                explanation: "FlexFactor could not be reached in 12 calls; nothing was sent.", gateway: "42")
        ])
    }

    /// What an operator did this morning.
    private static func work(_ browser: Browser) async throws {
        try await browser.open(letterOf: "B2000")
        try await browser.click("suggestion")
        try await browser.click("replay-corrected")
        try await browser.confirm("The CRM's export had a typo in the merchant, OPS-21")
        try await browser.sees("letter-state", "resolved")
        try await browser.turn(to: "#/letters?merchant=zenith")
        try await browser.sees("letters-total", "of 2 letters")
        try await browser.click("select-page-head")
        try await browser.click("discard")
        try await browser.confirm("zenith has left us")
        try await browser.sees("run-state", "finished")
        try await browser.click("dismiss")
    }

    /// Text against its background has the contrast that WCAG 2 asks for (4.5 to 1).
    private static func expectReadable(_ browser: Browser, _ place: String, sourceLocation: SourceLocation = #_sourceLocation) async throws
    {
        let faint =
            try await browser.run(
                """
                const light = (color) => { const part = (value) => (value /= 255) <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4
                  return .2126 * part(color[0]) + .7152 * part(color[1]) + .0722 * part(color[2]) }
                const parts = (text) => text.match(/[\\d.]+/g).map(Number)
                const behind = (node) => { for (; node; node = node.parentElement) {
                  const color = parts(getComputedStyle(node).backgroundColor); if (color.length < 4 || color[3] === 1) return color } return [255, 255, 255] }
                const found = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
                while (walker.nextNode()) {
                  const node = walker.currentNode.parentElement
                  if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('.unseen, svg, :disabled, .off, .stale, [aria-hidden=true]')) continue
                  const a = light(parts(getComputedStyle(node).color)), b = light(behind(node)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
                  if (ratio < 4.5) found.add(ratio.toFixed(2) + ' ' + node.tagName + '.' + node.className + ' ' + walker.currentNode.data.slice(0, 30))
                }
                return [...found]
                """
            ).array ?? []
        #expect(faint.isEmpty, "\(place): \(faint)", sourceLocation: sourceLocation)
    }
}
