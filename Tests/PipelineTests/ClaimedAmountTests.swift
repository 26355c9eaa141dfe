import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Pipeline

/// Copies of one decline that say different amounts: what was asked for is told.
@Suite struct ClaimedAmountTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(Self.now)

    /// One publication of the decline.
    private func copy(of units: Int64, _ kind: RecoveryReference.Kind = .sale) throws -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let was = try #require(sample.charge)
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: kind, sequence: kind == .sale ? 0 : 1)
        let charge = Charge(
            reference: reference, isMerchantInitiated: kind != .sale, isRecurring: false, expiry: nil, customerIP: was.customerIP,
            amount: Money(minorUnits: units, currency: .usd), declinedAt: Self.now, decline: was.decline, payer: was.payer,
            billing: was.billing, shipping: nil, paymentMethod: was.paymentMethod, items: [])
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: kind == .sale ? sample.route : .retry(.managed, until: Self.now + .days(5)),
            charge: charge, order: RecoveredOrder(reference), verdict: sample.verdict, reply: nil)
    }

    private func request(_ act: Claim.Act, _ recovery: Recovery) -> ClaimRequest {
        ClaimRequest(act, of: recovery, telling: nil, at: Self.now)
    }

    private func message(_ recovery: Recovery) -> IncomingMessage {
        IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type)
    }

    private func cascade(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor, _ claims: any ClaimsPort) async -> StageOutcome {
        await CascadeStage(in: .sample(clock, claims: claims), flexFactor: flexFactor).handle(message(recovery))
    }

    private func asked(_ flexFactor: ScriptedFlexFactor) -> [Int64] {
        flexFactor.calls.compactMap { if case .evaluate(let charge, _) = $0 { charge.amount.minorUnits } else { nil } }
    }

    private func told(_ outcome: StageOutcome) throws -> [Int64?] {
        try outcome.results().map { $0["data"]?["amount"]?["minorUnits"]?.int64 }
    }

    /// Whether the first request came to FlexFactor nobody knows. A pod may not have heard of it before its own claim comes by.
    @Test(arguments: [false, true]) func aCopyInAnotherAmountAsksForWhatWasClaimedAndTellsThat(isBehind: Bool) async throws {
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        let late = LateClaims(now: Self.now)
        let first = request(.send(post: 1), try copy(of: 4_999))
        if isBehind {
            late.stream.append(first, by: "dead")
        } else {
            late.appendRead(first)
        }
        let ended = await cascade(try copy(of: 4_997), flexFactor, late)
        #expect(try told(ended) == [4_999])
        #expect(asked(flexFactor) == [4_999], "whose webhook tells what was claimed first as well")
        #expect(late.stream.words == (isBehind ? ["send", "send", "unsent", "send", "told"] : ["send", "send", "told"]))
    }

    /// No byte of the first was written, as was known before, or is in the moment in which the copy steps back.
    @Test(arguments: [false, true]) func aCopyAsksForItsOwnAmountWhereNothingOfTheOtherWasSent(isAtOnce: Bool) async throws {
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        let other = try copy(of: 4_999)
        let late = LateClaims(now: Self.now)
        let send = request(.send(post: 1), other)
        let first = isAtOnce ? late.stream.append(send, by: "w-2") : late.appendRead(send)
        let unsent = request(.unsent(first.id), other)
        if !isAtOnce { late.appendRead(unsent) }
        let claims = CrowdedClaims(late) { act in if isAtOnce, case .unsent = act { unsent } else { nil } }
        let ended = await cascade(try copy(of: 4_997), flexFactor, claims)
        #expect(try told(ended) == [4_997])
        #expect(asked(flexFactor) == [4_997])
        let claimed = await claims.first(of: other.reference, merchant: "acme")
        #expect(claimed?.saleAmount?.minorUnits == 4_997, "which a webhook tells as well")
    }

    /// FlexFactor refuses the first in the moment in which the copy was granted the same post: nothing of either stands any more.
    @Test func aGrantThatWasTakenAwayIsClaimedAnew() async throws {
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        let other = try copy(of: 499_900)
        let late = LateClaims(now: Self.now)
        let first = late.stream.append(request(.send(post: 1), other), by: "w-2")
        let refused = request(.refused(first.id), other)
        let claims = CrowdedClaims(late) { act in if case .send = act { refused } else { nil } }
        let ended = await cascade(try copy(of: 4_999), flexFactor, claims)
        #expect(try told(ended) == [4_999])
        #expect(asked(flexFactor) == [4_999])
        let claimed = await claims.first(of: other.reference, merchant: "acme")
        #expect(claimed?.saleAmount?.minorUnits == 4_999, "which a webhook tells as well")
    }

    /// FlexFactor has nothing of the other: it refused it for its amount, perhaps, and this is the corrected one.
    @Test func aCopyAsksForItsOwnAmountWhereFlexFactorRefusedTheOther() async throws {
        let claims = MemoryClaims(now: Self.now)
        func retried(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor) async -> Recovery? {
            let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
            let next = await stage.handle(message(recovery)).publishing.first { $0.type == WorkEnvelope.type }
            guard let next, case .recovery(let parked) = WorkEnvelope.decode(next.body) else { return nil }
            return parked
        }
        let other = try copy(of: 499_900, .rerun)
        let first = claims.append(request(.send(post: 1), other), by: "w-2")
        var next = try #require(await retried(try copy(of: 4_999, .rerun), ScriptedFlexFactor(.failed(.unknown(.timedOut)))))
        #expect(next.amount.minorUnits == 4_999, "what it agreed on is not kept")
        claims.append(request(.refused(first.id), other), by: "w-2")
        let taking = ScriptedFlexFactor { call, _ in
            switch call {
            case .evaluate: .evaluated(.submitted, "g-1")
            case .cancelByReference: .noSuchOrder
            default: .notListed
            }
        }
        for _ in 0..<10 where asked(taking).isEmpty {
            clock.pass(.minutes(10))
            next = try #require(await retried(next, taking))
        }
        #expect(asked(taking) == [4_999])
    }

    /// FlexFactor refuses the first while the copy looks for its order: the next post is no repeat of that.
    @Test func aCopyAsksForItsOwnAmountWhereTheOtherIsRefusedWhileItLooks() async throws {
        let claims = MemoryClaims(now: Self.now)
        let other = try copy(of: 499_900, .rerun)
        let first = claims.append(request(.send(post: 1), other), by: "w-2")
        let refused = request(.refused(first.id), other)
        let flexFactor = ScriptedFlexFactor { call, _ in
            if case .evaluate = call { return .evaluated(.submitted, "g-1") }
            if claims.words == ["send"] { claims.append(refused, by: "w-2") }
            return .notListed
        }
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: flexFactor, cancels: Cancels())
        var message = message(try copy(of: 4_999, .rerun))
        for _ in 0..<10 where asked(flexFactor).isEmpty {
            let next = try #require(await stage.handle(message).publishing.first { $0.type == WorkEnvelope.type })
            clock.pass(.minutes(1))
            message = IncomingMessage(body: next.body, type: next.type)
        }
        #expect(asked(flexFactor) == [4_999])
    }

    /// In which amount it was claimed cannot be read: nothing is asked for, also where that is seen only behind the claim.
    @Test(arguments: [false, true]) func nothingIsAskedForWhileTheAmountIsNotKnown(isBehind: Bool) async throws {
        let late = LateClaims(now: Self.now)
        let first = request(.send(post: 1), try copy(of: 4_999))
        if isBehind {
            late.stream.append(first, by: "dead")
        } else {
            late.appendRead(first)
        }
        // It is read where it is known.
        late.hidesFirst()
        let flexFactor = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
        let held = await cascade(try copy(of: 4_997), flexFactor, late)
        #expect(try held.results().isEmpty && held.publishing.count == 1 && flexFactor.calls.isEmpty)
        #expect(late.stream.words == (isBehind ? ["send", "send", "unsent"] : ["send"]), "and no request is left standing")
    }

    /// A copy that only looks tells what was claimed; where that cannot be read any more when its time is over, no amount: not its own.
    @Test func aCopyThatFindsItPaidTellsNoAmountOfItsOwn() async throws {
        let claims = MemoryClaims(now: Self.now)
        claims.append(request(.send(post: 1), try copy(of: 4_999)), by: "dead")
        let paid = ScriptedFlexFactor(.found(FlexFactorOrder(id: "g-1", state: .completed)))
        let looking = try copy(of: 4_997).at(.reconciling("g-1", .look))
        claims.showsFirst = false
        let held = await cascade(looking, paid, claims)
        #expect(try held.results().isEmpty)
        clock.pass(.minutes(2))
        let unread = await cascade(looking, paid, claims)
        #expect(try unread.results().map { $0["type"]?.string } == [ResultKind.approved.messageType])
        #expect(try told(unread) == [nil])
        let others = MemoryClaims(now: Self.now)
        others.append(request(.send(post: 1), try copy(of: 4_999)), by: "dead")
        let read = await cascade(looking, paid, others)
        #expect(try told(read) == [4_999])
    }
}

/// Others claim behind what is claimed here, before anybody looks.
private final class CrowdedClaims: ClaimsPort {
    private let claims: LateClaims
    private let behind: @Sendable (Claim.Act) -> ClaimRequest?

    init(_ claims: LateClaims, _ behind: @escaping @Sendable (Claim.Act) -> ClaimRequest?) {
        self.claims = claims
        self.behind = behind
    }

    func claim(_ request: ClaimRequest) async -> Claimed? {
        let claimed = await claims.claim(request)
        if let next = behind(request.act) { claims.stream.append(next, by: "w-2") }
        return claimed
    }

    func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing? {
        claims.standing(of: reference, merchant: merchant)
    }
    func record(at offset: Int64) async -> ClaimRecord? { await claims.record(at: offset) }
    func claims(of rebill: Debt) -> [ClaimBook.NamedClaim] { claims.claims(of: rebill) }
    func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim? {
        await claims.first(of: reference, merchant: merchant)
    }
}
