import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// Many letters of one cause.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func aMerchantIsAddedAndItsLettersGoThroughCarefully() async throws {
        try await Self.with(try await Self.newcomers()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            let count = 60
            try await crm.publish((0..<count).map { Self.stranded("Z\($0)", merchant: "zenith") }, key: "decline.recycle")
            try await crm.publish([CRM.decline("APART", merchant: "nobody")])
            try await browser.signIn(console, as: .operator)
            try await browser.sees("stat-letters", "61", "61 × unknown_merchant")

            try fleet.configure(try await Self.newcomers(configured: true).configuration)
            try await Self.reload(fleet.newestWorker, "the worker") { fleet.workerLog }
            try await Self.reload(console.process, "the console") { console.log }

            try await browser.click("nav-letters")
            try await browser.click("[data-test=group-row] a[href*=zenith]")
            // A page behind the last one, as it is left by whoever works the last one off, leads to the last.
            try await browser.turn(to: "#/letters?merchant=zenith&offset=100")
            try await browser.sees("letters-total", "51–60 of 60 letters")
            try await browser.turn(to: "#/letters?merchant=zenith")
            try await browser.sees("letters-total", "1–50 of 60 letters")
            // The page's fifty first; then all that match the filter.
            try await browser.click("select-page-head")
            try await browser.sees("selected-count", "50 letters selected")
            try await browser.click("select-all")
            try await browser.sees("selected-count", "All 60 letters that match")
            #expect(try await !browser.has("reconcile"), "none of them was charged")
            try await browser.click("replay")
            try await browser.sees("rehearsal", "60 go through")
            try await browser.sees("consequence", "60 letters will be sent again", "Customers may be charged")
            #expect(try await browser.run("return document.querySelector('[data-test=canary]').checked") == true)
            #expect(try await !browser.has("needs-consent"), "the CRM was told that they were rejected")
            try await browser.fill("rate", "20")
            try await browser.confirm("zenith is configured now, OPS-18")
            try await browser.sees("run", "Replay of 60 letters", "carefully")
            try await eventually("progress shows on its way") {
                let value = Int(try await browser.run("return document.querySelector('[data-test=run-progress]')?.value ?? 0").int64 ?? 0)
                return value > 0 && value < count
            }
            try await browser.sees("run-state", "finished", within: 60)
            try await browser.sees(
                "run", "60 of 60 letters (100 %)", "60 succeeded", "0 failed again", "60 processed", "zenith is configured now")
            try await browser.sees("[data-test=letters-total], [data-test=empty]", "No letter matches this filter")
            try await browser.turn(to: "#/letters?merchant=zenith&state=resolved")
            try await browser.sees("letters-total", "of 60 letters")
            try await browser.sees("nav-letters-count", "1")
            try await eventually("the CRM knows of each that it is tried") {
                Set(crm.results.filter { $0.kind == "submitted" }.map(\.orderID)).count == count
            }
            #expect(Set(crm.results.filter { $0.kind == "submitted" }.map(\.id)).count == count)
        }
    }

    /// What one looks for again and again is a link, what is found a file, and old instant declines are made reruns many at once.
    @Test(.timeLimit(.minutes(10)))
    func aFilterIsALinkAFileAndManyReruns() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            try await fleet.write(
                ["OLD1", "OLD2"].map { order in
                    let event = CRM.decline(order, at: Date() - 7_200)
                    return .sample(.noCardKey, body: CardDataGuard.redacted(event) { _ in SealedCard("a.b.c.d.e") }, order: order)
                } + [.sample(.outcomeUnknown, stage: .cascade, body: Array("{}".utf8), order: "=DOUBT()")])
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "3")
            try await browser.turn(to: "#/letters")
            try await browser.click("[data-test=view][href$='handling=reconcile']")
            try await browser.sees("letters-total", "of 1 letter")
            #expect(try await browser.hash() == "#/letters?handling=reconcile")
            // A copied link opens the same.
            try await browser.go("about:blank")
            try await browser.go(console.url + "/#/letters?handling=reconcile")
            try await browser.sees("letters-row", "=DOUBT()")
            try await browser.run(
                """
                window.files = []
                URL.createObjectURL = (file) => { file.text().then((text) => files.push(text)); return '#' }
                HTMLAnchorElement.prototype.click = function () { if (!this.download) this.dispatchEvent(new MouseEvent('click', { bubbles: true })) }
                """)
            try await browser.click("export-csv")
            try await eventually("a file is given") {
                let text = try await browser.run("return files[0] ?? ''").string ?? ""
                return text.hasPrefix("letter,state") && text.contains(",'=DOUBT(),") && !text.contains("OLD1")
            }
            try await browser.click("letter-link")
            try await browser.sees("stakes", "may have been taken")

            try await browser.turn(to: "#/letters?reason=no_card_key")
            try await browser.sees("letters-total", "of 2 letters")
            try await browser.click("select-page-head")
            try await browser.click("rerun")
            try await browser.sees("rehearsal", "0 go through", "2 are left out")
            try await browser.type("note", "nobody waits any more, OPS-31")
            try await browser.click("consent")
            try await browser.sees("rehearsal", "2 go through")
            try await browser.click("confirm")
            // Nobody can open a card that was sealed for this test alone: the first says so, and the second is spared.
            try await browser.sees("run", "stopped by itself: 1 of 1 failed again", "nobody waits any more")
            #expect(
                try await fleet.deadStream().contains {
                    $0.type == LetterRecord.type && String(decoding: $0.body, as: UTF8.self).contains("\"rerun\":true")
                })
        }
    }

    /// The console's configuration has the merchant, the worker's not yet: the forecast is good, and the first letter proves it wrong.
    @Test(.timeLimit(.minutes(10)))
    func aCarefulReplayStopsByItselfAndIsResumed() async throws {
        try await Self.with(try await Self.newcomers()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish((0..<30).map { Self.stranded("Z\($0)", merchant: "zenith") }, key: "decline.recycle")
            try await browser.signIn(console, as: .operator)
            try await browser.sees("stat-letters", "30")

            // As long as nobody has configured the merchant nothing would be sent, and the dialog says so before anybody presses.
            try await browser.turn(to: "#/letters?merchant=zenith")
            try await browser.click("select-page-head")
            try await browser.click("replay")
            try await browser.sees("rehearsal", "0 go through", "30 are left out", "no merchant zenith")
            try await browser.sees("consequence", "None of these letters would be sent")
            #expect(try await browser.run("return document.querySelector('[data-test=confirm]').disabled") == true)
            try await browser.click("cancel")
            try await browser.click("select-none")
            try fleet.configure(try await Self.newcomers(configured: true).configuration)
            try await Self.reload(console.process, "the console") { console.log }

            try await browser.turn(to: "#/letters?merchant=zenith")
            try await browser.click("select-page-head")
            try await browser.click("replay")
            try await browser.confirm("zenith is configured now")
            try await browser.sees("run-state", "stopped")
            try await browser.sees("run", "stopped by itself: 1 of 1 failed again; 29 were not sent", "1 failed again")
            try await browser.sees("letters-total", "of 30 letters")
            try await browser.sees("letters-row", "failed again", "seen 2 times")
            #expect(crm.results.allSatisfy { $0.kind == "rejected" })

            try await Self.reload(fleet.newestWorker, "the worker") { fleet.workerLog }
            try await browser.click("nav-runs")
            try await browser.sees("run", "stopped", "Replay of 30 letters")
            try await browser.click("resume")
            try await browser.sees("run-state", "finished")
            try await browser.sees("run", "30 of 30 letters", "29 succeeded", "1 failed again")
            try await browser.click("run-link")
            try await browser.sees("run-result", "told submitted")

            // The one that went first has to go again; its history ends with that.
            try await browser.turn(to: "#/letters?merchant=zenith&state=failed_again")
            try await browser.sees("letters-total", "of 1 letter")
            try await browser.click("letter-link")
            try await browser.sees(
                "history", "written as a dead letter: unknown_merchant", "selected for replay", "failed again: unknown_merchant")
            #expect(try await browser.text("[data-test=history-row]:first-child").contains("written as a dead letter"))
            try await browser.turn(to: "#/letters?merchant=zenith&state=failed_again")
            try await browser.sees("letters-total", "of 1 letter")
            try await browser.click("select")
            try await browser.click("replay")
            try await browser.confirm("the worker has it now, too")
            try await browser.sees("run-state", "finished")
            try await browser.misses("nav-letters-count")
            try await eventually("the CRM knows of each") { Set(crm.results.filter { $0.kind == "submitted" }.map(\.orderID)).count == 30 }
            #expect(Set(crm.results.filter { $0.kind == "submitted" }.map(\.id)).count == 30)
        }
    }

    /// A fleet that knows `acme`, and the merchant `zenith` when it is configured. Webhooks get lost: their address is of `acme` alone.
    private static func newcomers(configured: Bool = false) async throws -> Fleet.Plan {
        try await plan { plan in
            plan.faults = #"{"webhookLoss": 1}"#
            guard configured else { return }
            let (acme, rest) = plan.configuration.splitOnce(at: "\nconsole:")
            plan.configuration = acme + "\n" + acme.replacing("merchants:\n", with: "").replacing("id: acme", with: "id: zenith") + rest
        }
    }

    private static func reload(_ process: ChildProcess?, _ what: String, log: () -> String) async throws {
        process?.signal(SIGHUP)
        try await eventually("\(what) has the new configuration") { log().contains("Configuration reloaded") }
    }
}

extension String {
    fileprivate func splitOnce(at mark: String) -> (String, String) {
        guard let range = range(of: mark) else { return (self, "") }
        return (String(self[..<range.lowerBound]), String(self[range.lowerBound...]))
    }
}
