import Synchronization
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations
@testable import Pipeline
@testable import Service

/// Weeks of traffic in virtual time, through the real stages: what the report says, what the metric counts and what stands in FlexFactor's
/// ledger are the same to the cent.
@Suite struct MoneyAgreementTests {
    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func reportMetricAndLedgerAgreeToTheCent(seed: UInt64) async throws {
        var weeks = Weeks(seed: seed, losesWork: false)
        try await weeks.pass()
        let report = weeks.report
        for currency in Weeks.currencies {
            let sums = try #require(report.totals.first { $0.currency == currency.code }?.sums, "seed \(seed): \(currency)")
            let (taken, back) = weeks.ledger.sums(currency)
            #expect(taken > 0 && sums.sales.units == taken, "seed \(seed): \(currency)")
            #expect(sums.returned.units == back, "seed \(seed): \(currency)")
            #expect(sums.net == taken - back)
            // The pipeline tells of each sale whose it is, so all of them have a fee. At most half a minor unit of each is rounded away or up.
            let fee = try #require(report.totals.first { $0.currency == currency.code }?.fee)
            let exact = Double(taken) * 0.0275 + 30 * Double(sums.sales.count)
            #expect(abs(Double(fee) - exact) <= Double(sums.sales.count) / 2 + 0.001, "seed \(seed): \(currency)")
            #expect(weeks.counted(currency) == taken, "seed \(seed): \(currency)")
        }
        #expect(weeks.ledger.sums(.usd).back > 0 && weeks.ledger.chargebacks > 0)
        let all = report.totals.reduce(into: MoneySums()) { $0.add($1.sums) }
        #expect(all.declines.count == Weeks.declineCount && all.offered.count + all.notOffered.count == Weeks.declineCount)
        #expect(all.unpriced == 0 && all.open.count == 0 && all.recovered.count == all.sales.count)
        // Counts as well, and in all that draws from them: whatever goes on is what has not ended.
        #expect(weeks.told == all.sales.count && weeks.flow.open.isEmpty, "seed \(seed)")
        #expect(report.reasons.contains { $0.word == MoneyFacts.unknownCode } && report.reasons.contains { $0.word == "hard_decline" })
        // However the rows are cut, they add up to the same.
        for groups in [[.day], [.month, .merchant], [.code, .brand], [.campaign], [.gateway, .route]] as [[MoneyReport.Group]] {
            for total in report.totals {
                let question = MoneyReport.Question(from: 0, through: .max >> 32, groups: groups, currency: total.currency)
                let rows = MoneyReport(weeks.book, question, fees: weeks.fees).rows
                var sum = MoneySums()
                for row in rows { sum.add(row.sums) }
                #expect(sum == total.sums, "seed \(seed): \(groups)")
                let fee: Int64 = rows.reduce(0) { $0 + ($1.fee ?? -1_000_000) }
                #expect(fee == total.fee, "seed \(seed): \(groups)")
            }
        }
    }

    /// What died between its claim and its telling is told by the next; the report has it, where the metric cannot.
    @Test(arguments: 3...3 as ClosedRange<UInt64>)
    func theReportIsTrueThoughWorkersDie(seed: UInt64) async throws {
        var weeks = Weeks(seed: seed, losesWork: true)
        try await weeks.pass()
        for currency in Weeks.currencies {
            let sums = try #require(weeks.report.totals.first { $0.currency == currency.code }?.sums)
            let (taken, back) = weeks.ledger.sums(currency)
            #expect(sums.sales.units == taken && sums.returned.units == back, "seed \(seed): \(currency)")
            #expect(weeks.counted(currency) <= taken)
        }
    }
}

/// FlexFactor with its ledger.
private final class Ledger: FlexFactorPort {
    struct Order {
        let amount: Money
        var state: FlexFactorOrder.State
        var isTaken = false
        var back: Int64 = 0
        var isCommanded = false
        /// Half of the accounts name the amount of their orders.
        let namesAmount: Bool
    }

    struct State {
        var orders: [String: Order] = [:]
        var random: SeededRandom
        /// Orders that FlexFactor goes on with by itself.
        var submitted: [String] = []
        var chargebacks = 0
        /// What commands of the CRM gave back, and nobody has told by webhook yet.
        var carriedOut: [(id: String, units: Int64)] = []
    }

