import DeclineRecovery

/// Which of FlexFactor's orders a recovery has: a claim of it, or what was told of it, may name the order.
extension OutcomeStage {
    /// Gives news that say which recovery they are of, and not which order, the one that is known of it.
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

    /// What becomes of news that name another order than FlexFactor's answer to the recovery's only post did: an order that is anybody's, unless
    /// it echoes the reference. Where more was posted, each post may have an order of its own.
    ///
    /// - Returns: `nil` where they are of no other.
    func ofAnotherOrder(
        _ news: WebhookNews, _ reference: RecoveryReference, _ answer: FlexFactorAnswer, _ message: IncomingMessage
    ) async -> StageOutcome? {
        if case .found(let order) = answer, order.echo == reference { return nil }
        guard let named = news.orderID, let place = onlyOrder(of: reference, news) else { return nil }
        guard let claim = await environment.claims.record(at: place)?.claim, claim.reference == reference else {
            return environment.now() < news.receivedAt + .minutes(5) ? hold(news, message) : nil
        }
        guard let known = claim.orderID, !known.isSame(as: named) else { return nil }
        // In sync mode a post is made again though FlexFactor has forgotten its key, and opens another order.
        if reference.kind.isRetry, gateway(of: news)?.mitMode != .managed {
            let first = await environment.claims.first(of: reference, merchant: news.merchant(of: reference))
            guard let first, environment.now() < first.at + environment.timing.keysLive else { return nil }
        }
        // This process may be behind.
        guard await environment.claims.readAll(at: environment.now()) != nil else { return hold(news, message) }
        return onlyOrder(of: reference, news) == place ? distrusted(news, .anotherThanClaimed, message) : nil
    }

    /// Where the order of an open recovery is named that cannot have two.
    private func onlyOrder(of reference: RecoveryReference, _ news: WebhookNews) -> Int64? {
        let standing = environment.claims.standing(of: reference, merchant: news.merchant(of: reference))
        return standing.flatMap { max($0.askedPost ?? 0, $0.answeredPost) <= 1 ? $0.namedAt : nil }
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
