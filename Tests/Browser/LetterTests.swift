import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

/// One letter, from the alert to its end.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func anOperatorComesFromTheAlertAndLeavesTheOrderSalvaged() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("LOST")], key: "decline.recycle")
            try await crm.publish([CRM.decline("OTHER", merchant: "nobody"), Array("{broken".utf8)])
            try await eventually("the alert has something to say") {
                let metrics = try await console.ask("GET", "/metrics").text
                return metrics.contains("salvage_dead_letters{reason=\"unknown_merchant\",handling=\"replay\"} 2\n")
                    && metrics.contains("salvage_dead_letters{reason=\"unreadable\",handling=\"edit_first\"} 1\n")
            }
            try await eventually("the CRM is told") { crm.result(of: "LOST")?.kind == "rejected" }

            // From the number to the group, and from the group to the letter.
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "3", "2 × unknown_merchant", "1 × unreadable")
            try await browser.sees("nav-letters-count", "3")
            try await browser.click("stat-letters")
            try await browser.sees("letters-total", "of 3 letters")
            try await browser.click("[data-test=group-row][data-id=unknown_merchant] a[href*=acmee]")
            try await browser.sees("letters-total", "of 1 letter")
            #expect(try await browser.hash() == "#/letters?reason=unknown_merchant&stage=intake&merchant=acmee")
            try await browser.click("letter-link")
            try await browser.sees("letter-state", "open")

            // Why it died, and that it would die again as it is.
            try await browser.sees("explanation", "acmee")
            try await browser.sees("advice", "Add the merchant to the configuration")
            try await browser.sees("[data-test=cause] [data-test=forecast][data-state=fails]", "The configuration has no merchant acmee")

            // The suggestion is one way to correct it; typing is the other.
            try await browser.click("suggestion")
            try await browser.sees(
                "[data-test=check-result][data-state=current] [data-test=forecast][data-state=goes]", "for 20 days (retry)")
            try await browser.click("undo")
            try await browser.sees("[data-test=check-result][data-state=none]")
            try await browser.mark("editor", "acmee")
            try await browser.keys("acmeeee")
            try await browser.sees(
                "[data-test=check-result][data-state=current] [data-test=forecast][data-state=fails]", "no merchant acmeeee")
            #expect(try await browser.run("return document.querySelector('[data-test=replay-corrected]').disabled") == true)
            try await browser.keys(String(repeating: Browser.Key.backspace, count: 3))
            try await browser.sees(
                "[data-test=check-result][data-state=current] [data-test=forecast][data-state=goes]", "FlexFactor gateway 42")
            try await browser.sees("[data-test=check-result] [data-test=differences]", "/data/merchantId", "acmee", "acme")

            try await browser.click("replay-corrected")
            try await browser.sees("[data-test=dialog] [data-test=differences]", "/data/merchantId")
            try await browser.click("confirm")
            try await browser.sees("#note-missing")
            try await browser.confirm("The CRM had a typo, OPS-17")
            try await browser.sees("run-state", "finished")
            try await browser.sees("run", "1 of 1 letter", "1 succeeded")
            try await browser.sees("letter-state", "resolved")
            try await browser.sees(
                "history", "Ada, at the console", "The CRM had a typo, OPS-17", "selected for replay, corrected", "told submitted")
            let differences = try await browser.text("history-differences")
            #expect(
                differences.contains("/data/merchantId") && differences.contains("acmee") && differences.contains("changed"),
                "\(differences)")
            for act in ["replay", "discard", "replay-corrected"] {
                #expect(try await !browser.has(act), "\(act) is offered for what is resolved")
            }

            // The CRM and FlexFactor have it once.
            try await eventually("FlexFactor has taken the money, and the CRM knows") { crm.result(of: "LOST", "approved") != nil }
            #expect(crm.ids(of: "LOST", "submitted").count == 1)
            #expect(crm.ids(of: "LOST", "approved").count == 1)
            #expect(try await fleet.ledger().map(\.externalOrderId) == [CRM.reference("LOST-R7-88-7")])
            try await browser.click("nav-overview")
            try await browser.sees("stat-letters", "2")
            try await browser.sees("stat-recovered", "USD", "49.99")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func whatIsDiscardedComesBackAndIsResolvedByHand() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("KEPT")], key: "decline.recycle")
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "1")
            try await browser.open(letterOf: "KEPT")
            try await browser.click("discard")
            try await browser.sees("consequence", "1 letter will be discarded", "It can be restored")
            // A mistaken Escape costs nothing.
            try await browser.type("note", "an order of a test")
            try await browser.keys(Browser.Key.escape)
            try await browser.misses("confirm")
            try await browser.click("discard")
            #expect(try await browser.value("note") == "an order of a test")
            try await browser.confirm()
            try await browser.sees("letter-state", "discarded")
            try await browser.sees("history", "discarded", "an order of a test", "Ada")
            try await browser.click("nav-letters")
            try await browser.sees("empty", "No dead letters are open")
            try await browser.misses("nav-letters-count")

            try await browser.open(letterOf: "KEPT", state: "discarded")
            try await browser.click("restore")
            try await browser.confirm()
            try await browser.sees("letter-state", "open")
            try await browser.sees("nav-letters-count", "1")
            try await browser.click("resolve")
            try await browser.click("confirm")
            try await browser.sees("#note-missing")
            try await browser.confirm("charged by hand at the gateway")
            try await browser.sees("letter-state", "resolved")
            try await browser.sees("history", "restored", "marked as resolved", "charged by hand at the gateway")
            try await browser.click("nav-runs")
            // The letter's page shows its last run as well.
            try await eventually("all three runs are listed") { try await browser.count("run") == 3 }
            try await browser.sees("run", "Resolve of 1 letter", "finished", "charged by hand at the gateway")
            #expect(crm.results.map(\.kind) == ["rejected"], "nobody but the operators is told")
        }
    }

    /// What a publisher garbled is replaced by what it meant, the card encrypted as the CRM would have done it.
    @Test(.timeLimit(.minutes(10)))
    func aBodyThatIsNoJSONIsReplacedAsAWhole() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            let meant = String(decoding: CRM.recycle("GARBLED"), as: UTF8.self)
            try await crm.publish([Array(meant.utf8.dropLast(20))], key: "decline.recycle")
            let card = fleet.folder.appending(path: "card.json")
            // A number of a test brand, made here so that it stands in no file of ours.
            try #"{"number":"\#("4000" + "0027" + "6000" + "3184")","expirationMonth":12,"expirationYear":2029}"#.write(
                to: card, atomically: true, encoding: .utf8)
            let key = try await CardKeyFile.shared.path().replacing("private", with: "public")
            let sealed = try await ChildProcess.run(TestMachine.salvage, ["keys", "seal", key], input: card)
            try #require(sealed.status == 0, "\(sealed.error)")

            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "1 × unreadable")
            try await browser.turn(to: "#/letters")
            try await browser.click("letter-link")
            try await browser.sees("correcting", "It is not JSON: replace it as a whole")
            // In clear the token would stand in the stream for a year.
            try await browser.paste("editor", meant)
            try await browser.sees("check-problem", "in clear", "encryptedCard", "/data/paymentMethod/token")
            try await browser.paste(
                "editor",
                meant.replacing(
                    "\"token\":\"tok_managed_approve.GARBLED\"",
                    with: "\"encryptedCard\":\"\(sealed.output.trimmingCharacters(in: .whitespacesAndNewlines))\""))
            try await browser.sees("[data-test=check-result][data-state=current] [data-test=forecast][data-state=goes]")
            try await browser.click("replay-corrected")
            try await browser.confirm("The CRM cut it off, OPS-19")
            try await browser.sees("letter-state", "resolved")
            try await eventually("the CRM knows that it is tried") { crm.result(of: "GARBLED", "submitted") != nil }
        }
    }

    /// Corrections that hold card data are refused, and what was typed stays.
    @Test(.timeLimit(.minutes(10)))
    func aRefusedCorrectionKeepsWhatWasTyped() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("TYPED")], key: "decline.recycle")
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "1")
            try await browser.open(letterOf: "TYPED")
            try await browser.mark("editor", "Ada Byron")
            // A number of a test brand, made here so that it stands in no file of ours.
            try await browser.keys("4000" + "0027" + "6000" + "3184")
            try await browser.sees("check-problem", "card number", "/data/paymentMethod/holderName", "nothing of it is lost")
            #expect(try await !browser.has("differences"))
            try await browser.click("suggestion")
            try await browser.sees("check-problem", "card number")
            let text = try await browser.value("editor")
            #expect(text.contains("4000" + "0027") && text.contains("acmee"))
            try await browser.mark("editor", "4000" + "0027" + "6000" + "3184")
            try await browser.keys("Ada Lovelace")
            try await browser.sees("[data-test=check-result][data-state=current] [data-test=differences]", "Ada Lovelace")
            try await browser.click("suggestion")
            try await browser.sees("[data-test=check-result][data-state=current] [data-test=forecast][data-state=goes]")
            #expect(try await browser.value("editor").contains("Ada Lovelace"))
            // What is no JSON is shown where it stands.
            try await browser.mark("editor", "\"USD\"")
            try await browser.keys("dollars")
            try await browser.sees("check-problem", "Not JSON at line", "'d' is not expected here")
            try await browser.click("go-there")
            let selected = "const field = document.activeElement; return field.value.slice(field.selectionStart, field.selectionStart + 7)"
            #expect(try await browser.run(selected) == "dollars")
        }
    }

    /// One correction leads to the next: the right merchant alone would lose the sale.
    @Test(.timeLimit(.minutes(10)))
    func aCorrectionThatWouldBeSkippedSaysSoAndOffersTheNext() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("LATE", token: "tok_managed_approve", at: Date() - 7_200, merchant: "acmee")])
            try await browser.signIn(console, as: .admin)
            try await browser.sees("stat-letters", "1")
            try await browser.open(letterOf: "LATE")
            try await browser.click("suggestion")
            try await browser.sees("[data-test=check-result][data-state=current] [data-test=forecast][data-state=skips]")
            try await browser.click("replay-corrected")
            try await browser.sees("will-skip", "Nothing would be charged")
            try await browser.type("note", "the CRM has to know")
            try await browser.click("confirm")
            try await browser.sees("needs-skips", "It would be lost as a sale")
            try await browser.click("cancel")
            try await browser.sees("suggestion", "Make it a rerun")
            try await browser.click("suggestion")
            try await browser.sees("[data-test=check-result][data-state=current] [data-test=forecast][data-state=goes]", "(retry)")
            // The CRM was told to send it again, and as what it was.
            try await browser.click("replay-corrected")
            try await browser.sees("needs-consent", "/data/trigger", "its people must agree first")
            try await browser.type("note", "The CRM had a typo, OPS-22")
            try await browser.click("confirm")
            try await browser.sees("#consent-missing")
            try await browser.click("consent")
            try await browser.confirm()
            try await browser.sees("run-because", "told submitted")
        }
    }

    /// A replay whose message nobody takes is stopped; its letter can be had back.
    @Test(.timeLimit(.minutes(10)))
    func aReplayThatIsLostToSightCanBeRestored() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([Self.stranded("AWAY")], key: "decline.recycle")
            try await browser.signIn(console, as: .admin)
            try await browser.open(letterOf: "AWAY")
            await fleet.stopWorkers()
            try await browser.click("suggestion")
            try await browser.click("replay-corrected")
            try await browser.confirm("typo")
            try await browser.sees("run-state", "watching")
            try await browser.sees("letter-state", "replayed")
            try await browser.click("stop")
            // All was sent; nobody waits any longer for what becomes of it.
            try await browser.sees("run", "finished", "1 still under way")
            try await browser.sees("refusals", "restore it if its message is lost")
            try await browser.click("restore")
            try await browser.sees("consequence", "1 letter will be put back")
            try await browser.sees("under-way", "may still be under way")
            try await browser.confirm()
            try await browser.sees("letter-state", "open")
        }
    }

    /// FlexFactor took the money and its answer never came: it is asked, and the CRM told, from the letter.
    @Test(.timeLimit(.minutes(10)))
    func aChargeThatNobodyKnowsOfIsReconciled() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            // Nor does a webhook tell.
            try await fleet.setFaults(#"{"endpoints": ["evaluate", "orders", "cancel"], "timeoutAfter": 1, "webhookLoss": 1}"#)
            try await crm.publish([CRM.decline("DOUBT")])
            try await eventually("the sandbox has charged it") { try await fleet.ledger().count == 1 }
            // The worker dies over it, and its message is what a worker that gave up would have written a letter of.
            await fleet.stopWorkers()
            let work = try await fleet.takeOne(from: "recovery.cascade")
            guard case .recovery(let recovery) = WorkEnvelope.decode(work) else { throw NoRecovery() }
            try await fleet.write([
                .sample(
                    .outcomeUnknown, stage: .cascade, body: CardDataGuard.redacted(work), order: "DOUBT",
                    explanation: "FlexFactor did not say within the time allowed whether it took the money.", reference: recovery.reference,
                    gateway: recovery.gatewayID, age: .seconds(60))
            ])
            try await fleet.setFaults(#"{"timeoutAfter": 0}"#)
            #expect(crm.count == 0)

            try await browser.signIn(console, as: .operator)
            try await browser.sees("stat-letters", "1 × outcome_unknown")
            try await browser.open(letterOf: "DOUBT")
            try await browser.sees("handling", "The charge may have happened, so it is never sent again")
            try await browser.sees("refusals", "it is reconciled, never sent again")
            try await browser.sees("not-editable")
            // Putting it away would leave the customer's money in doubt.
            try await browser.click("resolve")
            try await browser.sees("in-doubt", "may have been charged", "Reconcile first")
            try await browser.type("note", "seen to")
            try await browser.click("confirm")
            try await browser.sees("in-doubt", "tick the box")
            try await browser.click("cancel")
            #expect(try await !browser.has("replay"))
            try await browser.click("reconcile")
            try await browser.sees("consequence", "FlexFactor will be asked", "Nothing is charged again")
            try await browser.confirm()
            try await browser.sees("run-state", "finished")
            try await browser.sees("letter-state", "resolved")
            try await browser.sees("history", "FlexFactor was asked, and the CRM told approved", "Otto")
            try await eventually("the CRM is told") { crm.count == 1 }
            #expect(crm.results.map(\.kind) == ["approved"])
            #expect(try await fleet.ledger().map(\.externalOrderId) == [CRM.reference("DOUBT-S0")])
        }
    }

    private struct NoRecovery: Error {}
}

extension CRM {
    func result(of order: String, _ kind: String) -> Result? { results.first { $0.orderID == order && $0.kind == kind } }
    func ids(of order: String, _ kind: String) -> Set<String> { Set(results.filter { $0.orderID == order && $0.kind == kind }.map(\.id)) }
}

extension Fleet {
    /// Takes a message out of a queue that no worker consumes.
    func takeOne(from queue: String) async throws -> [UInt8] {
        let taken = Mutex<[UInt8]?>(nil)
        let consumer = try await link.consume(queue, prefetch: 1) { batch in
            for delivery in batch {
                taken.withLock { $0 = $0 ?? delivery.body }
                Task { try? await delivery.finish(publishing: []) }
            }
        }
        try await eventually("a message is in \(queue)") { taken.withLock { $0 != nil } }
        await consumer.cancel()
        return taken.withLock { $0 ?? [] }
    }
}
