import TestSupport
import Testing

@testable import DeclineRecovery

/// What it takes to say that FlexFactor never had an order, and how an order is known that no list shows.
@Suite struct ProofOfAbsenceTests {
    private let declinedAt = Moment.in2026(0)
    private let timing = RecoveryTiming()
    private var deadline: Moment { declinedAt + .seconds(60) }

    private func cascade(_ phase: RecoveryPhase, evidence: OrderEvidence = OrderEvidence()) -> Recovery {
        let sample = Recovery.sample(declinedAt: declinedAt)
        return Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: sample.route, reference: sample.reference,
            amount: sample.amount,
            declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge, phase: phase,
            evidence: evidence)
    }

    private func retry(_ mode: MITMode, _ phase: RecoveryPhase, evidence: OrderEvidence = OrderEvidence()) -> Recovery {
        let sample = Recovery.sample(declinedAt: declinedAt)
        return Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: .retry(mode, until: declinedAt + .days(21)),
            reference: sample.reference,
            amount: sample.amount, declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge,
            phase: phase,
            evidence: evidence)
    }

    @Test func oneDenialIsNoProofAndTheSecondIs() {
        var recovery = cascade(.reconciling(nil, .cancel))
        #expect(recovery.learned(.noSuchOrder, now: deadline + .seconds(200), timing: timing) == .park(until: deadline + .seconds(320)))
        #expect(recovery.next(now: deadline + .seconds(320), timing: timing) == .call(.find(recovery.reference, since: declinedAt)))
        #expect(recovery.learned(.notListed, now: deadline + .seconds(320), timing: timing) == nil)
        #expect(recovery.next(now: deadline + .seconds(320), timing: timing) == .call(.cancelByReference(recovery.reference)))
        #expect(recovery.learned(.noSuchOrder, now: deadline + .seconds(320), timing: timing) == .conclude(.neverArrived))
    }

    /// A copy that comes days later is settled like any other, and is no case for a person.
    @Test func aDenialSettlesHoweverLateItIs() {
        var late = cascade(.reconciling(nil, .cancel))
        let now = deadline + .days(9)
        #expect(late.learned(.noSuchOrder, now: now, timing: timing) == .park(until: now + .seconds(120)))
    }

    @Test func denialsSideBySideAreOne() {
        var recovery = cascade(.reconciling(nil, .cancel))
        _ = recovery.learned(.noSuchOrder, now: deadline + .seconds(200), timing: timing)
        recovery.phase = .reconciling(nil, .cancel)
        guard case .park = recovery.learned(.noSuchOrder, now: deadline + .seconds(201), timing: timing) else {
            Issue.record("the settling time was not between")
            return
        }
    }

    @Test func aListThatShowsNothingOrCannotBeHadLeadsToTheCallThatKnowsOurID() {
        for answer: FlexFactorAnswer in [
            .notListed, .failed(.unknown(.barred(status: 404))), .failed(.unknown(.unreadable("oddly named"))),
        ] {
            var recovery = cascade(.reconciling(nil, .look))
            _ = recovery.learned(answer, now: deadline, timing: timing)
            #expect(recovery.next(now: deadline, timing: timing) == .call(.cancelByReference(recovery.reference)))
        }
    }

    @Test func anEdgeThatSays404DeniesNothing() {
        var recovery = cascade(.reconciling(nil, .cancel), evidence: OrderEvidence(order: .denied(since: declinedAt)))
        guard
            case .park = recovery.learned(.failed(.unknown(.barred(status: 404))), now: deadline + .days(0) + .seconds(900), timing: timing)
        else {
            Issue.record("an edge was believed")
            return
        }
    }

    /// A refusal proves the order, and the request repeated under its key brings the answer that was lost.
    @Test func whatCannotBeCancelledIsThereAndIsRecalled() throws {
        var recovery = cascade(.reconciling(nil, .cancel))
        let now = deadline + .seconds(1)
        #expect(recovery.learned(.cancelRefused, now: now, timing: timing) == nil)
        let charge = try #require(recovery.charge)
        #expect(
            recovery.next(now: now, timing: timing)
                == .call(.recall(charge, idempotencyKey: recovery.idempotencyKey(of: .evaluate(post: 1)))))
        // It is the answer of then, so the order is looked at.
        #expect(recovery.learned(.evaluated(.approved, "g-1"), now: now, timing: timing) == nil)
        #expect(recovery.next(now: now, timing: timing) == .call(.lookUp("g-1")))
        #expect(
            recovery.learned(.found(FlexFactorOrder(id: "g-1", state: .completed)), now: now, timing: timing)
                == .conclude(.approved(.reconciled, "g-1")))
    }

    /// After a day FlexFactor may have forgotten the key, and the repeat would be a charge.
    @Test func whatMayBeForgottenIsNotRecalled() {
        var recovery = cascade(.reconciling(nil, .cancel), evidence: OrderEvidence(sentAt: declinedAt))
        let now = declinedAt + .minutes(1_201)
        _ = recovery.learned(.cancelRefused, now: now, timing: timing)
        #expect(recovery.next(now: now, timing: timing) == .call(.find(recovery.reference, since: declinedAt)))
    }

    /// A denial that contradicts what was known is no knowledge.
    @Test func whatWasSeenOnceIsNeverAbsent() {
        for order in [OrderEvidence.Word.known, .cancelled(since: declinedAt)] {
            for phase in [RecoveryPhase.reconciling(nil, .cancel), .reconciling("g-1", .look), .reconciling("g-1", .cancel)] {
                var recovery = cascade(phase, evidence: OrderEvidence(order: order))
                for minutes in 3..<9 {
                    let stop = recovery.learned(.noSuchOrder, now: deadline + .minutes(Int64(minutes)), timing: timing)
                    #expect(stop != .conclude(.neverArrived), "\(order) \(phase)")
                    recovery.phase = phase
                }
            }
        }
    }

    @Test func whatNobodySentNeedsNoCall() {
        var late = cascade(.due)
        late.pickUp(redelivered: true, isKnownUnsent: true)
        #expect(late.next(now: deadline, timing: timing) == .stop(.conclude(.neverArrived)))
        for mode in MITMode.allCases {
            var first = retry(mode, .due)
            first.pickUp(redelivered: false, isKnownUnsent: true)
            guard case .call(.evaluate) = first.next(now: declinedAt, timing: timing) else {
                Issue.record("the first charge looked for itself")
                return
            }
            var over = retry(mode, .due)
            over.pickUp(redelivered: false, isKnownUnsent: true)
            #expect(over.next(now: declinedAt + .days(21), timing: timing) == .stop(.conclude(.expired(.neverArrived, nil))))
        }
        // What may have been sent is asked about.
        var sent = cascade(.unanswered)
        sent.pickUp(redelivered: false, isKnownUnsent: true)
        #expect(sent.next(now: deadline, timing: timing) == .call(.find(sent.reference, since: declinedAt)))
    }

    @Test func aRetryHangsOnNoList() {
        for answer: FlexFactorAnswer in [
            .notListed, .failed(.unknown(.barred(status: 403))), .failed(.unknown(.unreadable("oddly named"))),
        ] {
            var recovery = retry(.managed, .due)
            #expect(recovery.learned(answer, now: declinedAt, timing: timing) == nil)
            guard case .call(.evaluate) = recovery.next(now: declinedAt, timing: timing) else {
                Issue.record("it hangs on \(answer)")
                return
            }
        }
    }

    /// Beyond the memory of keys a managed charge is only looked for; a sync one is posted anew, which tells how it is.
    @Test func aChargeIsNotRepeatedUnderAKeyThatMayBeForgotten() {
        let late = declinedAt + .days(2)
        var managed = retry(.managed, .unanswered, evidence: OrderEvidence(sentAt: declinedAt))
        #expect(managed.next(now: late, timing: timing) == .call(.find(managed.reference, since: declinedAt)))
        guard case .park = managed.learned(.notListed, now: late, timing: timing) else {
            Issue.record("it goes on at once")
            return
        }
        #expect(managed.next(now: late + .days(1), timing: timing) == .call(.find(managed.reference, since: declinedAt)))
        var sync = retry(.sync, .unanswered, evidence: OrderEvidence(sentAt: declinedAt))
        guard case .call(.evaluate(_, let key)) = sync.next(now: late, timing: timing) else {
            Issue.record("the sync post does not go out")
            return
        }
        #expect(key == sync.idempotencyKey(of: .evaluate(post: 2)))
    }

    /// FlexFactor knows the key with other content: two charges went out under it.
    @Test func aConflictThatLastsIsADeadLetter() {
        var recovery = retry(.managed, .ready)
        _ = recovery.next(now: declinedAt, timing: timing)
        guard case .park = recovery.learned(.failed(.conflict), now: declinedAt, timing: timing) else {
            Issue.record("a request may be in progress")
            return
        }
        recovery.phase = .unanswered
        #expect(recovery.learned(.failed(.conflict), now: declinedAt + .seconds(120), timing: timing) == .giveUp(.keyConflict))
    }

    /// Neither paid nor absent: it is asked again.
    @Test func anOrderOfAnotherAccountLeavesItUnknown() {
        var recovery = cascade(.reconciling("g-1", .look))
        if case .conclude = recovery.learned(.failed(.unknown(.otherAccount)), now: declinedAt + .seconds(90), timing: timing) {
            Issue.record("\(recovery.phase)")
        }
    }

    /// What another account says is no word about this recovery; what was never sent goes wherever the gateway points.
    @Test func anotherAccountIsNotAsked() {
        var sent = cascade(.unanswered)
        sent.account = "m-1"
        #expect(sent.isMisdirected(to: "m-2") && !sent.isMisdirected(to: "m-1") && !sent.isMisdirected(to: nil) && sent.account == "m-1")
        var unsent = cascade(.due)
        unsent.account = "m-1"
        #expect(!unsent.isMisdirected(to: "m-2") && unsent.account == "m-2")
        guard case .recovery(let read) = WorkEnvelope.decode(WorkEnvelope.encode(unsent)) else {
            Issue.record("unreadable")
            return
        }
        #expect(read.account == "m-2")
    }

    @Test(arguments: [
        OrderEvidence(order: .denied(since: .in2026(5)), sentAt: .in2026(4)), OrderEvidence(order: .known, conflictSince: .in2026(7)),
        OrderEvidence(order: .cancelled(since: .in2026(9))), OrderEvidence(order: .cancelled(since: .in2026(9)), isApproved: true),
        OrderEvidence(),
        OrderEvidence(order: .denied(since: .in2026(5)), seen: .max),
    ])
    func evidenceTravels(evidence: OrderEvidence) {
        for phase in [RecoveryPhase.reconciling(nil, .recall), .challenged("g-1", .cancel), .challenged(nil, .look)] {
            let recovery = cascade(phase, evidence: evidence)
            guard case .recovery(let read) = WorkEnvelope.decode(WorkEnvelope.encode(recovery)) else {
                Issue.record("unreadable")
                return
            }
            #expect(read == recovery)
        }
    }
}

