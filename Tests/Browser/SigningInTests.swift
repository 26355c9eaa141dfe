import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func aTokenDecidesWhatIsOffered() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("KEPT")], key: "decline.recycle")

            try await browser.go(console.url + "/")
            try await browser.type("token", "not-a-token-of-anybody-here" + Browser.Key.enter)
            try await browser.sees("problem", "does not know this token", "ask for a new one")
            #expect(try await !browser.has("nav-letters"))
            try await browser.fill("token", Operator.viewer.token)
            try await browser.click("sign-in")
            try await browser.sees("person", "Vera", "viewer")
            #expect(try await browser.run("return [sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""])
            try await browser.sees("stat-letters", "1")

            try await browser.open(letterOf: "KEPT")
            try await browser.sees("refusals", "Replay: needs the role operator; yours is viewer.", "Discard: needs the role admin")
            for act in ["replay", "reconcile", "resolve", "discard", "restore"] {
                #expect(try await !browser.has(act), "a viewer is offered \(act)")
            }
            try await browser.sees("no-corrected-replay", "needs the role admin", "You can still try out changes here")
            // Trying out changes nothing, so it is anybody's.
            try await browser.click("suggestion")
            try await browser.sees("[data-test=check-result][data-state=current] [data-test=forecast][data-state=goes]")
            #expect(try await !browser.has("replay-corrected"))
            try await browser.turn(to: "#/letters")
            try await browser.sees("letters-row", "KEPT")
            for select in ["select", "select-page-head"] { #expect(try await !browser.has(select), "a viewer has nothing to select for") }

            try await Self.signOut(browser)
            try await browser.signIn(console, as: .operator)
            try await browser.open(letterOf: "KEPT")
            try await browser.sees("replay")
            try await browser.sees("resolve")
            try await browser.sees("refusals", "Discard: needs the role admin; yours is operator.")
            #expect(try await !browser.has("discard"))
            try await browser.click("suggestion")
            try await browser.sees("[data-test=check-result][data-state=current]")
            #expect(try await !browser.has("replay-corrected"))

            try await Self.signOut(browser)
            try await browser.signIn(console, as: .admin)
            try await browser.open(letterOf: "KEPT")
            try await browser.sees("discard")
            try await browser.click("suggestion")
            try await browser.sees("replay-corrected")
        }
    }

    private static func signOut(_ browser: Browser) async throws {
        try await browser.click("sign-out")
        try await browser.sees("token")
        #expect(try await browser.run("return sessionStorage.length") == 0)
    }

    /// What a page of another site, a script without the page, or a person of a lesser role sends is refused, and nothing comes of it.
    @Test(.timeLimit(.minutes(10)))
    func whatDoesNotComeFromThePageIsRefusedAndWritesNothing() async throws {
        try await Fleet.with(try await Self.plan()) { fleet in
            try await fleet.startWorker()
            let console = try await fleet.startConsole()
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("KEPT")], key: "decline.recycle")
            var letter = ""
            try await eventually("the letter is there") {
                let answer = try await console.ask("GET", "/api/letters", as: .viewer).text
                letter = answer.firstMatch(of: /"id":"([0-9a-f-]{36})"/).map { String($0.1) } ?? ""
                return !letter.isEmpty
            }
            let before = try await fleet.link.lastOffset(of: "recovery.dead")
            func act(_ action: String, more: String = "") -> String {
                #"{"action":"\#(action)","letters":["\#(letter)"],"note":"why"\#(more)}"#
            }
            let patch = #","patch":[{"op":"replace","path":"/data/merchantId","value":"acme"}]"#

            let attempts: [(what: String, status: Int, body: String, who: Operator?, headers: [String: String])] = [
                ("without a token", 401, act("resolve"), nil, [:]),
                ("with a wrong token", 401, act("resolve"), nil, ["Authorization": "Bearer \(Operator.admin.token)x"]),
                ("with the token as a password", 401, act("resolve"), nil, ["Authorization": "Basic \(Operator.admin.token)"]),
                (
                    "as a viewer by a scheme in small letters", 403, act("resolve"), nil,
                    ["Authorization": "bearer \(Operator.viewer.token)"]
                ),
                ("without the page's header", 403, act("resolve"), .admin, ["X-Salvage-Console": ""]),
                ("from another site", 403, act("resolve"), .admin, ["Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"]),
                ("from a neighbour of the same site", 403, act("resolve"), .admin, ["Sec-Fetch-Site": "same-site"]),
                (
                    "from another origin, by a browser that says no more", 403, act("resolve"), .admin,
                    ["Origin": "https://evil.example", "Sec-Fetch-Site": ""]
                ),
                ("from a page of nowhere", 403, act("resolve"), .admin, ["Origin": "null", "Sec-Fetch-Site": ""]),
                ("as plain text", 403, act("resolve"), .admin, ["Content-Type": "text/plain"]),
                ("as a form", 403, act("resolve"), .admin, ["Content-Type": "application/x-www-form-urlencoded"]),
                ("as a viewer", 403, act("resolve"), .viewer, [:]),
                ("replay as a viewer", 403, act("replay"), .viewer, [:]),
                ("discard as an operator", 403, act("discard"), .operator, [:]),
                ("correct as an operator", 403, act("replay", more: patch), .operator, [:]),
                ("without a note", 400, #"{"action":"resolve","letters":["\#(letter)"]}"#, .admin, [:]),
                ("by a word that is none", 400, act("erase"), .admin, [:]),
            ]
            for attempt in attempts {
                let answer = try await console.ask("POST", "/api/runs", attempt.body, as: attempt.who, headers: attempt.headers)
                #expect(answer.status == attempt.status, "\(attempt.what): \(answer.text)")
                #expect(answer.text.contains("\"advice\""), "\(attempt.what): \(answer.text)")
            }
            #expect(console.log.contains("A sign-in is refused") && console.log.contains("An operator's act is refused"))
            #expect(!console.log.contains("An operator acts"))
            let nowhere = try await console.ask("GET", "/elsewhere")
            #expect(nowhere.status == 404 && nowhere.text.contains("\"advice\""), "\(nowhere.text)")
            // Reading is refused in the same way.
            #expect(try await console.ask("GET", "/api/letters").status == 401)
            #expect(try await console.ask("GET", "/api/letters", as: .viewer, headers: ["X-Salvage-Console": ""]).status == 403)
            #expect(try await console.ask("GET", "/api/letters", as: .viewer, headers: ["Sec-Fetch-Site": "cross-site"]).status == 403)
            #expect(try await console.ask("GET", "/api/runs", as: .viewer).text == #"{"runs":[]}"#)
            #expect(try await fleet.link.lastOffset(of: "recovery.dead") == before, "something was written")
            // A script with the page's header, of no site at all, is what an operator's own tool looks like.
            let own = try await console.ask("POST", "/api/runs", act("resolve"), as: .operator, headers: ["Sec-Fetch-Site": ""])
            #expect(own.status == 202, "\(own.text)")
            let origin = try await console.ask("GET", "/api/runs", as: .viewer, headers: ["Origin": console.url, "Sec-Fetch-Site": ""])
            #expect(origin.status == 200, "\(origin.text)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aCorrectionWaitsForASecondPerson() async throws {
        let eve = Operator("Eve", "admin")
        let plan = try await Self.plan { plan in
            plan.configuration = plan.configuration.replacing(
                Operator.access(), with: Operator.access([.admin, eve]) + "  secondPersonMinutes: 5\n")
        }
        try await Self.with(plan) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("TYPO")], key: "decline.recycle")
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "1")
            try await browser.open(letterOf: "TYPO")
            try await browser.click("suggestion")
            try await browser.click("replay-corrected")
            try await browser.sees("needs-second", "Another admin must approve it")
            try await browser.confirm("The CRM had a typo")
            try await browser.sees("run-state", "proposed")
            try await browser.sees("run", "waits for a second person", "This console alone knows of it")
            #expect(try await !browser.has("approve"))
            let edit = #"[{"op":"replace","path":"/data/merchantId","value":"acme"}]"#
            let id = try #require(try await fleet.letters().first?.id)
            let alone = try await fleet.salvage("dead", "replay", id, "--edit", edit, "--note", "alone")
            #expect(alone.status == 64 && alone.error.contains("second person"), "\(alone)")

            try await Self.signOut(browser)
            try await browser.signIn(console, as: eve)
            try await browser.sees("proposed", "1 correction waits for approval")
            try await browser.click("proposed")
            try await browser.sees("proposal", "replace /data/merchantId", "acme")
            try await browser.click("approve")
            try await browser.sees("run-state", "finished")
            try await browser.sees("run", "Ada", "The CRM had a typo (approved by Eve)")
            try await browser.misses("proposed")
            #expect(try await fleet.letters().isEmpty)

            // A correction whose process died is not finished by one alone: neither offered, nor done by a command.
            let letter = try #require(UUID5(id))
            let run = try await fleet.select([letter], correction: .rerun)
            try await browser.turn(to: "#/runs/\(run)")
            try await browser.sees("run-state", "interrupted")
            try await browser.sees("run", "what it has left must be proposed anew")
            #expect(try await !browser.has("resume"))
            let resumed = try await fleet.salvage("dead", "replay", "--resume", "\(run)")
            #expect(resumed.status == 64 && resumed.error.contains("propose it anew at the console"), "\(resumed)")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func withoutConfiguredAccessItServesThisMachineAlone() async throws {
        let browser = try #require(OneBrowser.current)
        try await Fleet.with(try .retries()) { fleet in
            let console = try await fleet.startConsole()
            #expect(try await console.ask("GET", "/api/session").text.contains(#""role":"admin","open":true"#))
            // A foreign name that was made to point here.
            let foreign = try await console.ask("GET", "/api/session", headers: ["Host": "evil.example:8082"])
            #expect(foreign.status == 403 && foreign.text.contains("console.access"), "\(foreign.text)")
            try await browser.go(console.url + "/")
            try await browser.sees("open-access", "open access")
            #expect(try await !browser.has("sign-out"))

            let open = try await fleet.salvage("console", "--listen", "0.0.0.0:\(try TestMachine.freePort())")
            #expect(open.status != 0)
            #expect((open.output + open.error).contains("console.access"), "\(open.output)\(open.error)")
            try await browser.go("about:blank")
        }
    }
}
