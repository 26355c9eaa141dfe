import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// News of orders that FlexFactor has and this fleet has not opened: another fleet may share the account.
@Suite struct UnopenedOrderTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A", kind: .rerun, sequence: 1)

    private func handle(
        _ event: WebhookNews.Event, _ state: FlexFactorOrder.State, placed days: Int64? = nil,
        of recovery: RecoveryReference = UnopenedOrderTests.reference, _ claims: any ClaimsPort = MemoryClaims()
    ) async -> StageOutcome {
        let order = FlexFactorOrder(id: "g-1", state: state, placedAt: days.map { Self.now + .days(-$0) })
        let gateway = FlexFactorGateway(id: "42", includeChargebacks: true, account: "m-1")
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: event, reference: recovery, orderID: "g-1", distinction: "d",
            receivedAt: Self.now, hasWaited: true)
        return await OutcomeStage(
            in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
            flexFactor: ScriptedFlexFactor(.found(order)), merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [gateway])),
            cancels: Cancels()
        ).handle(IncomingMessage(body: news.encoded()))
    }

    private func send(_ claims: MemoryClaims) {
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: Self.reference, debt: nil, amount: nil, act: .send(post: 1), until: Self.now + .days(40)),
            by: "w-2")
    }

    @Test(
        arguments: [
            (WebhookNews.Event.completed, FlexFactorOrder.State.completed, nil), (.expired, .cancelled, nil), (.cancelled, .completed, nil),
            (.completed, .completed, 3), (.refunded, .returned, 31), (.chargeback, .chargeback, 31),
        ] as [(WebhookNews.Event, FlexFactorOrder.State, Int64?)])
    func whatNobodyClaimedIsALetter(event: WebhookNews.Event, state: FlexFactorOrder.State, days: Int64?) async {
        let claims = MemoryClaims()
        let handled = await handle(event, state, placed: days, claims)
        #expect(!handled.isTold && handled.entry.fate == .deadLettered(.untrustedWebhook))
        // It was not claimed by being asked about.
        #expect(claims.standing(of: Self.reference, merchant: "acme") == nil)
        let known = MemoryClaims()
        send(known)
        let ours = await handle(event, state, placed: days, known)
        // Of money back it says first that it was taken.
        let isBegun = if case .parked = ours.entry.fate { true } else { false }
        #expect(ours.isTold || isBegun && [.refunded, .chargeback].contains(event))
    }

    private func claim(_ act: Claim.Act, _ claims: MemoryClaims) {
        claims.append(
            ClaimRequest(merchantID: "acme", reference: Self.reference, debt: nil, amount: nil, act: act, until: Self.now + .days(40)),
            by: "w-2")
    }

    /// A refund command that came to nothing names another fleet's order: that makes it none of ours.
    @Test(
        arguments: [
            Claim.Act.moneyBack(MoneyBackClaim(Fingerprint("r-1"), .told(.refundFailed, round: 0, isWhole: false))),
            .moneyBack(MoneyBackClaim(Fingerprint("r-1"), .unsent(round: 0))), .reopened(.paidBack), .unsent(0),
        ])
    func whatIsClaimedBesideOpensNoOrder(act: Claim.Act) async {
        for (event, state) in [(WebhookNews.Event.completed, FlexFactorOrder.State.completed), (.refunded, .returned)] {
            let claims = MemoryClaims()
            claim(act, claims)
            let handled = await handle(event, state, placed: 3, claims)
            #expect(!handled.isTold && handled.entry.fate == .deadLettered(.untrustedWebhook), "\(event)")
        }
    }

    /// What FlexFactor was asked to give back is news of ours; a payment is not.
    @Test func newsOfARefundThatWasAskedForAreTold() async {
        func asked() -> MemoryClaims {
            let claims = MemoryClaims()
            claim(.moneyBack(MoneyBackClaim(Fingerprint("r-1"), .send(round: 1))), claims)
            claim(.moneyBack(MoneyBackClaim(Fingerprint("r-1"), .told(.refunded, round: 1, isWhole: true))), claims)
            return claims
        }
        let back = await handle(.refunded, .returned, placed: 3, asked())
        #expect(back.entry.fate != .deadLettered(.untrustedWebhook))
        #expect(!(await handle(.completed, .completed, placed: 3, asked())).isTold)
    }

    @Test(arguments: [Claim.Act.send(post: 1), .exists(answering: nil), .told(Claim.Told(.declined, .known))])
    func whatWasSentOrToldIsOpened(act: Claim.Act) async {
        let claims = MemoryClaims()
        claim(act, claims)
        #expect(claims.standing(of: Self.reference, merchant: "acme")?.isOpened == true)
        #expect(await handle(.completed, .completed, placed: 3, claims).isTold)
    }

    /// What is older than the claims remember may have been opened here: money may come back months later.
    @Test(
        arguments: [
            (WebhookNews.Event.refunded, FlexFactorOrder.State.returned, nil), (.chargeback, .chargeback, nil), (.refunded, .returned, 33),
            (.chargeback, .chargeback, 200), (.completed, .completed, 40),
        ] as [(WebhookNews.Event, FlexFactorOrder.State, Int64?)])
    func whatMayBeForgottenIsTold(event: WebhookNews.Event, state: FlexFactorOrder.State, days: Int64?) async {
        #expect(await handle(event, state, placed: days).isTold)
    }

    /// References had no tag and no letters that check them: another system's order id may read as one.
    @Test(
        arguments: [
            (WebhookNews.Event.completed, FlexFactorOrder.State.completed, 3), (.completed, .completed, 40), (.refunded, .returned, 200),
            (.chargeback, .chargeback, nil),
        ] as [(WebhookNews.Event, FlexFactorOrder.State, Int64?)])
    func aReferenceOfOldNeedsAClaimHoweverOldItIs(event: WebhookNews.Event, state: FlexFactorOrder.State, days: Int64?) async throws {
        for text in ["A-R7-88-7", "INV-S3", "1001-R2"] {
            let old = try #require(RecoveryReference(text))
            let handled = await handle(event, state, placed: days, of: old)
            #expect(!handled.isTold && handled.entry.fate == .deadLettered(.untrustedWebhook), "\(text)")
            let claims = MemoryClaims(telling: .approved(.answered), of: old, at: Self.now)
            #expect(await handle(event, state, placed: days, of: old, claims).isTold, "\(text)")
        }
    }

    @Test func withoutTheClaimsItWaits() async {
        let claims = MemoryClaims()
        claims.isReachable = false
        let handled = await handle(.completed, .completed, claims)
        guard case .parked = handled.entry.fate else {
            Issue.record("\(handled.entry.fate)")
            return
        }
    }

    /// A pod that is behind with its reading knows after a claim of its own what stood before.
    @Test func whatWasClaimedIsNoLetterWhereItIsReadLate() async {
        let claims = LateClaims()
        send(claims.stream)
        #expect(await handle(.completed, .completed, claims).isTold)
    }
}