    let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: SeededRandom(seed: seed))) }

    var chargebacks: Int { state.withLock { $0.chargebacks } }

    func sums(_ currency: Currency) -> (taken: Int64, back: Int64) {
        state.withLock { state in
            let own = state.orders.values.filter { $0.amount.currency == currency && $0.isTaken }
            return (own.reduce(0) { $0 + $1.amount.minorUnits }, own.reduce(0) { $0 + $1.back })
        }
    }

    func perform(
        _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
        writtenBy: ContinuousClock.Instant?
    ) async -> FlexFactorAnswer {
        state.withLock { state in
            switch call {
            case .evaluate(let charge, _): return Self.evaluate(charge, &state)
            case .recall(let charge, _): return Self.status(of: charge.reference.text, state)
            case .find(let reference, _): return Self.found(reference.text, state)
            case .lookUp(let id): return Self.found(id.text, state)
            case .cancel(let id): return Self.cancel(id.text, &state)
            case .cancelByReference(let reference): return Self.cancel(reference.text, &state)
            case .capture(let id, _, _):
                state.orders[id.text]?.state = .completed
                state.orders[id.text]?.isTaken = true
                return .captured
            case .refund(let id, let amount):
                Self.giveBack(id.text, amount.minorUnits, .returned, &state)
                state.carriedOut.append((id.text, amount.minorUnits))
                return .refunded
            }
        }
    }

    private static func evaluate(_ charge: Charge, _ state: inout State) -> FlexFactorAnswer {
        let id = charge.reference.text
        if state.orders[id] != nil { return status(of: id, state) }
        var order = Order(amount: charge.amount, state: .processing, namesAmount: Bool.random(using: &state.random))
        let dice = Int.random(in: 0..<10, using: &state.random)
        if charge.isMerchantInitiated {
            state.orders[id] = order
            state.submitted.append(id)
        } else {
            switch dice {
            case 0..<5:
                order.state = .completed
                order.isTaken = true
            case 5: order.state = .captureRequired
            default: order.state = .cancelled
            }
            state.orders[id] = order
        }
        // The answer is lost now and then.
        return dice == 1 ? .failed(.unknown(.timedOut)) : status(of: id, state)
    }

    private static func status(of id: String, _ state: State) -> FlexFactorAnswer {
        guard let order = state.orders[id] else { return .noSuchOrder }
        let status: EvaluationStatus =
            switch order.state {
            case .completed, .returned, .chargeback: .approved
            case .captureRequired: .captureRequired
            case .processing: .submitted
            default: .declined
            }
        return .evaluated(status, FlexFactorOrderID(id))
    }

    private static func found(_ id: String, _ state: State) -> FlexFactorAnswer {
        guard let order = state.orders[id] else { return .noSuchOrder }
        return .found(
            FlexFactorOrder(
                id: FlexFactorOrderID(id), state: order.state, echo: RecoveryReference(id),
                minorUnits: order.namesAmount ? order.amount.minorUnits : nil,
                currency: order.namesAmount ? order.amount.currency : nil))
    }

    private static func cancel(_ id: String, _ state: inout State) -> FlexFactorAnswer {
        guard let order = state.orders[id] else { return .noSuchOrder }
        if order.isTaken { return .cancelRefused }
        state.orders[id]?.state = .cancelled
        return .cancelAccepted
    }

    fileprivate static func giveBack(_ id: String, _ units: Int64, _ end: FlexFactorOrder.State, _ state: inout State) {
        guard var order = state.orders[id] else { return }
        order.back += units
        if order.back == order.amount.minorUnits { order.state = end }
        state.orders[id] = order
    }

    func tokenize(
        _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
    ) async -> FlexFactorAnswer { .failed(.notSent(.cannotConnect("none"))) }
}

/// Two merchants on accounts of their own, a CRM that sends, repeats and refunds, and a broker that hands out twice.
private struct Weeks {
    static let declineCount = 120
    static let currencies: [Currency] = [.usd, Currency("EUR")!, Currency("JPY")!]
    private static let begin = Moment(milliseconds: 1_800_000_000_000)

    private struct Waiting {
        let stage: Stage
        let message: IncomingMessage
        let due: Moment
    }

    private(set) var flow = FlowBook()
    var book: MoneyBook { flow.money }
    let ledger: Ledger
    private let metrics = ServiceMetrics()
    private let clock = ManualClock(begin)
    private let claims = MemoryClaims(now: begin)
    private let merchants: Merchants
    /// A worker may die with what it has done.
    private let losesWork: Bool
    private var random: SeededRandom
    private var waiting: [Waiting] = []

