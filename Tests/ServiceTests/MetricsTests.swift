import Foundation
import Testing

@testable import DeclineRecovery
@testable import FlexFactor
@testable import Pipeline
@testable import Service

@Suite struct MetricsTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)

    private func metrics(_ merchants: Merchant...) -> ServiceMetrics {
        let metrics = ServiceMetrics()
        metrics.know(merchants)
        return metrics
    }

    private func lines(_ metrics: ServiceMetrics, _ name: String) -> [Substring] {
        metrics.page(circuits: [:]).split(separator: "\n").filter { $0.hasPrefix(name + "{") }
    }

    private func told(_ merchant: String, _ kind: ResultKind = .approved, _ reason: String = "approved", unmapped: Decline? = nil)
        -> StageOutcome.JournalEntry
    {
        StageOutcome.JournalEntry(merchantID: MerchantID(merchant), fate: .told(kind, reason: reason), unmapped: unmapped)
    }

    private func decline(_ source: String, _ code: String) -> Decline {
        Decline(gatewayID: "7", responseCodeSource: source, responseCode: code, transactionID: "T")
    }

    @Test func everyCounterThatIsAlertedOnBeginsAtNothing() {
        let metrics = metrics(Merchant(id: "acme", flexFactorGateways: []))
        let page = metrics.page(circuits: [:])
        for reason in DeadLetterReason.allCases {
            #expect(page.contains("salvage_dead_letters_total{stage=\"intake\",reason=\"\(reason.rawValue)\"} 0\n"))
        }
        for reason in ResultReason.all {
            #expect(
                page.contains("salvage_results_total{merchant=\"acme\",kind=\"\(reason.kind.rawValue)\",reason=\"\(reason.code)\"} 0\n"))
        }
        #expect(page.contains("salvage_messages_total{stage=\"cascade\",fate=\"passed_to_suspects\"} 0\n"))
        #expect(page.contains("salvage_webhooks_total{merchant=\"acme\",answer=\"refused\"} 0\n"))
        #expect(page.contains("salvage_finish_failures_total{stage=\"retry\",why=\"nacked\"} 0\n"))
        #expect(page.contains("salvage_replies_refused_total{merchant=\"acme\"} 0\n"))
    }

    /// Since when a circuit is open, and how far the claims are read, is measured where a worker's voice says it.
    @Test func circuitsAndClaimsAreMeasured() {
        var breaker = CircuitBreaker(threshold: 1)
        breaker.failed(.init(name: "timed_out", sentence: "no answer in time"), now: Moment(milliseconds: 1_000), at: now)
        // The last who wanted to call.
        let refused = breaker.refusal(now: Moment(milliseconds: 3_000))
        #expect(refused != nil)
        let circuits = [
            GatewayKey("acme", "42"): CircuitStanding(breaker, uptime: Moment(milliseconds: 33_000), wall: now + .seconds(32)),
            GatewayKey("acme", "43"): CircuitStanding(CircuitBreaker(), uptime: Moment(milliseconds: 1_000), wall: now),
        ]
        let page = metrics().page(
            circuits: circuits, claims: WorkerPulse.Claims(offset: 12, lag: .milliseconds(2_500), isCaughtUp: true), now: now + .seconds(90)
        )
        #expect(page.contains("salvage_circuit_state{merchant=\"acme\",gateway=\"42\"} 2\n"))
        #expect(page.contains("salvage_circuit_not_closed_seconds{merchant=\"acme\",gateway=\"42\"} 90\n"))
        #expect(page.contains("salvage_circuit_not_closed_seconds{merchant=\"acme\",gateway=\"43\"} 0\n"))
        #expect(page.contains("salvage_circuit_idle_seconds{merchant=\"acme\",gateway=\"42\"} 88\n"))
        #expect(page.contains("salvage_circuit_idle_seconds{merchant=\"acme\",gateway=\"43\"} 0\n"))
        #expect(page.contains("\nsalvage_claims_lag_seconds 2.5\n") && page.contains("\nsalvage_claims_offset 12\n"))
        #expect(page.contains("\nsalvage_claims_caught_up 1\n"))
        #expect(!metrics().page(circuits: [:]).contains("salvage_claims_"))
    }

    @Test func callsThatAreAlertedOnBeginAtNothingForEachGatewayAlsoAfterAReload() {
        let gateways = ["42", "43"].map { FlexFactorGateway(id: GatewayID($0)) }
        let metrics = metrics(Merchant(id: "acme", flexFactorGateways: [gateways[0]]))
        metrics.know([Merchant(id: "acme", flexFactorGateways: gateways)])
        let page = metrics.page(circuits: [:])
        for gateway in ["42", "43"] {
            for call in ["evaluate", "recall", "find", "look_up", "cancel", "external_cancel", "capture", "refund", "tokenize"] {
                for outcome in ["barred", "misconfigured"] {
                    let labels = "merchant=\"acme\",gateway=\"\(gateway)\",call=\"\(call)\",outcome=\"\(outcome)\""
                    #expect(page.contains("salvage_flexfactor_calls_total{\(labels)} 0\n"))
                }
            }
        }
    }

    /// A circuit that is open answers at once: counted among what FlexFactor took its time for, it would hide how slow FlexFactor is.
    @Test(arguments: [
        (CallFailure.notSent(.circuitOpen(until: Moment(milliseconds: 0))), false), (.notSent(.rateLimited), false),
        (.notSent(.misconfigured("no key")), false), (.notSent(.noToken("refused")), false), (.notSent(.deadline), false),
        (.notSent(.cannotCall("no descriptors")), false), (.notSent(.cannotConnect("refused")), false), (.unknown(.timedOut), true),
        (.unknown(.serverError(status: 503)), true), (.throttled(retryAfter: nil), true), (.conflict, true),
        (.refused(status: 400, []), true),
    ])
    func onlyWhatWasSentTookTime(failure: CallFailure, wasSent: Bool) {
        let metrics = metrics()
        let outcome = FlexFactorAnswer.failed(failure).name
        metrics.record(.init(call: "evaluate", outcome: outcome, nanoseconds: 1_000, failure: failure), GatewayKey("acme", "42"))
        #expect(lines(metrics, "salvage_flexfactor_calls_total").contains { $0.contains("outcome=\"\(outcome)\"") })
        #expect(lines(metrics, "salvage_flexfactor_call_seconds_count").isEmpty != wasSent)
    }

    /// By that an alert tells workers from `salvage webhooks`.
    @Test func whatTakesNoMessagesServesNoPrefetch() {
        #expect(lines(metrics(), "salvage_prefetch").isEmpty)
    }

    @Test func whatApprovalsBringInIsCountedOnceAndByCurrency() throws {
        let metrics = metrics(Merchant(id: "acme", flexFactorGateways: []))
        func tell(_ units: Int64, _ currency: String, _ kind: ResultKind = .approved, _ reason: String = "approved") throws {
            let amount = Money(minorUnits: units, currency: try #require(Currency(currency)))
            metrics.record(
                StageOutcome.JournalEntry(merchantID: "acme", fate: .told(kind, reason: reason), amount: amount), stage: .cascade, now: now)
        }
        try tell(4_999, "USD")
        try tell(1, "USD")
        try tell(300, "JPY")
        try tell(7, "USD", .approved, ToldMoney.again)
        try tell(7, "USD", .declined, "declined_by_flexfactor")
        try tell(7, "USD", .refunded, "refunded")
        #expect(
            lines(metrics, "salvage_recovered_minor_units_total") == [
                "salvage_recovered_minor_units_total{merchant=\"acme\",currency=\"JPY\"} 300",
                "salvage_recovered_minor_units_total{merchant=\"acme\",currency=\"USD\"} 5000",
            ])
    }

    /// By that SalvageToldOtherwise rings.
    @Test func theLetterBesideWhatIsToldIsCounted() {
        let metrics = metrics()
        let letter = StageMessage(to: .deadLetters, messageID: "letter", type: DeadLetter.type, traceparent: nil, body: [])
        for publishing in [[letter], []] {
            let told = StageOutcome(
                publishing: publishing, entry: StageOutcome.JournalEntry(merchantID: "acme", fate: .told(.correction, reason: "approved")))
            metrics.record(told.entry, stage: .outcomes, now: now)
        }
        #expect(
            lines(metrics, "salvage_dead_letters_total").contains(
                "salvage_dead_letters_total{stage=\"outcomes\",reason=\"told_otherwise\"} 1"))
    }

    @Test func everyReasonIsAmongAllOfThem() {
        #expect(Set(ResultReason.all.map(\.code)).count == ResultReason.all.count)
        // A correction has the reason of what is true now.
        #expect(Set(ResultReason.all.map(\.kind)) == Set(ResultKind.allCases).subtracting([.correction]))
    }

    @Test func inventedMerchantsAreOneAndTakeNothingFromTheRealOne() {
        let metrics = metrics(Merchant(id: "acme", flexFactorGateways: []))
        let before = lines(metrics, "salvage_results_total").count
        for number in 0..<5_000 {
            metrics.record(
                StageOutcome.JournalEntry(merchantID: MerchantID("m\(number)"), fate: .rejected(reason: "unknown_merchant")),
                stage: .intake, now: now)
        }
        metrics.record(told("acme"), stage: .cascade, now: now)
        let after = lines(metrics, "salvage_results_total")
        #expect(after.count == before + 1)
        #expect(after.contains("salvage_results_total{merchant=\"other\",kind=\"rejected\",reason=\"unknown_merchant\"} 5000"))
        #expect(after.contains("salvage_results_total{merchant=\"acme\",kind=\"approved\",reason=\"approved\"} 1"))
    }

    @Test func aReloadAddsAMerchantAndKeepsWhatIsCounted() {
        let metrics = metrics(Merchant(id: "acme", flexFactorGateways: []))
        metrics.record(told("later"), stage: .cascade, now: now)
        metrics.record(told("acme"), stage: .cascade, now: now)
        metrics.know([Merchant(id: "acme", flexFactorGateways: []), Merchant(id: "later", flexFactorGateways: [])])
        #expect(
            lines(metrics, "salvage_results_total").contains(
                "salvage_results_total{merchant=\"later\",kind=\"approved\",reason=\"approved\"} 0"))
        metrics.record(told("later"), stage: .cascade, now: now)
        let after = lines(metrics, "salvage_results_total")
        #expect(after.contains("salvage_results_total{merchant=\"later\",kind=\"approved\",reason=\"approved\"} 1"))
        #expect(after.contains("salvage_results_total{merchant=\"acme\",kind=\"approved\",reason=\"approved\"} 1"))
    }

    @Test func declinesWithoutATableOrDecidedByTheirTextAreCountedUnderNamesThatNobodyInvents() {
        let metrics = metrics(
            Merchant(id: "acme", flexFactorGateways: [], gateways: [Gateway(id: "7", type: "ownprocessor", directCascade: nil)]))
        func count(_ source: String, text: String) {
            let decline = Decline(gatewayID: "7", responseCodeSource: source, responseCode: "x", responseText: text, transactionID: "T")
            let says = DeclineMapping.classify(
                DeclineCase(decline, orderType: .newSale), merchant: Merchant(id: "acme", flexFactorGateways: []))
            let journaled = JournaledDecline(
                source: source, code: "x", gatewayID: "7", networkCode: nil, network: nil, advice: nil, text: text, textDigest: nil,
                crmClass: nil,
                orderType: .newSale, isCascade: true, confidence: says.confidence)
            metrics.record(
                StageOutcome.JournalEntry(
                    merchantID: "acme", fate: .told(.skipped, reason: "hard_decline"), classification: says, decline: journaled),
                stage: .intake, now: now)
        }
        count("ownprocessor", text: "Insufficient funds")
        count("Network Merchants", text: "Do not try again")
        for number in 0..<500 { count("invented\(number)", text: "Declined, reference \(number)") }
        let without = lines(metrics, "salvage_declines_without_table_total")
        #expect(
            without.sorted() == [
                "salvage_declines_without_table_total{source=\"other\"} 500",
                "salvage_declines_without_table_total{source=\"ownprocessor\"} 1",
            ])
        let byText = lines(metrics, "salvage_declines_by_text_total")
        #expect(byText.contains("salvage_declines_by_text_total{source=\"ownprocessor\",rule=\"insufficient_funds\"} 1"))
        #expect(byText.contains("salvage_declines_by_text_total{source=\"nmi\",rule=\"do_not_try_again\"} 1"))
        #expect(byText.contains("salvage_declines_by_text_total{source=\"other\",rule=\"generic_decline\"} 500") && byText.count == 3)
    }

    @Test func aCodeThatNothingMapsIsNamedAndInventedOnesAreBounded() {
        let metrics = metrics(
            Merchant(id: "acme", flexFactorGateways: [], gateways: [Gateway(id: "7", type: "ownprocessor", directCascade: nil)]))
        func count(_ source: String, _ code: String) {
            metrics.record(told("acme", unmapped: decline(source, code)), stage: .intake, now: now)
        }
        count("NMI", "998")
        count("ownprocessor", "X-12")
        count("invented", "998")
        for number in 0..<3_000 { count("stripe", "code_\(Array("abcdefghijklmnopqrstuvwxyz")[number % 26])_\(number)") }
        count("nmi", "4111111111111111")
        count("nmi", "Ada Byron\"\n")
        let codes = lines(metrics, "salvage_unmapped_declines_total")
        #expect(codes.contains("salvage_unmapped_declines_total{source=\"nmi\",code=\"998\"} 1"))
        #expect(codes.contains("salvage_unmapped_declines_total{source=\"nmi\",code=\"other\"} 2"))
        #expect(codes.contains("salvage_unmapped_declines_total{source=\"ownprocessor\",code=\"X-12\"} 1"))
        #expect(codes.contains("salvage_unmapped_declines_total{source=\"other\",code=\"other\"} 1"))
        #expect(codes.count == 4 + LabelVocabulary.mostCodes + 1)
    }

    @Test func aMetricWithTooManySeriesSaysSo() {
        let metric = Metric("m", "", labels: ["a"], limit: 2)
        for word in ["x", "y", "z", "x", "w"] { metric.add(1, word) }
        var text = ""
        metric.render(into: &text)
        #expect(text.contains("m{a=\"x\"} 2\n") && text.contains("m{a=\"other\"} 2\n"))
        #expect(metric.overflows == 2)
    }

    /// Whose it was is lost; what it was is what an alert asks for.
    @Test func whatIsTooManyKeepsItsKindAndItsReason() {
        let metric = Metric("m", "", labels: ["merchant", "kind", "reason"], limit: 4)
        for number in 0..<10 { metric.declare("m\(number)", "skipped", "hard_decline") }
        for number in 0..<10 { metric.add(1, "m\(number)", "skipped", "flexfactor_unavailable") }
        var text = ""
        metric.render(into: &text)
        // The half of the room is for what is counted, and what has no zero of its own has one among the others.
        #expect(text.contains("m{merchant=\"m1\",kind=\"skipped\",reason=\"hard_decline\"} 0\n"))
        #expect(text.contains("m{merchant=\"other\",kind=\"skipped\",reason=\"hard_decline\"} 0\n"))
        #expect(text.contains("m{merchant=\"m0\",kind=\"skipped\",reason=\"flexfactor_unavailable\"} 1\n"))
        #expect(text.contains("m{merchant=\"other\",kind=\"skipped\",reason=\"flexfactor_unavailable\"} 9\n"))
        #expect(metric.overflows == 9, "a zero is no count")
    }

    @Test func thousandsOfMerchantsLeaveRoomForWhatIsCountedOfEach() {
        let metrics = ServiceMetrics()
        let merchants = (0..<3_000).map { number in
            Merchant(id: MerchantID("m\(number)"), flexFactorGateways: [FlexFactorGateway(id: "42")])
        }
        metrics.know(merchants)
        metrics.record(told("m2999", .skipped, "hard_decline"), stage: .intake, now: now)
        let results = lines(metrics, "salvage_results_total")
        #expect(results.count < 26_000)
        for reason in ["flexfactor_unavailable", "deadline_passed", "gateway_misconfigured"] {
            #expect(results.contains("salvage_results_total{merchant=\"m2999\",kind=\"skipped\",reason=\"\(reason)\"} 0"))
        }
        #expect(results.contains("salvage_results_total{merchant=\"m2999\",kind=\"skipped\",reason=\"hard_decline\"} 1"))
        #expect(lines(metrics, "salvage_metric_series_limited_total").isEmpty)
    }

    /// What has room first is what alerts ask for.
    @Test func theReasonsThatAlertsAskForAreAlarming() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let alerts = try String(contentsOf: root.appending(path: "deploy/prometheus/alerts.yml"), encoding: .utf8)
        let named = alerts.matches(of: /salvage_results_total\{reason=~?"([\w|]+)"\}/).map { String($0.1) }
        let asked = Set(named.flatMap { $0.split(separator: "|").map(String.init) })
        #expect(asked == Set(ResultReason.all.filter(\.isAlarming).map(\.code)))
    }

    @Test func aRefusedReplyIsCounted() {
        let metrics = metrics(Merchant(id: "acme", flexFactorGateways: []))
        var entry = told("acme")
        entry.hasRefusedReply = true
        metrics.record(entry, stage: .intake, now: now)
        #expect(lines(metrics, "salvage_replies_refused_total").contains("salvage_replies_refused_total{merchant=\"acme\"} 1"))
    }
}
