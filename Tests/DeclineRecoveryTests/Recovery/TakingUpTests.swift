import TestSupport
import Testing

@testable import DeclineRecovery

/// How a recovery goes on whose charge may have happened, after it fell out of its path into a dead letter.
@Suite struct TakingUpTests {
    private let declinedAt = Moment(milliseconds: 1_800_000_000_000)
    private var until: Moment { declinedAt + .days(21) }
    private let timing = RecoveryTiming()

    private static let phases: [RecoveryPhase] = [
        .due, .ready, .unanswered, .capturing("g-1"), .reconciling(nil, .look), .reconciling("g-1", .cancel), .seeking(nil),
        .seeking("g-1"),
        .watching("g-1", polls: 3), .resting(nil), .resting("g-1"), .closing(nil, .cancel), .closing("g-1", .look), .closed(nil),
        .closed("g-1"),
    ]

    private func recovery(_ route: RecoveryRoute, _ phase: RecoveryPhase, isCancelRequested: Bool = false) -> Recovery {
        let sample = Recovery.sample(declinedAt: declinedAt)
        return Recovery(
            merchantID: sample.merchantID, gatewayID: sample.gatewayID, route: route, reference: sample.reference, amount: sample.amount,
            declinedAt: declinedAt, order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge, phase: phase,
            attempts: 9,
            failures: 7,
            post: 2, isCancelRequested: isCancelRequested)
    }

    /// Looks and cancels, and nothing that could take money.
    private func isHarmless(_ call: FlexFactorCall) -> Bool {
        switch call {
        case .find, .lookUp, .cancel, .cancelByReference, .recall: true
        case .evaluate, .capture, .refund: false
        }
    }

    /// FlexFactor forgets idempotency keys after a day; nobody knows how long a letter has lain there.
    @Test(arguments: phases)
    func whatIsSentAgainLooksBeforeItCharges(phase: RecoveryPhase) {
        for mode in MITMode.allCases {
            var again = recovery(.retry(mode, until: until), phase).sentAgain()
            #expect(again.failures == 0 && again.attempts == 9 && again.charge != nil)
            guard phase == .due || !phase.mayBeCharged || phase == .unanswered else {
                #expect(again.phase == phase)
                continue
            }
            let since = again.phase == .due ? nil : declinedAt
            #expect(again.next(now: declinedAt + .days(2), timing: timing) == .call(.find(again.reference, since: since)))
        }
        // A checkout is over within the key's memory.
        #expect(recovery(.cascade(deadline: declinedAt + .seconds(60)), phase).sentAgain().phase == phase)
    }

    /// The reference finds the order as well.
    @Test func anIDThatWasTakenOutOfTheLetterIsNotAskedFor() {
        let garbled = RecoveryPhase.capturing(FlexFactorOrderID("d3\(CardDataMark.number)c"))
        guard case .ask(let cascade) = recovery(.cascade(deadline: declinedAt), garbled).takenUp(now: until) else {
            Issue.record("it was handed back")
            return
        }
        #expect(cascade.phase == .reconciling(nil, .look))
        guard case .handBack(let retry) = recovery(.retry(.sync, until: until), garbled).takenUp(now: declinedAt) else {
            Issue.record("it was not handed back")
            return
        }
        #expect(retry.phase == .seeking(nil))
    }

