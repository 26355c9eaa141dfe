import DeclineRecovery
import TestSupport
import Testing

@Suite struct WebhookNewsTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)

    private func read(_ body: String) -> WebhookNews? {
        WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: now)
    }

    /// No document tells whether what is sent again has the time of the refund or that of its sending. The delivery's own time tells the two apart.
    @Test(
        arguments: [
            ("2026-01-02T03:04:05.900Z", "null", true, true), ("2026-01-02T03:04:04.900Z", "null", true, true),
            ("2026-01-02T03:04:03.900Z", "null", true, false),
            ("2026-01-02T03:04:05.900Z", "null", false, false), ("2026-01-02T03:04:05.900Z", #"{"RefundId":"r-1"}"#, true, false),
        ] as [(String, String, Bool, Bool)])
    func whatIsSentAgainMayHaveTheTimeOfItsSending(stamp: String, data: String, isResent: Bool, isRestamped: Bool) throws {
        for event in ["order.refunded", "payment.chargeback.received", "order.completed"] {
            let body =
                #"{"Event":"\#(event)","TimeStamp":"\#(stamp)","EventData":\#(data),"ExternalOrderId":"A-R7-88-7","OrderId":"g-1","IsResent":\#(isResent)}"#
            let news = try #require(
                WebhookNews(
                    body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: now,
                    sentAt: Moment(rfc1123: "Fri, 02 Jan 2026 03:04:05 GMT")))
            #expect(news.isRestamped == (isRestamped && event != "order.completed") && news.isResent == isResent)
            #expect(try WebhookNews.decode(news.encoded()).get() == news)
        }
    }

    private func news(_ event: WebhookNews.Event, _ reference: String = "A-R7-88-7", hasWaited: Bool = false) -> WebhookNews {
        WebhookNews(
            merchantID: "acme", gatewayID: "42", event: event, reference: RecoveryReference(reference), orderID: "g-1", receivedAt: now,
            hasWaited: hasWaited)
    }

    /// The envelope of facts/flexfactor-api.md §11, unknown members and other spellings included.
    @Test func theEnvelopeIsReadTolerantly() throws {
        let whole = try #require(
            read(
                #"{"Event":"order.completed","TimeStamp":"2026-01-02T03:04:05.678901Z","EventData":null,"ExternalOrderId":"A-R7-88-7","OrderId":"g-1","ConfirmationId":"0A1B2C3D","IsTestMode":true,"IsResent":true,"New":{"a":[1]}}"#
            ))
        #expect(whole.event == .completed && whole.reference?.orderID == "A" && whole.orderID == "g-1" && whole.isResent)
        #expect(read(#"{"event":"ORDER.EXPIRED","externalOrderId":"A-U1"}"#)?.event == .expired)
        #expect(
            read(#"{"Event":"order.brandnew","ExternalOrderId":"not ours"}"#).map { ($0.event, $0.reference == nil) }! == (
                .other("order.brandnew"), true
            ))
        for body in ["", "null", "[]", "{}", #"{"Event":7}"#, #"{"Event":""}"#, "order.completed"] { #expect(read(body) == nil, "\(body)") }
    }

    /// News of test mode that are taken for others would be looked for at a gateway of production.
    @Test(arguments: [("true", true), (#""true""#, true), (#""True""#, true), ("1", true), ("false", false), (#""false""#, false)])
    func aFlagIsReadHoweverItIsWritten(says: String, flag: Bool) throws {
        let news = try #require(
            read(#"{"Event":"order.completed","ExternalOrderId":"A-R7-88-7","OrderId":"g-1","IsTestMode":\#(says),"IsResent":\#(says)}"#))
        #expect(news.isTestMode == flag && news.isResent == flag)
    }

    /// It would be looked for in vain until its time is over.
    @Test(arguments: ["", "00000000-0000-0000-0000-000000000000"]) func anIDThatNamesNoOrderIsNone(id: String) throws {
        let news = try #require(read(#"{"Event":"order.completed","ExternalOrderId":"A-R7-88-7","OrderId":"\#(id)"}"#))
        #expect(news.orderID == nil && news.step(gateway: nil) == .distrust(.unnamed))
        #expect(news.of("g-1").step(gateway: nil) == .look("g-1") && news.of("g-1").id == news.id)
        let nobodys = try #require(read(#"{"Event":"order.completed","OrderId":"\#(id)"}"#))
        #expect(nobodys.step(gateway: nil) == .distrust(.unplaced))
    }

    /// FlexFactor's clients are to tolerate fields and sizes that vary.
    @Test func oddButLegalWebhooksAreTaken() throws {
        let rest = #""Event":"order.refunded","EventData":{"Amount":700},"ExternalOrderId":"A-R7-88-7","OrderId":"g-1"}"#
        let long = "{\"Note\":\"" + String(repeating: "x", count: 200_000) + "\","
        let deep = "{\"d\":" + String(repeating: "[", count: 70) + String(repeating: "]", count: 70) + ","
        for odd in ["\u{FEFF}{", #"{"n":"\ud83d","#, #"{"x":1,"x":2,"#, #"{"Event":"order.refunded","#, long, deep] {
            let news = read(odd + rest)
            #expect(news?.event == .refunded && news?.orderID == "g-1" && news?.minorUnits == 700, "\(odd.prefix(40))")
        }
        for unclear in [#"{"Event":"order.completed","#, #"{"OrderId":"g-2","#] { #expect(read(unclear + rest) == nil) }
    }

    /// News that name no currency are in the sale's, and count in its digits.
    @Test(
        arguments: [
            ("500.0", "JPY", 500, true), ("4999.00", "JPY", 4_999, false), ("4.999", "KWD", nil, false), ("5.000", "KWD", 5_000, false),
            ("5.50", "USD", 550, true),
        ] as [(String, String, Int64?, Bool)])
    func anAmountWithAFractionIsOfTheSalesCurrency(amount: String, code: String, units: Int64?, isPartial: Bool) throws {
        let data = #"{"Amount":\#(amount),"RefundId":"rf-1"}"#
        let heard = try #require(
            read(#"{"Event":"order.refunded","EventData":\#(data),"ExternalOrderId":"A-R7-88-7","OrderId":"g-1"}"#))
        let whole: Int64 = code == "KWD" ? 5_000 : 4_999
        guard
            case .tell(_, .refunded, let takings?) = learned(
                try WebhookNews.decode(heard.encoded()).get(), order(.completed, minorUnits: whole, currency: Currency(code)))
        else {
            Issue.record("nothing is told")
            return
        }
        #expect(takings.amount?.minorUnits == units && takings.amount?.currency.code == (units == nil ? nil : code))
        #expect(takings.isPartial == isPartial)
    }

    @Test func whatTravelsComesBack() throws {
        for event in [
            WebhookNews.Event.completed, .cancelled, .expired, .refunded, .captureRequired, .chargeback, .other("payout.created"),
        ] {
            var sent = news(event, hasWaited: event == .expired)
            sent.tellsTaken = event == .refunded
            #expect(try WebhookNews.decode(sent.encoded()).get() == sent)
        }
        guard case .failure = WebhookNews.decode(Array("{}".utf8)), case .failure = WebhookNews.decode([0xFF]) else {
            Issue.record("rubbish was taken")
            return
        }
    }

    private let timing = RecoveryTiming()
    private let managed = FlexFactorGateway(id: "42")

    private func learned(
        _ news: WebhookNews, _ answer: FlexFactorAnswer, isCancelRequested: Bool = false, at later: Moment.Span = .seconds(0),
        owns: Bool = true
    ) -> WebhookNews.Outcome {
        news.learned(answer, isCancelRequested: isCancelRequested, now: now + later, timing: timing, owns: { _ in owns })
    }

    private func order(_ state: FlexFactorOrder.State, echo: String? = nil, minorUnits: Int64? = nil, currency: Currency? = nil)
        -> FlexFactorAnswer
    {
        .found(
            FlexFactorOrder(
                id: "g-1", state: state, echo: echo.flatMap { RecoveryReference($0) }, minorUnits: minorUnits, currency: currency))
    }

    @Test func nothingIsToldBeforeTheOrderWasLookedAt() throws {
        for event in [WebhookNews.Event.completed, .cancelled, .expired, .refunded] {
            #expect(news(event).step(gateway: managed) == .look("g-1"))
            #expect(news(event, hasWaited: true).step(gateway: managed) == .look("g-1"))
        }
        let wanting = FlexFactorGateway(id: "42", includeChargebacks: true)
        #expect([managed, wanting].allSatisfy { news(.chargeback).step(gateway: $0) == .look("g-1") })
        #expect([managed, wanting].map { news(.chargeback).isWanted(by: $0) } == [false, true])
        for event in [WebhookNews.Event.cancelled, .expired] {
            #expect(news(event).step(gateway: FlexFactorGateway(id: "42", mitMode: .sync)) == .ignore(.decidedByLook))
            for cascade in ["A-S0", "A-T1", "A-C7-88-7"] {
                #expect(news(event, cascade).step(gateway: managed) == .ignore(.decidedByLook), "\(cascade)")
            }
        }
        #expect(news(.other("payout.created")).step(gateway: managed) == .ignore(.informational))
        let foreign = try #require(read(#"{"Event":"order.completed","ExternalOrderId":"shop-1","OrderId":"g-1"}"#))
        #expect(foreign.isForeign && foreign.step(gateway: managed) == .ignore(.foreignOrder))
    }

    @Test func whatIsPaidIsToldAndWhatIsNotIsAskedAgain() throws {
        let reference = try #require(RecoveryReference("A-R7-88-7"))
        for state in [FlexFactorOrder.State.completed, .returned, .chargeback] {
            #expect(learned(news(.completed), order(state)) == .tell(reference, .approved(.notified), nil))
        }
        for state in [FlexFactorOrder.State.processing, .cancelled, .captureRequired] {
            guard case .wait = learned(news(.completed), order(state)) else {
                Issue.record("\(state) is no payment")
                return
            }
            #expect(learned(news(.completed), order(state), at: .days(1)) == .distrust(.notPaid))
        }
    }

    /// Nobody opened it, somebody else did, or it cannot be seen: never told as approved.
    @Test func strangersNewsIsDistrusted() {
        #expect(learned(news(.completed), .noSuchOrder) == .wait(timing.settle))
        var again = news(.completed)
        again.looks = 1
        #expect(learned(again, .noSuchOrder) == .distrust(.unknownOrder))
        #expect(learned(news(.completed), order(.completed, echo: "B-S0")) == .distrust(.otherOrder))
        #expect(learned(news(.completed), order(.completed), owns: false) == .distrust(.otherAccount))
        #expect(learned(news(.completed), .failed(.unknown(.barred(status: 404))), at: .days(1)) == .distrust(.notSeen))
        #expect(learned(news(.completed), .failed(.unknown(.otherAccount))) == .distrust(.orderOfAnother))
        let production = FlexFactorGateway(id: "42", isProduction: true)
        let test = WebhookNews(
            merchantID: "acme", gatewayID: "42", event: .completed, reference: RecoveryReference("A-S0"), orderID: "g-1", isTestMode: true,
            receivedAt: now)
        #expect(test.step(gateway: production) == .distrust(.testMode) && test.step(gateway: managed) == .look("g-1"))
    }

    /// An end without money waits until a cancel command would be known, and is never told of an order that is paid or open.
    @Test func newsOfFailureIsNotBelievedByItself() throws {
        let reference = try #require(RecoveryReference("A-R7-88-7"))
        for event in [WebhookNews.Event.cancelled, .expired] {
            #expect(learned(news(event), order(.completed)) == .tell(reference, .approved(.polled), nil))
            #expect(learned(news(event, hasWaited: true), order(.completed)) == .tell(reference, .approved(.polled), nil))
            #expect(learned(news(event, hasWaited: true), order(.processing)) == .ignore(.decidedByLook))
            #expect(learned(news(event), order(.cancelled)) == .wait(timing.settle))
            #expect(learned(news(event, hasWaited: true), order(.cancelled), isCancelRequested: true) == .tell(reference, .cancelled, nil))
        }
        #expect(learned(news(.expired, hasWaited: true), order(.cancelled)) == .tell(reference, .expired(.atExpiry), nil))
        #expect(learned(news(.cancelled, hasWaited: true), order(.cancelled)) == .tell(reference, .expired(.closed), nil))
    }

    private func refund(_ data: String, stamp: String = "2026-01-02T03:04:05Z", event: String = "order.refunded") throws -> WebhookNews {
        try #require(
            read(#"{"Event":"\#(event)","TimeStamp":"\#(stamp)","EventData":\#(data),"ExternalOrderId":"A-R7-88-7","OrderId":"g-1"}"#))
    }

    @Test func aPartThatIsRefundedIsAPart() throws {
        let reference = try #require(RecoveryReference("A-R7-88-7"))
        let usd = try #require(Currency("USD"))
        let part = try refund(#"{"Amount":500,"Currency":"USD","RefundId":"r-1"}"#)
        let amount = Money(minorUnits: 500, currency: usd)
        #expect(learned(part, order(.completed)) == .tell(reference, .refunded, .init(amount: amount, isPartial: true, isWhole: false)))
        #expect(
            learned(part, order(.completed, minorUnits: 500))
                == .tell(reference, .refunded, .init(amount: amount, isPartial: false, isWhole: true)))
        #expect(learned(part, order(.returned)) == .tell(reference, .refunded, .init(amount: amount, isPartial: false, isWhole: true)))
        #expect(
            learned(try refund("null"), order(.completed))
                == .tell(reference, .refunded, .init(amount: nil, isPartial: false, isWhole: false)))
        #expect(try refund(#"{"Amount":12.5}"#).minorUnits == 1_250)
        #expect(
            learned(try refund(#"{"Amount":12.5}"#), order(.completed, currency: usd))
                == .tell(reference, .refunded, .init(amount: Money(minorUnits: 1_250, currency: usd), isPartial: true, isWhole: false)))
    }

    @Test func eachRefundHasAnIDOfItsOwnAndEachCopyTheSame() throws {
        let ids = try [
            refund(#"{"Amount":500,"RefundId":"r-1"}"#), refund(#"{"Amount":500,"RefundId":"r-2"}"#), refund(#"{"Amount":700}"#),
            refund(#"{"Amount":500}"#), refund(#"{"Amount":500}"#, stamp: "2026-01-03T03:04:05Z"),
        ].map(\.distinction)
        #expect(Set(ids).count == 5 && !ids.contains(nil))
        #expect(try refund(#"{"Amount":500,"RefundId":"r-1"}"#, stamp: "2026-01-09T03:04:05Z").distinction == ids[0])
        #expect(try WebhookNews.decode(refund(#"{"Amount":500,"RefundId":"r-1"}"#).encoded()).get().distinction == ids[0])
        #expect(try refund("null", event: "order.completed").distinction == nil)
    }

    @Test func newsWithoutOurIDIsPlacedByTheOrder() throws {
        let bare = try #require(read(#"{"Event":"order.refunded","OrderId":"g-1"}"#))
        #expect(bare.step(gateway: managed) == .look("g-1"))
        let reference = try #require(RecoveryReference("A-S0"))
        #expect(
            learned(bare, order(.returned, echo: "A-S0"))
                == .tell(reference, .refunded, .init(amount: nil, isPartial: false, isWhole: true)))
        #expect(learned(bare, order(.returned)) == .distrust(.unplaced))
    }

    private func back(_ news: WebhookNews, _ order: FlexFactorAnswer) -> WebhookNews.Takings? {
        guard case .tell(_, _, let takings) = learned(news, order) else { return nil }
        return takings
    }

    @Test func aDisputedPartIsNotTheWhole() throws {
        let part = try refund(#"{"Amount":500,"ChargebackId":"c-1"}"#, event: "payment.chargeback.received")
        #expect(back(part, order(.chargeback, minorUnits: 4_999))?.isWhole == false)
        #expect(
            back(part, order(.chargeback, minorUnits: 4_999))?.isPartial == true && back(part, order(.chargeback))?.isPartial == false,
            "of what the sale was nobody says anything")
        #expect(back(part, order(.completed, minorUnits: 4_999))?.isWhole == false)
        #expect(back(part, order(.chargeback, minorUnits: 500))?.isWhole == true)
        #expect(back(part, order(.chargeback))?.isWhole == false)
        let unsaid = back(try refund("null", event: "payment.chargeback.received"), order(.chargeback, minorUnits: 4_999))
        #expect(unsaid?.isWhole == false && unsaid?.isPartial == false, "of how much nobody says")
    }

    /// The order's amount may stand beside what went back of it, and currencies have minor units of their own.
    @Test(
        arguments: [
            (#"{"Amount":10000,"RefundAmount":3000,"Currency":"USD"}"#, 3_000), (#"{"Amount":"100.00","Currency":"JPY"}"#, 100),
            (#"{"Amount":"1.25","Currency":"KWD"}"#, 1_250), (#"{"Amount":"1.2345","Currency":"CLF"}"#, 12_345),
            (#"{"Amount":12.5}"#, 1_250), (#"{"Amount":"0.10","Currency":"USD"}"#, 10),
            (#"{"Amount":"1.255","Currency":"USD"}"#, nil), (#"{"Amount":"1.2x","Currency":"USD"}"#, nil),
        ] as [(String, Int64?)])
    func whatWentBackIsReadInItsCurrency(data: String, units: Int64?) throws {
        #expect(try refund(data).minorUnits == units)
    }

    /// FlexFactor's refund takes dollars, and its news may say 20 of them without the cents. Where both can be, nobody knows.
    @Test(
        arguments: [
            (#"{"Amount":20,"Currency":"USD"}"#, 4_999, nil, [20, 2_000]), (#"{"Amount":"20"}"#, 4_999, nil, [20, 2_000]),
            (#"{"Amount":20,"Currency":"USD"}"#, 2_000, nil, [20, 2_000]), (#"{"Amount":20,"Currency":"USD"}"#, 1_999, 20, []),
            (#"{"Amount":500,"Currency":"USD"}"#, 4_999, 500, []),
            (#"{"Amount":"20.00","Currency":"USD"}"#, 4_999, 2_000, []), (#"{"Amount":"0.20","Currency":"USD"}"#, 4_999, 20, []),
            (#"{"Amount":9000000000000}"#, 4_999, nil, []),
        ] as [(String, Int64, Int64?, [Int64])])
    func aWholeNumberMayBeDollars(data: String, sale: Int64, units: Int64?, readings: [Int64]) throws {
        let news = try WebhookNews.decode(refund(data).encoded()).get()
        let takings = back(news, order(.completed, minorUnits: sale, currency: .usd))
        #expect(takings?.amount?.minorUnits == units && takings?.readings == readings)
        // Either may be less than the sale: then it is a part, of the lesser at the least.
        let isLess = readings.last.map { $0 < sale } ?? false
        #expect(takings?.isWhole == false && takings?.isPartial == (units != nil || isLess))
        #expect(takings?.counted?.minorUnits == (isLess ? readings.first : units))
        if isLess {
            let gone = back(news, order(.returned, minorUnits: sale, currency: .usd))
            #expect(gone?.isPartial == false && gone?.isWhole == true && gone?.counted == nil, "nothing is left")
        }
        // Nothing decides where the sale is not known: it is read as it always was.
        #expect(back(news, order(.completed, currency: .usd))?.readings == [])
    }

    @Test func yenHaveNoMinorUnits() throws {
        let yen = try refund(#"{"Amount":20,"Currency":"JPY"}"#)
        #expect(back(yen, order(.completed, minorUnits: 4_999, currency: Currency("JPY")))?.amount?.minorUnits == 20)
    }

    @Test func amountsOfTwoCurrenciesAreNotCompared() throws {
        let yen = try refund(#"{"Amount":5000,"Currency":"JPY","RefundId":"r-1"}"#)
        let takings = back(yen, order(.completed, minorUnits: 4_999, currency: .usd))
        #expect(takings?.isWhole == false && takings?.isPartial == false)
    }
}
