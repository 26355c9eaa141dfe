import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What FlexFactor cannot take back is asked of it by who has read all claims: another worker may have told what this one has not read.
@Suite struct LateReaderTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .recurring, sequence: 7,
        subscription: RecoveryReference.Subscription(purchaseID: "88", gatewayID: "7"))
    private let clock = ManualClock(Self.now)
    private let claims = LateClaims(now: Self.now)
    private let merchant = Merchant(
        id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")], gateways: [Gateway(id: "7", type: "nmi")])

    /// FlexFactor, which voids what is paid where it is asked to.
    private let flexFactor = ScriptedFlexFactor { call, _ in
        switch call {
        case .cancel, .cancelByReference: .cancelAccepted
        case .lookUp: .order(.completed)
        case .refund: .refunded
        default: .notListed
        }
    }

    private static func recovery(_ route: RecoveryRoute, _ phase: RecoveryPhase) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: now)
        let isCascade = if case .cascade = route { true } else { false }
        let sale = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .sale, sequence: 0)
        let name = isCascade ? sale : Self.reference
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: route, reference: name, amount: sample.amount, declinedAt: now,
            order: RecoveredOrder(name), verdict: sample.verdict, reply: nil, charge: nil, phase: phase)
    }

    private static let retry = recovery(.retry(.managed, until: now + .days(5)), .watching("g-1", polls: 0))

    private static func told(_ recovery: Recovery) -> ClaimRequest {
        let result = ResultEvent(of: recovery, .approved(.notified), flexFactorOrderID: "g-1", at: now)
        return ClaimRequest(.told(.init(.approved, .known)), of: recovery, telling: result, at: now)
    }

    /// FlexFactor has it, and the worker has read that.
    private func send(_ recovery: Recovery) {
        let sent = claims.appendRead(ClaimRequest(.send(post: 1), of: recovery, telling: nil, at: Self.now))
        claims.appendRead(ClaimRequest(.exists(answering: sent.id), of: recovery, telling: nil, at: Self.now))
    }

    /// And the CRM was told of it as paid, which the worker has not read.
    private func pay(_ recovery: Recovery) {
        send(recovery)
        claims.stream.append(Self.told(recovery), by: "w-2")
    }

    private func command(_ phase: Cancellation.Phase) -> Cancellation {
        Cancellation(merchantID: "acme", reference: Self.reference, commandID: "c-1", gateways: ["42"], since: Self.now, phase: phase)
    }

    /// The kinds of result that come of a command in the stage's hands.
    private func carryOut(_ command: Cancellation) async -> [ResultKind] {
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        var kinds: [ResultKind] = []
        var next: [UInt8]? = command.encoded()
        for _ in 0..<20 {
            guard let body = next else { return kinds }
            let outcome = await stage.handle(IncomingMessage(body: body, type: Cancellation.type))
            kinds += outcome.kinds
            next = nil
            for sent in outcome.publishing where sent.type == Cancellation.type {
                if case .delayed(_, let span) = sent.destination { clock.pass(span) }
                next = sent.body
            }
        }
        Issue.record("it does not end")
        return kinds
    }

    @Test(arguments: [Cancellation.Phase.looking(0), .cancelling(0)])
    func aCommandCancelsNothingThatWasToldAsPaid(phase: Cancellation.Phase) async {
        pay(Self.retry)
        #expect(await carryOut(command(phase)) == [.approved])
        #expect(!flexFactor.calls.contains { $0.cancels })
    }

    /// FlexFactor's list does not show it, and it was never asked to cancel it.
    @Test func thatNothingIsKnownIsNotSaidOfWhatWasTold() async {
        claims.stream.append(Self.told(Self.retry), by: "w-2")
        #expect(await carryOut(command(.settling(0))) == [.approved])
    }

    /// What the command means by order, purchase and cycle is looked for where it is taken in.
    @Test func aRebillIsLookedForByWhoHasReadAll() async throws {
        pay(Self.retry)
        let text =
            #"{"specversion":"1.0","id":"c-1","source":"s","type":"com.salvage.cancel.v1","data":{"merchantId":"acme","orderId":"A1","purchaseId":"88","billingCycle":7}}"#
        let stage = IntakeStage(in: .sample(clock, claims: claims), merchants: Merchants(merchant))
        let publishing = await stage.handle(IncomingMessage(body: Array(text.utf8), exchange: "declines")).publishing
        let passed = try publishing.filter { $0.destination == .stage(.retry) }.map { try Cancellation.decode($0.body).get().reference }
        #expect(passed == [Self.reference])
    }

    static let closing: [Recovery] = [
        recovery(.retry(.managed, until: now + .seconds(-1)), .closing("g-1", .cancel)),
        recovery(.retry(.managed, until: now + .seconds(-1)), .closing(nil, .cancel)),
        recovery(.cascade(deadline: now + .seconds(-1)), .reconciling("g-1", .cancel)),
        recovery(.cascade(deadline: now + .seconds(-1)), .reconciling(nil, .cancel)),
        recovery(.cascade(deadline: now + .seconds(60)), .challenged("g-1", .cancel)),
    ]

    private func handle(_ recovery: Recovery) async -> StageOutcome {
        let environment = StageEnvironment.sample(clock, claims: claims)
        let message = IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type)
        guard case .retry = recovery.route else {
            return await CascadeStage(in: environment, flexFactor: flexFactor).handle(message)
        }
        return await RetryStage(in: environment, flexFactor: flexFactor, cancels: Cancels()).handle(message)
    }

    /// Its webhook was told by another worker while it was put away.
    @Test(arguments: closing.indices) func aRecoveryCancelsNothingThatWasToldAsPaid(index: Int) async throws {
        let recovery = Self.closing[index]
        pay(recovery)
        let handled = await handle(recovery)
        #expect(handled.kinds == [.approved] && flexFactor.calls.isEmpty)
    }

    /// What is open is cancelled, by a request that is written while what was read counts as all.
    @Test(arguments: closing.indices) func whatNobodyToldIsCancelled(index: Int) async throws {
        let recovery = Self.closing[index]
        send(recovery)
        _ = await handle(recovery)
        let asked = try #require(flexFactor.asked.first)
        let writtenBy = try #require(asked.writtenBy)
        #expect(asked.call.cancels && writtenBy <= ContinuousClock.now.advanced(by: .milliseconds(Claim.validity.milliseconds)))
    }

    @Test(arguments: closing.indices) func nothingIsCancelledWhileTheClaimsCannotBeRead(index: Int) async throws {
        let recovery = Self.closing[index]
        pay(recovery)
        claims.stream.isReachable = false
        let handled = await handle(recovery)
        #expect(!handled.isTold && !handled.hasLetter && handled.publishing.count == 1 && flexFactor.calls.isEmpty)
        let waiting = await RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels()).handle(
            IncomingMessage(body: command(.cancelling(0)).encoded(), type: Cancellation.type))
        #expect(!waiting.isTold && !waiting.hasLetter && waiting.publishing.count == 1 && flexFactor.calls.isEmpty)
    }

    /// It was for all that was left when another worker looked at its order; a part went back since. This one has read nothing of the sale.
    @Test func aRefundKnowsWhatWentBackBeforeItsClaim() async throws {
        let whole = Self.retry.amount
        claims.stream.append(ClaimRequest(.send(post: 1), of: Self.retry, telling: nil, at: Self.now), by: "w-2")
        claims.stream.append(Self.told(Self.retry), by: "w-2")
        claims.stream.append(
            ClaimRequest(
                merchantID: "acme", reference: Self.reference, debt: nil, amount: Money(minorUnits: 500, currency: .usd),
                act: .moneyBack(MoneyBackClaim(Fingerprint("rf-9"), .news(isWhole: false, isLate: false))), until: Self.now + .days(40)),
            by: "w-2")
        let command = RefundCommand(
            id: "r-1", merchantID: "acme", reference: Self.reference, orderID: "g-1", amount: nil, reason: nil)
        let refund = Refund(command, gateways: ["42"], since: Self.now, phase: .refunding("g-1", whole))
        let handled = await RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels()).handle(
            IncomingMessage(body: refund.encoded(), type: Refund.type))
        #expect(flexFactor.calls.isEmpty && handled.publishing.map(\.destination) == [.stage(.retry)])
        #expect(try Refund.decode(try #require(handled.publishing.first).body).get().isLooking)
    }
}
