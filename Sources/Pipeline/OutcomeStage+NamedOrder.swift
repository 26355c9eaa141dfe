import DeclineRecovery

/// News that say which recovery they are of, and not which of FlexFactor's orders: a claim of that recovery, or what was told of it, may
/// name the order.
extension OutcomeStage {
    /// Gives them the order that is known of their recovery.
    ///
    /// - Returns: what becomes of them where none is; `nil` where they can be looked at.
    func named(_ news: inout WebhookNews, by reference: RecoveryReference, _ message: IncomingMessage) async -> StageOutcome? {
        guard owns(reference, news) else { return distrusted(news, .otherAccount, message) }
        switch await namedOrder(of: reference, merchant: news.merchant(of: reference)) {
        case .known(let id):
            news = news.of(id)
            return nil
        case .unread where environment.now() < news.receivedAt + environment.timing.reconcileFor: return hold(news, message)
        // Whoever was answered may be about to claim it.
        case .unknown where news.looks == 0: return await carryOut(.wait(environment.timing.settle), .notListed, nil, news, message)
        case .unread, .unknown: return distrusted(news, .unnamed, message)
        }
    }

    private enum NamedOrder {
        case known(FlexFactorOrderID)
        case unknown
        /// It is not known now.
        case unread
    }

    private func namedOrder(of reference: RecoveryReference, merchant: MerchantID) async -> NamedOrder {
        func place() -> Int64? {
            let standing = environment.claims.standing(of: reference, merchant: merchant)
            return standing?.told?.offset ?? standing?.namedAt
        }
        var offset = place()
        if offset == nil {
            // This process may be behind.
            guard await environment.claims.readAll(at: environment.now()) != nil else { return .unread }
            offset = place()
        }
        guard let offset else { return .unknown }
        guard let record = await environment.claims.record(at: offset), record.claim.reference == reference,
            record.claim.merchantID == merchant
        else { return .unread }
        return (record.claim.orderID ?? record.flexFactorOrderID).map(NamedOrder.known) ?? .unknown
    }
}
