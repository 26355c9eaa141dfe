import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// While the broker or the workers are away the console says that, and takes silence for no answer.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func whatTheBrokerCannotTellIsNotTold() async throws {
        let broker = try await PrivateBroker.start()
        do {
            var plan = try await Self.plan()
            plan.brokerURL = broker.url
            try await Self.with(plan) { fleet, console, browser in
                let crm = try await CRM(fleet.link)
                try await crm.publish([Self.stranded("AWAY")], key: "decline.recycle")
                try await browser.signIn(console, as: .viewer)
                try await browser.sees("stat-letters", "1")
                let letters = try await console.ask("GET", "/api/letters", as: .viewer).text
                let id = try #require(letters.firstMatch(of: /"id":"([0-9a-f-]{36})"/)).1

                try await broker.run("kill")
                try await browser.sees("connection", "the broker cannot be reached, numbers from", within: 60)
                try await browser.sees("stale", "The broker did not answer")
                #expect(try await console.ask("GET", "/api/letters/\(id)", as: .viewer).status == 503)
                #expect(try await console.ask("GET", "/api/recoveries?order=AWAY", as: .viewer).status == 503)
                try await browser.turn(to: "#/recoveries?order=AWAY")
                try await browser.sees("problem", "The broker did not answer")
                #expect(try await !browser.has("empty"), "an order that exists was not found")
                try await browser.turn(to: "#/letters")
                try await browser.sees("not-connected")
                try await browser.sees("letters-row", "AWAY")
                try await browser.turn(to: "#/recoveries?order=AWAY")
                try await browser.sees("problem")

                // The pages go on by themselves.
                try await broker.run("start", String(broker.port))
                try await browser.sees("timeline-row", "dead letter", within: 60)
                try await browser.sees("connection", "live", within: 60)
                try await browser.misses("stale")
            }
            await broker.stop()
        } catch {
            await broker.stop()
            throw error
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aFleetWithoutWorkersIsTheFirstThingOneSees() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await browser.signIn(console, as: .operator)
            try await browser.sees("worker-row", "idle")
            #expect(try await !browser.has("alarms"))
            try await Self.pauseAndResume(fleet, browser)
            try await browser.turn(to: "#/")
            await fleet.stopWorkers()
            try await crm.publish([CRM.decline("WAITS")])
            try await browser.sees("alarms", "No worker is heard of", "1 message waits in the queues", within: 60)
            try await browser.sees("wrong", "2 things are wrong")
            #expect(try await fleet.salvage("status").status == 1)
            let worker = try await fleet.startWorker()
            try await browser.sees("alarms", "1 worker is silent", within: 60)
            // Who stops as told is missed by nobody.
            try await eventually("both are listed") { try await browser.count("worker-row") == 2 }
            await worker.end(SIGTERM)
            try await eventually("the one that was killed is listed") { try await browser.count("worker-row") == 1 }
            try await fleet.startWorker()
            try await browser.sees("queues", "All", "are empty")
        }
    }

    /// Pauses the only merchant from the page, as the worker hears, and has it go on.
    private static func pauseAndResume(_ fleet: Fleet, _ browser: Browser) async throws {
        try await browser.click("nav-pauses")
        try await browser.sees("pauses-now", "Nothing is paused")
        try await browser.click("pause")
        try await browser.sees("pause-does", "nothing new of it is charged")
        try await browser.click("confirm")
        try await browser.sees("#why-missing")
        try await browser.type("why", "charged twice")
        try await browser.click("confirm")
        try await browser.sees("pause-row", "merchant acme", Operator.operator.name, "charged twice")
        try await browser.turn(to: "#/letters")
        try await browser.sees("paused", "paused: merchant acme")
        try await eventually("the worker follows") { fleet.workerLog.contains("Paused: merchant acme") }
        #expect(try await fleet.salvage("pauses").output.contains(Operator.operator.name))
        try await browser.turn(to: "#/")
        try await browser.sees("pauses", "Paused: merchant acme by \(Operator.operator.name)", "charged twice")
        try await browser.click("paused")
        // What is paused already is not replaced by mistake.
        try await browser.click("pause")
        try await browser.sees("pause-before", "charged twice")
        #expect(try await browser.run("return document.querySelector('[data-test=confirm]').disabled") == true)
        try await browser.click("cancel")
        try await browser.click("resume-pause")
        try await browser.click("confirm")
        try await browser.sees("pauses-now", "Nothing is paused")
        try await browser.misses("paused")
        try await eventually("the worker goes on") { fleet.workerLog.contains("Goes on after a pause: merchant acme") }
        try await pauseAWorker(fleet, browser)
    }

    /// Has the only worker take nothing new, and work again.
    private static func pauseAWorker(_ fleet: Fleet, _ browser: Browser) async throws {
        try await browser.turn(to: "#/")
        try await browser.click("pause-worker-link")
        try await browser.sees("pause-does", "it takes nothing new for any stage")
        #expect(try await browser.value("pause-worker").hasPrefix("salvage "))
        #expect(try await browser.hash() == "#/pauses")
        try await browser.sees("pause-alone", "Nobody else serves intake, cascade")
        try await browser.type("why", "its node goes")
        try await browser.click("confirm")
        try await browser.sees("pause-row", "worker salvage", "its node goes")
        try await browser.turn(to: "#/")
        try await browser.sees("worker-quiet", "takes nothing new since", Operator.operator.name, "its node goes", within: 60)
        try await browser.sees("faults", "7 things are wrong")
        if let folder = Browser.screenshotFolder {
            for (name, look) in [("wide", Browser.Look.desk), ("phone", .phone)] {
                try await browser.look(look)
                try await browser.screenshot(folder.appending(path: "quiet-worker-\(name).png"))
            }
            try await browser.look(.desk)
        }
        try await browser.turn(to: "#/pauses")
        try await browser.click("resume-pause")
        try await browser.click("confirm")
        try await browser.sees("pauses-now", "Nothing is paused")
        try await eventually("it goes on") { fleet.workerLog.contains("Goes on after a pause: worker salvage") }
        try await browser.turn(to: "#/")
        try await browser.misses("worker-quiet", within: 60)
    }

    /// What was typed outlives a token that ends in the middle of it.
    @Test(.timeLimit(.minutes(10)))
    func aTokenThatEndsOverADialogLeadsToTheSignIn() async throws {
        let plan = try await Self.plan()
        try await Self.with(plan) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("KEPT")], key: "decline.recycle")
            try await browser.signIn(console, as: .operator)
            try await browser.open(letterOf: "KEPT")
            try await browser.click("resolve")
            try await browser.type("note", "half a reason")
            let successor = Operator(Operator.operator.name, "operator")
            try fleet.configure(plan.configuration.replacing(Operator.operator.token, with: successor.token))
            console.process.signal(SIGHUP)
            try await browser.sees("token", within: 60)
            try await browser.misses("confirm")
            try await eventually("the token is asked for") {
                try await browser.run("return document.activeElement.dataset.test") == "token"
            }
            try await browser.keys(successor.token + Browser.Key.enter)
            try await browser.sees("letter-state", "open")
            try await browser.click("resolve")
            #expect(try await browser.value("note") == "half a reason")
            try await browser.confirm()
            try await browser.sees("letter-state", "resolved")
        }
    }
}
