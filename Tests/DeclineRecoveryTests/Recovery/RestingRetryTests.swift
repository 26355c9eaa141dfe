import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct RestingRetryTests {
    /// A letter holds the message as it was taken up: the post that may be out stands not in it. `resting` posts at once.
    @Test func aRestingRetryIsLookedUpBeforeItIsPostedAgain() {
        let now = Moment.in2026(0)
        let sample = Recovery.sample(declinedAt: now)
        let recovery = Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(.sync, until: now + .days(9)), reference: sample.reference,
            amount: sample.amount,
            declinedAt: now, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge, phase: .resting("g-1"))
        guard case .handBack(var taken) = recovery.takenUp(now: now) else {
            Issue.record("not handed back")
            return
        }
        #expect(taken.next(now: now, timing: RecoveryTiming()) == .call(.lookUp("g-1")))
    }

    /// Posts of a sync retry are of one order. Where the answer to a later one was lost, the order that was named before says how it stands, and the
    /// list, which need not know our reference, is not asked.
    @Test func whatWasNamedBeforeIsLookedAtWhenALaterAnswerIsLost() throws {
        let timing = RecoveryTiming()
        let until = Moment.in2026(0) + .days(9)
        func lost(at now: Moment) throws -> Recovery {
            var recovery = Recovery.sample(declinedAt: .in2026(0)).at(.resting("g-1"), route: .retry(.sync, until: until))
            guard case .call(.evaluate) = recovery.next(now: now, timing: timing),
                case .park = recovery.learned(.failed(.unknown(.timedOut)), now: now, timing: timing),
                case .recovery(let read) = WorkEnvelope.decode(WorkEnvelope.encode(recovery))
            else { throw Unread() }
            #expect(read.phase == .seeking(nil) && read.evidence.named == "g-1")
            return read
        }
        let now = Moment.in2026(0) + .minutes(60)
        var paid = try lost(at: now)
        #expect(paid.next(now: now, timing: timing) == .call(.lookUp("g-1")))
        #expect(
            paid.learned(.found(FlexFactorOrder(id: "g-1", state: .completed)), now: now, timing: timing)
                == .conclude(.approved(.reconciled, "g-1")))
        // Where it is denied, the post is asked for by itself, as ever.
        var denied = try lost(at: now)
        _ = denied.next(now: now, timing: timing)
        #expect(denied.learned(.noSuchOrder, now: now, timing: timing) == nil && denied.phase == .unanswered)
        // And at the end of its days.
        var late = try lost(at: now)
        #expect(late.next(now: until, timing: timing) == .call(.lookUp("g-1")) && late.phase == .closing(nil, .look))
    }

    private struct Unread: Error {}
}
