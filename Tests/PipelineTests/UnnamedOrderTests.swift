import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// News that name our reference and leave out FlexFactor's `OrderId`: the order that is known of the recovery is looked at.
@Suite struct UnnamedOrderTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A", kind: .rerun, sequence: 1)
    private let clock = ManualClock(now)
    private let claims = MemoryClaims(now: now)
    private let paid = ScriptedFlexFactor(.order(.completed))

    private func handle(
        _ event: String, of reference: RecoveryReference = UnnamedOrderTests.reference, data: String = "null", _ claims: MemoryClaims,
        _ flexFactor: ScriptedFlexFactor
    ) async throws -> StageOutcome {
        let body = #"{"Event":"\#(event)","ExternalOrderId":"\#(reference.text)","EventData":\#(data)}"#
        let news = try #require(WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        #expect(news.orderID == nil)
        return await handle(news.encoded(), claims, flexFactor)
    }

    private func handle(_ body: [UInt8], _ claims: MemoryClaims, _ flexFactor: ScriptedFlexFactor) async -> StageOutcome {
        await OutcomeStage(
            in: .sample(clock, claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)), flexFactor: flexFactor,
            merchants: Merchants(
                Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", account: "m-1")]),
                Merchant(id: "cold", flexFactorGateways: [FlexFactorGateway(id: "8", account: "m-2")])), cancels: Cancels()
        ).handle(IncomingMessage(body: body))
    }

    /// FlexFactor was sent it, and somebody heard what the order is called there.
    private func submit(naming order: FlexFactorOrderID?) {
        func claim(_ act: Claim.Act, _ order: FlexFactorOrderID? = nil) -> Claimed {
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: Self.reference, debt: nil, amount: Money(minorUnits: 4_999, currency: .usd), act: act,
                    until: Self.now + .days(40), orderID: order), by: "w-2")
        }
        let sent = claim(.send(post: 1))
        if let order { _ = claim(.exists(answering: sent.id), order) }
    }

    private func explanations(_ handled: StageOutcome) throws -> [String] {
        try handled.publishing.filter { $0.destination == .deadLetters }.map { try DeadLetter.decode($0.body).get().explanation }
    }

    @Test func theOrderThatAClaimNamesIsLookedAt() async throws {
        submit(naming: "g-1")
        let told = try await handle("order.completed", claims, paid)
        #expect(paid.calls == [.lookUp("g-1")] && told.kinds == [.approved] && !told.hasLetter)
        let data = try told.results().first?["data"]
        #expect(data?["flexFactor"]?["orderId"]?.string == "g-1" && data?["reason"]?["code"]?.string == "approved_by_webhook")
        // It is told again by what was told, which names the order from then on.
        let again = try await handle("order.completed", claims, paid)
        #expect(try again.results() == told.results() && paid.calls == [.lookUp("g-1"), .lookUp("g-1")])
    }

    /// It is paid, and is another's: FlexFactor has named this recovery's order.
    @Test(arguments: [("order.completed", FlexFactorOrder.State.completed), ("order.cancelled", .cancelled)])
    func anotherOrderThanItsOwnIsNotBelieved(event: String, state: FlexFactorOrder.State) async throws {
        submit(naming: "g-1")
        let body = #"{"Event":"\#(event)","ExternalOrderId":"\#(Self.reference.text)","OrderId":"g-2","EventData":null}"#
        var news = try #require(WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        news.hasWaited = true
        let handled = await handle(news.encoded(), claims, ScriptedFlexFactor(.order(state, "g-2")))
        #expect(handled.kinds.isEmpty)
        #expect(try explanations(handled) == ["\(event): \(WebhookNews.Distrust.anotherThanClaimed.rawValue)"])
        // An order that says itself that it is this one's is believed, as FlexFactor's page is more than a webhook.
        let own = ScriptedFlexFactor(.found(FlexFactorOrder(id: "g-2", state: .completed, echo: Self.reference)))
        let told = await handle(news.encoded(), claims, own).kinds
        #expect(told == [.approved])
    }

    /// Each post may have an order of its own.
    @Test func ofTwoPostsEitherOrderIsBelieved() async throws {
        submit(naming: "g-1")
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: Self.reference, debt: nil, amount: nil, act: .send(post: 2), until: Self.now + .days(40)),
            by: "w-2")
        let body = #"{"Event":"order.completed","ExternalOrderId":"\#(Self.reference.text)","OrderId":"g-2","EventData":null}"#
        let news = try #require(WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        #expect(await handle(news.encoded(), claims, ScriptedFlexFactor(.order(.completed, "g-2"))).kinds == [.approved])
    }

    /// What the order does not bear out is not told.
    @Test func itIsBelievedNoMoreThanOthers() async throws {
        submit(naming: "g-1")
        let open = ScriptedFlexFactor(.order(.processing))
        let handled = try await handle("order.completed", claims, open)
        #expect(open.calls == [.lookUp("g-1")] && handled.kinds.isEmpty)
        let elsewhere = ScriptedFlexFactor(
            .found(FlexFactorOrder(id: "g-1", state: .completed, echo: RecoveryReference(orderID: "B", kind: .rerun, sequence: 1))))
        #expect(try await handle("order.completed", claims, elsewhere).kinds.isEmpty)
    }

    @Test func moneyBackIsOfTheOrderThatWasToldAsPaid() async throws {
        let claims = MemoryClaims(telling: .approved(.answered), of: Self.reference, order: "g-7", at: Self.now)
        let shown = ScriptedFlexFactor(.order(.completed, "g-7"))
        let data = #"{"Amount":500,"Currency":"USD","RefundId":"rf-1"}"#
        let told = try await handle("order.refunded", data: data, claims, shown)
        #expect(shown.calls == [.lookUp("g-7")] && told.kinds == [.refunded])
        #expect(try told.results().first?["data"]?["action"]?["name"]?.string == "record_refund")
    }

    /// The news may come before the answer to the charge: they wait a while, and then the letter says what is so.
    @Test(arguments: [false, true]) func withoutAnOrderItIsALetterThatSaysSo(isSent: Bool) async throws {
        if isSent { submit(naming: nil) }
        let first = try await handle("order.completed", claims, paid)
        guard case .parked(let wait, _) = first.entry.fate, let later = first.publishing.first else {
            Issue.record("\(first.entry.fate)")
            return
        }
        #expect(wait == RecoveryTiming().settle && first.publishing.count == 1)
        let second = await handle(later.body, claims, paid)
        #expect(try explanations(second) == ["order.completed: \(WebhookNews.Distrust.unnamed.rawValue)"])
        #expect(second.entry.fate == .deadLettered(.untrustedWebhook) && paid.calls.isEmpty)
    }

    @Test func whatIsNamedMeanwhileIsTold() async throws {
        submit(naming: nil)
        let later = try #require(try await handle("order.completed", claims, paid).publishing.first)
        submit(naming: "g-1")
        #expect(await handle(later.body, claims, paid).kinds == [.approved])
    }

    @Test func whileTheClaimsCannotBeReadItWaits() async throws {
        submit(naming: "g-1")
        claims.isReachable = false
        let held = try await handle("order.completed", claims, paid)
        guard case .parked = held.entry.fate else {
            Issue.record("\(held.entry.fate)")
            return
        }
        #expect(paid.calls.isEmpty && !held.hasLetter)
        claims.isReachable = true
        let later = try #require(held.publishing.first)
        #expect(await handle(later.body, claims, paid).kinds == [.approved])
    }

    @Test func whoHasNoGatewayThereIsNotAskedFor() async throws {
        let cold = RecoveryReference(
            DeclineIdentity(merchantID: "cold", source: "crm", id: "d-1"), orderID: "A", kind: .rerun, sequence: 1)
        let handled = try await handle("order.completed", of: cold, claims, paid)
        #expect(try explanations(handled) == ["order.completed: \(WebhookNews.Distrust.otherAccount.rawValue)"] && paid.calls.isEmpty)
    }
}
