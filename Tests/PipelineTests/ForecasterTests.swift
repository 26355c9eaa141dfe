import DeclineRecovery
import Pipeline
import TestSupport
import Testing

/// What a dry run says of messages at every stage.
@Suite struct ForecasterTests {
    private static let declinedAt = Moment(rfc3339: "2026-01-02T03:04:05Z")!
    private let merchant = Merchant(
        id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", expiryDays: 9), FlexFactorGateway(id: "43", mitMode: .sync)],
        gateways: [Gateway(id: "7", type: "nmi", directCascade: "salvage"), Gateway(id: "8", type: "nmi")],
        cascadeProfiles: [CascadeProfile(id: "salvage", members: ["42"])])

    private func forecast(
        _ body: [UInt8], _ stage: Stage, after span: Moment.Span = .seconds(5), merchants: (any MerchantDirectory)?
    ) -> Forecast {
        Forecaster(merchants: merchants, now: Self.declinedAt + span).forecast(body, at: stage)
    }

    private func forecast(_ body: [UInt8], _ stage: Stage, after span: Moment.Span = .seconds(5)) -> Forecast {
        forecast(body, stage, after: span, merchants: Merchants(merchant))
    }

    // MARK: Intake

    private func decline(
        merchant: String = "acme", trigger: String = #""initial""#, gateway: String = "7", code: String = "201", more: String = "",
        rerun: String = "1"
    ) -> [UInt8] {
        Array(
            (#"{"specversion":"1.0","id":"d-1","source":"crm","type":"com.salvage.decline.v1","time":"2026-01-02T03:04:05Z","#
                + #""data":{"merchantId":"\#(merchant)","#
                + #""trigger":\#(trigger),"order":{"id":"A1","type":"new_sale","ipAddress":"203.0.113.7","rerunNumber":\#(rerun)},"#
                + #""decline":{"gatewayId":"\#(gateway)","responseCodeSource":"nmi","responseCode":"\#(code)","transactionId":"T-1"},"#
                + #""amount":{"minorUnits":4999,"currency":"USD"},"#
                + #""billing":{"firstName":"Ada","lastName":"Byron","countryCode":"US","addressLine1":"1 Main","#
                + #""city":"Troy","state":"NY","zipCode":"12180"},"paymentMethod":{"token":"tok-1"}\#(more)}}"#).utf8)
    }

    private let cancel = Array(
        #"{"specversion":"1.0","id":"c-1","source":"crm","type":"com.salvage.cancel.v1","data":{"merchantId":"acme","recoveryReference":"A1-U1"}}"#
            .utf8)

    @Test func aDeclineThatWouldCascadeGoes() {
        let forecast = forecast(decline(), .intake)
        #expect(
            forecast.verdict == .goes && forecast.sentence.contains("gateway 42") && forecast.sentence.contains("cascade")
                && forecast.faults.isEmpty)
        #expect(
            forecast.rule == "table:nmi/201" && forecast.steps.count == DeclineMapping.Authority.allCases.count
                && forecast.steps.count(where: \.decides) == 1)
        #expect(forecast.steps.first(where: \.decides)?.says?.rule == forecast.rule)
    }

