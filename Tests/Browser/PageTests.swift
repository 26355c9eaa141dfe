import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// The pages themselves: what they tell, that hands without a mouse reach everything, and how they look on a phone and in the dark.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func anOrderTellsItsStory() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("PAID")])
            // The two have one id: a good event that comes after a faulty one would resolve its letter.
            try await eventually("it is approved") { crm.result(of: "PAID", "approved") != nil }
            try await crm.publish([CRM.recycle("LATER"), Self.stranded("PAID")], key: "decline.recycle")
            try await eventually("the other is as well") { crm.result(of: "LATER", "approved") != nil }

            try await browser.live(in: "Asia/Tokyo")
            try await browser.signIn(console, as: .viewer)
            // A story is told once; the console must have heard of its letter.
            try await browser.sees("stat-letters", "1")
            try await browser.click("nav-recoveries")
            try await browser.sees("empty", "Which order?")
            try await browser.type("recovery-search", "PAID" + Browser.Key.enter)
            try await browser.sees("timeline-row", "passed on to cascade, by rule table:nmi/201")
            try await browser.sees("timeline-row", "told the CRM: approved", "acme gateway 42")
            try await browser.sees("outlook", "ended as approved")
            try await browser.sees("recovery-letters", "unknown_merchant", "open")
            // In the reader's zone, by name, or in UTC: nine hours lie between.
            let hours = """
                const time = document.querySelector('[data-test=timeline-row] time')
                return (24 + Number(time.textContent.match(/(\\d\\d):\\d\\d:/)[1]) - Number(time.dateTime.slice(11, 13))) % 24
                """
            try await browser.sees("zone", "Asia/Tokyo")
            #expect(try await browser.run(hours) == 9)
            try await browser.click("zone")
            try await browser.sees("zone", "UTC")
            #expect(try await browser.run(hours) == 0)
            try await browser.click("zone")
            try await browser.live()
            // By its reference it is one recovery of the order alone.
            try await browser.fill("recovery-search", CRM.reference("LATER-R7-88-7"))
            try await browser.click("recovery-go")
            try await browser.sees("timeline-row", "passed on to retry")
            try await browser.sees("timeline-row", "told the CRM: submitted")
            try await browser.sees("timeline-row", "told the CRM: approved, approved_by_webhook")
            try await browser.sees("outlook", "ended as approved")
            #expect(try await browser.hash() == "#/recoveries?order=\(CRM.reference("LATER-R7-88-7"))")
            // Whatever else somebody has at hand leads there, or a part of it.
            for (id, name) in [("T-PAID", "declined transaction's id"), ("cline-pai", "a part of the event's id")] {
                try await browser.fill("recovery-search", id + Browser.Key.enter)
                try await browser.sees("found-by", name)
                try await browser.sees("timeline-row", "told the CRM: approved", "acme gateway 42")
            }
            try await browser.fill("recovery-search", "NOBODY" + Browser.Key.enter)
            try await browser.sees("empty", "No recovery of this order was found.")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func theMappingExplorerSaysWhy() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            try await browser.signIn(console, as: .viewer)
            try await browser.click("nav-mapping")
            try await browser.type("mapping-source", "nmi")
            try await browser.type("mapping-code", "201")
            try await browser.sees("mapping-class", "soft")
            try await browser.sees("mapping-rule", "table:nmi/201")
            try await browser.sees("deciding-step", "decides")
            try await browser.fill("mapping-code", "252")
            try await browser.sees("mapping-class", "hard")
            try await browser.sees("mapping-why", "stolen card", "the network forbids to try again")
            try await browser.sees("mapping-route", "paste a whole event")

            try await browser.click("mapping-by-event")
            try await browser.paste("mapping-event", "{\"no\": ")
            try await browser.sees("problem", "Not JSON at line 1, column 8", "nothing of it is lost")
            let event = String(decoding: CRM.decline("PASTED"), as: UTF8.self)
            try await browser.paste("mapping-event", event)
            try await browser.sees("mapping-class", "soft")
            try await browser.sees("mapping-route", "cascade", "to FlexFactor gateway 42")
            #expect(try await browser.hash() == "#/mapping", "a customer's data stands in the address")
            try await browser.paste("mapping-event", event.replacing("\"currency\":\"USD\"", with: "\"currency\":\"$\""))
            try await browser.sees("problem", "The event would be rejected", "$.data.amount.currency")

            try await browser.type("whatif-draft", "- { gateway: nmi, class: soft }")
            try await browser.click("whatif-ask")
            try await browser.sees("whatif-problem", "The draft cannot be read", "declineMapping[0].code")
            try await browser.fill("whatif-draft", "- { gateway: nmi, code: 223, class: soft }")
            try await browser.click("whatif-ask")
            try await browser.sees("whatif-sum", "would go another way")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func everythingIsReachedWithoutAMouse() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish((1...3).map { Self.stranded("K\($0)") }, key: "decline.recycle")
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "3")
            for (keys, hook, hash) in [
                ("gr", "empty", "#/runs"), ("gs", "recovery-search", "#/recoveries"), ("gm", "mapping-code", "#/mapping"),
                ("go", "stat-letters", "#/"),
                ("gl", "letters-row", "#/letters"),
            ] {
                try await browser.keys(keys)
                try await browser.sees(hook)
                #expect(try await browser.hash() == hash)
            }
            try await browser.keys("?")
            try await browser.sees("shortcuts", "dead letters")
            // Beneath the help the keys are quiet.
            try await browser.keys("go")
            try await browser.keys(Browser.Key.escape)
            try await browser.misses("shortcuts")
            #expect(try await browser.hash() == "#/letters")

            // The group comes first, then the letters: K3, K2, K1.
            let focused = "return document.activeElement.closest('[data-row]')?.innerText ?? ''"
            func focus(is text: String) async throws {
                try await eventually("\(text) has the focus") { try await browser.run(focused).string?.contains(text) == true }
            }
            try await browser.keys("j")
            try await focus(is: "unknown_merchant")
            var orders: [String] = []
            for _ in 0..<3 {
                try await browser.keys("j")
                orders.append((try await browser.run(focused).string ?? "").filter { !$0.isWhitespace }.prefix(2).description)
            }
            #expect(Set(orders) == ["K1", "K2", "K3"])
            try await browser.keys("k")
            try await focus(is: orders[1])
            try await browser.keys("x")
            try await browser.sees("selected-count", "1 letter selected")
            try await browser.keys("a")
            try await eventually("the actions have the focus") {
                try await browser.run("return document.activeElement.dataset.test") == "replay"
            }
            try await browser.keys(Browser.Key.escape)
            try await browser.misses("bulk")
            try await focus(is: orders[1])
            try await browser.keys(Browser.Key.enter)
            try await browser.sees("facts", orders[1])
            try await eventually("whoever listens is told where they are") {
                try await browser.run("return document.activeElement.tagName") == "H1"
            }
            try await browser.keys("j")
            try await browser.sees("facts", orders[2])
            try await browser.keys("k")
            try await browser.sees("facts", orders[1])
            // To the editor, out of it, and back to the list.
            try await browser.keys("c")
            try await eventually("the editor has the focus") { try await browser.run("return document.activeElement.id") == "editor" }
            try await browser.keys("gl")
            #expect(try await browser.hash().hasPrefix("#/letters/"), "what is typed into the editor is no shortcut")
            try await browser.click("undo")
            try await browser.run("document.activeElement.blur()")
            try await browser.keys(Browser.Key.escape)
            try await browser.sees("letters-row")
            #expect(try await browser.hash() == "#/letters")
            try await focus(is: orders[1])
            try await browser.keys("/")
            try await browser.keys("K2gl?")
            #expect(try await browser.value("filter-text") == "K2gl?")
            try await browser.sees("empty", "No letter matches this filter")
            try await browser.keys(Browser.Key.escape + Browser.Key.escape)
            try await browser.sees("letters-total", "of 3 letters")
        }
    }
}