    @Test(arguments: phases)
    func aCascadeIsAskedAboutAndChargedNoMore(phase: RecoveryPhase) throws {
        for now in [declinedAt, declinedAt + .seconds(60), declinedAt + .days(30)] {
            let recovery = recovery(.cascade(deadline: declinedAt + .seconds(60)), phase)
            guard case .ask(var taken) = recovery.takenUp(now: now) else {
                Issue.record("it was handed back")
                return
            }
            #expect(taken.charge == nil && taken.phase == .reconciling(phase.orderID, .look) && taken.failures == 0 && taken.attempts == 9)
            #expect(
                taken.next(now: now, timing: timing)
                    == .call(phase.orderID.map(FlexFactorCall.lookUp) ?? .find(recovery.reference, since: recovery.declinedAt)))
        }
    }

    @Test(arguments: phases)
    func aRetryThatIsOverOrCancelledIsClosed(phase: RecoveryPhase) throws {
        for mode in MITMode.allCases {
            for (now, isCancelRequested) in [(until, false), (until + .days(9), false), (declinedAt + .days(1), true), (until, true)] {
                let recovery = recovery(.retry(mode, until: until), phase, isCancelRequested: isCancelRequested)
                guard case .ask(var taken) = recovery.takenUp(now: now) else {
                    Issue.record("it was handed back")
                    return
                }
                #expect(taken.charge == nil && taken.phase == .closing(phase.orderID, .look) && taken.failures == 0 && taken.post == 2)
                #expect(taken.isCancelRequested == isCancelRequested)
                #expect(
                    taken.next(now: now, timing: timing)
                        == .call(phase.orderID.map(FlexFactorCall.lookUp) ?? .find(recovery.reference, since: recovery.declinedAt)))
            }
        }
    }

    @Test(arguments: phases)
    func aRetryWithDaysLeftGoesBackToItsStage(phase: RecoveryPhase) throws {
        for mode in MITMode.allCases {
            for now in [declinedAt, until + .milliseconds(-1)] {
                let recovery = recovery(.retry(mode, until: until), phase)
                guard case .handBack(let taken) = recovery.takenUp(now: now) else {
                    Issue.record("it was taken from its stage")
                    return
                }
                #expect(
                    taken.charge == recovery.charge && taken.failures == 0 && taken.attempts == 9 && taken.post == 2
                        && taken.phase.orderID == phase.orderID)
            }
        }
    }

    /// Of these it is not known what the last request did. (`resting` is the pause between two posts, and what is closed stays closed.)
    @Test(arguments: [
        RecoveryPhase.due, .ready, .unanswered, .capturing("g-1"), .reconciling("g-1", .cancel), .reconciling(nil, .look), .seeking(nil),
        .seeking("g-1"),
        .watching("g-1", polls: 3), .closing("g-1", .look),
    ])
    func whatIsHandedBackAsksBeforeItRepeats(phase: RecoveryPhase) throws {
        for mode in MITMode.allCases {
            guard case .handBack(var taken) = recovery(.retry(mode, until: until), phase).takenUp(now: declinedAt) else {
                Issue.record("it was taken from its stage")
                return
            }
            guard case .call(let call) = taken.next(now: declinedAt, timing: timing) else {
                Issue.record("\(phase) makes no call")
                return
            }
            #expect(call == phase.orderID.map(FlexFactorCall.lookUp) ?? .find(taken.reference, since: taken.declinedAt), "\(phase)")
        }
    }

    /// Asking may take many steps; none of them takes money, whatever FlexFactor says.
    @Test func noAskingEverCharges() {
        var random = SeededRandom(seed: 3)
        let states: [FlexFactorOrder.State] = [
            .draft, .onHold, .cancelled, .problem, .processing, .captureRequired, .returned, .unrecognised("new"),
        ]
        for round in 0..<3_000 {
            let isCascade = Bool.random(using: &random)
            let route: RecoveryRoute =
                isCascade
                ? .cascade(deadline: declinedAt + .seconds(60)) : .retry(MITMode.allCases.randomElement(using: &random)!, until: until)
            let phase = Self.phases.randomElement(using: &random)!
            var now = isCascade ? declinedAt + .seconds(60) : until
            guard case .ask(var taken) = recovery(route, phase).takenUp(now: now) else {
                Issue.record("round \(round): handed back")
                return
            }
            for _ in 0..<40 {
                guard case .call(let call) = taken.next(now: now, timing: timing) else { break }
                guard isHarmless(call) else {
                    Issue.record("round \(round): \(phase) made \(call)")
                    return
                }
                let answer: FlexFactorAnswer =
                    switch (call, Int.random(in: 0..<6, using: &random)) {
                    case (_, 0):
                        .failed(
                            [
                                .unknown(.timedOut), .conflict, .throttled(retryAfter: nil), .refused(status: 400, []),
                                .notSent(.rateLimited),
                            ]
                            .randomElement(using: &random)!)
                    case (_, 1): .noSuchOrder
                    case (.cancel, 2...3), (.cancelByReference, 2...3): .cancelAccepted
                    case (.cancel, _), (.cancelByReference, _): .cancelRefused
                    default: .found(FlexFactorOrder(id: "g-1", state: states.randomElement(using: &random)!))
                    }
                if case .conclude = taken.learned(answer, now: now, timing: timing) { break }
                now = now + .seconds(Int64.random(in: 0...90, using: &random))
            }
        }
    }
}
