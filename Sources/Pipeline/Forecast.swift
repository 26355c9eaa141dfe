package import DeclineRecovery

/// What would become of a message now: a dry run under today's mapping and configuration, which sends nothing.
package struct Forecast: Sendable, Equatable {
    package let verdict: Verdict
    package let sentence: String
    /// The rule that would decide the class, and everybody who was asked.
    package let rule: String?
    package let steps: [DeclineMapping.Step]
    package let faults: [FieldError]

    package enum Verdict: String, Sendable, CaseIterable {
        /// It would be worked on.
        case goes
        /// Nothing would be charged: a result would say skipped, or something like it.
        case skips
        /// It would become a dead letter again.
        case fails
        /// The configuration is not at hand, the message is of a version that this build does not know, or it is for others to take.
        case unknown
    }

    package init(_ verdict: Verdict, _ sentence: String, rule: String? = nil, steps: [DeclineMapping.Step] = [], faults: [FieldError] = [])
    {
        self.verdict = verdict
        self.sentence = sentence
        self.rule = rule
        self.steps = steps
        self.faults = faults
    }
}

/// Tells what would become of messages.
package struct Forecaster: Sendable {
    /// `nil` where no configuration is at hand.
    package let merchants: (any MerchantDirectory)?
    private let now: Moment

    package init(merchants: (any MerchantDirectory)?, now: Moment) {
        self.merchants = merchants
        self.now = now
    }

    /// - Parameter stage: where the message would be sent.
    package func forecast(_ body: [UInt8], at stage: Stage) -> Forecast {
        switch stage {
        case .intake: intake(body)
        case .cascade, .retry: work(body, stage)
        case .outcomes: outcome(body)
        case .suspects: Forecast(.fails, "Nothing says which stage's work is to be done on it.")
        case .held: Forecast(.fails, "Nothing says where it is to be published.")
        case .unrouted: Forecast(.unknown, "It goes to whatever queue is bound for it now; where there is none, it comes back here.")
        }
    }

    private func intake(_ body: [UInt8]) -> Forecast {
        switch CRMMessage.decode(body) {
        case .unreadable(let error): return Forecast(.fails, "It cannot be read: \(error)")
        case .rejected(let event):
            return Forecast(
                .fails, "It would be rejected: it has \(event.faults.count == 1 ? "a fault" : "\(event.faults.count) faults").",
                faults: event.faults)
        case .cancel(let command): return of(command.merchantID) { _ in Forecast(.goes, "The cancel command would be carried out.") }
        case .refund(let command): return of(command.merchantID) { _ in Forecast(.goes, "The refund would be carried out.") }
        case .decline(let event): return of(event.merchantID) { decline(event, $0) }
        }
    }

    private func of(_ id: MerchantID, _ forecast: (Merchant) -> Forecast) -> Forecast {
        guard let merchants else {
            return Forecast(.unknown, "It is valid. What would become of it cannot be told without the configuration.")
        }
        guard let merchant = merchants.merchant(id) else {
            let fault = FieldError.unknownMerchant(id)
            return Forecast(.fails, "It would be rejected: \(fault.message)", faults: [fault])
        }
        return forecast(merchant)
    }

    private func decline(_ event: DeclineEvent, _ merchant: Merchant) -> Forecast {
        let steps = DeclineMapping.explain(DeclineCase(event), merchant: merchant)
        guard let decision = steps.first(where: \.decides)?.says else { return Forecast(.unknown, "No rule decides it.") }
        func forecast(_ verdict: Forecast.Verdict, _ sentence: String) -> Forecast {
            Forecast(verdict, sentence, rule: decision.rule, steps: steps)
        }
        if decision.isNoDecline { return forecast(.fails, "It would be rejected: it tells of a charge that went through.") }
        switch Router.route(event, decision, merchant: merchant, now: now) {
        case .skip(.deadlinePassed):
            return forecast(
                .skips,
                "It is an instant decline of long ago: nobody waits at the checkout any more, and the CRM would be told `deadline_passed`.")
        case .skip(let reason):
            return forecast(.skips, "The CRM would be told to go on by its own rules (\(reason.rawValue)): \(reason.sentence)")
        case .cascade(let gateway): return forecast(.goes, "FlexFactor gateway \(gateway.id) would be asked at once (cascade).")
        case .retry(let gateway):
            return forecast(.goes, "FlexFactor gateway \(gateway.id) would take it on for \(gateway.expiryDays) days (retry).")
        }
    }

    private func work(_ body: [UInt8], _ stage: Stage) -> Forecast {
        if stage == .retry, case .success(let cancellation) = Cancellation.decode(body) {
            return of(cancellation.merchantID) { _ in Forecast(.goes, "The order would be cancelled at FlexFactor.") }
        }
        if stage == .retry, case .success(let refund) = Refund.decode(body) {
            return of(refund.command.merchantID) { _ in Forecast(.goes, "FlexFactor would be asked to give the money back.") }
        }
        switch WorkEnvelope.decode(body) {
        case .newer(let type): return Forecast(.unknown, "A newer worker wrote it (\(type)); it is sent as it is.")
        case .unreadable(let why): return Forecast(.fails, "The \(stage.rawValue) stage could not read it: \(why)")
        case .recovery(let recovery):
            guard recovery.route.word == stage.rawValue else {
                return Forecast(.fails, "It is a recovery by way of \(recovery.route.word), and not the \(stage.rawValue) stage's.")
            }
            return of(recovery.merchantID) { merchant in
                guard let gateway = merchant.flexFactorGateways[recovery.gatewayID] else {
                    return Forecast(.fails, "The configuration has no FlexFactor gateway \(recovery.gatewayID) of merchant \(merchant.id).")
                }
                if now >= recovery.chargingEnds {
                    return Forecast(
                        .skips,
                        "The time for it is over: nothing would be charged. FlexFactor would be asked for the order, and the CRM told what it says."
                    )
                }
                if gateway.isRetired, !recovery.phase.mayBeCharged {
                    return Forecast(
                        .skips,
                        "FlexFactor gateway \(gateway.id) is retired: if nobody has sent it, the CRM would be told to go on by its own rules (\(recovery.skipAtRetiredGateway.rawValue))."
                    )
                }
                return Forecast(
                    .goes,
                    stage == .cascade
                        ? "FlexFactor gateway \(recovery.gatewayID) would be asked at once."
                        : "FlexFactor gateway \(recovery.gatewayID) would be asked for the order, and charge it where there is none.")
            }
        }
    }

    private func outcome(_ body: [UInt8]) -> Forecast {
        switch WebhookNews.decode(body) {
        case .failure(let fault): return Forecast(.fails, "The outcomes stage could not read it: \(fault)")
        case .success(let read):
            // By which gateway it was sent only the claims know.
            let news = merchants?.addressed(read, of: read.reference, sentBy: nil) ?? read
            return of(news.merchantID) { merchant in
                let gateway = merchant.flexFactorGateways[news.gatewayID]
                return switch news.step(gateway: gateway) {
                case .look where news.reference != nil && !news.isWanted(by: gateway):
                    Forecast(.skips, "It would be remembered, and the CRM not told (\(WebhookNews.Ignored.chargebacksOff.rawValue)).")
                case .look: Forecast(.goes, "FlexFactor would be asked for the order, and the CRM told what both say (\(news.word)).")
                case .distrust(let why): Forecast(.fails, why.rawValue)
                case .ignore(let why): Forecast(.skips, "Nothing would follow from it (\(why.rawValue)).")
                }
            }
        }
    }
}