    @Test func aRerunThatWouldBeRetriedGoesForItsDays() {
        let forecast = forecast(decline(trigger: #""rerun","recovery":{"gatewayId":"42"}"#), .intake, after: .days(3))
        #expect(forecast.verdict == .goes && forecast.sentence.contains("9 days") && forecast.sentence.contains("42"))
    }

    @Test(arguments: [
        ("252", "7", "hard_decline", Moment.Span.seconds(5)), ("201", "8", "no_cascade", .seconds(5)),
        ("201", "7", "deadline_passed", .seconds(60)),
    ])
    func aDeclineThatWouldNotBeSalvagedSkipsWithItsReason(code: String, gateway: String, reason: String, age: Moment.Span) {
        let forecast = forecast(decline(gateway: gateway, code: code), .intake, after: age)
        #expect(forecast.verdict == .skips && forecast.sentence.contains(reason) && forecast.rule != nil && !forecast.steps.isEmpty)
    }

    /// The merchant's own rule decides today, and so does the forecast.
    @Test func aForecastGoesByTodaysMapping() {
        let rule = MappingRule(scope: .mid("7"), match: .code("unheard-of"), declineClass: .soft, path: "merchants[0].mapping[0]")
        let mended = Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", cascadeAll: true)], gateways: [Gateway(id: "7", type: "nmi")],
            mappingRules: [rule])
        let before = forecast(decline(code: "unheard-of"), .intake)
        #expect(before.verdict == .skips && before.sentence.contains("hard_decline") && before.steps.last?.decides == true)
        let after = forecast(decline(code: "unheard-of"), .intake, merchants: Merchants(mended))
        let decisive = after.steps.first(where: \.decides)
        #expect(after.verdict == .goes && after.rule != before.rule && decisive?.says?.rule == after.rule, "\(after)")
    }

    @Test func whatWouldBeRejectedFailsWithEveryFault() {
        let one = forecast(decline(more: #","siteId":7"#), .intake)
        #expect(one.verdict == .fails && one.sentence.contains("a fault") && one.faults.map(\.path) == ["$.data.siteId"])
        let two = forecast(decline(trigger: #""odd""#, more: #","siteId":7"#), .intake)
        #expect(two.verdict == .fails && two.sentence.contains("2 faults") && two.faults.count == 2)
        #expect(forecast(decline(more: #","cvv":"123""#), .intake).verdict == .fails)
        for body in ["", "{", "not JSON"] { #expect(forecast(Array(body.utf8), .intake).verdict == .fails) }
    }

    @Test func aMerchantThatIsNotConfiguredFailsAndIsNamed() {
        let found = forecast(decline(merchant: "acne"), .intake)
        #expect(found.verdict == .fails && found.faults.map(\.path) == ["$.data.merchantId"] && found.sentence.contains("acne"))
        #expect(forecast(cancel, .intake, merchants: Merchants()).verdict == .fails)
    }

    @Test func aCancelCommandGoes() {
        #expect(forecast(cancel, .intake).verdict == .goes)
    }

    // MARK: Cascade and retry

    private func work(_ route: RecoveryRoute? = nil, _ phase: RecoveryPhase = .due) -> Recovery {
        Recovery.sample(declinedAt: Self.declinedAt).at(phase, route: route)
    }

    @Test func aRecoveryWhoseTimeIsNotOverGoes() {
        let cascade = forecast(WorkEnvelope.encode(work()), .cascade, after: .milliseconds(59_999))
        #expect(cascade.verdict == .goes && cascade.sentence.contains("42") && cascade.sentence.contains("at once"))
        let retry = forecast(WorkEnvelope.encode(work(.retry(.managed, until: Self.declinedAt + .days(9)))), .retry, after: .days(8))
        #expect(retry.verdict == .goes && retry.sentence.contains("asked for the order"))
    }

    @Test func aRecoveryWhoseTimeIsOverIsOnlyAskedAbout() {
        let cascade = forecast(WorkEnvelope.encode(work()), .cascade, after: .seconds(60))
        let retry = forecast(WorkEnvelope.encode(work(.retry(.sync, until: Self.declinedAt + .days(9)))), .retry, after: .days(9))
        for forecast in [cascade, retry] { #expect(forecast.verdict == .skips && forecast.sentence.contains("nothing would be charged")) }
    }

    @Test func whatARetiredGatewayWasToTakeIsSkipped() {
        let merchants = Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", isRetired: true)]))
        let unsent = forecast(WorkEnvelope.encode(work()), .cascade, merchants: merchants)
        #expect(unsent.verdict == .skips && unsent.sentence.contains("no_cascade"))
        #expect(forecast(WorkEnvelope.encode(work(nil, .unanswered)), .cascade, merchants: merchants).verdict == .goes)
    }

    @Test(arguments: [Stage.cascade, .retry])
    func whatAStageCannotDoFails(stage: Stage) {
        let body = WorkEnvelope.encode(work(stage == .cascade ? nil : .retry(.managed, until: Self.declinedAt + .days(9))))
        let without = Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "43")])
        let noGateway = forecast(body, stage, merchants: Merchants(without))
        #expect(noGateway.verdict == .fails && noGateway.sentence.contains("no FlexFactor gateway 42"))
        #expect(forecast(body, stage, merchants: Merchants()).verdict == .fails)
        for text in ["", "{", "{}", String(decoding: body, as: UTF8.self).replacing("\"phase\"", with: "\"fase\"")] {
            let unreadable = forecast(Array(text.utf8), stage)
            #expect(unreadable.verdict == .fails && unreadable.sentence.contains(stage.rawValue))
        }
    }

    @Test(arguments: [Stage.cascade, .retry])
    func whatALaterVersionWroteIsNotJudged(stage: Stage) {
        let later = String(decoding: WorkEnvelope.encode(work()), as: UTF8.self).replacing("work.v1", with: "work.v2")
        let forecast = forecast(Array(later.utf8), stage)
        #expect(forecast.verdict == .unknown && forecast.sentence.contains("work.v2"))
    }

    @Test func aCancellationGoes() throws {
        let cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A1-U1")), gateways: ["42"], since: Self.declinedAt)
        #expect(forecast(cancellation.encoded(), .retry).verdict == .goes)
        #expect(forecast(cancellation.encoded(), .retry, merchants: Merchants()).verdict == .fails)
    }

    // MARK: Outcomes

    private func news(_ event: WebhookNews.Event, _ reference: String = "A1-U1", gateway: GatewayID = "42", hasWaited: Bool = false)
        -> [UInt8]
    {
        WebhookNews(
            merchantID: "acme", gatewayID: gateway, event: event, reference: RecoveryReference(reference),
            isForeign: RecoveryReference(reference) == nil, orderID: "g-1",
            receivedAt: Self.declinedAt,
            hasWaited: hasWaited
        ).encoded()
    }

    @Test func newsThatTellsSomethingGoes() {
        let approved = forecast(news(.completed), .outcomes)
        #expect(approved.verdict == .goes && approved.sentence.contains("order.completed"))
        #expect(forecast(news(.expired), .outcomes).verdict == .goes)
        #expect(forecast(news(.expired, hasWaited: true), .outcomes).sentence.contains("asked for the order"))
    }

    @Test(arguments: [
        (WebhookNews.Event.completed, "not ours", GatewayID("42"), "foreign_order"), (.cancelled, "A1-S0", "42", "decided_by_look"),
        (.cancelled, "A1-U1", "43", "decided_by_look"), (.chargeback, "A1-U1", "42", "chargebacks_off"),
        (.other("x"), "A1-U1", "42", "informational"),
    ])
    func newsFromWhichNothingFollowsSkips(event: WebhookNews.Event, reference: String, gateway: GatewayID, why: String) {
        let forecast = forecast(news(event, reference, gateway: gateway), .outcomes)
        #expect(forecast.verdict == .skips && forecast.sentence.contains(why))
    }

    @Test func newsThatCannotBeReadOrPlacedFails() {
        for text in ["", "{}", "null"] {
            let forecast = forecast(Array(text.utf8), .outcomes)
            #expect(forecast.verdict == .fails && forecast.sentence.contains("outcomes"))
        }
        #expect(forecast(news(.completed), .outcomes, merchants: Merchants()).verdict == .fails)
    }

    // MARK: No configuration

    @Test func withoutAConfigurationWhatIsValidIsNotJudgedAndWhatIsNotStillFails() throws {
        let cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A1-U1")), gateways: ["42"], since: Self.declinedAt)
        for (body, stage) in [
            (decline(), Stage.intake), (cancel, .intake), (WorkEnvelope.encode(work()), .cascade), (cancellation.encoded(), .retry),
            (news(.completed), .outcomes),
        ] {
            let forecast = forecast(body, stage, merchants: nil)
            #expect(forecast.verdict == .unknown && forecast.sentence.contains("configuration") && forecast.rule == nil, "\(stage)")
        }
        // What goes to others is theirs to read.
        for stage in Stage.allCases where stage != .unrouted { #expect(forecast(Array("{".utf8), stage, merchants: nil).verdict == .fails) }
        #expect(forecast(decline(more: #","siteId":7"#), .intake, merchants: nil).faults.count == 1)
    }

    @Test func aForecastShowsNoToken() {
        for (body, stage) in [
            (decline(), Stage.intake), (WorkEnvelope.encode(work()), .cascade), (decline(more: #","siteId":7"#), .intake),
        ] {
            #expect(!"\(forecast(body, stage))".contains("tok"))
        }
    }

    /// The stage makes a letter of it (`unexpected_type`).
    @Test func aRecoveryOnAnothersQueueFails() throws {
        let recovery = Recovery.sample(declinedAt: Self.declinedAt)
        #expect(forecast(WorkEnvelope.encode(recovery), .retry).verdict == .fails)
        #expect(
            forecast(WorkEnvelope.encode(recovery.at(.due, route: .retry(.managed, until: Self.declinedAt + .days(9)))), .cascade).verdict
                == .fails)
        let cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A1-U1")), gateways: ["42"], since: Self.declinedAt)
        #expect(forecast(cancellation.encoded(), .cascade).verdict == .fails)
    }
}
