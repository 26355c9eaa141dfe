import DeclineRecovery
import FlexFactor
import NIOCore
import Pipeline

/// FlexFactor's calls as spans of the step that makes them; their context travels in the request, as a header that its signature does not
/// cover.
struct TracedFlexFactor: FlexFactorPort {
    let base: any FlexFactorPort
    let tracer: Tracer

    func perform(
        _ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment,
        writtenBy: ContinuousClock.Instant?
    ) async -> FlexFactorAnswer {
        await traced(call.name, merchant, gateway, traceparent) {
            await base.perform(
                call, merchant: merchant, gateway: gateway, traceparent: $0, deadline: deadline, writtenBy: writtenBy)
        }
    }

    func account(of merchant: MerchantID, gateway: GatewayID) -> String? { base.account(of: merchant, gateway: gateway) }

    func isRetired(_ gateway: GatewayID, of merchant: MerchantID) -> Bool { base.isRetired(gateway, of: merchant) }

    func noteMisdirected(_ call: FlexFactorCall, merchant: MerchantID, gateway: GatewayID, _ failure: CallFailure) {
        base.noteMisdirected(call, merchant: merchant, gateway: gateway, failure)
    }

    func tokenize(
        _ card: SealedCard, of charge: Charge, merchant: MerchantID, gateway: GatewayID, traceparent: String?, deadline: Moment
    ) async -> FlexFactorAnswer {
        await traced(CallName.tokenize.rawValue, merchant, gateway, traceparent) {
            await base.tokenize(card, of: charge, merchant: merchant, gateway: gateway, traceparent: $0, deadline: deadline)
        }
    }

    private func traced(
        _ call: String, _ merchant: MerchantID, _ gateway: GatewayID, _ traceparent: String?, _ body: (String?) async -> FlexFactorAnswer
    ) async -> FlexFactorAnswer {
        guard let parent = traceparent.flatMap(SpanContext.init), parent.isSampled else { return await body(traceparent) }
        var span = tracer.begin(
            "call \(call)", .client, in: parent,
            [
                ("peer.service", .text("flexfactor")), ("salvage.call", .text(call)), ("salvage.merchant", .text(merchant.text)),
                ("salvage.gateway", .text(gateway.text)),
            ])
        let answer = await body(span.context.text)
        span.attributes.append(("salvage.outcome", .text(answer.name)))
        if case .failed = answer { span.fault = answer.name }
        tracer.end(span)
        return answer
    }
}

/// Claims, measured, and as spans of the step that makes them.
struct MeasuredClaims: ClaimsPort {
    private let base: any ClaimsPort
    private let tracer: Tracer?
    private let seen: Metric.Series
    private let late: Metric.Series
    private let unseen: Metric.Series

    init(base: any ClaimsPort, metrics: ServiceMetrics, tracer: Tracer?) {
        self.base = base
        self.tracer = tracer
        seen = metrics.claimSeconds.series("seen")
        late = metrics.claimSeconds.series("late")
        unseen = metrics.claimSeconds.series("unseen")
    }

    func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing? {
        base.standing(of: reference, merchant: merchant)
    }

    func claim(_ request: ClaimRequest) async -> Claimed? {
        let parent = tracer == nil ? nil : Tracer.current
        let begun = NIODeadline.now()
        var span = parent.flatMap { tracer?.begin("claim", .producer, in: $0, [("salvage.reference", .text(request.reference.text))]) }
        let claimed = await base.claim(request)
        let outcome = claimed.map { $0.isStale ? late : seen } ?? unseen
        outcome.observe(Double((NIODeadline.now() - begun).nanoseconds) / 1e9)
        if claimed == nil { span?.fault = "unseen" }
        if let span { tracer?.end(span) }
        return claimed
    }

    func record(at offset: Int64) async -> ClaimRecord? { await base.record(at: offset) }

    func claims(of rebill: Debt) -> [ClaimBook.NamedClaim] { base.claims(of: rebill) }

    func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim? {
        await base.first(of: reference, merchant: merchant)
    }
}
