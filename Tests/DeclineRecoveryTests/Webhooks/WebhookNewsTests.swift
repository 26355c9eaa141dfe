import DeclineRecovery
import Testing

@Suite struct WebhookNewsTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)

    private func read(_ body: String) -> WebhookNews? {
        WebhookNews(body: Array(body.utf8), merchantID: "acme", gatewayID: "42", receivedAt: now)
    }

    private func news(_ event: WebhookNews.Event, _ reference: String = "A-R7-88-7", hasWaited: Bool = false) -> WebhookNews {
        WebhookNews(merchantID: "acme", gatewayID: "42", event: event, reference: RecoveryReference(reference), orderID: "g-1", receivedAt: now, hasWaited: hasWaited)
    }

    /// The envelope of facts/flexfactor-api.md §11, unknown members and other spellings included.
    @Test func theEnvelopeIsReadTolerantly() throws {
        let whole = try #require(read(
            #"{"Event":"order.completed","TimeStamp":"2026-01-02T03:04:05.678901Z","EventData":null,"ExternalOrderId":"A-R7-88-7","OrderId":"g-1","ConfirmationId":"0A1B2C3D","IsTestMode":true,"IsResent":true,"New":{"a":[1]}}"#))
        #expect(whole.event == .completed && whole.reference?.orderID == "A" && whole.orderID == "g-1" && whole.isResent)
        #expect(read(#"{"event":"ORDER.EXPIRED","externalOrderId":"A-U1"}"#)?.event == .expired)
        #expect(read(#"{"Event":"order.brandnew","ExternalOrderId":"not ours"}"#).map { ($0.event, $0.reference == nil) }! == (.other("order.brandnew"), true))
        for body in ["", "null", "[]", "{}", #"{"Event":7}"#, #"{"Event":""}"#, "order.completed"] { #expect(read(body) == nil, "\(body)") }
    }

    @Test func whatTravelsComesBack() throws {
        for event in [WebhookNews.Event.completed, .cancelled, .expired, .refunded, .captureRequired, .chargeback, .other("payout.created")] {
            let sent = news(event, hasWaited: event == .expired)
            #expect(try WebhookNews.decode(sent.encoded()).get() == sent)
        }
        guard case .failure = WebhookNews.decode(Array("{}".utf8)), case .failure = WebhookNews.decode([0xFF]) else {
            Issue.record("rubbish was taken")
            return
        }
    }

    @Test func moneyThatMovedIsToldAtOnce() throws {
        let reference = try #require(RecoveryReference("A-R7-88-7"))
        for gateway in [FlexFactorGateway(id: "42"), FlexFactorGateway(id: "42", mitMode: .sync), nil] {
            #expect(news(.completed).step(gateway: gateway, isCancelRequested: true) == .tell(reference, .approved(.notified)))
            #expect(news(.refunded).step(gateway: gateway, isCancelRequested: false) == .tell(reference, .refunded))
            #expect(news(.chargeback).step(gateway: gateway, isCancelRequested: false) == .ignore(.chargebacksOff))
        }
        let wanting = FlexFactorGateway(id: "42", includeChargebacks: true)
        #expect(news(.chargeback).step(gateway: wanting, isCancelRequested: false) == .tell(reference, .chargeback))
    }

    /// An end without money waits until a cancel command would be known, and is believed only where nobody charges again.
    @Test func anEndWithoutMoneyIsToldOnceItIsKnownWhoWantedIt() throws {
        let reference = try #require(RecoveryReference("A-R7-88-7"))
        let managed = FlexFactorGateway(id: "42")
        for event in [WebhookNews.Event.cancelled, .expired] {
            #expect(news(event).step(gateway: managed, isCancelRequested: false) == .wait)
            #expect(news(event, hasWaited: true).step(gateway: managed, isCancelRequested: true) == .tell(reference, .cancelled))
            #expect(news(event, hasWaited: true).step(gateway: FlexFactorGateway(id: "42", mitMode: .sync), isCancelRequested: false) == .ignore(.decidedByLook))
            for cascade in ["A-S0", "A-T1", "A-C7-88-7"] {
                #expect(news(event, cascade, hasWaited: true).step(gateway: managed, isCancelRequested: false) == .ignore(.decidedByLook), "\(cascade)")
            }
        }
        #expect(news(.expired, hasWaited: true).step(gateway: managed, isCancelRequested: false) == .tell(reference, .expired(.atExpiry)))
        #expect(news(.cancelled, hasWaited: true).step(gateway: managed, isCancelRequested: false) == .tell(reference, .expired(.closed)))
        #expect(news(.completed, "rubbish").step(gateway: managed, isCancelRequested: false) == .ignore(.foreignOrder))
        #expect(news(.other("payout.created")).step(gateway: managed, isCancelRequested: false) == .ignore(.informational))
    }
}