    init(seed: UInt64, losesWork: Bool) {
        self.losesWork = losesWork
        random = SeededRandom(seed: seed)
        ledger = Ledger(seed: seed)
        let own = ["acme", "bold"].map { id in
            Merchant(
                id: MerchantID(id),
                flexFactorGateways: [
                    FlexFactorGateway(
                        id: "42", expiryDays: 5, cascadeAll: true, includeChargebacks: true, account: id,
                        fee: FlexFactorFee(basisPoints: 275, unitsPerSale: 30))
                ],
                gateways: [Gateway(id: "7", type: "nmi")])
        }
        merchants = Merchants(own[0], own[1])
        metrics.know(own)
    }

    var fees: MoneyFees { MoneyFees(merchants.merchants) }
    var report: MoneyReport { MoneyReport(book, .init(from: 0, through: .max >> 32), fees: fees) }

    /// What the metric has counted.
    func counted(_ currency: Currency) -> Int64 {
        metrics.page(circuits: [:]).split(separator: "\n").filter {
            $0.hasPrefix("salvage_recovered_minor_units_total{") && $0.contains("currency=\"\(currency.code)\"")
        }.reduce(0) { $0 + (Int64($1.split(separator: " ").last ?? "") ?? .min >> 8) }
    }

    /// Approvals and corrections to one that the metric of results has counted, each at its first telling.
    var told: Int {
        metrics.page(circuits: [:]).split(separator: "\n").filter { line in
            line.hasPrefix("salvage_results_total{") && line.contains("reason=\"approved")
                || line.hasPrefix("salvage_results_total{") && line.contains("reason=\"captured\"")
        }.reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? .min >> 8) }
    }

    mutating func pass() async throws {
        for number in 0..<Self.declineCount {
            let at = Self.begin + .minutes(Int64(number) * 420)
            let event = decline(number, at)
            for copy in 0..<(Int.random(in: 0..<10, using: &random) == 0 ? 2 : 1) {
                waiting.append(Waiting(stage: .intake, message: event, due: at + .seconds(Int64(copy) * 90)))
            }
        }
        var steps = 0
        while let index = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }) {
            steps += 1
            try #require(steps < 60_000, "still going")
            let next = waiting.remove(at: index)
            if clock.now() < next.due { clock.pass(next.due - clock.now()) }
            await work(on: next)
            live()
        }
    }

    private mutating func work(on next: Waiting) async {
        let outcome = await handle(next)
        let again = Waiting(
            stage: next.stage, message: IncomingMessage(body: next.message.body, type: next.message.type, redelivered: true),
            due: clock.now() + .seconds(3))
        let dice = Int.random(in: 0..<40, using: &random)
        // It dies before anything of it is published.
        if losesWork, dice < 3 {
            waiting.append(again)
            return
        }
        // It dies before the broker hears that it is done.
        if dice == 5 { waiting.append(again) }
        metrics.record(outcome.entry, stage: next.stage, now: clock.now())
        for sent in outcome.publishing(from: next.stage, at: clock.now(), worker: "w", traceparent: nil) {
            let message = IncomingMessage(body: sent.body, type: sent.type)
            switch sent.destination {
            case .journal: if let record = JournalRecord.decode(sent.body) { flow.take(record) }
            case .stage(let stage): waiting.append(Waiting(stage: stage, message: message, due: clock.now()))
            case .delayed(let stage, let span): waiting.append(Waiting(stage: stage, message: message, due: clock.now() + span))
            case .results, .reply, .deadLetters, .cancels: break
            }
        }
    }

    private func handle(_ next: Waiting) async -> StageOutcome {
        let environment = StageEnvironment.sample(clock, claims: claims, cards: Vault(hasKey: false), callLimit: .seconds(5))
        switch next.stage {
        case .intake: return await IntakeStage(in: environment, merchants: merchants).handle(next.message)
        case .cascade: return await CascadeStage(in: environment, flexFactor: ledger).handle(next.message)
        case .retry: return await RetryStage(in: environment, flexFactor: ledger, cancels: Cancels()).handle(next.message)
        default:
            return await OutcomeStage(in: environment, flexFactor: ledger, merchants: merchants, cancels: Cancels()).handle(next.message)
        }
    }

    private static func data(_ units: Int64, _ order: Ledger.Order) -> String {
        #"{"Amount":\#(units),"Currency":"\#(order.amount.currency.code)","RefundId":"rf-\#(order.back)-\#(units)"}"#
    }

    // MARK: What others do

    private mutating func decline(_ number: Int, _ at: Moment) -> IncomingMessage {
        let isSale = Int.random(in: 0..<5, using: &random) < 3
        let code = ["202", "202", "202", "240", "201", "252", "x9"].randomElement(using: &random) ?? "202"
        let currency = Self.currencies[number % 3].code
        let trigger = isSale ? #""initial""# : #""rerun","recovery":{"gatewayId":"42"}"#
        let text =
            #"{"specversion":"1.0","id":"d-\#(number)","source":"crm","type":"com.salvage.decline.v1","time":"\#(at.rfc3339)","data":{"#
            + #""merchantId":"\#(number % 4 == 0 ? "bold" : "acme")","trigger":\#(trigger),"order":{"id":"A\#(number)","type":"new_sale","#
            + #""campaignId":"c-\#(number % 5)","ipAddress":"203.0.113.7"\#(isSale ? "" : #","rerunNumber":1"#)},"decline":{"#
            + #""gatewayId":"7","responseCodeSource":"nmi","responseCode":"\#(code)","transactionId":"T-\#(number)"},"amount":{"#
            + #""minorUnits":\#(Int.random(in: 1...99_999, using: &random)),"currency":"\#(currency)"},"billing":{"firstName":"Ada","#
            + #""lastName":"B","countryCode":"DE","addressLine1":"1","city":"X","zipCode":"1"},"paymentMethod":{"token":"t","brand":"visa"}}}"#
        return IncomingMessage(body: Array(text.utf8))
    }

    /// FlexFactor goes on with what it was given, and money goes back; it tells by webhook, sometimes twice.
    private mutating func live() {
        var news: [(event: String, id: String, data: String)] = []
        var commands: [(id: String, amount: Money)] = []
        let chance = Int.random(in: 0..<30, using: &random)
        ledger.state.withLock { state in
            if chance < 8, let id = state.submitted.popLast(), state.orders[id]?.state == .processing {
                if chance < 6 {
                    state.orders[id]?.state = .completed
                    state.orders[id]?.isTaken = true
                    news.append(("order.completed", id, "null"))
                }
            } else if chance > 26, let id = state.orders.keys.sorted().randomElement(using: &random), let order = state.orders[id],
                order.isTaken,
                order.state == .completed, !order.isCommanded
            {
                let left = order.amount.minorUnits - order.back
                let units = chance == 29 || left < 2 ? left : left / 2
                if chance == 27 {
                    // The CRM asks for it, and for nothing else: FlexFactor's news of it is placed by its amount.
                    if order.back == 0 { commands.append((id, Money(minorUnits: units, currency: order.amount.currency))) }
                    state.orders[id]?.isCommanded = true
                } else {
                    let amount = chance == 28 ? left : units
                    Ledger.giveBack(id, amount, chance == 28 ? .chargeback : .returned, &state)
                    if chance == 28 { state.chargebacks += 1 }
                    news.append((chance == 28 ? "payment.chargeback.received" : "order.refunded", id, Self.data(amount, order)))
                }
            }
            for (id, units) in state.carriedOut {
                if let order = state.orders[id] { news.append(("order.refunded", id, Self.data(units, order))) }
            }
            state.carriedOut = []
        }
        for (event, id, data) in news {
            let text =
                #"{"Event":"\#(event)","TimeStamp":"\#(clock.now().rfc3339)","EventData":\#(data),"ExternalOrderId":"\#(id)","OrderId":"\#(id)"}"#
            let merchant = RecoveryReference(id)?.merchantID ?? "acme"
            guard let read = WebhookNews(body: Array(text.utf8), merchantID: merchant, gatewayID: "42", receivedAt: clock.now()) else {
                continue
            }
            for copy in 0..<(Bool.random(using: &random) ? 2 : 1) {
                let message = IncomingMessage(body: read.encoded(), type: WebhookNews.type)
                // The recovery's own look may come first.
                waiting.append(Waiting(stage: .outcomes, message: message, due: clock.now() + .seconds(Int64(copy) * 40 + 5)))
            }
        }
        for (id, amount) in commands {
            guard let reference = RecoveryReference(id) else { continue }
            let command = RefundCommand(
                id: "refund-\(id)", merchantID: reference.merchantID ?? "acme", reference: reference, orderID: FlexFactorOrderID(id),
                amount: amount, reason: nil)
            let message = IncomingMessage(body: Refund(command, gateways: ["42"], since: clock.now()).encoded(), type: Refund.type)
            waiting.append(Waiting(stage: .retry, message: message, due: clock.now()))
        }
    }
}
