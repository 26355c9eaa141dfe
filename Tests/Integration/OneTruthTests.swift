import Broker
import DeclineRecovery
import FleetSupport
import Foundation
import TestSupport
import Testing

/// One decline has one end, and one debt is paid once, with everything real.
@Suite struct OneTruthTests {
    @Test(.timeLimit(.minutes(10)))
    func whatWasToldIsToldAgainWhateverTheConfigurationSaysToday() async throws {
        var plan = Fleet.Plan()
        plan.configuration = Fleet.Plan.oneMerchant()
        try await Fleet.with(plan) { fleet in
            let worker = try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            let event = CRM.decline("AGAIN")
            try await crm.publish([event])
            try await eventually("it is told") { crm.count == 1 }
            try fleet.configure(
                Fleet.Plan.oneMerchant().replacing(
                    "    policy:",
                    with:
                        "    declineMapping: [{ gateway: nmi, code: \"201\", class: hard }]\n    gateways: [{ id: \"7\", type: nmi }]\n    policy:"
                ))
            worker.signal(SIGHUP)
            // A decline of now shows that the mapping is in force.
            try await eventually("the mapping is hard now") {
                try await crm.publish([CRM.decline("HARD\(crm.count)")])
                return crm.results.contains { $0.reason == "hard_decline" }
            }
            let before = crm.results.filter { $0.orderID == "AGAIN" }.count
            try await crm.publish([event])
            try await eventually("it is told again") { crm.results.filter { $0.orderID == "AGAIN" }.count > before }
            let told = crm.results.filter { $0.orderID == "AGAIN" }
            #expect(Set(told.map(\.body)).count == 1 && told.first?.kind == "approved", "\(told.map(\.kind))")
            #expect(try await fleet.ledger().filter { $0.externalOrderId == CRM.reference("AGAIN-S0") }.count == 1)
        }
    }

    /// One FlexFactor account serves two merchants, and both have an order of the same id.
    @Test(.timeLimit(.minutes(10)))
    func twoMerchantsOfOneAccountAreToldOfTheirOwnCharges() async throws {
        var plan = Fleet.Plan()
        plan.configuration =
            Fleet.Plan.oneMerchant() + "\n"
            + Fleet.Plan.oneMerchant().replacing("merchants:\n", with: "").replacing("id: acme", with: "id: twin")
        try await Fleet.with(plan) { fleet in
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await crm.publish([CRM.decline("SAME"), CRM.decline("SAME", merchant: "twin")])
            try await eventually("both are told") { crm.finals.count == 2 }
            #expect(try await expectTheTruth(crm, fleet, declines: 2) == 2)
            #expect(crm.finals.keys.sorted() == [CRM.reference("SAME-S0"), CRM.reference("SAME-S0", merchant: "twin")])
        }
    }

    /// What a worker of an earlier version has left in the queues: envelopes with references of old, some of them sent already.
    @Test(.timeLimit(.minutes(10)))
    func whatAnEarlierVersionLeftComesOutRight() async throws {
        try await Fleet.with { fleet in
            let now = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            let orders = (0..<60).map { "OLD\($0)" }
            // Every other was charged, and its worker died before the answer.
            for (number, order) in orders.enumerated() where number % 2 == 0 {
                try await fleet.evaluate(order + "-S0", token: "tok_approve")
            }
            try await fleet.startWorker()
            let crm = try await CRM(fleet.link)
            try await fleet.link.publish(
                orders.map { order in
                    OutgoingMessage(
                        exchange: "recovery.work", routingKey: "cascade", properties: MessageProperties(type: WorkEnvelope.type),
                        body: WorkEnvelope.encode(.old(order, sent: orders.firstIndex(of: order)! % 2 == 0, declinedAt: now)))
                })
            try await crm.publish((0..<60).map { CRM.decline("NEW\($0)") })
            try await eventually("all are told", seconds: 120) { crm.finals.count == 120 }
            let charges = try await fleet.ledger().filter { $0.kind == "charge" }
            #expect(Dictionary(grouping: charges, by: \.externalOrderId).allSatisfy { $0.value.count == 1 })
            #expect(Set(crm.results.filter { $0.kind == "approved" }.map(\.reference)) == Set(charges.map(\.externalOrderId)))
            // The same order declined again: its debt is paid.
            try await crm.publish([CRM.decline("OLD0")])
            try await eventually("it is not charged again") { crm.results.contains { $0.reason == "already_recovered" } }
        }
    }
}

extension Recovery {
    /// As workers wrote it before references named merchant and decline.
    fileprivate static func old(_ order: String, sent: Bool, declinedAt: Moment) -> Recovery {
        let sample = Recovery.sample(order: order, declinedAt: declinedAt)
        return Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: sample.route, reference: sample.reference,
            amount: sample.amount,
            declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge,
            phase: sent ? .reconciling(nil, .look) : .due)
    }
}
