import DeclineRecovery

/// A managed order that waits for its capture: its recovery is parked for hours, where nothing reaches it, and FlexFactor may void the order
/// within minutes.
extension OutcomeStage {
    /// Captures it as its recovery would: under a claim, and with the same key. The recovery finds it told afterwards, or goes on with it.
    ///
    /// - Parameter shown: the order, as it was looked at.
    func capture(
        _ reference: RecoveryReference, _ id: FlexFactorOrderID, _ shown: FlexFactorAnswer, _ news: WebhookNews, _ message: IncomingMessage
    ) async -> StageOutcome {
        let now = environment.now()
        let merchant = news.merchant(of: reference)
        guard merchant == news.merchantID, let sender = gateway(of: news),
            let standing = environment.claims.standing(of: reference, merchant: merchant), standing.exists, standing.told == nil
        else { return ignored(news, .decidedByLook) }
        guard let first = await environment.claims.first(of: reference, merchant: merchant), let amount = first.saleAmount else {
            return hold(news, message)
        }
        // What it was claimed for may not have been at hand before, which says what else it is called.
        if await isCancelRequested(news, first) { return ignored(news, .decidedByLook) }
        // At its expiry the recovery closes the order. That counts from the decline, whose days are at most half over when it is first claimed.
        if now >= first.at + .minutes(Int64(sender.expiryDays) * 12 * 60) { return ignored(news, .decidedByLook) }
        let post = max(1, standing.answeredPost)
        func request(_ act: Claim.Act) -> ClaimRequest {
            ClaimRequest(merchantID: merchant, reference: reference, debt: nil, amount: amount, act: act, until: now + Claim.longestMemory)
        }
        guard let claimed = await environment.claims.claim(request(.send(post: post))) else { return hold(news, message) }
        guard case .granted = claimed.verdict else { return ignored(news, .decidedByLook) }
        if claimed.isStale {
            _ = await environment.claims.claim(request(.unsent(claimed.id)))
            return hold(news, message)
        }
        let key = Recovery.idempotencyKey(of: .capture(post: post), for: reference)
        let answer = await flexFactor.perform(
            .capture(id, amount, idempotencyKey: key), about: sent(news), merchant: merchant, gateway: news.gatewayID,
            traceparent: message.traceparent, deadline: environment.now() + environment.callLimit,
            writtenBy: claimed.goodUntil)
        switch answer {
        case .captured: return await carryOut(.tell(reference, .approved(.captured), nil), shown, first, news, message)
        case .captureFailed:
            _ = await environment.claims.claim(request(.exists(answering: claimed.id)))
            return ignored(news, .decidedByLook)
        case .failed(.refused): _ = await environment.claims.claim(request(.exists(answering: claimed.id)))
        case .failed(.notSent), .failed(.throttled): _ = await environment.claims.claim(request(.unsent(claimed.id)))
        // It may have been captured: the order says, a while later.
        default: break
        }
        return await carryOut(.wait(max(.doubling(news.looks), answer.retryAfter)), shown, first, news, message)
    }
}
