import Broker
import FleetSupport
import Foundation
import TestSupport
import Testing

/// Traces as a collector receives them.
@Suite struct TraceTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test(.timeLimit(.minutes(5)))
    func aSaleIsOneTraceFromTheCRMToFlexFactor() async throws {
        let collector = try TraceCollector()
        defer { collector.end() }
        var plan = Fleet.Plan()
        plan.settings = ["SALVAGE_TRACES_URL": "http://127.0.0.1:\(collector.port)", "SALVAGE_TRACES_SHARE": "0"]
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            func publish(_ order: String, _ flags: String?) async throws {
                let headers: FieldTable = flags.map { ["traceparent": .string("00-\(Self.trace)-00f067aa0ba902b7-\($0)")] } ?? [:]
                try await fleet.link.publish([
                    OutgoingMessage(
                        exchange: "declines", routingKey: "decline.initial",
                        properties: MessageProperties(contentType: "application/cloudevents+json", headers: headers),
                        body: CRM.decline(order, token: "tok_approve"))
                ])
            }
            // Nobody records these.
            try await publish("UNSEEN", "00")
            try await publish("ALONE", nil)
            try await publish("SEEN", "01")
            try await eventually("all are approved") { ["UNSEEN", "ALONE", "SEEN"].allSatisfy { crm.result(of: $0)?.kind == "approved" } }
            try await eventually("the cascade's step is with the collector") {
                collector.spans.contains { $0.name == "process recovery.cascade" }
            }
            let spans = collector.spans
            #expect(spans.allSatisfy { $0.trace == Self.trace && $0.begin <= $0.end && $0.begin > 1_700_000_000_000_000_000 })
            func one(_ name: String, in parent: String) throws -> TraceCollector.Span {
                try #require(spans.first { $0.name == name && $0.parent == parent }, "\(name) in \(parent): \(spans.map(\.name))")
            }
            let intake = try one("process recovery.intake", in: "00f067aa0ba902b7")
            let cascade = try one("process recovery.cascade", in: intake.id)
            for step in [intake, cascade] {
                #expect(step.kind == 5 && step.attributes["messaging.system"] == "rabbitmq")
                #expect(step.attributes["salvage.reference"]?.hasPrefix("acme-SEEN-S") == true)
                for part in ["receive", "decide", "publish"] { _ = try one(part, in: step.id) }
            }
            _ = try one("claim", in: cascade.id)
            let call = try one("call evaluate", in: cascade.id)
            #expect(call.kind == 3 && call.attributes["salvage.outcome"] == "approved" && call.fault == nil)
            #expect(collector.resource["service.name"] == "salvage")
            #expect(collector.requests.allSatisfy { $0.hasPrefix("POST /v1/traces ") && $0.contains("application/x-protobuf") })
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func whatWasParkedIsATraceOfItsOwnThatNamesTheOther() async throws {
        let collector = try TraceCollector()
        defer { collector.end() }
        var plan = try Fleet.Plan.retries()
        plan.settings["SALVAGE_TRACES_URL"] = "http://127.0.0.1:\(collector.port)"
        plan.settings["SALVAGE_TRACES_SHARE"] = "1"
        plan.settings["SALVAGE_POLL_FIRST_SECONDS"] = "1"
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.recycle("LATER", token: "tok_managed_expire")], key: "decline.recycle")
            try await eventually("a step that comes from the delay ladder names the one that parked it") {
                let spans = collector.spans
                return spans.contains { later in
                    later.name == "process recovery.retry"
                        && later.links.first.map { link in
                            link != later.trace && spans.contains { $0.trace == link && $0.name == "park" }
                        } == true
                }
            }
            _ = crm
        }
    }

    /// A collector that is away costs spans and no sale.
    @Test(.timeLimit(.minutes(5)))
    func withoutACollectorSalesGoOn() async throws {
        var plan = Fleet.Plan()
        let port = try TestMachine.freePort()
        plan.settings = [
            "SALVAGE_TRACES_URL": "http://127.0.0.1:\(try TestMachine.freePort())", "SALVAGE_TRACES_SHARE": "1",
            "SALVAGE_LISTEN": "127.0.0.1:\(port)",
        ]
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("ALL-THE-SAME", token: "tok_approve")])
            try await eventually("it is approved") { crm.result(of: "ALL-THE-SAME")?.kind == "approved" }
            try await eventually("the spans are counted as let go") {
                let page = String(decoding: try await TestMachine.http("GET", "http://127.0.0.1:\(port)/metrics").data, as: UTF8.self)
                return page.split(separator: "\n").contains {
                    $0.hasPrefix("salvage_trace_spans_dropped_total ") && !$0.hasSuffix(" 0")
                }
            }
        }
    }
}
