import Broker
import DeclineRecovery
import FlexFactor
import FoundationEssentials
import Logging
import Pipeline

/// Lists once a day, for each FlexFactor account, the orders whose money went back, and hands on what the CRM was not told: a webhook may
/// never come (truth.md §4).
///
/// One worker of the fleet does it, the first to claim the day. An order of the list names no reference of ours, so the approvals on the
/// stream of claims say whose it is. What was told already is left out here, and again where it is told: listing twice tells nothing twice.
struct MoneyBackList {
    let store: ConfigurationStore
    let claims: ClaimTail
    let lane: Lane
    let link: BrokerLink
    let names: TopologyNames
    /// How often; zero for never.
    let period: Moment.Span
    let logger: Logger

    private let clock = SystemClock()
    /// An order may be placed three weeks before it is paid, and is remembered for 33 days from then.
    private static let reach = Moment.Span.days(60)

    init(
        store: ConfigurationStore, claims: ClaimTail, lane: Lane, link: BrokerLink, names: TopologyNames, period: Moment.Span,
        logger: Logger
    ) {
        self.store = store
        self.claims = claims
        self.lane = lane
        self.link = link
        self.names = names
        self.period = period
        self.logger = logger
    }

    /// One of FlexFactor's accounts, whichever gateways share it.
    private struct Account: Hashable {
        let origin: String
        let mid: String
    }

    func run(until stop: StopSignal) async {
        guard period > .seconds(0) else { return }
        // Often enough that a day whose worker died late is not lost for long, and that an account that did not answer is asked again.
        let pause = Duration.milliseconds(max(min(period.milliseconds / 24, 3_600_000), 500))
        var due: [Account: GatewayKey] = [:]
        // Not among all that a worker begins with.
        await stop.wait(atMost: min(pause, .seconds(600)))
        while !stop.isSet {
            if await isOurs() { due = accounts() }
            for (account, gateway) in due where !stop.isSet {
                if await list(gateway) { due[account] = nil }
            }
            await stop.wait(atMost: pause)
        }
    }

    /// Claims the day; who comes second has nothing to do.
    private func isOurs() async -> Bool {
        let now = clock.now()
        let day = RecoveryReference(orderID: "money-back-\(now.milliseconds / period.milliseconds)", kind: .rerun, sequence: 0)
        let request = ClaimRequest(
            merchantID: "", reference: day, debt: nil, amount: nil, act: .refund(RefundClaim(RefundClaim.listed, .send(round: 1))),
            until: now + .milliseconds(2 * period.milliseconds))
        guard case .granted? = await claims.claim(request)?.verdict else { return false }
        return true
    }

    private func accounts() -> [Account: GatewayKey] {
        let keys = store.clients.map { (Account(origin: $1.credentials.origin.description, mid: $1.credentials.mid), $0) }
        return Dictionary(keys) { first, _ in first }
    }

    /// - Returns: whether nothing is left to be done for this account.
    private func list(_ gateway: GatewayKey) async -> Bool {
        guard let client = store.client(gateway) else { return true }
        let now = clock.now()
        let found: FlexFactorClient.MoneyBack
        switch await client.moneyBack(since: now + .milliseconds(-Self.reach.milliseconds), on: lane.http, within: .seconds(20)) {
        case .success(let listed): found = listed
        case .failure(let failure):
            logger.warning(
                "The orders whose money went back cannot be listed",
                metadata: [
                    LogKey.merchant: "\(gateway.merchant)", LogKey.gateway: "\(gateway.gateway)", LogKey.error: "\(failure)",
                    LogKey.advice: "\(failure.advice) It is tried again.",
                ])
            return false
        }
        if !found.isComplete {
            logger.warning(
                "FlexFactor lists more orders than are looked at",
                metadata: [
                    LogKey.merchant: "\(gateway.merchant)", LogKey.gateway: "\(gateway.gateway)", LogKey.count: "\(found.orders.count)",
                    LogKey.advice: "Refunds of later orders are told by their webhooks alone: see that these come.",
                ])
        }
        do {
            let news = try await untold(found.orders, gateway, now)
            try await link.publish(news.map { $0.message(to: .stage(.outcomes), traceparent: nil).brokerMessage(names, now: now) })
            logger.info(
                "The orders whose money went back are listed",
                metadata: [
                    LogKey.merchant: "\(gateway.merchant)", LogKey.gateway: "\(gateway.gateway)", LogKey.count: "\(found.orders.count)",
                    LogKey.missing: "\(news.count)",
                ])
            return true
        } catch {
            logger.warning(
                "What the list of orders shows cannot be handed on",
                metadata: [LogKey.error: "\(error)", LogKey.advice: "It is tried again."])
            return false
        }
    }

    private func untold(_ orders: [FlexFactorOrder], _ gateway: GatewayKey, _ now: Moment) async throws -> [WebhookNews] {
        if orders.isEmpty { return [] }
        let approvals = try await claims.approvals(of: Set(orders.map { $0.id.text.lowercased() }))
        var seen: Set<String> = []
        return orders.compactMap { order in
            guard seen.insert(order.id.text.lowercased()).inserted, let claim = approvals[order.id.text.lowercased()]?.claim else {
                return nil
            }
            // It may be another merchant's on the same account.
            let key = ownGateway(of: claim.merchantID, beside: gateway)
            guard let standing = claims.standing(of: claim.reference, merchant: claim.merchantID), standing.told?.kind == .approved,
                !standing.back.isAll
            else { return nil }
            let isDispute = order.state == .chargeback
            if isDispute {
                let isWanted = store.merchant(key.merchant)?.flexFactorGateways[key.gateway]?.includeChargebacks ?? false
                guard isWanted, !standing.back.isDisputed else { return nil }
            } else if standing.back.refunded == nil {
                return nil
            }
            return WebhookNews(
                merchantID: key.merchant, gatewayID: key.gateway, event: isDispute ? .chargeback : .refunded, reference: claim.reference,
                orderID: order.id, distinction: WebhookNews.listed, receivedAt: now)
        }
    }

    private func ownGateway(of merchant: MerchantID, beside gateway: GatewayKey) -> GatewayKey {
        guard merchant != gateway.merchant, let client = store.client(gateway) else { return gateway }
        let own = store.clients.first { key, other in
            key.merchant == merchant && other.credentials.mid == client.credentials.mid
                && other.credentials.origin == client.credentials.origin
        }
        return own?.key ?? gateway
    }
}
