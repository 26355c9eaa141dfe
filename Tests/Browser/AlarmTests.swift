import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import JSON
import TestSupport
import Testing

/// What rings at night, and what somebody sees who opens the console for it: each is answered within two steps.
extension ConsoleTests {
    @Test(.timeLimit(.minutes(10)))
    func eachAlarmIsAnsweredWithinTwoSteps() async throws {
        try await Self.with(try await Self.plan()) { fleet, console, browser in
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("CHARGED")])
            try await crm.publish([Self.stranded("STRANDED")], key: "decline.recycle")
            try await eventually("it is approved") { crm.result(of: "CHARGED", "approved") != nil }
            let now = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            // A worker that fell silent, one to which FlexFactor is away, and who takes webhooks and is not ready.
            try await Self.tell(
                fleet, "recovery.pulse", WorkerPulse.type,
                [
                    Self.pulse("gone", at: now + .seconds(-60)).encoded(), Self.pulse("cut-off", at: now + .seconds(60), .open).encoded(),
                    Self.receiver("edge", at: now + .seconds(60)).encoded(),
                ])
            try await Self.tell(
                fleet, "recovery.journal", JournalRecord.type,
                [
                    Self.parked("LATE", "watching", until: now + .minutes(-10), at: now + .minutes(-20)).encoded(),
                    Self.parked("DOUBT", "unanswered", until: now + .minutes(5), at: now).encoded(),
                ])
            try await browser.signIn(console, as: .viewer)

            // Letters that need a person: the tile, then the cause.
            try await browser.sees("stat-letters", "1")
            try await browser.click("stat-letters")
            try await browser.sees("group-row", "unknown_merchant", "replay")
            try await browser.click("[data-test=group-row] [data-item]")
            try await browser.sees("letters-row", "STRANDED")

            // Workers gone, and FlexFactor down: the pill leads from any page to where they are named, with what to do.
            try await browser.click("wrong")
            try await browser.sees("alarms", "1 worker is silent", "gone", "Circuit breaker open", "gateway 42", "at 1 of 2 workers")
            try await browser.sees(
                "circuit-trouble", "since", "20 calls failed (20 timed_out), the last: no answer in time", "tried again in")
            try await browser.sees("claims-behind", "behind", "for 15 min")
            try await browser.sees("receivers", "edge", "not ready")
            if let folder = Browser.screenshotFolder { try await browser.screenshot(folder.appending(path: "alarms.png")) }
            try await browser.click("[data-test=faults] summary")
            try await browser.sees("faults", "The worker gone is silent", "FlexFactor is away for gateway 42 of merchant acme")
            try await browser.sees("faults", "due for more than a minute", "The webhook receiver edge is not ready: broker: away")

            // Lateness: who is overdue, then the story.
            try await browser.click("overdue-row")
            try await browser.sees("timeline-row", "put away (watching)")
            try await browser.sees("outlook", "put away: FlexFactor works on its order", "it goes on")

            // Unknowns: the oldest, then the story.
            try await browser.click("brand")
            try await browser.sees("stat-unknowns", "1", "1 being settled")
            try await browser.click("unknown-row")
            try await browser.sees("timeline-row", "put away (unanswered)")

            // Why an order was charged: the search, then its id, whichever is at hand.
            try await browser.keys("gs")
            try await browser.fill("recovery-search", "T-CHARGED" + Browser.Key.enter)
            try await browser.sees("timeline-row", "passed on to cascade, by rule table:nmi/201")
            try await browser.sees("timeline-row", "told the CRM: approved")

            // And by one command; what pulses say it hears from workers as they run.
            let status = try await fleet.salvage("status")
            #expect(status.status == 1)
            for said in ["dead letter waits", "due for more than a minute", "1 unknown outcomes"] {
                #expect(status.output.contains(said), "\(status.output)")
            }
            let trace = try await fleet.salvage("trace", "t-charged")
            #expect(trace.status == 0 && trace.output.contains("told the CRM: approved"), "\(trace)")
        }
    }

    private static func tell(_ fleet: Fleet, _ exchange: String, _ type: String, _ bodies: [[UInt8]]) async throws {
        try await fleet.link.publish(
            bodies.map { body in
                OutgoingMessage(
                    exchange: exchange, routingKey: "",
                    properties: MessageProperties(contentType: "application/cloudevents+json", type: type),
                    body: body)
            })
    }

    private static func pulse(_ id: String, at moment: Moment, _ state: WorkerPulse.Circuit.State = .closed) -> WorkerPulse {
        WorkerPulse(
            workerID: id, host: "pod-\(id)", version: "1.0", startedAt: moment, at: moment, stages: Stage.allCases, inFlight: [],
            circuits: [
                WorkerPulse.Circuit(
                    merchantID: "acme", gatewayID: "42", state: state,
                    trouble: state == .closed
                        ? nil
                        : WorkerPulse.Circuit.Trouble(
                            since: moment + .seconds(-90), triedAt: moment + .seconds(600), failures: ["timed_out": 20], last: "timed_out",
                            words: "no answer in time"))
            ], claims: state == .closed ? nil : WorkerPulse.Claims(offset: 0, lag: .minutes(15), isCaughtUp: true))
    }

    private static func receiver(_ id: String, at moment: Moment) -> WorkerPulse {
        WorkerPulse(
            workerID: id, host: "pod-\(id)", version: "1.0", startedAt: moment + .minutes(-5), at: moment, stages: [], inFlight: [],
            circuits: [], complaints: ["broker: away"], takesWebhooks: true)
    }

    private static func parked(_ order: String, _ phase: String, until: Moment, at moment: Moment) -> JournalRecord {
        JournalRecord(
            at: moment, stage: .retry, merchantID: "acme", reference: RecoveryReference(orderID: order, kind: .rerun, sequence: 1),
            gatewayID: "42", fate: .parked, detail: phase, until: until, attempts: 1,
            amount: Money(minorUnits: 4_999, currency: .usd), workerID: "cut-off")
    }
}
