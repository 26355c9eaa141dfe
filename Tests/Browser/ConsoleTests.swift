import Broker
import FleetSupport
import Foundation
import Testing

/// The operators' console as people use it: a real worker, RabbitMQ, FlexFactor's sandbox, and a browser.
///
/// One after the other, in one Chromium: two would want more memory than a small machine has.
@Suite(.serialized, .oneBrowser) struct ConsoleTests {
    /// A fleet whose console lets in a viewer, an operator and an admin; recycled declines are tried by FlexFactor, and a day lasts a second.
    static func plan(_ more: (inout Fleet.Plan) throws -> Void = { _ in }) async throws -> Fleet.Plan {
        var plan = try Fleet.Plan.retries()
        plan.configuration =
            plan.configuration.replacing("cascadeAll: true", with: "cascadeAll: true\n        fee: { percent: 2.5, minorUnitsPerSale: 30 }")
            + Operator.access()
        // Without a key no letter keeps the card's token, and none could be replayed.
        plan.settings["SALVAGE_CARD_KEYS"] = "test=" + (try await CardKeyFile.shared.path())
        try more(&plan)
        return plan
    }

    /// Runs a test with a fleet, a worker, a console and the browser; tells what the browser showed where the test gives up.
    static func with(
        _ plan: Fleet.Plan, _ name: String = #function, _ body: (Fleet, ConsoleProcess, Browser) async throws -> Void
    ) async throws {
        let browser = try #require(OneBrowser.current)
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let console = try await fleet.startConsole()
            try await browser.look(.desk)
            do {
                try await body(fleet, console, browser)
                // Nothing of this test is left in the browser for the next one; what was only typed is given up.
                try await browser.go("about:blank")
            } catch {
                await browser.testify(String(name.prefix { $0 != "(" }))
                print(console.log.suffix(4_000))
                if console.process.hasEnded { print("The console has ended: \(await console.process.status())") }
                try? await browser.go("about:blank")
                throw error
            }
        }
    }

    /// A recycled decline of a merchant that nobody has configured under this name.
    static func stranded(_ order: String, merchant: String = "acmee") -> [UInt8] {
        CRM.recycle(order, merchant: merchant)
    }
}

extension Browser {
    func signIn(_ console: ConsoleProcess, as person: Operator) async throws {
        try await go(console.url + "/")
        try await type("token", person.token + Key.enter)
        try await sees("person", person.name, person.role)
        try await sees("stat-letters")
    }

    /// Opens the letter of an order from the list.
    func open(letterOf order: String, state: String = "") async throws {
        try await turn(to: "#/letters?order=\(order)" + (state.isEmpty ? "" : "&state=\(state)"))
        try await sees("letter-link", order)
        try await click("letter-link")
        try await sees("letter-state")
        try await sees("facts", order)
    }

    /// Says why in the dialog, and goes ahead.
    func confirm(_ note: String? = nil) async throws {
        if let note { try await type("note", note) }
        try await click("confirm")
        try await misses("confirm")
    }
}
