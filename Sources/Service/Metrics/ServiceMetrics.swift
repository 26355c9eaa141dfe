import Broker
import DeclineRecovery
import FlexFactor
import Pipeline

/// Everything a process counts, by name, in one place.
///
/// Anybody who may publish a decline chooses its merchant, its code source and its code, so none of them becomes a label as it came: what
/// the configuration and the tables do not know is `other` (`LabelVocabulary`). Counters that somebody alerts on stand at 0 from the start.
package final class ServiceMetrics: Sendable {
    private static let seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600]

    let messages = Metric(
        "salvage_messages_total", "Messages that a stage has finished, by what became of them.", labels: ["stage", "fate"])
    let results = Metric("salvage_results_total", "Result events published.", labels: ["merchant", "kind", "reason"])
    let recovered = Metric(
        "salvage_recovered_minor_units_total", "What approvals brought in, in minor units of the currency.",
        labels: ["merchant", "currency"])
    let deadLetters = Metric("salvage_dead_letters_total", "Dead letters written.", labels: ["stage", "reason"])
    let unmapped = Metric("salvage_unmapped_declines_total", "Declines that no rule and no table knows.", labels: ["source", "code"])
    let clocksAhead = Metric(
        "salvage_clock_ahead_total", "Declines of the future: the CRM's clock is ahead by more than 5 s.", labels: ["merchant"])
    let withoutTable = Metric("salvage_declines_without_table_total", "Declines of a code source that no table claims.", labels: ["source"])
    let byText = Metric("salvage_declines_by_text_total", "Declines that only their response text decided.", labels: ["source", "rule"])
    let resultAge = Metric(
        "salvage_cascade_result_age_seconds", "From the decline to its cascade's result.", labels: ["kind"], kind: .histogram(seconds))
    let reconciled = Metric("salvage_reconciled_total", "Recoveries whose outcome had been unknown and was settled.", labels: ["kind"])
    let delayLateness = Metric(
        "salvage_delay_lateness_seconds", "How late parked messages came out of the delay ladder.", labels: ["stage"],
        kind: .histogram(seconds))
    let queueWait = Metric(
        "salvage_queue_wait_seconds", "From publishing a message to a worker's having it, to the second.", labels: ["stage"],
        kind: .histogram(seconds))
    let prefetch = Metric("salvage_prefetch", "Messages of a stage that may be in work at a time.", labels: ["stage"], kind: .gauge)
    let workSeconds = Metric(
        "salvage_message_seconds", "How long a stage worked on a message, until the broker had what follows.", labels: ["stage"],
        kind: .histogram(seconds))
    let confirmSeconds = Metric(
        "salvage_confirm_seconds", "From publishing what follows a message to the broker's confirm.", labels: ["stage"],
        kind: .histogram(seconds))
    let claimSeconds = Metric(
        "salvage_claim_seconds", "From making a claim to seeing it on the stream.", labels: ["outcome"], kind: .histogram(seconds))
    let inFlight = Metric("salvage_messages_in_flight", "Messages in work.", labels: ["stage"], kind: .gauge)
    let finishFailures = Metric(
        "salvage_finish_failures_total", "Deliveries that could not be finished at once.", labels: ["stage", "why"])
    let heldMessages = Metric(
        "salvage_held_messages_total", "Messages that were refused where they were to go, and put away.", labels: ["stage", "why"])
    let heldMessagesGivenOut = Metric("salvage_held_messages_given_out_total", "Messages that had been put away and have arrived.")
    let heldDeliveries = Metric(
        "salvage_held_deliveries", "Deliveries kept in hand, because what replaces them is taken nowhere.", labels: ["stage"], kind: .gauge)
    let refusingPlaces = Metric("salvage_refusing_places", "Exchanges and keys where messages are refused at the moment.", kind: .gauge)
    let putOff = Metric("salvage_put_off_total", "Messages for slow gateways that made room for others.", labels: ["stage"])
    let repliesLetGo = Metric("salvage_replies_let_go_total", "Replies that did not arrive.", labels: ["stage", "why"])
    let calls = Metric("salvage_flexfactor_calls_total", "Calls to FlexFactor.", labels: ["merchant", "gateway", "call", "outcome"])
    let callSeconds = Metric(
        "salvage_flexfactor_call_seconds", "How long calls to FlexFactor took that were sent.", labels: ["call", "outcome"],
        kind: .histogram(seconds))
    let circuit = Metric("salvage_circuit_state", "0 closed, 1 trying, 2 open.", labels: ["merchant", "gateway"], kind: .gauge)
    let circuitSeconds = Metric(
        "salvage_circuit_not_closed_seconds", "For how long it has not been closed.", labels: ["merchant", "gateway"], kind: .gauge)
    private let circuitIdle = Metric(
        "salvage_circuit_idle_seconds", "For how long nobody wanted to call while it is not closed.", labels: ["merchant", "gateway"],
        kind: .gauge)
    private let claimsLag = Metric(
        "salvage_claims_lag_seconds", "For how long the worker has not read a claim that it knows to stand on the stream.", kind: .gauge)
    private let claimsOffset = Metric("salvage_claims_offset", "Where the last claim stands that the worker has read.", kind: .gauge)
    private let claimsKnown = Metric(
        "salvage_claims_caught_up", "1 once all is read that was claimed before the worker began.", kind: .gauge)
    let brokerConnected = Metric("salvage_broker_connected", "1 while the connection stands.", labels: ["connection"], kind: .gauge)
    let brokerBlocked = Metric("salvage_broker_blocked", "1 while the broker takes no publishes.", labels: ["connection"], kind: .gauge)
    let brokerReconnects = Metric("salvage_broker_connections_lost_total", "Connections lost.", labels: ["connection"])
    let unconfirmed = Metric(
        "salvage_publishes_unconfirmed_total", "Publishes of which the broker said nothing for so long that their channel was made anew.")
    let webhooks = Metric("salvage_webhooks_total", "FlexFactor's webhooks, by what was answered.", labels: ["merchant", "answer"])
    let paused = Metric("salvage_paused", "Pauses in force, by what they pause.", labels: ["kind", "stage"], kind: .gauge)
    let reloads = ReloadMetrics()
    let repliesRefused = Metric(
        "salvage_replies_refused_total", "Replies not sent because no reply may go to the queue that was named.", labels: ["merchant"])
    let spansExported = Metric("salvage_trace_spans_exported_total", "Spans that the collector of traces has taken.")
    let spansDropped = Metric("salvage_trace_spans_dropped_total", "Spans let go: the collector was away, or too many waited.")
    private let seriesLimited = Metric(
        "salvage_metric_series_limited_total", "Counted under `other` because a metric had too many series.", labels: ["metric"],
        kind: .counter)
    private let vocabulary = LabelVocabulary()
    private let build = Metric("salvage_build_info", "The version that runs.", labels: ["version"], kind: .gauge)
    private let process = ProcessMetrics()

    init() {
        build.set(1, SalvageVersion.current)
        for metric in [spansExported, spansDropped, heldMessagesGivenOut, unconfirmed] { metric.declare() }
        for stage in Stage.allCases {
            for reason in DeadLetterReason.allCases { deadLetters.declare(stage.rawValue, reason.rawValue) }
            for fate in JournalRecord.Fate.known where fate != .passed { messages.declare(stage.rawValue, fate.word) }
            for why in FinishError.words { finishFailures.declare(stage.rawValue, why) }
            for why in FinishError.refusals { heldMessages.declare(stage.rawValue, why) }
            for why in FinishError.publishing { repliesLetGo.declare(stage.rawValue, why) }
            putOff.declare(stage.rawValue)
        }
        for stage in Stage.working { messages.declare(stage.rawValue, "passed_to_\(Stage.suspects.rawValue)") }
        for role in LinkEvent.Role.allCases {
            brokerReconnects.declare(role.rawValue)
            brokerBlocked.set(0, role.rawValue)
            brokerConnected.set(0, role.rawValue)
        }
        for merchant in ["", LabelVocabulary.other] {
            repliesRefused.declare(merchant)
            clocksAhead.declare(merchant)
        }
        webhooks.declare("", WebhookAnswer.unknownGateway.rawValue)
        pausing([])
    }

    /// What may be counted by name from now on, each counter of it at 0. A merchant that a reload takes away keeps its name.
    func know(_ merchants: some Sequence<Merchant>) {
        var new: [String] = []
        for merchant in merchants {
            let id = merchant.id.text
            for gateway in merchant.flexFactorGateways.keys {
                for call in CallName.allCases.map(\.rawValue) {
                    for outcome in CallFailure.alarming { calls.declare(id, gateway.text, call, outcome) }
                }
            }
            guard vocabulary.learn(merchant) else { continue }
            new.append(id)
            for answer in WebhookAnswer.allCases where answer != .unknownGateway { webhooks.declare(id, answer.rawValue) }
            repliesRefused.declare(id)
            clocksAhead.declare(id)
        }
        // Of thousands not all have room: what alerts ask for is there before the rest of any.
        for reasons in [ResultReason.all.filter(\.isAlarming), ResultReason.all] {
            for id in new { for reason in reasons { results.declare(id, reason.kind.rawValue, reason.code) } }
        }
    }

    /// What is paused now.
    ///
    /// - Parameter isQuiet: whether this worker is.
    func pausing(_ pauses: [Pause], isQuiet: Bool = false) {
        paused.reset()
        for kind in ["merchant", "gateway"] { paused.set(Double(pauses.count { $0.target.kind == kind }), kind, "") }
        paused.set(isQuiet ? 1 : 0, "worker", "")
        for stage in Stage.allCases { paused.set(pauses.contains { $0.target == .stage(stage) } ? 1 : 0, "stage", stage.rawValue) }
    }

    /// The merchant's name where the configuration knows it, `other` where somebody made it up, and nothing where there is none.
    func label(_ merchant: MerchantID?) -> String { merchant.map(vocabulary.merchant) ?? "" }

    func record(_ entry: StageOutcome.JournalEntry, stage: Stage, now: Moment) {
        let merchant = label(entry.merchantID)
        if let unmapped = entry.unmapped {
            let (source, code) = vocabulary.code(unmapped.responseCode, of: unmapped.responseCodeSource)
            self.unmapped.add(1, source, code)
        }
        if entry.isClockAhead { clocksAhead.add(1, merchant) }
        if entry.hasRefusedReply { repliesRefused.add(1, merchant) }
        if let classification = entry.classification, let decline = entry.decline {
            if classification.hasNoTable { withoutTable.add(1, vocabulary.source(decline.source)) }
            if let rule = classification.textRule { byText.add(1, vocabulary.source(decline.source), rule) }
        }
        let word = if case .passed(let next) = entry.fate { Self.passed(to: next) } else { entry.fate.fate.word }
        messages.add(1, stage.rawValue, word)
        switch entry.fate {
        case .passed, .parked, .ignored: break
        case .deadLettered(let reason):
            deadLetters.add(1, stage.rawValue, reason.rawValue)
        case .rejected(let reason):
            results.add(1, merchant, ResultKind.rejected.rawValue, reason)
            // A faulty command's letter has the reason of a faulty event's.
            deadLetters.add(1, stage.rawValue, (DeadLetterReason(rawValue: reason) ?? .invalidEvent).rawValue)
        case .told(let kind, let reason):
            results.add(1, merchant, kind.rawValue, reason)
            if entry.hasLetter { deadLetters.add(1, stage.rawValue, DeadLetterReason.toldOtherwise.rawValue) }
            if ToldMoney(kind, reason: reason, becomes: entry.becomes).isNewSale, let amount = entry.amount {
                recovered.add(Double(amount.minorUnits), merchant, amount.currency.code)
            }
            if stage == .cascade {
                if let declinedAt = entry.declinedAt {
                    resultAge.observe(max((now - declinedAt).inSeconds, 0), kind.rawValue)
                }
                if entry.wasUnknown { reconciled.add(1, kind.rawValue) }
            }
        }
    }

    private static func passed(to stage: Stage) -> String { passedTo[stage] ?? JournalRecord.Fate.passed.word }
    private static let passedTo = Dictionary(
        uniqueKeysWithValues: Stage.allCases.map { ($0, "\(JournalRecord.Fate.passed.word)_to_\($0.rawValue)") })

    func record(_ observation: FlexFactorClient.Observation, _ key: GatewayKey) {
        calls.add(1, key.merchant.text, key.gateway.text, observation.call, observation.outcome)
        // What was not sent says nothing of how long FlexFactor takes.
        if case .notSent = observation.failure { return }
        callSeconds.observe(Double(observation.nanoseconds) / 1e9, observation.call, observation.outcome)
    }

    func record(_ event: LinkEvent) {
        switch event {
        case .connected(let role, _): brokerConnected.set(1, role.rawValue)
        case .disconnected(let role, _):
            brokerConnected.set(0, role.rawValue)
            // The next connection hears of an alarm anew.
            brokerBlocked.set(0, role.rawValue)
            brokerReconnects.add(1, role.rawValue)
        case .connectFailed(let role, _, _): brokerConnected.set(0, role.rawValue)
        case .blocked(let role, _): brokerBlocked.set(1, role.rawValue)
        case .unblocked(let role): brokerBlocked.set(0, role.rawValue)
        case .publishesUnconfirmed(let count, _): unconfirmed.add(Double(count))
        case .subscriptionCancelled, .subscriptionFailed, .subscriptionRestored: break
        }
    }

    /// The page that Prometheus reads.
    ///
    /// - Parameter claims: `nil` for a process that reads none.
    func page(
        circuits: [GatewayKey: CircuitStanding], claims: WorkerPulse.Claims? = nil, now: Moment = SystemClock().now(),
        isReady: Bool = true, _ holdings: Holdings = Holdings()
    ) -> String {
        for (stage, count) in holdings.inHand { heldDeliveries.set(Double(count), stage.rawValue) }
        refusingPlaces.set(Double(holdings.refusing))
        circuit.reset()
        circuitSeconds.reset()
        circuitIdle.reset()
        for (key, standing) in circuits {
            circuit.set(Double(standing.state.rawValue), key.merchant.text, key.gateway.text)
            for (metric, moment) in [(circuitSeconds, standing.since), (circuitIdle, standing.askedAt)] {
                let span = moment.map { max(now - $0, .seconds(0)) } ?? .seconds(0)
                metric.set(span.inSeconds, key.merchant.text, key.gateway.text)
            }
        }
        if let claims {
            claimsLag.set(claims.lag.inSeconds)
            claimsOffset.set(Double(claims.offset))
            claimsKnown.set(claims.isCaughtUp ? 1 : 0)
        }
        let counted = [
            messages, results, recovered, deadLetters, unmapped, clocksAhead, withoutTable, byText, repliesRefused, resultAge, reconciled,
            delayLateness, queueWait, inFlight, prefetch, workSeconds, confirmSeconds, claimSeconds, finishFailures,
            heldMessages, heldMessagesGivenOut, heldDeliveries, refusingPlaces, putOff, repliesLetGo, calls, callSeconds,
            circuit, circuitSeconds, circuitIdle, claimsLag, claimsOffset, claimsKnown, paused,
            brokerConnected, brokerBlocked, brokerReconnects,
            unconfirmed, webhooks, spansExported, spansDropped, build,
        ]
        for metric in counted where metric.overflows > 0 { seriesLimited.set(Double(metric.overflows), metric.name) }
        var text = ""
        for metric in counted + reloads.all + process.current(isReady: isReady) + [seriesLimited] { metric.render(into: &text) }
        return text
    }
}

extension ResultReason {
    /// Whether an alert asks for it by name.
    var isAlarming: Bool { [.skipped(.flexFactorUnavailable), .skipped(.deadlinePassed), .skipped(.gatewayMisconfigured)].contains(self) }
}
