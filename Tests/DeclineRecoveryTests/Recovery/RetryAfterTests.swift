import TestSupport
import Testing

@testable import DeclineRecovery

/// FlexFactor says when it wants to be asked again, beside a 429 or a 5xx: nobody comes earlier.
@Suite struct RetryAfterTests {
    private let now = Moment.in2026(0)
    private let timing = RecoveryTiming()
    private static let wait = Moment.Span.seconds(20)
    private let overloaded = FlexFactorAnswer.failed(.unknown(.serverError(status: 503, retryAfter: Self.wait)))

    private func parkedUntil(_ stop: RecoveryStop?) -> Moment? {
        switch stop {
        case .park(let until)?, .submitted(_, let until)?: until
        default: nil
        }
    }

    /// It may have been charged, so it is asked for again with the same key; but not at once.
    @Test func anInstantChargeIsRepeatedWhenFlexFactorSaysSo() throws {
        let due = Recovery.sample(declinedAt: now)
        var recovery = due
        let until = try #require(parkedUntil(recovery.learned(overloaded, now: now, timing: timing)))
        #expect(until >= now + Self.wait && until < now + .seconds(60) && recovery.phase == .unanswered)
        // The customer is not kept waiting beyond the deadline, from which FlexFactor is only asked.
        var long = due
        let answer = FlexFactorAnswer.failed(.unknown(.serverError(status: 503, retryAfter: .days(1))))
        #expect(long.learned(answer, now: now, timing: timing) == .park(until: now + .seconds(60)))
        // Where nothing is said, the first repeat goes out at once.
        var blip = due
        #expect(blip.learned(.failed(.unknown(.serverError(status: 503))), now: now, timing: timing) == nil)
    }

    /// Without a token nothing was sent: who cannot have one in time is told so at once, and a retry waits.
    @Test func aTokenIsWaitedForAsLongAsFlexFactorSays() throws {
        func tokenless(_ wait: Moment.Span) -> FlexFactorAnswer { .failed(.notSent(.noTokenYet("429", retryAfter: wait))) }
        var recovery = Recovery.sample(declinedAt: now)
        let until = try #require(parkedUntil(recovery.learned(tokenless(Self.wait), now: now, timing: timing)))
        #expect(until >= now + Self.wait && recovery.phase == .due)
        var late = Recovery.sample(declinedAt: now)
        #expect(late.learned(tokenless(.seconds(60)), now: now, timing: timing) == .conclude(.unavailable))
        for phase in [RecoveryPhase.due, .ready, .seeking("g-1"), .watching("g-1", polls: 0)] {
            var retry = Recovery.sample(declinedAt: now).at(phase, route: .retry(.managed, until: now + .days(9)))
            let again = try #require(parkedUntil(retry.learned(tokenless(.seconds(3_600)), now: now, timing: timing)), "\(phase)")
            #expect(again >= now + .seconds(3_600) && retry.phase == phase, "\(phase)")
        }
    }

    @Test func aRetryWaitsInWhateverPhaseItIs() throws {
        let route = RecoveryRoute.retry(.managed, until: now + .days(9))
        let phases: [RecoveryPhase] = [
            .due, .ready, .unanswered, .seeking(nil), .seeking("g-1"), .capturing("g-1"), .watching("g-1", polls: 0), .closing(nil, .look),
            .closing(nil, .cancel), .closed("g-1"),
        ]
        for phase in phases {
            var recovery = Recovery.sample(declinedAt: now).at(phase, route: route)
            let until = try #require(parkedUntil(recovery.learned(overloaded, now: now, timing: timing)), "\(phase)")
            #expect(until >= now + Self.wait, "\(phase)")
        }
    }

    @Test func soDoCommandsAndNews() throws {
        var cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A-R7-88-7")), gateways: ["42"], since: now, phase: .cancelling(0)
        )
        guard case .park(let again)? = cancellation.learned(overloaded, now: now, timing: timing) else {
            Issue.record("a cancel that was not answered goes on")
            return
        }
        #expect(again >= now + Self.wait)
        let event =
            #"{"specversion":"1.0","id":"r-1","source":"s","type":"com.salvage.refund.v1","data":{"merchantId":"acme","recoveryReference":"A-S0"}}"#
        guard case .refund(let command) = CRMMessage.decode(Array(event.utf8)) else {
            Issue.record("it was not read")
            return
        }
        var refund = Refund(command, gateways: ["42"], since: now)
        guard case .park(let later)? = refund.learned(overloaded, now: now, timing: timing) else {
            Issue.record("a refund whose order was not shown goes on")
            return
        }
        #expect(later >= now + Self.wait)
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .completed, reference: RecoveryReference("A-R7-88-7"), orderID: "g-1",
            receivedAt: now)
        #expect(
            news.learned(overloaded, isCancelRequested: false, now: now, timing: timing, owns: { _ in true }) == .wait(Self.wait))
    }
}
