package import DeclineRecovery

/// Takes what FlexFactor reports by webhook, looks at the order, and tells the CRM what follows from both.
package struct OutcomeStage: Sendable {
    let environment: StageEnvironment
    let flexFactor: any FlexFactorPort
    private let merchants: any MerchantDirectory
    private let cancels: any CancelDirectory
    private let letters: LetterWriter

    package init(
        in environment: StageEnvironment, flexFactor: any FlexFactorPort, merchants: any MerchantDirectory, cancels: any CancelDirectory
    ) {
        self.environment = environment
        self.flexFactor = flexFactor
        self.merchants = merchants
        self.cancels = cancels
        letters = environment.letters(of: .outcomes)
    }

    package func handle(_ message: IncomingMessage) async -> StageOutcome {
        var news: WebhookNews
        switch WebhookNews.decode(message.body) {
        case .success(let read): news = addressed(read, of: read.reference)
        case .failure(let fault):
            return letters.deadLetter(message, because: .unexpectedType, explanation: fault.description, now: environment.now())
        }
        let isToldPaid = await isToldPaid(news)
        if news.step(gateway: gateway(of: news), isToldPaid: isToldPaid) == .distrust(.unnamed), let reference = news.reference,
            let settled = await named(&news, by: reference, message)
        {
            return settled
        }
        switch news.step(gateway: gateway(of: news), isToldPaid: isToldPaid) {
        case .ignore(let why): return ignored(news, why)
        case .distrust(let why): return distrusted(news, why, message)
        case .look(let orderID):
            if news.isListed, let settled = await claimedBefore(news, message) { return settled }
            let shown = await flexFactor.perform(
                .lookUp(orderID), about: sent(news), merchant: news.merchantID, gateway: news.gatewayID,
                traceparent: message.traceparent, deadline: environment.now() + environment.callLimit)
            if news.reference == nil, case .found(let order) = shown {
                news = addressed(news, of: order.echo)
                switch news.step(gateway: gateway(of: news), of: order) {
                case .ignore(let why): return ignored(news, why)
                case .distrust(let why): return distrusted(news, why, message)
                case .look: break
                }
            }
            let (answer, first) = await named(shown, news)
            let isCancelRequested = await isCancelRequested(news, first)
            let outcome = news.learned(
                answer, isCancelRequested: isCancelRequested, now: environment.now(), timing: environment.timing, owns: { owns($0, news) })
            return await carryOut(outcome, answer, first, news, message)
        }
    }

    /// Where it was sent that the news is of, if that is where the news comes from: of another gateway's orders this one never knew.
    func sent(_ news: WebhookNews) -> ClaimedGateway? {
        guard let reference = news.reference, owns(reference, news) else { return nil }
        let merchant = news.merchant(of: reference)
        guard let sent = environment.claims.sentBy(reference, merchant: merchant) else { return nil }
        return merchant != news.merchantID || sent.id == news.gatewayID ? sent : nil
    }

    /// - Parameter first: what the recovery was claimed for, where it was read already.
    func isCancelRequested(_ news: WebhookNews, _ first: Claim?) async -> Bool {
        guard let reference = news.reference else { return false }
        let merchant = news.merchant(of: reference)
        // A rerun's name does not say of which cycle it is.
        let isCalledOtherwise = reference.kind.isRetry && reference.kind != .recurring
        guard isCalledOtherwise || cancels.isCancelRequested(reference, of: merchant, declinedAt: nil) else { return false }
        // An older worker's claim does not say when it was declined; mostly that was soon before.
        var claimed = first
        if claimed == nil { claimed = await environment.claims.first(of: reference, merchant: merchant) }
        return [reference, claimed?.order?.rebill(of: reference)].contains { name in
            name.map { cancels.isCancelRequested($0, of: merchant, declinedAt: claimed?.declinedAt ?? claimed?.at) } ?? false
        }
    }

    func gateway(of news: WebhookNews) -> FlexFactorGateway? {
        merchants.merchant(news.merchantID)?.flexFactorGateways[news.gatewayID]
    }

    private func addressed(_ news: WebhookNews, of reference: RecoveryReference?) -> WebhookNews {
        let standing = reference.flatMap { environment.claims.standing(of: $0, merchant: news.merchant(of: $0)) }
        return merchants.addressed(news, of: reference, sentBy: standing?.gateway)
    }

    /// One account may serve several merchants, so the reference says whose recovery it is; but only one who has a gateway there.
    func owns(_ reference: RecoveryReference, _ news: WebhookNews) -> Bool {
        guard let id = reference.merchantID, id != news.merchantID else { return true }
        guard let account = merchants.merchant(news.merchantID)?.flexFactorGateways[news.gatewayID]?.account else { return false }
        return merchants.merchant(id)?.flexFactorGateways.values.contains { $0.account == account } ?? false
    }

    /// An order with what the recovery was claimed for, which it does not say, or in a unit that no document tells: of what comes back the
    /// CRM is told whether it is all.
    ///
    /// - Returns: with it, that claim.
    private func named(_ answer: FlexFactorAnswer, _ news: WebhookNews) async -> (FlexFactorAnswer, Claim?) {
        guard news.event == .refunded || news.event == .chargeback, case .found(let order) = answer,
            let reference = news.reference ?? order.echo,
            let first = await environment.claims.first(of: reference, merchant: news.merchant(of: reference))
        else { return (answer, nil) }
        guard let sale = first.saleAmount, order.currency == nil || order.currency == sale.currency else { return (answer, first) }
        let named = FlexFactorAnswer.found(
            FlexFactorOrder(
                id: order.id, state: order.state, echo: order.echo,
                // What is paid is what was asked for, or more; of that, all is back where the order says so.
                minorUnits: order.state == .returned ? sale.minorUnits : max(order.minorUnits ?? 0, sale.minorUnits),
                currency: sale.currency, placedAt: order.placedAt))
        return (named, first)
    }

    /// - Parameter first: what the recovery was claimed for, where it was read already: of old it takes a reading of the stream.
    func carryOut(
        _ outcome: WebhookNews.Outcome, _ answer: FlexFactorAnswer, _ first: Claim?, _ news: WebhookNews, _ message: IncomingMessage
    ) async -> StageOutcome {
        switch outcome {
        case .tell(let reference, let reason, let takings):
            let merchant = news.merchant(of: reference)
            switch await opening(of: reference, answer, news) {
            case .known: break
            case .elsewhere: return distrusted(news, .unclaimed, message)
            case .unread: return hold(news, message)
            }
            if let settled = await ofAnotherOrder(news, reference, answer, message) { return settled }
            if reason.kind.isMoneyBack, news.tellsTaken { return await tellTaken(reference, answer, first, news, message) }
            if reason.kind == .approved || reason.kind.isMoneyBack {
                switch await environment.claims.told(of: reference, merchant: merchant) {
                case .told(let record) where record.isOfAnotherOrder(than: news.orderID):
                    // Of two orders of one recovery the CRM knows one. That the other is paid too is told to a person (`tell`); money that
                    // comes back there takes no sale back, and a stranger's payment corrects nothing.
                    let isOurs: Bool = if case .found(let order) = answer { order.echo == reference } else { false }
                    if reason.kind != .approved || record.claim.act.telling != .approved && !isOurs {
                        return distrusted(news, .anotherThanTold, message)
                    }
                case .unreadable where environment.now() < news.receivedAt + environment.timing.reconcileFor: return hold(news, message)
                case .notYet where reason.kind.isMoneyBack: return takenFirst(reference, news, message)
                case .told(let record) where reason.kind.isMoneyBack && record.claim.act.telling != .approved:
                    return takenFirst(reference, news, message)
                case .unreadable(let kind) where reason.kind.isMoneyBack && kind != .approved:
                    return takenFirst(reference, news, message)
                default: break
                }
            }
            var claimed = first
            if claimed == nil { claimed = await environment.claims.first(of: reference, merchant: merchant) }
            var takings = takings
            var beside: Int64?
            if news.isListed, reason.kind == .refunded {
                switch await rest(of: reference, merchant: merchant, sale: claimed?.saleAmount, news) {
                case .all: return ignored(news, .toldBefore)
                case .left(let left, let told): (takings, beside) = (left, told)
                case nil: return hold(news, message)
                }
            }
            var place: Place?
            if reason.kind == .refunded, beside == nil, let unsaid = takings, unsaid.amount == nil {
                (takings, place) = self.place(unsaid, of: reference, answer, news)
            }
            var amount = takings?.amount
            // As the recovery itself would tell it.
            if reason.kind.isFinal { amount = claimed?.saleAmount ?? paid(news, answer) }
            let result = ResultEvent(
                subject: .recovery(reference, claimed?.order ?? RecoveredOrder(reference)),
                merchantID: merchant, reason: reason,
                gatewayID: news.gatewayID, flexFactorOrderID: news.orderID, amount: amount, occurredAt: environment.now(),
                distinction: reason.kind.isMoneyBack ? news.distinction : nil, isPartial: takings?.isPartial ?? false)
            let isReturned: Bool = if case .found(let order) = answer { order.state == .returned } else { false }
            return await tell(result, reference, takings, beside: beside, place, isReturned: isReturned, news, message)
        case .wait(let span):
            var later = news
            if case .found(let order) = answer, order.state == .cancelled { later.hasWaited = true }
            later.looks += 1
            return StageOutcome(
                publishing: [later.message(to: .delayed(.outcomes, span), traceparent: message.traceparent)],
                entry: entry(of: news, .parked(span, because: news.word)))
        case .capture(let reference, let id):
            if let settled = await ofAnotherOrder(news, reference, answer, message) { return settled }
            return await capture(reference, id, answer, news, message)
        case .ignore(let why): return ignored(news, why)
        case .distrust(let why): return distrusted(news, why, message)
        }
    }

    /// Whether an order was opened here, as far as the claims tell.
    private enum Opening {
        /// It was, or may have been before what the claims remember.
        case known
        case elsewhere
        /// It is not known now.
        case unread
    }

    /// Every request is claimed before it is sent. So what nobody sent, found or told is another fleet's of the same account, whatever its
    /// reference, and whatever else is claimed of it: a command that was refused opens no order. What we gave back is news of ours all the same.
    private func opening(of reference: RecoveryReference, _ answer: FlexFactorAnswer, _ news: WebhookNews) async -> Opening {
        let merchant = news.merchant(of: reference)
        let isOfMoneyBack = news.event == .refunded || news.event == .chargeback
        func isClaimed() -> Bool {
            guard let standing = environment.claims.standing(of: reference, merchant: merchant) else { return false }
            return standing.isOpened || isOfMoneyBack && standing.back.isCommanded
        }
        // Whatever reads like `INV-S3` is a reference in the form of old, which no letters check: of those only a claim makes one ours.
        if isClaimed() || reference.tag != nil && mayBeForgotten(answer, news) { return .known }
        guard await environment.claims.readAll(at: environment.now()) != nil else { return .unread }
        return isClaimed() ? .known : .elsewhere
    }

    /// Whether the claims can have let go of an order's recovery. How old an order is it says itself; one that does not comes to its end
    /// within weeks, and its money may come back at any time.
    private func mayBeForgotten(_ answer: FlexFactorAnswer, _ news: WebhookNews) -> Bool {
        guard case .found(let order) = answer, let isOld = order.mayBeForgotten(at: environment.now()) else {
            return news.event == .refunded || news.event == .chargeback
        }
        return isOld
    }

    private func tell(
        _ result: ResultEvent, _ reference: RecoveryReference, _ takings: WebhookNews.Takings?, beside: Int64?, _ place: Place?,
        isReturned: Bool, _ news: WebhookNews, _ message: IncomingMessage
    ) async -> StageOutcome {
        let now = environment.now()
        let isWhole = takings?.isWhole ?? false
        let merchant = news.merchant(of: reference)
        func told(_ messages: [StageMessage]) -> StageOutcome {
            StageOutcome(
                publishing: messages, entry: entry(of: news, .told(result.kind, reason: result.reason.code), reference).telling(result))
        }
        let subject = DeadLetter.Subject(merchantID: merchant, reference: reference, orderID: reference.orderID, gatewayID: news.gatewayID)
        func doubt(_ record: ClaimRecord, _ own: MoneyBackClaim) -> [StageMessage] {
            letters.reportedAgain(message, news, own, record, subject: subject, now: now).map { [$0] } ?? []
        }
        if result.reason.kind == .refunded {
            // Of what a command of the CRM gave back, the command tells; its own result is told again. A part leaves the debt paid.
            let isLate = now >= news.receivedAt + .milliseconds(2 * environment.timing.settle.milliseconds)
            let refund =
                beside.map { MoneyBackClaim.listed(beside: $0, isLate: isLate) }
                ?? MoneyBackClaim(
                    Fingerprint(news.distinction), readings: takings?.readings ?? [], asked: place?.asked, lessThan: place?.lessThan,
                    isRestamped: news.isRestamped, .news(isWhole: isWhole, isLate: isLate))
            let request = ClaimRequest(
                merchantID: merchant, reference: reference, debt: nil, amount: takings?.counted, act: .moneyBack(refund),
                until: now + Claim.longestMemory, result: result)
            switch await environment.claims.claim(request)?.verdict {
            case .granted?:
                if await !reopenIfAllIsBack(reference, merchant, isReturned: isReturned) { return hold(news, message) }
                return told(result.messages(reply: nil, traceparent: message.traceparent))
            case .told(let record, _)?:
                // Its maker may have died between the two claims.
                if await !reopenIfAllIsBack(reference, merchant, isReturned: isReturned) { return hold(news, message) }
                return again(record, of: reference, news, message).with(doubt(record, refund))
            default: return hold(news, message)
            }
        }
        if !result.reason.kind.isFinal {
            let isWanted = news.isWanted(by: gateway(of: news))
            let dispute = MoneyBackClaim.chargeback(
                news.distinction, isWhole: isWhole, isTold: isWanted, isRestamped: news.isRestamped)
            let request = ClaimRequest(
                merchantID: merchant, reference: reference, debt: nil, amount: takings?.counted, act: .moneyBack(dispute),
                until: now + Claim.longestMemory, result: isWanted ? result : nil)
            // What is not known to be all of the money leaves the debt paid.
            switch await environment.claims.claim(request)?.verdict {
            case .granted?:
                if await !reopenIfAllIsBack(reference, merchant, isReturned: isReturned, isWhole: isWhole) { return hold(news, message) }
                return isWanted ? told(result.messages(reply: nil, traceparent: message.traceparent)) : ignored(news, .chargebacksOff)
            case .told(let record, _)?:
                // Its maker may have died between the two claims.
                let isAll = isWhole || record.isWholeChargeback
                if await !reopenIfAllIsBack(reference, merchant, isReturned: isReturned, isWhole: isAll) { return hold(news, message) }
                return again(record, of: reference, news, message).with(doubt(record, dispute))
            default: return hold(news, message)
            }
        }
        switch await Teller(claims: environment.claims).tell(
            result, .known, of: reference, merchant: merchant, debt: nil, until: now + Claim.longestMemory)
        {
        case .tell(let result):
            let letter = letters.contradiction(
                message, result, environment.claims.standing(of: reference, merchant: merchant), subject: subject, now: now)
            var entry = entry(of: news, .told(result.kind, reason: result.reason.code), reference)
            if result.reason.kind == .approved { entry.amount = result.amount }
            return StageOutcome(
                publishing: result.messages(reply: nil, traceparent: message.traceparent) + (letter.map { [$0] } ?? []),
                entry: entry.telling(result))
        case .again(let record):
            let other =
                letters.secondOrder(message, result, record, subject: subject, now: now)
                ?? letters.reversal(message, result, record, subject: subject, now: now)
            let contradiction = letters.contradiction(
                message, record, environment.claims.standing(of: reference, merchant: merchant), subject: subject, now: now)
            return again(record, of: reference, news, message).with([other, contradiction].compactMap(\.self))
        case .underWay: return StageOutcome(publishing: [], entry: entry(of: news, .ignored("its recovery tells the end")))
        case .hold: return hold(news, message)
        }
    }

    /// What was told before, told again as it was.
    func again(_ record: ClaimRecord, of reference: RecoveryReference, _ news: WebhookNews, _ message: IncomingMessage) -> StageOutcome {
        StageOutcome(again: record, traceparent: message.traceparent, entry: entry(of: news, record.fate, reference))
    }

    func hold(_ news: WebhookNews, _ message: IncomingMessage) -> StageOutcome {
        let delay = ClaimWait.delay(after: environment.now() - news.receivedAt)
        return StageOutcome(
            publishing: [news.message(to: .delayed(.outcomes, delay), traceparent: message.traceparent)],
            entry: entry(of: news, .parked(delay, because: ClaimWait.word)))
    }

    func ignored(_ news: WebhookNews, _ why: WebhookNews.Ignored) -> StageOutcome {
        StageOutcome(publishing: [], entry: entry(of: news, .ignored("\(why.rawValue): \(news.word)")))
    }

    func distrusted(_ news: WebhookNews, _ why: WebhookNews.Distrust, _ message: IncomingMessage) -> StageOutcome {
        if news.reference != nil || !why.isOfNobody, !news.isWanted(by: gateway(of: news)) { return ignored(news, .chargebacksOff) }
        return letters.deadLetter(
            message, because: .untrustedWebhook, explanation: "\(news.word): \(why.rawValue)",
            subject: DeadLetter.Subject(
                merchantID: news.reference?.merchantID ?? news.merchantID, reference: news.reference, orderID: news.reference?.orderID),
            attempts: news.looks,
            now: environment.now())
    }

    /// What an order came to, where FlexFactor says so; of a recovery's own message nothing is at hand here.
    private func paid(_ news: WebhookNews, _ answer: FlexFactorAnswer) -> Money? {
        guard case .found(let order) = answer else { return nil }
        // Of other news the amount is what went back.
        let said = news.event == .completed ? news.minorUnits(in: order.currency) : nil
        guard let units = order.minorUnits ?? said, let currency = order.currency ?? news.currency else { return nil }
        return Money(minorUnits: units, currency: currency)
    }

    /// - Parameter reference: where FlexFactor's order told it, or whose the news is.
    func entry(of news: WebhookNews, _ fate: StageOutcome.Kind, _ reference: RecoveryReference? = nil) -> StageOutcome.JournalEntry {
        let reference = reference ?? news.reference
        return StageOutcome.JournalEntry(
            merchantID: reference?.merchantID ?? news.merchantID, reference: reference, gatewayID: news.gatewayID, fate: fate)
    }
}

extension WebhookNews {
    /// Whose recovery it is; of a reference in the form of old, whose gateway it came by.
    func merchant(of reference: RecoveryReference) -> MerchantID { reference.merchantID ?? merchantID }

    /// The news as the message that the outcome stage takes.
    package func message(to destination: StageMessage.Destination, traceparent: String?) -> StageMessage {
        var message = StageMessage(to: destination, messageID: id, type: Self.type, traceparent: traceparent, body: encoded())
        message.share = StageMessage.Share(merchantID, gatewayID)
        return message
    }
}
