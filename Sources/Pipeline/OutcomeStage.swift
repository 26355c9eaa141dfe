public import DeclineRecovery

/// Takes what FlexFactor reports by webhook, and tells the CRM what follows from it.
public struct OutcomeStage: Sendable {
    let merchants: any MerchantDirectory
    let claims: any ClaimsPort
    let cancels: any CancelDirectory
    let clock: any WallClock
    let letters: LetterWriter
    let timing: RecoveryTiming

    public init(
        merchants: any MerchantDirectory, claims: any ClaimsPort, cancels: any CancelDirectory, clock: any WallClock, worker: DeadLetter.Worker, cards: any CardVault, timing: RecoveryTiming
    ) {
        self.merchants = merchants
        self.claims = claims
        self.cancels = cancels
        self.clock = clock
        self.letters = LetterWriter(stage: .outcomes, worker: worker, cards: cards)
        self.timing = timing
    }

    public func handle(_ message: IncomingMessage) async -> Handled {
        var news: WebhookNews
        switch WebhookNews.decode(message.body) {
        case .success(let read): news = read
        case .failure(let fault):
            return letters.deadLetter(message, because: .unexpectedType, explanation: fault.description, now: clock.now())
        }
        let gateway = merchants.merchant(news.merchantID)?.flexFactorGateways[news.gatewayID]
        switch news.step(gateway: gateway, isCancelRequested: news.reference.map { cancels.isCancelRequested($0, of: news.merchantID) } ?? false) {
        case .tell(let reference, let reason):
            let result = ResultEvent(
                subject: .recovery(reference, RecoveredOrder(reference)), merchantID: reference.merchantID ?? news.merchantID, reason: reason, gatewayID: news.gatewayID,
                flexFactorOrderID: news.orderID, occurredAt: clock.now())
            return await tell(result, reference, news, message)
        case .wait:
            news.hasWaited = true
            return Handled(
                publishing: [news.message(to: .delayed(.outcomes, timing.settle), traceparent: message.traceparent)],
                account: account(of: news, .parked(timing.settle, because: news.event.word)))
        case .ignore(let why):
            return Handled(publishing: [], account: account(of: news, .ignored("\(why.rawValue): \(news.event.word)")))
        }
    }

    private func tell(_ result: ResultEvent, _ reference: RecoveryReference, _ news: WebhookNews, _ message: IncomingMessage) async -> Handled {
        let now = clock.now()
        let merchant = reference.merchantID ?? news.merchantID
        func told(_ messages: [OutgoingMessage]) -> Handled {
            Handled(publishing: messages, account: account(of: news, .told(result.kind, reason: result.reason.code)))
        }
        func hold() -> Handled {
            let delay: Moment.Span = .seconds(5)
            return Handled(
                publishing: [news.message(to: .delayed(.outcomes, delay), traceparent: message.traceparent)],
                account: account(of: news, .parked(delay, because: "no claim can be made")))
        }
        if !result.reason.kind.isFinal {
            let reopened = ClaimRequest(
                merchantID: merchant, reference: reference, debt: nil, amount: nil, act: .reopened(.paidBack), until: now + longestMemory)
            return await claims.claim(reopened) == nil ? hold() : told(result.messages(reply: nil, traceparent: message.traceparent))
        }
        switch await Teller(claims: claims).tell(result, .known, of: reference, merchant: merchant, debt: nil, until: now + longestMemory) {
        case .tell(let result):
            let subject = DeadLetter.Subject(merchantID: merchant, reference: reference, orderID: reference.orderID, gatewayID: news.gatewayID)
            let letter = letters.contradiction(message, result, subject: subject, now: now)
            return Handled(
                publishing: result.messages(reply: nil, traceparent: message.traceparent) + (letter.map { [$0] } ?? []),
                account: account(of: news, .told(result.kind, reason: result.reason.code)))
        case .again(let record):
            return Handled(publishing: record.messages(reply: nil, traceparent: message.traceparent), account: account(of: news, record.fate))
        case .underWay: return Handled(publishing: [], account: account(of: news, .ignored("its recovery tells the end")))
        case .hold: return hold()
        }
    }

    private func account(of news: WebhookNews, _ fate: Handled.Fate) -> Handled.Account {
        Handled.Account(merchantID: news.merchantID, reference: news.reference, gatewayID: news.gatewayID, fate: fate)
    }
}

extension WebhookNews {
    /// The news as the message that the outcome stage takes.
    public func message(to destination: OutgoingMessage.Destination, traceparent: String?) -> OutgoingMessage {
        OutgoingMessage(to: destination, messageID: id, type: Self.type, traceparent: traceparent, body: encoded())
    }
}
