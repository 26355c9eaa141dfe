import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// What the CRM is told of FlexFactor's webhooks, once the order was looked at.
@Suite struct OutcomeStageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let merchants = Merchants(
        Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", account: "m-1")]),
        Merchant(id: "bold", flexFactorGateways: [FlexFactorGateway(id: "9", account: "m-1")]),
        Merchant(id: "cold", flexFactorGateways: [FlexFactorGateway(id: "8", account: "m-2")]))

    private func stage(_ flexFactor: ScriptedFlexFactor, _ claims: MemoryClaims = MemoryClaims()) -> OutcomeStage {
        OutcomeStage(
            in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)), flexFactor: flexFactor,
            merchants: merchants, cancels: Cancels())
    }

    private func handle(_ body: String, _ answers: FlexFactorAnswer...) async throws -> StageOutcome {
        let news = try #require(WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        return await stage(ScriptedFlexFactor { _, number in answers[min(number, answers.count - 1)] }).handle(
            IncomingMessage(body: news.encoded()))
    }

    private func body(_ event: String, _ reference: String = "A-R7-88-7", data: String = "null") -> String {
        #"{"Event":"\#(event)","TimeStamp":"2026-01-02T03:04:05Z","EventData":\#(data),"ExternalOrderId":"\#(reference)","OrderId":"g-1"}"#
    }

    private func result(_ handled: StageOutcome) throws -> JSONValue {
        try #require(try handled.results().first)
    }

    @Test func anOrderThatNobodyOpenedIsADeadLetter() async throws {
        let first = try await handle(body("order.completed"), .noSuchOrder)
        guard case .parked = first.entry.fate, let later = first.publishing.first else {
            Issue.record("\(first.entry.fate)")
            return
        }
        let second = await stage(ScriptedFlexFactor(.noSuchOrder)).handle(IncomingMessage(body: later.body))
        #expect(second.entry.fate == .deadLettered(.untrustedWebhook))
        #expect(!second.isTold)
    }

    @Test func twoPartialRefundsAreTwoResultsAndReverseNothing() async throws {
        var ids: Set<String> = []
        for (number, amount) in [500, 700].enumerated() {
            let data = #"{"Amount":\#(amount),"Currency":"USD","RefundId":"rf-\#(number)"}"#
            let told = try result(try await handle("order.refunded", data: data, claims(telling: .approved(.answered), of: "g-1")))
            #expect(
                told["data"]?["action"]?["name"]?.string == "record_refund"
                    && told["data"]?["amount"]?["minorUnits"]?.int64 == Int64(amount))
            ids.insert(try #require(told["id"]?.string))
        }
        #expect(ids.count == 2 && ids.allSatisfy { $0.hasPrefix("A-R7-88-7/refunded/") })
        let whole = try result(try await handle("order.refunded", state: .returned, claims(telling: .approved(.answered), of: "g-1")))
        #expect(whole["data"]?["action"]?["name"]?.string == "reverse_sale")
    }

    /// One account may serve several merchants: the reference says whose it is, and only one who has a gateway there is told.
    @Test func aSharedAccountTellsTheMerchantInTheReference() async throws {
        func reference(_ merchant: MerchantID) -> String {
            RecoveryReference(DeclineIdentity(merchantID: merchant, source: "s", id: "d"), orderID: "A", kind: .rerun, sequence: 1).text
        }
        let claims = MemoryClaims()
        claims.append(
            ClaimRequest(
                merchantID: "bold", reference: try #require(RecoveryReference(reference("bold"))), debt: nil, amount: nil,
                act: .send(post: 1), until: Self.now + .days(40)), by: "w-2")
        let news = try #require(
            WebhookNews(
                body: Array(body("order.completed", reference("bold")).utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        let told = try result(
            await stage(ScriptedFlexFactor(.order(.completed)), claims).handle(IncomingMessage(body: news.encoded())))
        #expect(told["data"]?["merchantId"]?.string == "bold")
        let stranger = try await handle(body("order.completed", reference("cold")), .order(.completed))
        #expect(stranger.entry.fate == .deadLettered(.untrustedWebhook))
    }

    /// What the CRM was told of the recovery before, and of which order.
    private func claims(telling reason: ResultReason, of orderID: FlexFactorOrderID?) -> MemoryClaims {
        MemoryClaims(telling: reason, of: RecoveryReference("A-R7-88-7")!, order: orderID, at: Self.now)
    }

    private func handle(
        _ event: String, data: String = "null", echo: String? = nil, state: FlexFactorOrder.State = .completed, _ claims: MemoryClaims
    )
        async throws -> StageOutcome
    {
        let news = try #require(
            WebhookNews(body: Array(body(event, data: data).utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        let order = FlexFactorOrder(id: "g-1", state: state, echo: echo.flatMap { RecoveryReference($0) })
        return await stage(ScriptedFlexFactor(.found(order)), claims).handle(IncomingMessage(body: news.encoded()))
    }

    @Test func aSecondOrderThatIsPaidIsALetterBesideTheApproval() async throws {
        let second = try await handle("order.completed", claims(telling: .approved(.answered), of: "g-7"))
        #expect(try result(second)["type"]?.string == "com.salvage.recovery.approved.v1" && second.hasLetter)
        for known in [FlexFactorOrderID("G-1"), nil] {
            let again = try await handle("order.completed", claims(telling: .approved(.answered), of: known))
            #expect(again.isTold && !again.hasLetter)
        }
    }

    /// An order that does not say that it is ours, while the CRM was told of another, is a stranger's.
    @Test func newsOfAnotherOrderCorrectsNothing() async throws {
        let stranger = try await handle("order.completed", claims(telling: .declined(.byFlexFactor), of: "g-7"))
        #expect(!stranger.isTold && stranger.entry.fate == .deadLettered(.untrustedWebhook))
        for (echo, known) in [("A-R7-88-7", "g-7"), (nil, nil), (nil, "g-1")] as [(String?, FlexFactorOrderID?)] {
            let ours = try await handle("order.completed", echo: echo, claims(telling: .declined(.byFlexFactor), of: known))
            #expect(try result(ours)["type"]?.string == "com.salvage.recovery.correction.v1" && ours.hasLetter)
        }
    }

    /// Of two orders that were paid, the money of one goes back: the sale stands.
    @Test func moneyThatComesBackElsewhereTakesNoSaleBack() async throws {
        let told = claims(telling: .approved(.answered), of: "g-7")
        let back = try await handle("order.refunded", state: .returned, told)
        #expect(!back.isTold && back.entry.fate == .deadLettered(.untrustedWebhook))
        #expect(told.words == ["told"])
    }

    @Test func theWholeIsTheWholeThoughTheOrderNamesNoAmount() async throws {
        for (amount, action) in [(4_999, "reverse_sale"), (4_998, "record_refund")] {
            let data = #"{"Amount":\#(amount),"Currency":"USD","RefundId":"rf-1"}"#
            let told = try result(try await handle("order.refunded", data: data, claims(telling: .approved(.answered), of: "g-1")))
            #expect(told["data"]?["action"]?["name"]?.string == action, "\(amount)")
        }
    }

    private func listed(_ event: WebhookNews.Event, _ state: FlexFactorOrder.State, _ claims: MemoryClaims) async -> StageOutcome {
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: event, reference: RecoveryReference("A-R7-88-7"), orderID: "g-1",
            distinction: WebhookNews.listed, receivedAt: Self.now)
        return await handle(news, state, claims)
    }

    private func handle(_ news: WebhookNews, _ state: FlexFactorOrder.State, _ claims: MemoryClaims) async -> StageOutcome {
        let merchants = Merchants(
            Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", includeChargebacks: true, account: "m-1")]))
        let stage = OutcomeStage(
            in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
            flexFactor: ScriptedFlexFactor(.found(FlexFactorOrder(id: "g-1", state: state))), merchants: merchants, cancels: Cancels())
        return await stage.handle(IncomingMessage(body: news.encoded()))
    }

    /// What no webhook told, the list of orders tells: the whole, or what is left of it; and a webhook that comes after all tells the same.
    @Test func whatFlexFactorListsAsReturnedIsToldWithItsAmount() async throws {
        func told(_ handled: StageOutcome) throws -> [String?] {
            let value = try result(handled)
            return [
                value["id"]?.string, value["data"]?["action"]?["name"]?.string,
                value["data"]?["amount"]?["minorUnits"]?.int64.map(String.init),
            ]
        }
        let whole = claims(telling: .approved(.answered), of: "g-1")
        let expected = ["A-R7-88-7/refunded/listed", "reverse_sale", "4999"]
        #expect(try told(await listed(.refunded, .returned, whole)) == expected)
        let late = try await handle("order.refunded", data: #"{"Amount":4999,"Currency":"USD","RefundId":"rf-1"}"#, state: .returned, whole)
        #expect(try told(late) == expected)
        #expect(try told(await listed(.refunded, .returned, whole)) == expected, "whoever claimed it may have died before it was told")

        let parts = claims(telling: .approved(.answered), of: "g-1")
        _ = try await handle("order.refunded", data: #"{"Amount":500,"Currency":"USD","RefundId":"rf-1"}"#, parts)
        #expect(try told(await listed(.refunded, .returned, parts)) == ["A-R7-88-7/refunded/listed", "record_refund", "4499"])

        // Parts that made the whole: nothing is left to be told, and the debt may be paid again.
        let all = claims(telling: .approved(.answered), of: "g-1")
        for (number, amount) in [4_000, 999].enumerated() {
            _ = try await handle("order.refunded", data: #"{"Amount":\#(amount),"Currency":"USD","RefundId":"rf-\#(number)"}"#, all)
        }
        #expect(!(await listed(.refunded, .returned, all)).isTold)
        #expect(all.standing(of: RecoveryReference("A-R7-88-7")!, merchant: "acme")?.back.isAll == true)

        // The order is looked at before it is believed.
        let otherwise = await listed(.refunded, .completed, claims(telling: .approved(.answered), of: "g-1"))
        #expect(!otherwise.isTold && !otherwise.hasLetter)
    }

    /// Both were given back before either was heard: FlexFactor shows nothing left, and each is what its own news says, or the list, where it is lost.
    @Test func partsThatAreHeardWhenAllIsBackAreToldEach() async throws {
        let late = claims(telling: .approved(.answered), of: "g-1")
        for (number, amount) in [500, 4_499].enumerated() {
            let data = #"{"Amount":\#(amount),"Currency":"USD","RefundId":"rf-\#(number)"}"#
            let told = try result(try await handle("order.refunded", data: data, state: .returned, late))["data"]
            #expect(told?["action"]?["name"]?.string == "record_refund" && told?["amount"]?["minorUnits"]?.int64 == Int64(amount))
        }
        #expect(late.standing(of: RecoveryReference("A-R7-88-7")!, merchant: "acme")?.back.isAll == true)
        let lost = claims(telling: .approved(.answered), of: "g-1")
        _ = try await handle("order.refunded", data: #"{"Amount":500,"Currency":"USD","RefundId":"rf-1"}"#, state: .returned, lost)
        #expect(try result(await listed(.refunded, .returned, lost))["data"]?["amount"]?["minorUnits"]?.int64 == 4_499)
    }

    /// The webhook of the approval is late: what comes back was taken, and the CRM hears of that first.
    @Test func whatComesBackWasTakenFirst() async throws {
        let claims = MemoryClaims()
        let reference = RecoveryReference("A-R7-88-7")!
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: reference, debt: nil, amount: Money(minorUnits: 4_999, currency: .usd),
                act: .send(post: 1), until: Self.now + .days(40)), by: "w-2")
        let stage = stage(ScriptedFlexFactor(.found(FlexFactorOrder(id: "g-1", state: .completed))), claims)
        func later(_ handled: StageOutcome) throws -> IncomingMessage {
            IncomingMessage(
                body: try #require(handled.publishing.first { if case .delayed(.outcomes, _) = $0.destination { true } else { false } })
                    .body)
        }
        let begun = try await handle("order.refunded", data: #"{"Amount":500,"Currency":"USD","RefundId":"rf-1"}"#, claims)
        #expect(!begun.isTold && claims.words == ["send"], "it says what it tells before it claims that")
        let first = await stage.handle(try later(begun))
        let approved = try result(first)
        #expect(approved["type"]?.string == "com.salvage.recovery.approved.v1")
        #expect(approved["id"]?.string == "A-R7-88-7/approved" && approved["data"]?["amount"]?["minorUnits"]?.int64 == 4_999)
        let second = await stage.handle(try later(first))
        #expect(try result(second)["data"]?["action"]?["name"]?.string == "record_refund")
    }

    /// FlexFactor names no unit of an order's amount: what was asked for decides what is all of it.
    @Test func anOrdersOwnAmountMakesNoPartTheWhole() async throws {
        let told = claims(telling: .approved(.answered), of: "g-1")
        let news = try #require(
            WebhookNews(
                body: Array(body("order.refunded", data: #"{"Amount":500,"Currency":"USD","RefundId":"rf-1"}"#).utf8), merchantID: "acme",
                gatewayID: "42", receivedAt: Self.now))
        let order = FlexFactorOrder(id: "g-1", state: .completed, minorUnits: 50, currency: .usd)
        let handled = await stage(ScriptedFlexFactor(.found(order)), told).handle(IncomingMessage(body: news.encoded()))
        #expect(try result(handled)["data"]?["action"]?["name"]?.string == "record_refund")
        #expect(told.standing(of: RecoveryReference("A-R7-88-7")!, merchant: "acme")?.back.isAll == false)
    }

    @Test func anApprovalThatFlexFactorShowsAsCancelledIsALetter() async throws {
        let told = claims(telling: .approved(.answered), of: "g-1")
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .cancelled, reference: RecoveryReference("A-R7-88-7"), orderID: "g-1",
            receivedAt: Self.now, hasWaited: true)
        let handled = await stage(ScriptedFlexFactor(.found(FlexFactorOrder(id: "g-1", state: .cancelled))), told).handle(
            IncomingMessage(body: news.encoded()))
        #expect(handled.hasLetter)
        #expect(try result(handled)["type"]?.string == "com.salvage.recovery.approved.v1")
    }

    /// All was told as back: news under another name is the same money.
    @Test func noMoreThanAllIsToldAsBack() async throws {
        let told = claims(telling: .approved(.answered), of: "g-1")
        let first = try result(
            try await handle("order.refunded", data: #"{"Amount":4999,"Currency":"USD","RefundId":"rf-1"}"#, state: .returned, told))
        let again = try result(
            try await handle("order.refunded", data: #"{"Amount":4999,"Currency":"USD","RefundId":"rf-2"}"#, state: .returned, told))
        #expect(again == first)
    }

    /// A dispute of which nobody tells the amount takes the rest back in the CRM's eyes, and is no refund.
    @Test func aRefundAfterADisputeIsTold() async throws {
        let told = claims(telling: .approved(.answered), of: "g-1")
        func refund(_ id: String, _ amount: Int) async throws -> String? {
            try result(
                await handle("order.refunded", data: #"{"Amount":\#(amount),"Currency":"USD","RefundId":"\#(id)"}"#, told))["id"]?.string
        }
        let first = try await refund("rf-1", 500)
        let dispute = try #require(
            WebhookNews(
                body: Array(body("payment.chargeback.received").utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        _ = await handle(dispute, .chargeback, told)
        #expect(try await refund("rf-2", 700) != first)
    }

    /// FlexFactor refused the event as it was: the corrected one is what was sold.
    @Test func theAmountIsThatOfTheCorrectedEvent() async throws {
        let claims = MemoryClaims()
        let reference = RecoveryReference("A-R7-88-7")!
        func claim(_ act: Claim.Act, _ units: Int64, _ result: ResultEvent? = nil) -> Claimed {
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: reference, debt: nil, amount: Money(minorUnits: units, currency: .usd), act: act,
                    until: Self.now + .days(40), result: result), by: "w-2")
        }
        _ = claim(.refused(claim(.send(post: 1), 499_900).id), 499_900)
        _ = claim(.send(post: 2), 4_999)
        let completed = FlexFactorOrder(id: "g-1", state: .completed, minorUnits: 4_999, currency: .usd)
        let news = try #require(
            WebhookNews(body: Array(body("order.completed").utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now))
        let handled = await stage(ScriptedFlexFactor(.found(completed)), claims).handle(IncomingMessage(body: news.encoded()))
        #expect(try result(handled)["data"]?["amount"]?["minorUnits"]?.int64 == 4_999)
        let back = try result(
            try await handle("order.refunded", data: #"{"Amount":4999,"Currency":"USD","RefundId":"rf-1"}"#, claims))
        #expect(back["data"]?["action"]?["name"]?.string == "reverse_sale")
    }

    /// Yen are no part of a sale in dollars: they were told as all of it, and nothing is reckoned to be left.
    @Test func aRefundInAnotherCurrencyCountsAsNoPart() async throws {
        let told = claims(telling: .approved(.answered), of: "g-1")
        let yen = try await handle("order.refunded", data: #"{"Amount":4000,"Currency":"JPY","RefundId":"rf-1"}"#, told)
        let data = try result(yen)["data"]
        #expect(data?["action"]?["name"]?.string == "reverse_sale" && data?["amount"]?["currency"]?.string == "JPY")
        let again = try await handle("order.refunded", data: #"{"Amount":4000,"Currency":"JPY","RefundId":"rf-1"}"#, told)
        #expect(try result(again)["data"] == data)
        #expect(!(await listed(.refunded, .returned, told)).isTold)
    }

    @Test func aChargebackThatTheListShowsIsToldUnlessAWebhookWas() async throws {
        let silent = claims(telling: .approved(.answered), of: "g-1")
        let told = await listed(.chargeback, .chargeback, silent)
        #expect(try result(told)["id"]?.string == "A-R7-88-7/chargeback/listed")
        #expect(try result(await listed(.chargeback, .chargeback, silent)) == result(told), "the same is told again")
        // How much is disputed the list does not say: the debt stays paid.
        #expect(silent.standing(of: RecoveryReference("A-R7-88-7")!, merchant: "acme")?.back.isAll == false)
        let data = #"{"Amount":500,"Currency":"USD","ChargebackId":"cb-1"}"#
        let news = try #require(
            WebhookNews(
                body: Array(body("payment.chargeback.received", data: data).utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now
            ))
        #expect(try result(await handle(news, .chargeback, silent))["id"]?.string == "A-R7-88-7/chargeback/listed")

        let whole = try #require(
            WebhookNews(
                body: Array(body("payment.chargeback.received", data: #"{"Amount":4999,"Currency":"USD"}"#).utf8), merchantID: "acme",
                gatewayID: "42", receivedAt: Self.now))
        _ = await handle(whole, .chargeback, silent)
        #expect(silent.standing(of: RecoveryReference("A-R7-88-7")!, merchant: "acme")?.back.isAll == true, "the webhook says how much")

        let heard = claims(telling: .approved(.answered), of: "g-1")
        let first = try result(await handle(news, .chargeback, heard))
        #expect(try result(await listed(.chargeback, .chargeback, heard)) == first, "the webhook came first")
    }

    /// What a chargeback took is not refunded besides.
    @Test func theRestIsWhatNoChargebackTook() async throws {
        let claims = claims(telling: .approved(.answered), of: "g-1")
        let data = #"{"Amount":500,"Currency":"USD","ChargebackId":"cb-1"}"#
        let news = try #require(
            WebhookNews(
                body: Array(body("payment.chargeback.received", data: data).utf8), merchantID: "acme", gatewayID: "42", receivedAt: Self.now
            ))
        _ = await handle(news, .completed, claims)
        #expect(try result(await listed(.refunded, .returned, claims))["data"]?["amount"]?["minorUnits"]?.int64 == 4_499)
        // Of a sale of which something is left a part is noted, whoever took it.
        let wanted = self.claims(telling: .approved(.answered), of: "g-1")
        let told = try result(await handle(news, .chargeback, wanted))["data"]
        #expect(told?["action"]?["name"]?.string == "record_refund" && told?["amount"]?["minorUnits"]?.int64 == 500)
    }

    /// A pod may die between the claim and the telling, and the order may look otherwise when another takes the message up.
    @Test func whatTheListShowedIsToldThoughTheOrderLooksOtherwiseByThen() async throws {
        let claims = claims(telling: .approved(.answered), of: "g-1")
        let told = try result(await listed(.refunded, .returned, claims))
        #expect(try result(await listed(.refunded, .chargeback, claims)) == told)
    }

    /// What is left is not reckoned with a sale that cannot be read at the moment.
    @Test func theRestWaitsUntilTheSaleCanBeRead() async throws {
        let claims = claims(telling: .approved(.answered), of: "g-1")
        claims.showsFirst = false
        let held = await listed(.refunded, .returned, claims)
        guard case .parked = held.entry.fate else {
            Issue.record("\(held.entry.fate)")
            return
        }
        #expect(!held.isTold)
    }

    @Test func onlyAChargebackOfTheWholeOpensTheDebt() async throws {
        let gateway = FlexFactorGateway(id: "42", includeChargebacks: true)
        for (amount, words) in [(500, ["told", "refund"]), (4_999, ["told", "refund", "paid_back"])] {
            let claims = claims(telling: .approved(.answered), of: "g-1")
            let data = #"{"Amount":\#(amount),"ChargebackId":"cb-1"}"#
            let news = try #require(
                WebhookNews(
                    body: Array(body("payment.chargeback.received", data: data).utf8), merchantID: "acme", gatewayID: "42",
                    receivedAt: Self.now))
            let handled = await OutcomeStage(
                in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
                flexFactor: ScriptedFlexFactor(.order(.completed)),
                merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [gateway])),
                cancels: Cancels()
            ).handle(IncomingMessage(body: news.encoded()))
            #expect(handled.isTold && claims.words == words, "\(amount)")
        }
    }

    @Test func lateNewsOfFailureIsToldAsWhatTheOrderIs() async throws {
        let claims = MemoryClaims()
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: RecoveryReference("A-R7-88-7")!, debt: nil, amount: nil, act: .send(post: 1),
                until: Self.now + .days(40)), by: "w-2")
        let told = try result(try await handle("order.expired", claims))
        #expect(told["type"]?.string == "com.salvage.recovery.approved.v1")
    }
}