/// What FlexFactor's answers come to.
@Suite struct AnswerTests {
    private let declinedAt = Moment.in2026(0)
    private let timing = RecoveryTiming()

    private func at(_ phase: RecoveryPhase, _ route: RecoveryRoute? = nil) -> Recovery {
        let sample = Recovery.sample(declinedAt: declinedAt)
        return Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: route ?? sample.route, reference: sample.reference,
            amount: sample.amount,
            declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge, phase: phase)
    }

    @Test func aChallengeIsCancelledBeforeItIsToldAsDeclined() {
        var recovery = at(.due)
        #expect(recovery.learned(.evaluated(.challenge, "g-1"), now: declinedAt, timing: timing) == nil)
        #expect(recovery.next(now: declinedAt, timing: timing) == .call(.cancel("g-1")))
        // Accepted or not, it may have been solved in that very moment.
        for answer in [FlexFactorAnswer.cancelAccepted, .cancelRefused] {
            var closed = recovery
            #expect(closed.learned(answer, now: declinedAt, timing: timing) == nil)
            #expect(closed.next(now: declinedAt, timing: timing) == .call(.lookUp("g-1")))
            var solved = closed
            #expect(
                closed.learned(.found(FlexFactorOrder(id: "g-1", state: .cancelled)), now: declinedAt, timing: timing)
                    == .conclude(.declined(.challenge, "g-1")))
            #expect(
                solved.learned(.found(FlexFactorOrder(id: "g-1", state: .completed)), now: declinedAt, timing: timing)
                    == .conclude(.approved(.reconciled, "g-1")))
        }
        var unnamed = at(.challenged(nil, .cancel))
        #expect(unnamed.learned(.cancelAccepted, now: declinedAt, timing: timing) == .conclude(.declined(.challenge, nil)))
    }

    /// What FlexFactor is at work on may be solved, and what it authorised is to be settled: neither is told as declined meanwhile.
    @Test func aChallengeThatGoesOnIsNotTold() {
        func refused(_ state: FlexFactorOrder.State, after seconds: Int64 = 0) -> (Recovery, RecoveryStop?) {
            var recovery = at(.challenged("g-1", .look))
            let stop = recovery.learned(
                .found(FlexFactorOrder(id: "g-1", state: state)), now: declinedAt + .seconds(seconds), timing: timing)
            return (recovery, stop)
        }
        for state in [FlexFactorOrder.State.processing, .problem, .unrecognised("Solving")] {
            let (recovery, stop) = refused(state)
            guard case .park = stop, recovery.phase == .challenged("g-1", .cancel) else {
                Issue.record("\(state): \(stop.debugDescription)")
                return
            }
            // However long the customer has been gone, it is looked at until it is known.
            let (late, lateStop) = refused(state, after: 61)
            guard case .park = lateStop, late.phase == .reconciling("g-1", .look) else {
                Issue.record("\(state): \(lateStop.debugDescription)")
                return
            }
        }
        for state in [FlexFactorOrder.State.draft, .onHold] { #expect(refused(state).1 == .conclude(.declined(.challenge, "g-1"))) }
        var (authorised, stop) = refused(.captureRequired)
        #expect(stop == nil && authorised.phase == .capturing("g-1"))
        (authorised, stop) = refused(.captureRequired, after: 61)
        #expect(stop == nil && authorised.next(now: declinedAt + .seconds(61), timing: timing) == .call(.cancel("g-1")))
    }

    /// FlexFactor goes on trying a merchant's charge after its first answer, so it is stopped before the CRM charges elsewhere.
    @Test func theEndOfATrialIsCancelledBeforeItIsToldAsDeclined() {
        let sample = Recovery.sample(declinedAt: declinedAt)
        let was = sample.charge!
        let charge = Charge(
            reference: sample.reference, isMerchantInitiated: true, isRecurring: false, expiry: nil, customerIP: nil, amount: was.amount,
            declinedAt: declinedAt, decline: was.decline, payer: was.payer, billing: was.billing, shipping: nil,
            paymentMethod: was.paymentMethod, items: [])
        for (status, id) in [(EvaluationStatus.declined, "g-1"), (.cancelled, "g-1"), (.expired, "g-1"), (.declined, nil)]
            as [(EvaluationStatus, FlexFactorOrderID?)]
        {
            var recovery = Recovery(
                merchantID: "acme", gatewayID: "42", route: sample.route, charge: charge, order: sample.order, verdict: sample.verdict,
                reply: nil)
            #expect(recovery.learned(.evaluated(status, id), now: declinedAt, timing: timing) == nil)
            #expect(
                recovery.next(now: declinedAt, timing: timing)
                    == .call(id.map(FlexFactorCall.cancel) ?? .cancelByReference(sample.reference)))
            let asked = recovery
            var refused = recovery
            if id == nil {
                #expect(recovery.learned(.cancelAccepted, now: declinedAt, timing: timing) == .conclude(.declined(.byFlexFactor, nil)))
            } else {
                // It may have been charged as it was cancelled.
                #expect(recovery.learned(.cancelAccepted, now: declinedAt, timing: timing) == nil)
                var charged = recovery
                #expect(charged.next(now: declinedAt, timing: timing) == .call(.lookUp("g-1")))
                #expect(
                    charged.learned(.found(FlexFactorOrder(id: "g-1", state: .completed)), now: declinedAt, timing: timing)
                        == .conclude(.approved(.reconciled, "g-1")))
            }
            #expect(refused.learned(.cancelRefused, now: declinedAt, timing: timing) == nil)
            guard id != nil else {
                // FlexFactor knows no order to cancel: that is waited out, and no circle.
                var unknown = asked
                guard case .park = unknown.learned(.noSuchOrder, now: declinedAt, timing: timing) else {
                    Issue.record("no wait")
                    return
                }
                let late = declinedAt + .seconds(61)
                #expect(unknown.learned(.noSuchOrder, now: late, timing: timing) == .conclude(.declined(.byFlexFactor, nil)))
                continue
            }
            var tried = refused
            #expect(
                refused.learned(.found(FlexFactorOrder(id: "g-1", state: .cancelled)), now: declinedAt, timing: timing)
                    == .conclude(.declined(.byFlexFactor, "g-1")))
            // What FlexFactor is at work on is not over with the deadline.
            let late = declinedAt + .seconds(61)
            #expect(tried.learned(.found(FlexFactorOrder(id: "g-1", state: .processing)), now: late, timing: timing) == nil)
            #expect(tried.next(now: late, timing: timing) == .call(.cancel("g-1")))
        }
    }

    /// Each refusal is waited after, and the sale is voided only when its time is over. A retry looks between, for weeks may pass.
    @Test func aRefusedCaptureWaits() {
        for route in [nil, RecoveryRoute.retry(.managed, until: declinedAt + .days(9))] {
            var recovery = at(.capturing("g-1"), route)
            var now = declinedAt
            for round in 0..<4 {
                if route != nil, recovery.phase == .seeking("g-1") {
                    #expect(recovery.next(now: now, timing: timing) == .call(.lookUp("g-1")))
                    _ = recovery.learned(.found(FlexFactorOrder(id: "g-1", state: .captureRequired)), now: now, timing: timing)
                }
                guard case .call(.capture) = recovery.next(now: now, timing: timing) else {
                    Issue.record("it is not captured")
                    return
                }
                let stop = recovery.learned(.failed(.refused(status: 400, [])), now: now, timing: timing)
                switch stop {
                // FlexFactor has it, and the CRM hears so once.
                case .submitted("g-1", let until)? where route != nil && round == 0: #expect(until >= now + .seconds(1))
                case .park(let until)? where route == nil || round > 0: #expect(until >= now + .seconds(1))
                default: Issue.record("round \(round): \(String(describing: stop))")
                }
                now = now + .seconds(1)
            }
            #expect(recovery.phase == (route == nil ? .capturing("g-1") : .seeking("g-1")))
        }
        // The answer was lost, and a repeat is refused: the order says that it was taken.
        var taken = at(.seeking("g-1"), .retry(.managed, until: declinedAt + .days(9)))
        #expect(
            taken.learned(.found(FlexFactorOrder(id: "g-1", state: .completed)), now: declinedAt, timing: timing)
                == .conclude(.approved(.reconciled, "g-1")))
        // Where we repeat, a capture that fails is "declined" for now.
        var failed = at(.capturing("g-1"), .retry(.sync, until: declinedAt + .days(9)))
        _ = failed.learned(.captureFailed(code: nil), now: declinedAt, timing: timing)
        #expect(failed.phase == .resting("g-1"))
        var over = at(.capturing("g-1"))
        #expect(over.next(now: declinedAt + .seconds(60), timing: timing) == .call(.lookUp("g-1")))
        _ = over.learned(.found(FlexFactorOrder(id: "g-1", state: .captureRequired)), now: declinedAt + .seconds(60), timing: timing)
        #expect(over.next(now: declinedAt + .seconds(60), timing: timing) == .call(.cancel("g-1")))
    }

    @Test func aManagedOrderThatSaysCancelledIsLookedAtAgain() {
        let route = RecoveryRoute.retry(.managed, until: declinedAt + .days(9))
        var recovery = at(.watching("g-1", polls: 0), route)
        #expect(
            recovery.learned(.found(FlexFactorOrder(id: "g-1", state: .cancelled)), now: declinedAt, timing: timing)
                == .park(until: declinedAt + .seconds(120)))
        let later = declinedAt + .seconds(120)
        #expect(recovery.next(now: later, timing: timing) == .call(.lookUp("g-1")))
        var goesOn = recovery
        #expect(
            recovery.learned(.found(FlexFactorOrder(id: "g-1", state: .cancelled)), now: later, timing: timing)
                == .conclude(.expired(.closed, "g-1")))
        _ = goesOn.learned(.found(FlexFactorOrder(id: "g-1", state: .processing)), now: later, timing: timing)
        #expect(goesOn.phase == .watching("g-1", polls: 0))
    }

    @Test func whereWeRepeatCancelledIsDeclinedForNow() {
        let until = declinedAt + .days(9)
        var recovery = at(.seeking("g-1"), .retry(.sync, until: until))
        guard case .submitted = recovery.learned(.found(FlexFactorOrder(id: "g-1", state: .cancelled)), now: declinedAt, timing: timing)
        else {
            Issue.record("it was taken for the end")
            return
        }
        #expect(recovery.phase == .resting("g-1"))
        var answered = at(.ready, .retry(.sync, until: until))
        _ = answered.learned(.evaluated(.cancelled, "g-1"), now: declinedAt, timing: timing)
        #expect(answered.phase == .resting("g-1"))
    }

    /// Not executed, and not before the customer is gone: that is an answer.
    @Test func aThrottleBeyondTheDeadlineIsAnAnswer() {
        var recovery = at(.due)
        #expect(
            recovery.learned(.failed(.throttled(retryAfter: .seconds(3_600))), now: declinedAt, timing: timing) == .conclude(.unavailable))
        var soon = at(.due)
        guard case .park = soon.learned(.failed(.throttled(retryAfter: .seconds(2))), now: declinedAt, timing: timing) else {
            Issue.record("two seconds can be waited")
            return
        }
    }

    /// The way there is barred: nothing is said of the event.
    /// However long it waits between its tries: at the deadline it begins to ask.
    @Test func noWaitOfACascadeGoesPastItsDeadline() {
        let now = declinedAt
        let deadline = now + .seconds(60)
        for second in 1..<60 {
            for failure in [
                CallFailure.unknown(.barred(status: 403)), .throttled(retryAfter: .seconds(3_600)),
                .notSent(.circuitOpen(until: now + .seconds(90))),
            ] {
                let sample = Recovery.sample(declinedAt: now)
                var recovery = Recovery(
                    merchantID: "acme", gatewayID: "42", route: .cascade(deadline: deadline), reference: sample.reference,
                    amount: sample.amount, declinedAt: now,
                    order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge, phase: .unanswered, attempts: second,
                    failures: second)
                guard case .park(let until)? = recovery.learned(.failed(failure), now: now + .seconds(Int64(second)), timing: timing) else {
                    Issue.record("\(failure) at \(second) s is no reason to stop")
                    return
                }
                #expect(until <= deadline + .seconds(1) && until > now + .seconds(Int64(second)))
            }
        }
    }

    @Test func aBarredWayRejectsNothing() {
        for route in [nil, RecoveryRoute.retry(.managed, until: declinedAt + .days(9))] {
            var recovery = at(route == nil ? .due : .ready, route)
            guard case .park = recovery.learned(.failed(.unknown(.barred(status: 403))), now: declinedAt, timing: timing) else {
                Issue.record("it does not wait")
                return
            }
        }
    }
}
