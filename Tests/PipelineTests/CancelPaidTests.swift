import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// A command to cancel what the CRM was told of as paid, while FlexFactor would do it; or what rests.
@Suite struct CancelPaidTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(Self.now)
    private let claims = MemoryClaims(now: Self.now)
    private let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1)

    private func tell(_ reason: ResultReason) {
        let result = ResultEvent(
            subject: .recovery(reference, RecoveredOrder(reference)), merchantID: "acme", reason: reason, gatewayID: "42",
            flexFactorOrderID: "g-1", occurredAt: Self.now)
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: reference, debt: nil, amount: nil, act: .told(Claim.Told(reason.kind, .known)),
                until: Self.now + .days(40), result: result), by: "w-2")
    }

    private func claim(_ act: Claim.Act, of order: FlexFactorOrderID? = nil) -> Claimed {
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: reference, debt: nil, amount: nil, act: act, until: Self.now + .days(40), orderID: order),
            by: "w-2")
    }

    private func command(_ phase: Cancellation.Phase = .looking(0), word: Cancellation.Word? = nil) -> Cancellation {
        Cancellation(
            merchantID: "acme", reference: reference, commandID: "c-1", gateways: ["42"], since: Self.now, phase: phase, word: word)
    }

    /// Hands the command to the stage until it ends.
    ///
    /// - Parameter watch: called before each step.
    private func carryOut(
        _ command: Cancellation, _ flexFactor: ScriptedFlexFactor, _ watch: (_ step: Int) -> Void = { _ in }
    ) async -> (kinds: [ResultKind], letters: [StageMessage]) {
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        var (kinds, letters): ([ResultKind], [StageMessage]) = ([], [])
        var next: [UInt8]? = command.encoded()
        for step in 0..<20 {
            guard let body = next else { break }
            watch(step)
            let outcome = await stage.handle(IncomingMessage(body: body, type: Cancellation.type))
            kinds += outcome.kinds
            letters += outcome.publishing.filter { $0.destination == .deadLetters }
            next = nil
            for sent in outcome.publishing where sent.type == Cancellation.type {
                if case .delayed(_, let span) = sent.destination { clock.pass(span) }
                next = sent.body
            }
        }
        return (kinds, letters)
    }

    /// FlexFactor, which shows the order only by its id.
    private func flexFactor(_ state: FlexFactorOrder.State, cancel answer: FlexFactorAnswer = .cancelAccepted) -> ScriptedFlexFactor {
        ScriptedFlexFactor { call, _ in
            switch call {
            case .cancelByReference: answer
            case .lookUp: .order(state)
            default: .notListed
            }
        }
    }

    private func asksToCancel(_ flexFactor: ScriptedFlexFactor) -> Bool {
        flexFactor.calls.contains { if case .cancelByReference = $0 { true } else { false } }
    }

    @Test(arguments: [ResultReason.approved(.answered), .cancelled])
    func whatWasToldIsToldAgainAndNobodyIsAsked(reason: ResultReason) async {
        tell(reason)
        let flexFactor = flexFactor(.completed)
        let end = await carryOut(command(), flexFactor)
        #expect(end.kinds == [reason.kind] && end.letters.isEmpty && flexFactor.calls.isEmpty)
    }

    /// What was told stands on the stream and cannot be read for a while.
    @Test func whileTheApprovalCannotBeReadNobodyIsAsked() async {
        tell(.approved(.answered))
        let flexFactor = flexFactor(.completed)
        let end = await carryOut(command(), flexFactor) { claims.isReachable = $0 > 5 }
        #expect(end.kinds == [.approved] && flexFactor.calls.isEmpty)
    }

    /// It was told between the look and the cancel, which a pod that died may have asked for.
    @Test(arguments: [(FlexFactorOrder.State.completed, 0), (.cancelled, 1)] as [(FlexFactorOrder.State, Int)])
    func whatMayHaveBeenAskedIsLookedAtAndNotAskedForAgain(state: FlexFactorOrder.State, letters: Int) async {
        tell(.approved(.notified))
        let flexFactor = flexFactor(state)
        let end = await carryOut(command(.cancelling(0)), flexFactor)
        #expect(end.kinds == [.approved] && end.letters.count == letters && !asksToCancel(flexFactor))
        // The list shows nothing of it, and the accepted cancel is no word beside an approval.
        let blind = await carryOut(command(.settling(0), word: .accepted), flexFactor)
        #expect(blind.kinds == [.approved] && blind.letters.map(\.messageID) == end.letters.map(\.messageID))
    }

    /// FlexFactor refused for the money was taken, and its webhook came meanwhile.
    @Test func anApprovalThatComesMeanwhileIsTheAnswer() async {
        let flexFactor = flexFactor(.completed, cancel: .cancelRefused)
        let end = await carryOut(command(), flexFactor) { step in
            if step == 3 { tell(.approved(.notified)) }
        }
        #expect(asksToCancel(flexFactor) && end.kinds == [.approved] && end.letters.isEmpty)
    }

    /// The account's list shows our orders. In sync mode one that is declined for now shows as cancelled, and its recovery rests for days.
    @Test(arguments: [true, false])
    func whatRestsIsCancelledThoughItsOrderShowsAsThatAlready(isAnswered: Bool) async {
        let sent = claim(.send(post: 1))
        if isAnswered { _ = claim(.exists(answering: sent.id)) }
        let flexFactor = ScriptedFlexFactor { call, _ in
            if case .cancelByReference = call { .cancelRefused } else { .order(.cancelled) }
        }
        let end = await carryOut(command(), flexFactor) { step in
            // What is not answered may be that it is paid: the command waits for that.
            if !isAnswered, step < 4 { #expect(!asksToCancel(flexFactor)) }
            if !isAnswered, step == 3 { _ = claim(.exists(answering: sent.id)) }
        }
        #expect(end.kinds == [.cancelled] && end.letters.isEmpty && asksToCancel(flexFactor))
        #expect(claims.standing(of: reference, merchant: "acme")?.told?.kind == .cancelled)
    }

    /// FlexFactor's list does not echo our reference, and its id stands in the claims: the webhook that tells of the payment may be lost.
    @Test func anOrderWhoseIDIsKnownIsLookedAtByThat() async {
        let sent = claim(.send(post: 1))
        _ = claim(.exists(answering: sent.id), of: "g-1")
        let paid = flexFactor(.completed)
        #expect(await carryOut(command(), paid).kinds == [.approved])
        #expect(!asksToCancel(paid) && paid.calls == [.lookUp("g-1")])
    }

    @Test func whatMayBePaidByItsOwnPageIsNotAskedToBeCancelled() async {
        let sent = claim(.send(post: 1))
        _ = claim(.exists(answering: sent.id), of: "g-1")
        let unclear = ScriptedFlexFactor(.failed(.unknown(.unclear("7, Cancelled"))))
        _ = await carryOut(command(), unclear)
        #expect(!asksToCancel(unclear))
    }

    /// Nobody else tells it, and nothing is left for a person.
    @Test func aCommandThatIsGivenUpTellsTheApprovalWhereNothingWasCancelled() async {
        tell(.approved(.notified))
        clock.pass(.days(9))
        let away = ScriptedFlexFactor(.failed(.notSent(.cannotConnect("away"))))
        let end = await carryOut(command(.settling(0), word: .refused), away)
        #expect(end.kinds == [.approved] && end.letters.isEmpty)
    }
}
