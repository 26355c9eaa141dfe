import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// News of money that was taken, or went back, against what the CRM was told.
@Suite struct MoneyBackNewsTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let reference = RecoveryReference(
        DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A", kind: .rerun, sequence: 1)
    private let amount = Money(minorUnits: 4_999, currency: .usd)

    private func claims(telling reason: ResultReason, _ reference: RecoveryReference = reference) -> MemoryClaims {
        MemoryClaims(telling: reason, of: reference, at: Self.now)
    }

    private func stage(_ state: FlexFactorOrder.State, _ claims: MemoryClaims, mode: MITMode = .managed, chargebacks: Bool = false)
        -> OutcomeStage
    {
        OutcomeStage(
            in: .sample(ManualClock(Self.now), claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5)),
            flexFactor: ScriptedFlexFactor(.order(state)),
            merchants: Merchants(
                Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", includeChargebacks: chargebacks, mitMode: mode)])),
            cancels: Cancels())
    }

    private func news(_ event: WebhookNews.Event, _ reference: RecoveryReference = reference, hasWaited: Bool = false) -> IncomingMessage {
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: event, reference: reference, orderID: "g-1",
            minorUnits: event == .refunded ? 500 : nil, currency: .usd, distinction: "n-1", receivedAt: Self.now, hasWaited: hasWaited)
        return IncomingMessage(body: news.encoded())
    }

    private func later(_ handled: StageOutcome) throws -> IncomingMessage {
        IncomingMessage(
            body: try #require(handled.publishing.first { if case .delayed(.outcomes, _) = $0.destination { true } else { false } }).body)
    }

    /// FlexFactor voids what it approved: the CRM holds the order for paid, whoever asked FlexFactor. What was told as not paid is no news.
    @Test(arguments: [MITMode.managed, .sync]) func anApprovalThatIsVoidedIsALetter(mode: MITMode) async throws {
        let sale = RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: "d-3"), orderID: "A", kind: .sale, sequence: 0)
        for reference in [Self.reference, sale] {
            let voided = stage(.cancelled, claims(telling: .approved(.answered), reference), mode: mode)
            guard case .parked = await voided.handle(news(.cancelled, reference)).entry.fate else {
                Issue.record("\(reference)")
                continue
            }
            let handled = await voided.handle(news(.cancelled, reference, hasWaited: true))
            #expect(handled.hasLetter && handled.kinds == [.approved], "\(reference)")
        }
        // By whichever news it is told, it is one.
        let known = claims(telling: .approved(.answered))
        var letters: Set<String> = []
        for event in [WebhookNews.Event.cancelled, .expired] {
            for message in await stage(.cancelled, known, mode: mode).handle(news(event, hasWaited: true)).publishing
            where message.destination == .deadLetters {
                letters.insert(message.messageID)
            }
        }
        #expect(letters.count == 1)
        let declined = stage(.cancelled, claims(telling: .declined(.byFlexFactor), sale), mode: mode)
        #expect(await declined.handle(news(.cancelled, sale, hasWaited: true)).publishing.isEmpty)
    }

    /// It was told as not paid, and the news that it was taken after all was lost: a part that goes back says so too.
    @Test func whatComesBackOfARecoveryThatWasToldOtherwiseWasTakenFirst() async throws {
        let claims = claims(telling: .expired(.closed))
        let begun = await stage(.completed, claims).handle(news(.refunded))
        let first = await stage(.completed, claims).handle(try later(begun))
        #expect(begun.kinds.isEmpty && first.kinds == [.correction] && first.hasLetter)
        let second = await stage(.completed, claims).handle(try later(first))
        #expect(second.kinds == [.refunded] && !second.hasLetter)
        // The debt is paid: a rerun of it is not charged besides.
        let rerun = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-2"), orderID: "A", kind: .rerun, sequence: 2)
        let request = ClaimRequest(
            merchantID: "acme", reference: rerun, debt: Fingerprint("debt"), amount: amount, act: .send(post: 1),
            until: Self.now + .days(40))
        guard case .recovered = claims.append(request, by: "w-2").verdict else {
            Issue.record("it would be charged again")
            return
        }
    }

    /// A pod claims that it was taken, and dies before that is published: its message comes again.
    @Test(arguments: [.expired(.closed), nil] as [ResultReason?], [WebhookNews.Event.refunded, .chargeback])
    func thatItWasTakenIsToldByWhoeverComesBehindADeath(told: ResultReason?, event: WebhookNews.Event) async throws {
        let claims = told.map { self.claims(telling: $0) } ?? MemoryClaims(now: Self.now)
        if told == nil {
            let sent = ClaimRequest(
                merchantID: "acme", reference: Self.reference, debt: nil, amount: amount, act: .send(post: 1), until: Self.now + .days(40))
            claims.append(sent, by: "w-2")
        }
        let stage = stage(.completed, claims, chargebacks: true)
        let begun = await stage.handle(news(event))
        let taken = try later(begun)
        let lost = await stage.handle(taken)
        let again = await stage.handle(taken)
        let kind: ResultKind = told == nil ? .approved : .correction
        #expect(lost.kinds == [kind] && again.kinds == [kind])
        #expect(again.publishing.map(\.messageID) == lost.publishing.map(\.messageID), "with its letter, where there is one")
        #expect(again.hasLetter == (told != nil))
        let rest = await stage.handle(try later(again))
        #expect(rest.kinds == [event == .refunded ? ResultKind.refunded : .chargeback])
    }

    /// Whichever part is told last, and whether the CRM wants to hear of chargebacks or not.
    @Test(arguments: [false, true], [false, true])
    func aRefundAndAChargebackMakeTheWholeInEitherOrder(isWanted: Bool, isRefundFirst: Bool) async {
        let claims = claims(telling: .approved(.answered))
        func hear(_ event: WebhookNews.Event) async {
            let news = WebhookNews(
                merchantID: "acme", gatewayID: "42", event: event, reference: Self.reference, orderID: "g-1",
                minorUnits: event == .refunded ? 1_000 : 3_999, currency: .usd, distinction: event.word, receivedAt: Self.now)
            let state = FlexFactorOrder.State.chargeback
            _ = await stage(state, claims, chargebacks: isWanted).handle(IncomingMessage(body: news.encoded()))
        }
        func isAllBack() -> Bool? { claims.standing(of: Self.reference, merchant: "acme")?.back.isAll }
        await hear(isRefundFirst ? .refunded : .chargeback)
        #expect(isAllBack() == false)
        await hear(isRefundFirst ? .chargeback : .refunded)
        #expect(isAllBack() == true)
    }

    /// A command gave the last part back, and who heard so late claimed that, and died before the debt was opened.
    @Test func partsThatMakeTheWholeOpenTheDebtThoughWhoeverToldTheLastDied() async throws {
        let claims = claims(telling: .approved(.answered))
        func claim(_ back: MoneyBackClaim, of units: Int64) {
            let part = Money(minorUnits: units, currency: .usd)
            let result = ResultEvent(
                subject: .recovery(Self.reference, RecoveredOrder(Self.reference)), merchantID: "acme", reason: .refunded, gatewayID: "42",
                flexFactorOrderID: "g-1", amount: part, occurredAt: Self.now, distinction: "n-\(units)", isPartial: true)
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: Self.reference, debt: nil, amount: part, act: .moneyBack(back),
                    until: Self.now + .days(40), result: result), by: "w-2")
        }
        claim(MoneyBackClaim(Fingerprint("n-4499"), .news(isWhole: false, isLate: false)), of: 4_499)
        claim(MoneyBackClaim(Fingerprint("r-1"), .send(round: 1)), of: 500)
        claim(MoneyBackClaim(Fingerprint("n-1"), .news(isWhole: false, isLate: true)), of: 500)
        func isAllBack() -> Bool? { claims.standing(of: Self.reference, merchant: "acme")?.back.isAll }
        #expect(isAllBack() == false)
        let again = await stage(.completed, claims).handle(news(.refunded))
        #expect(again.kinds == [.refunded] && isAllBack() == true)
    }

    /// FlexFactor's news do not say how much went back, and the command that asked for it cannot say what became of it.
    @Test(
        arguments: [
            (500, .completed, "record_refund"), (4_999, .returned, "reverse_sale"),
        ] as [(Int64, FlexFactorOrder.State, String)])
    func lateNewsOfNoAmountTellWhatTheCommandAskedFor(units: Int64, state: FlexFactorOrder.State, action: String) async throws {
        let claims = claims(telling: .approved(.answered))
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: Self.reference, debt: nil, amount: Money(minorUnits: units, currency: .usd),
                act: .moneyBack(MoneyBackClaim(Fingerprint("r-1"), .send(round: 1))), until: Self.now + .days(40)), by: "w-2")
        func hear(after wait: Moment.Span, _ distinction: String = "n-1") async -> StageOutcome {
            let news = WebhookNews(
                merchantID: "acme", gatewayID: "42", event: .refunded, reference: Self.reference, orderID: "g-1",
                distinction: distinction, receivedAt: Self.now + .milliseconds(-wait.milliseconds))
            return await stage(state, claims).handle(IncomingMessage(body: news.encoded()))
        }
        func told(_ handled: StageOutcome) throws -> (id: String?, action: String?, units: Int64?) {
            let result = try #require(try handled.results().first)
            return (
                result["id"]?.string, result["data"]?["action"]?["name"]?.string, result["data"]?["amount"]?["minorUnits"]?.int64
            )
        }
        #expect(await hear(after: .seconds(10)).kinds.isEmpty, "the command has its time to say it")
        for _ in 0..<2 {
            let handled = await hear(after: .minutes(30))
            let result = try told(handled)
            #expect(result.action == action && result.units == units && handled.entry.amount?.minorUnits == units)
        }
        // Of a refund that nobody asked for here nothing is known.
        if units == 500 {
            let portal = try told(await hear(after: .minutes(30), "n-2"))
            #expect(portal.action == "reverse_sale" && portal.units == nil)
        }
    }

    /// A command's request for so much stands, and nobody knows what became of it.
    private func ask(_ units: Int64, _ claims: MemoryClaims) {
        claims.append(
            ClaimRequest(
                merchantID: "acme", reference: Self.reference, debt: nil, amount: Money(minorUnits: units, currency: .usd),
                act: .moneyBack(MoneyBackClaim(Fingerprint("r-1"), .send(round: 1))), until: Self.now + .days(40)), by: "w-2")
    }

    /// What is told half an hour later of a refund.
    private func hear(
        _ distinction: String, of units: Int64? = nil, _ state: FlexFactorOrder.State, _ claims: MemoryClaims
    ) async throws -> (action: String?, units: Int64?)? {
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .refunded, reference: Self.reference, orderID: "g-1", minorUnits: units,
            currency: units.map { _ in Currency.usd }, distinction: distinction, receivedAt: Self.now + .minutes(-30))
        let data = try await stage(state, claims).handle(IncomingMessage(body: news.encoded())).results().first?["data"]
        return data.map { (action: $0["action"]?["name"]?.string, units: $0["amount"]?["minorUnits"]?.int64) }
    }

    private func isCharged(_ id: String, _ claims: MemoryClaims) -> Bool {
        let rerun = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A", kind: .rerun, sequence: 2)
        let request = ClaimRequest(
            merchantID: "acme", reference: rerun, debt: Fingerprint("debt"), amount: amount, act: .send(post: 1),
            until: Self.now + .days(40))
        return if case .granted = claims.append(request, by: "w-2").verdict { true } else { false }
    }

    /// Somebody gave a part back in FlexFactor's portal, and its news do not say how much: of what the command asked for, which was all that
    /// was left, the order would show as returned.
    @Test(arguments: [0, 1_000] as [Int64])
    func newsOfNoAmountAreNotOfACommandForAllWhileSomethingIsLeft(before: Int64) async throws {
        let claims = claims(telling: .approved(.answered))
        if before > 0 { _ = try await hear("n-0", of: before, .completed, claims) }
        ask(4_999 - before, claims)
        let part = try #require(try await hear("n-1", .completed, claims))
        #expect(part.action == "reverse_sale" && part.units == nil)
        let back = try #require(claims.standing(of: Self.reference, merchant: "acme")?.back)
        #expect(!back.isAll && back.askers == 1, "what became of the command is as unknown as before")
        #expect(!isCharged("d-2", claims))
        #expect(try await hear("n-1", .returned, claims)?.units == nil, "as it was told")
        // What the command asked for goes back after all.
        let rest = try #require(try await hear("n-2", .returned, claims))
        #expect(rest.units == 4_999 - before && claims.standing(of: Self.reference, merchant: "acme")?.back.askers == 0)
    }

    /// A command's request stands, and FlexFactor shows the order as returned: that is all of it, and the debt may be paid again.
    @Test func newsOfNoAmountAreOfACommandForAllWhereNothingIsLeft() async throws {
        let claims = claims(telling: .approved(.answered))
        ask(4_999, claims)
        let all = try #require(try await hear("n-1", .returned, claims))
        #expect(all.action == "reverse_sale" && all.units == 4_999 && isCharged("d-2", claims))
    }

    /// So much was asked for, and less may have gone back: with the rest it is not known to be all before the order shows it.
    @Test func whatWasOnlyAskedForMakesNoWholeBeforeTheOrderShowsIt() async throws {
        let claims = claims(telling: .approved(.answered))
        ask(3_000, claims)
        let asked = try #require(try await hear("n-1", .completed, claims))
        #expect(asked.action == "record_refund" && asked.units == 3_000)
        let rest = try #require(try await hear("n-2", of: 1_999, .completed, claims))
        #expect(rest.action == "record_refund" && rest.units == 1_999)
        #expect(claims.standing(of: Self.reference, merchant: "acme")?.back.isAll == false && !isCharged("d-2", claims))
        // Nothing is left to tell of what the list shows, but that the debt is open.
        let isTold = try await hear(WebhookNews.listed, .returned, claims) != nil
        #expect(!isTold)
        #expect(claims.standing(of: Self.reference, merchant: "acme")?.back.isAll == true && isCharged("d-3", claims))
    }

    /// Of a dispute nobody tells the amount, and it may be about a part. An older worker took it for the whole.
    @Test(arguments: [false, true]) func aDisputeOfNoAmountLeavesTheDebtPaid(isOfAnOlderWorker: Bool) async throws {
        let claims = claims(telling: .approved(.answered))
        if isOfAnOlderWorker {
            let result = ResultEvent(
                subject: .recovery(Self.reference, RecoveredOrder(Self.reference)), merchantID: "acme", reason: .chargeback,
                gatewayID: "42",
                flexFactorOrderID: "g-1", occurredAt: Self.now, distinction: "n-1")
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: Self.reference, debt: nil, amount: nil,
                    act: .moneyBack(.chargeback("n-1", isWhole: true)), until: Self.now + .days(40), result: result), by: "w-2")
        }
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .chargeback, reference: Self.reference, orderID: "g-1", distinction: "n-1",
            receivedAt: Self.now)
        let handled = await stage(.chargeback, claims, chargebacks: true).handle(IncomingMessage(body: news.encoded()))
        #expect(handled.kinds == [.chargeback])
        #expect(try handled.results().first?["data"]?["action"]?["name"]?.string == "reverse_sale")
        #expect(claims.standing(of: Self.reference, merchant: "acme")?.back.isAll == false && !isCharged("d-2", claims))
    }

    /// Of two commands that asked for different amounts nobody can say whose the news are: it is a part, and no amount is told.
    @Test func lateNewsOfNoAmountMayBeOfEitherCommand() async throws {
        let claims = claims(telling: .approved(.answered))
        for (id, units) in [("r-1", 500), ("r-2", 700)] as [(String, Int64)] {
            claims.append(
                ClaimRequest(
                    merchantID: "acme", reference: Self.reference, debt: nil, amount: Money(minorUnits: units, currency: .usd),
                    act: .moneyBack(MoneyBackClaim(Fingerprint(id), .send(round: 1))), until: Self.now + .days(40)), by: "w-2")
        }
        let news = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .refunded, reference: Self.reference, orderID: "g-1", distinction: "n-1",
            receivedAt: Self.now + .minutes(-30))
        let handled = await stage(.completed, claims).handle(IncomingMessage(body: news.encoded()))
        let body = try #require(handled.publishing.first { if case .results = $0.destination { true } else { false } }).body
        let data = try JSONValue(parsing: body.span)["data"]
        #expect(data?["action"]?["name"]?.string == "record_refund" && data?["amount"] == nil)
    }

    /// Whether it is the same, or a second of as much whose first delivery was lost, nobody can say: a person is told.
    @Test(arguments: [WebhookNews.Event.refunded, .chargeback]) func whatIsSentAgainWithAnotherTimeIsToldAgainAndALetter(
        event: WebhookNews.Event
    ) async throws {
        let stage = stage(.completed, claims(telling: .approved(.answered)), chargebacks: true)
        func hear(_ distinction: String, isAgain: Bool = true) async -> StageOutcome {
            let news = WebhookNews(
                merchantID: "acme", gatewayID: "42", event: event, reference: Self.reference, orderID: "g-1", isResent: isAgain,
                isRestamped: isAgain, minorUnits: 500, currency: .usd, distinction: distinction, receivedAt: Self.now)
            return await stage.handle(IncomingMessage(body: news.encoded()))
        }
        func ids(_ handled: StageOutcome, _ isLetter: Bool) -> [String] {
            handled.publishing.filter { ($0.destination == .deadLetters) == isLetter }.map(\.messageID)
        }
        let first = await hear("n-1", isAgain: false)
        let again = await hear("n-2")
        #expect(ids(first, false).count == 1 && !first.hasLetter)
        #expect(ids(again, false) == ids(first, false) && ids(again, true).count == 1)
        // It is one letter, and news that come as they were need none.
        #expect(ids(await hear("n-3"), true) == ids(again, true))
        #expect(await !hear("n-1").hasLetter)
    }
}
