import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// Whatever operators do with letters, no customer is charged twice and the CRM is told.
@Suite struct LetterTruthTests {
    private var now: Moment { Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }

    /// A retry that FlexFactor refused as it was about to be charged. The CRM sent the order again, and it was charged; the letter is
    /// replayed when FlexFactor has long forgotten the idempotency key.
    @Test(.timeLimit(.minutes(10)))
    func aReplayedRetryFindsTheChargeThatCameBetween() async throws {
        let plan = try Fleet.Plan.retries(days: 20)
        try await Fleet.with(plan) { fleet in
            let crm = try await CRM(fleet.link)
            let sample = Recovery.sample(order: "TWICE", declinedAt: now)
            let reference = RecoveryReference(orderID: "TWICE", kind: .rerun, sequence: 1)
            let recovery = Recovery(
                merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: .retry(.managed, until: now + .days(2)),
                reference: reference,
                amount: sample.amount, declinedAt: sample.declinedAt, order: sample.order, verdict: sample.verdict, reply: nil,
                charge: sample.charge,
                phase: .ready, failures: 199)
            try await fleet.evaluate(reference.text, token: "tok_approve")
            try await fleet.write([
                .sample(
                    .refusedByFlexFactor, stage: .retry, body: WorkEnvelope.encode(recovery), order: "TWICE", reference: reference,
                    gateway: "42")
            ])
            try await fleet.startWorker()
            let replayed = try await fleet.salvage("dead", "replay", "--all", "--note", "the gateway is mended", "--yes")
            #expect(replayed.status == 0, "\(replayed.output)\(replayed.error)")
            try await eventually("the CRM is told what is true") { crm.result(of: "TWICE")?.kind == "approved" }
            #expect(try await fleet.ledger().map(\.externalOrderId) == [reference.text], "charged once")
        }
    }

    /// A letter that is resolved while its result went nowhere is lost: nobody looks at it again.
    @Test(.timeLimit(.minutes(10)))
    func aLetterStaysOpenUntilTheCRMIsTold() async throws {
        var plan = Fleet.Plan()
        plan.settings = ["SALVAGE_OPERATOR": "alice", "SALVAGE_RECONCILE_SETTLE_SECONDS": "2"]
        try await Fleet.with(plan) { fleet in
            let recovery = Recovery.sample(order: "FULL", declinedAt: now + .days(-1))
            try await fleet.evaluate(recovery.reference.text, token: "tok_approve")
            try await fleet.write([
                .sample(
                    .outcomeUnknown, stage: .cascade, body: WorkEnvelope.encode(recovery), order: "FULL", reference: recovery.reference,
                    gateway: "42",
                    age: .seconds(60))
            ])
            // The CRM's queue takes nothing more.
            let policy = try await TestMachine.control(
                [
                    "set_policy", "-p", fleet.virtualHost, "full", "^crm.results$", #"{"max-length":1,"overflow":"reject-publish"}"#,
                    "--apply-to", "queues",
                ])
            try #require(policy.status == 0, "\(policy.error)")
            try await eventually("the queue is full") {
                do {
                    try await fleet.link.publish([OutgoingMessage(exchange: "", routingKey: "crm.results", body: Array("{}".utf8))])
                    return false
                } catch PublishError.nacked {
                    return true
                }
            }
            let failed = try await fleet.salvage("dead", "reconcile", "--all", "--yes")
            #expect(failed.status != 0, "\(failed.output)\(failed.error)")
            #expect(try await fleet.letters().map(\.state) == ["open"])

            #expect(try await TestMachine.control(["clear_policy", "-p", fleet.virtualHost, "full"]).status == 0)
            let crm = try await CRM(fleet.link)
            try await eventually("it is settled and told") {
                _ = try await fleet.salvage("dead", "reconcile", "--all", "--yes")
                return crm.result(of: "FULL")?.kind == "approved"
            }
            #expect(try await fleet.letters().isEmpty)
        }
    }

    /// "Make it a rerun" is another recovery than the one that the CRM was told to send again.
    @Test(.timeLimit(.minutes(10)))
    func aCorrectionThatWouldChargeAnOrderAgainNeedsTheCRM() async throws {
        var plan = Fleet.Plan()
        plan.settings = ["SALVAGE_OPERATOR": "alice", "SALVAGE_RECONCILE_SETTLE_SECONDS": "2"]
        try await Fleet.with(plan) { fleet in
            let body = CardDataGuard.redacted(CRM.decline("AGAIN")) { _ in SealedCard("a.b.c.d.e") }
            try await fleet.write([.sample(.noCardKey, body: body, order: "AGAIN")])
            let id = try #require(try await fleet.letters().first?.id)
            let edit = #"""
                [{"op":"replace","path":"/data/trigger","value":"rerun"},{"op":"add","path":"/data/recovery","value":{"gatewayId":"42"}},
                 {"op":"add","path":"/data/order/rerunNumber","value":1}]
                """#
            let refused = try await fleet.salvage("dead", "replay", id, "--edit", edit, "--note", "nobody waits")
            #expect(
                refused.status == 1 && refused.output.contains("its people must agree first") && refused.output.contains("--crm-agrees"),
                "\(refused.output)\(refused.error)")
            #expect(try await fleet.letters().map(\.state) == ["open"])
            let dryRun = try await fleet.salvage("dead", "replay", id, "--edit", edit, "--dry-run", "--crm-agrees")
            #expect(dryRun.status == 0, "\(dryRun.output)\(dryRun.error)")
        }
    }
}
