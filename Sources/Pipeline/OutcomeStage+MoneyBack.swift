import DeclineRecovery

/// Money that went back, as the claims have it.
extension OutcomeStage {
    /// What comes back was taken: whatever was told of the recovery, that is told before. The message says so before it is claimed.
    func takenFirst(_ reference: RecoveryReference, _ news: WebhookNews, _ message: IncomingMessage) -> StageOutcome {
        var next = news
        next.tellsTaken = true
        let soon: Moment.Span = .seconds(1)
        return StageOutcome(
            publishing: [next.message(to: .delayed(.outcomes, soon), traceparent: message.traceparent)],
            entry: entry(of: news, .parked(soon, because: news.word), reference))
    }

    /// Tells it, or tells it again, and the rest a moment later.
    func tellTaken(
        _ reference: RecoveryReference, _ answer: FlexFactorAnswer, _ first: Claim?, _ news: WebhookNews, _ message: IncomingMessage
    ) async -> StageOutcome {
        let taken = await carryOut(.tell(reference, .approved(.notified), nil), answer, first, news, message)
        guard case .told = taken.entry.fate else { return taken }
        var rest = news
        rest.tellsTaken = false
        return taken.with([rest.message(to: .delayed(.outcomes, .seconds(2)), traceparent: message.traceparent)])
    }

    /// Whether an order was told as paid of which there is news that it was closed.
    func isToldPaid(_ news: WebhookNews) async -> Bool {
        guard [.cancelled, .expired].contains(news.event), let reference = news.reference else { return false }
        let merchant = news.merchant(of: reference)
        // Most were told as not paid, and nothing is read for them.
        guard environment.claims.standing(of: reference, merchant: merchant)?.told?.kind == .approved,
            case .told(let record) = await environment.claims.told(of: reference, merchant: merchant)
        else { return false }
        return !record.isOfAnotherOrder(than: news.orderID)
    }

    /// All of the money went back: the debt may be paid again.
    ///
    /// - Returns: whether it is claimed.
    func reopen(_ reference: RecoveryReference, _ merchant: MerchantID) async -> Bool {
        await environment.claims.claim(
            ClaimRequest(
                merchantID: merchant, reference: reference, debt: nil, amount: nil, act: .reopened(.paidBack),
                until: environment.now() + Claim.longestMemory)) != nil
    }

    /// Parts that were told may make the whole, refunds and chargebacks together.
    ///
    /// - Parameter isReturned: FlexFactor shows the order so. What was only asked for is not known to make the whole else.
    /// - Parameter isWhole: what was told last is known to be all by itself.
    /// - Returns: whether it is claimed, where they do.
    func reopenIfAllIsBack(
        _ reference: RecoveryReference, _ merchant: MerchantID, isReturned: Bool, isWhole: Bool = false
    ) async -> Bool {
        if isWhole { return await reopen(reference, merchant) }
        guard let back = moneyBack(of: reference, merchant), !back.isAll, isReturned || !back.isRefundedAsked,
            let refunded = back.refunded, let disputed = back.disputed,
            let sale = await environment.claims.amount(of: reference, merchant: merchant), refunded + disputed >= sale.minorUnits
        else { return true }
        return await reopen(reference, merchant)
    }

    /// In the place of which command news are told that do not say how much went back.
    struct Place {
        /// What it asked for; 0 for none.
        let asked: Int64
        /// What the order shows was not given back, all that was left: a command that asked for it was not carried out.
        let lessThan: Int64?
    }

    /// - Parameter takings: without an amount.
    /// - Returns: with one, where a command's request stands that can be it, or they may be of several.
    func place(
        _ takings: WebhookNews.Takings, of reference: RecoveryReference, _ answer: FlexFactorAnswer, _ news: WebhookNews
    ) -> (WebhookNews.Takings, Place) {
        let back = moneyBack(of: reference, news.merchant(of: reference))
        guard case .found(let order) = answer else { return (takings, Place(asked: 0, lessThan: nil)) }
        var lessThan: Int64?
        if order.state != .returned, let whole = order.minorUnits {
            lessThan = max(0, whole - (back?.refunded ?? 0) - (back?.disputed ?? 0))
        }
        let asked = back?.asked(byNewsOf: takings.readings, lessThan: lessThan) ?? 0
        let place = Place(asked: asked, lessThan: lessThan)
        guard asked > 0 else { return (takings, place) }
        let most = back?.mostAsked(byNewsOf: takings.readings, lessThan: lessThan)
        return (news.takings(order, asked: asked, most: most, instead: takings), place)
    }

    /// What is to be told yet of an order that FlexFactor lists as returned.
    enum Rest {
        /// Nothing is.
        case all
        /// - Parameter beside: what was told of refunds before, in minor units.
        case left(WebhookNews.Takings, beside: Int64)
    }

    func moneyBack(of reference: RecoveryReference, _ merchant: MerchantID) -> ClaimBook.Standing.MoneyBack? {
        environment.claims.standing(of: reference, merchant: merchant)?.back
    }

    /// What the list shows was claimed before: whoever claimed it may have died before it was told, and the order may look otherwise by now.
    /// The claims tell it again.
    func claimedBefore(_ news: WebhookNews, _ message: IncomingMessage) async -> StageOutcome? {
        guard let reference = news.reference else { return nil }
        let merchant = news.merchant(of: reference)
        guard let back = moneyBack(of: reference, merchant), news.event == .chargeback ? back.isDisputeTold : back.isListed
        else { return nil }
        let claim =
            news.event == .chargeback
            ? MoneyBackClaim.chargeback(news.distinction, isWhole: false) : MoneyBackClaim.listed(beside: 0, isLate: false)
        let request = ClaimRequest(
            merchantID: merchant, reference: reference, debt: nil, amount: nil, act: .moneyBack(claim),
            until: environment.now() + Claim.longestMemory)
        guard case .told(let record, _)? = await environment.claims.claim(request)?.verdict else { return hold(news, message) }
        return again(record, of: reference, news, message)
    }

    /// - Parameter sale: for how much the recovery is, as far as that can be read.
    /// - Returns: `nil` where that is not known now.
    func rest(of reference: RecoveryReference, merchant: MerchantID, sale: Money?, _ news: WebhookNews) async -> Rest? {
        guard let back = moneyBack(of: reference, merchant), !back.isAll else { return .all }
        // Parts made the whole, or one was told that may have been all of it.
        let disputed = back.disputed ?? 0
        guard let refunded = back.refunded, sale.map({ refunded + disputed < $0.minorUnits }) ?? true else {
            return await reopen(reference, merchant) ? .all : nil
        }
        // What stays unread for so long has left the stream.
        if sale == nil, environment.now() < news.receivedAt + environment.timing.reconcileFor { return nil }
        // How much is left is not known then, but that nothing is.
        if back.isRefundedLeast { return .left(WebhookNews.Takings(amount: nil, isPartial: false, isWhole: true), beside: refunded) }
        let left = sale.map { Money(minorUnits: $0.minorUnits - refunded - disputed, currency: $0.currency) }
        let isRest = left != nil && refunded + disputed > 0
        return .left(WebhookNews.Takings(amount: left, isPartial: isRest, isWhole: true), beside: refunded)
    }
}
