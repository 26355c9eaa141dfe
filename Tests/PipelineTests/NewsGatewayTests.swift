import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// Whose gateway decides on news of a recovery that came to the URL of another of the account's gateways.
@Suite struct NewsGatewayTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "bold", source: "crm", id: "d-1"), orderID: "A", kind: .rerun, sequence: 1)
    private let claims = MemoryClaims(now: now)

    /// Sent by gateway 9 of the merchant in the reference.
    private func send(thenTelling reason: ResultReason? = nil) {
        let amount = Money(minorUnits: 4_999, currency: .usd)
        claims.append(
            ClaimRequest(
                merchantID: "bold", reference: Self.reference, debt: nil, amount: amount, act: .send(post: 1), until: Self.now + .days(40),
                gateway: ClaimedGateway(merchantID: "bold", id: "9", account: "m-1")), by: "w-2")
        guard let reason else { return }
        let result = ResultEvent(
            subject: .recovery(Self.reference, RecoveredOrder(Self.reference)), merchantID: "bold", reason: reason, gatewayID: "9",
            flexFactorOrderID: "g-1", amount: amount, occurredAt: Self.now)
        claims.append(
            ClaimRequest(
                merchantID: "bold", reference: Self.reference, debt: nil, amount: amount, act: .told(.init(reason.kind, .known)),
                until: Self.now + .days(40), result: result), by: "w-2")
    }

    /// - Parameter named: whether the news name the recovery.
    private func handle(
        _ event: String, _ flexFactor: ScriptedFlexFactor, urls: FlexFactorGateway, own: [FlexFactorGateway], named: Bool = true,
        at now: Moment = now
    ) async throws -> StageOutcome {
        let name = named ? ",\"ExternalOrderId\":\"\(Self.reference.text)\"" : ""
        let body = #"{"Event":"\#(event)","TimeStamp":"2027-01-15T08:00:00Z"\#(name),"OrderId":"g-1"}"#
        let news = try #require(WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        let merchants = Merchants(Merchant(id: "acme", flexFactorGateways: [urls]), Merchant(id: "bold", flexFactorGateways: own))
        return await OutcomeStage(
            in: .sample(ManualClock(now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)), flexFactor: flexFactor,
            merchants: merchants, cancels: Cancels()
        ).handle(IncomingMessage(body: news.encoded()))
    }

    private func gateway(_ result: JSONValue?) -> [String?] {
        [result?["data"]?["merchantId"]?.string, result?["data"]?["flexFactor"]?["gatewayId"]?.string]
    }

    @Test(arguments: [true, false]) func whoWantsChargebacksTheRecoverysOwnGatewaySays(named: Bool) async throws {
        send(thenTelling: .approved(.answered))
        let order = FlexFactorOrder(id: "g-1", state: .chargeback, echo: named ? nil : Self.reference)
        let unwanted = try await handle(
            "payment.chargeback.received", ScriptedFlexFactor(.found(order)),
            urls: FlexFactorGateway(id: "42", includeChargebacks: true, account: "m-1"),
            own: [FlexFactorGateway(id: "9", account: "m-1")], named: named)
        #expect(unwanted.publishing.isEmpty)
        let wanted = try await handle(
            "payment.chargeback.received", ScriptedFlexFactor(.found(order)), urls: FlexFactorGateway(id: "42", account: "m-1"),
            own: [FlexFactorGateway(id: "9", includeChargebacks: true, account: "m-1")], named: named)
        let told = try wanted.results()
        #expect(told.count == 1 && told.first?["type"]?.string == "com.salvage.recovery.chargeback.v1")
        #expect(gateway(told.first) == ["bold", "9"])
    }

    /// What is not told is known all the same, so that no refund gives it back besides. It is told once it is wanted, whoever shows it then, and once.
    @Test(arguments: [true, false]) func anUnwantedChargebackIsKnownAndToldWhenItIsWanted(listedLater: Bool) async throws {
        send(thenTelling: .approved(.answered))
        func hear(wanted: Bool, listed: Bool = false) async throws -> StageOutcome {
            let news = WebhookNews(
                merchantID: "bold", gatewayID: "9", event: .chargeback, reference: Self.reference, orderID: "g-1",
                distinction: listed ? WebhookNews.listed : "cb-1", receivedAt: Self.now)
            let gateway = FlexFactorGateway(id: "9", includeChargebacks: wanted, account: "m-1")
            return await OutcomeStage(
                in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
                flexFactor: ScriptedFlexFactor(.order(.chargeback)),
                merchants: Merchants(Merchant(id: "bold", flexFactorGateways: [gateway])), cancels: Cancels()
            ).handle(IncomingMessage(body: news.encoded()))
        }
        for _ in 0..<2 { #expect(try await hear(wanted: false).publishing.isEmpty) }
        // Of which nobody knows how much it took.
        let back = try #require(claims.standing(of: Self.reference, merchant: "bold")?.back)
        #expect(back.disputed == nil && !back.isAll)
        let told = try await hear(wanted: true, listed: listedLater).results()
        #expect(told.count == 1 && told.first?["type"]?.string == "com.salvage.recovery.chargeback.v1")
        for listed in [true, false] { #expect(try await hear(wanted: true, listed: listed).results() == told) }
    }

    /// It says whose it is, so who wants to hear of none gets no letter of it either.
    @Test func anUnwantedChargebackThatCannotBeSeenIsNoLetter() async throws {
        send(thenTelling: .approved(.answered))
        let later = try await handle(
            "payment.chargeback.received", ScriptedFlexFactor(.order(.processing)), urls: FlexFactorGateway(id: "42", account: "m-1"),
            own: [FlexFactorGateway(id: "9", account: "m-1")], at: Self.now + .days(2))
        #expect(later.publishing.isEmpty)
    }

    /// A dispute of nobody's order is none for who wants to hear of none.
    @Test func anUnwantedChargebackThatCannotBePlacedIsNoLetter() async throws {
        let handled = try await handle(
            "payment.chargeback.received", ScriptedFlexFactor(.order(.chargeback)), urls: FlexFactorGateway(id: "42", account: "m-1"),
            own: [FlexFactorGateway(id: "9", account: "m-1")], named: false)
        #expect(handled.publishing.isEmpty)
    }

    /// It is looked for and told by the gateway that sent it; by another on the account where that one has left it.
    @Test(arguments: [("m-1", GatewayID("9")), ("m-2", "8")])
    func theResultNamesTheRecoverysOwnGateway(account: String, expected: GatewayID) async throws {
        send()
        let flexFactor = ScriptedFlexFactor(.order(.completed))
        let handled = try await handle(
            "order.completed", flexFactor, urls: FlexFactorGateway(id: "42", account: "m-1"),
            own: [FlexFactorGateway(id: "8", account: "m-1"), FlexFactorGateway(id: "9", account: account)])
        #expect(gateway(try handled.results().first) == ["bold", expected.text])
        #expect(flexFactor.asked.map(\.merchant) == ["bold"] && flexFactor.asked.map(\.gateway) == [expected])
        #expect(handled.entry.merchantID == "bold" && handled.entry.gatewayID == expected)
    }

    /// A sync retry may be posted again, whoever's URL hears that FlexFactor has declined it.
    @Test func whoRepeatsTheChargeTheRecoverysOwnGatewaySays() async throws {
        send()
        let flexFactor = ScriptedFlexFactor(.order(.cancelled))
        let handled = try await handle(
            "order.expired", flexFactor, urls: FlexFactorGateway(id: "42", account: "m-1"),
            own: [FlexFactorGateway(id: "9", mitMode: .sync, account: "m-1")])
        #expect(handled.publishing.isEmpty && flexFactor.asked.isEmpty)
    }

    @Test func aDryRunAsksTheSameGateway() throws {
        let merchants = Merchants(
            Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", account: "m-1")]),
            Merchant(id: "bold", flexFactorGateways: [FlexFactorGateway(id: "9", includeChargebacks: true, account: "m-1")]))
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .chargeback, reference: Self.reference, orderID: "g-1", receivedAt: Self.now)
        #expect(Forecaster(merchants: merchants, now: Self.now).forecast(news.encoded(), at: .outcomes).verdict == .goes)
    }
}
