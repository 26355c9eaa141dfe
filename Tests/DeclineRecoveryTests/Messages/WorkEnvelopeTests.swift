import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct WorkEnvelopeTests {
    private let now = Moment(rfc3339: "2026-01-02T03:04:05.678Z")!

    @Test(arguments: [
        RecoveryPhase.due, .ready, .unanswered, .capturing("g-1"), .reconciling(nil, .look), .reconciling("g-1", .look),
        .reconciling(nil, .cancel), .reconciling("g-1", .cancel), .seeking(nil), .seeking("g-1"), .watching("g-1", polls: 3), .resting(nil),
        .resting("g-1"),
        .closing(nil, .cancel), .closing("g-1", .look), .closed(nil), .closed("g-1"),
    ])
    func aRecoveryComesBackAsItWas(phase: RecoveryPhase) {
        let sample = Recovery.sample(order: "Ä/\"1\"\n", declinedAt: now)
        for route in [sample.route, .retry(.managed, until: now + .days(21)), .retry(.sync, until: now + .days(1))] {
            for charge in [sample.charge, nil] {
                let recovery = Recovery(
                    merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: route, reference: sample.reference,
                    amount: sample.amount,
                    declinedAt: sample.declinedAt, order: sample.order, verdict: sample.verdict,
                    reply: ReplyAddress(queue: "amq.gen-1", correlationID: "c"), charge: charge, phase: phase, attempts: 7, failures: 2,
                    post: 3,
                    isCancelRequested: charge == nil,
                    origin: charge == nil ? DeclineOrigin() : DeclineOrigin(eventID: "d-1", trigger: .rerun, transactionID: "T-1"))
                #expect(WorkEnvelope.decode(WorkEnvelope.encode(recovery)) == .recovery(recovery))
            }
        }
    }

    @Test func aNewerEnvelopeIsNotGuessedAt() {
        let text = String(decoding: WorkEnvelope.encode(.sample(declinedAt: now)), as: UTF8.self).replacing("work.v1", with: "work.v2")
        #expect(WorkEnvelope.decode(Array(text.utf8)) == .newer(type: "com.salvage.recovery.work.v2"))
    }

    @Test func whatIsNoEnvelopeSaysWhereItFails() {
        let whole = String(decoding: WorkEnvelope.encode(.sample(declinedAt: now)), as: UTF8.self)
        for (old, new, place) in [
            ("\"name\":\"due\"", "\"name\":\"odd\"", "$.data.phase.name"), ("\"attempts\":0", "\"attempts\":\"0\"", "$.data.attempts"),
            ("\"minorUnits\":4999", "\"minorUnits\":null", "$.data.minorUnits"),
            ("\"way\":\"cascade\"", "\"way\":\"walk\"", "$.data.route.way"),
        ] {
            guard case .unreadable(let why) = WorkEnvelope.decode(Array(whole.replacing(old, with: new).utf8)) else {
                Issue.record("\(new) was taken")
                continue
            }
            #expect(why.contains(place), "\(why)")
        }
        guard case .unreadable = WorkEnvelope.decode([0xFF]), case .unreadable = WorkEnvelope.decode(Array("{}".utf8)) else {
            Issue.record("rubbish was taken")
            return
        }
    }
}
