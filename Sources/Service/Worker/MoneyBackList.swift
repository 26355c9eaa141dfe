import Broker
import DeclineRecovery
import FlexFactor
import FoundationEssentials
import Logging
import Pipeline

/// Lists once a day, for each FlexFactor account, the orders whose money went back, and hands on what the CRM was not told: a webhook may
/// never come (truth.md §4).
///
/// One worker of the fleet does it, by the stream of claims: the first to claim an account's hour of the day, until one has done it. An order
/// of the list names no reference of ours, so the approvals on that stream say whose it is. What was told already is left out here, and
/// again where it is told: listing twice tells nothing twice.
struct MoneyBackList {
    let store: ConfigurationStore
    let claims: ClaimTail
    let lane: Lane
    let link: BrokerLink
    let names: TopologyNames
    /// How often, which is a day here; zero for never.
    let period: Moment.Span
    let logger: Logger

    private let clock = SystemClock()
    /// An order may be placed three weeks before it is paid, and is remembered for 33 days from then.
    private static let reach = Moment.Span.days(60)

    func run(until stop: StopSignal) async {
        guard period > .seconds(0) else { return }
        let hour = Moment.Span.milliseconds(max(min(period.milliseconds / 24, 3_600_000), 500))
        // Not among all that a worker begins with.
        await stop.wait(atMost: .milliseconds(min(hour.milliseconds, 600_000)))
        while !stop.isSet {
            let now = clock.now().milliseconds
            let day = now / period.milliseconds
            let round = Int((now - day * period.milliseconds) / hour.milliseconds) + 1
            await list(day, round, until: stop)
            await stop.wait(atMost: .milliseconds(hour.milliseconds))
        }
    }

    /// Lists the accounts whose day nobody has done, nor is about to.
    private func list(_ day: Int64, _ round: Int, until stop: StopSignal) async {
        let gateways = Dictionary(grouping: store.clients.sorted { $0.key.order < $1.key.order }) { Account($0.value) }
        var claimed: [Account] = []
        for account in gateways.keys where !stop.isSet {
            if case .granted? = await claim(account, day, .send(round: round)) { claimed.append(account) }
        }
        let listed = await listAll(claimed.map { ($0, gateways[$0] ?? []) }, until: stop)
        for account in claimed {
            // What could not be listed another worker may try.
            let step: MoneyBackClaim.Step =
                listed.contains(account) ? .told(.refunded, round: round, isWhole: false) : .unsent(round: round)
            _ = await claim(account, day, step)
        }
    }

    private func claim(_ account: Account, _ day: Int64, _ step: MoneyBackClaim.Step) async -> ClaimVerdict<ClaimRecord>? {
        let name = Fingerprint(account.origin.description, account.mid)
        let request = ClaimRequest(
            merchantID: "", reference: RecoveryReference(orderID: "\(Approvals.listName)\(day).\(name.hex)", kind: .rerun, sequence: 0),
            debt: nil,
            amount: nil, act: .moneyBack(MoneyBackClaim(name, step)), until: clock.now() + .milliseconds(2 * period.milliseconds))
        return await claims.claim(request)?.verdict
    }

    // MARK: Listing

    /// One of FlexFactor's accounts, whichever gateways share it.
    private struct Account: Hashable {
        let origin: Origin
        let mid: String

        init(_ client: FlexFactorClient) {
            origin = client.credentials.origin
            mid = client.credentials.mid
        }
    }

    private typealias Gateways = [(key: GatewayKey, value: FlexFactorClient)]

    /// - Returns: the accounts that were listed, and of which what was missing is with the broker.
    private func listAll(_ accounts: [(Account, Gateways)], until stop: StopSignal) async -> Set<Account> {
        let now = clock.now()
        var listed: [(Account, Gateways, [FlexFactorOrder])] = []
        for (account, gateways) in accounts where !stop.isSet {
            if let orders = await list(gateways, now) { listed.append((account, gateways, orders)) }
        }
        if listed.isEmpty || stop.isSet { return [] }
        var done: Set<Account> = []
        do {
            let approvals = try await claims.approvals(of: listed.flatMap(\.2))
            for (account, gateways, orders) in listed {
                let news = untold(orders, approvals, account, now)
                try await link.publish(news.map { $0.message(to: .stage(.outcomes), traceparent: nil).brokerMessage(names, now: now) })
                done.insert(account)
                logger.info(
                    "The orders whose money went back are listed",
                    metadata: [
                        LogKey.merchant: "\(gateways.first?.key.merchant.text ?? "")",
                        LogKey.gateway: "\(gateways.first?.key.gateway.text ?? "")",
                        LogKey.count: "\(orders.count)", LogKey.missing: "\(news.count)",
                    ])
            }
        } catch {
            logger.warning(
                "What the list of orders shows cannot be handed on",
                metadata: [LogKey.error: "\(error)", LogKey.advice: "It is tried again."])
        }
        return done
    }

    /// - Parameter gateways: of one account; any of them can ask.
    /// - Returns: `nil` where none was answered.
    private func list(_ gateways: Gateways, _ now: Moment) async -> [FlexFactorOrder]? {
        for (gateway, client) in gateways {
            func warn(_ what: Logger.Message, _ more: Logger.Metadata) {
                logger.warning(
                    what,
                    metadata: more.merging([LogKey.merchant: "\(gateway.merchant)", LogKey.gateway: "\(gateway.gateway)"]) { $1 })
            }
            let since = now + .milliseconds(-Self.reach.milliseconds)
            switch await client.moneyBack(since: since, on: lane.http, within: .seconds(20)) {
            case .success(let found):
                if !found.isComplete {
                    warn(
                        "Not all of FlexFactor's list of orders can be read",
                        [
                            LogKey.count: "\(found.orders.count)",
                            LogKey.advice: "Refunds of the others are told by their webhooks alone: see that these come.",
                        ])
                }
                return found.orders
            case .failure(let failure):
                warn(
                    "The orders whose money went back cannot be listed",
                    [LogKey.error: "\(failure)", LogKey.advice: "\(failure.advice) It is tried again."])
            }
        }
        return nil
    }

    private func untold(_ orders: [FlexFactorOrder], _ approvals: Approvals, _ account: Account, _ now: Moment) -> [WebhookNews] {
        orders.compactMap { order in
            // What was told otherwise since, or by another of FlexFactor's orders, is none of the list's.
            let approval = approvals[order.id].first { told($0.record.claim)?.told?.offset == $0.offset }
            guard let approval, let standing = told(approval.record.claim), standing.told?.kind == .approved, !standing.back.isAll else {
                return nil
            }
            let isDispute = order.state == .chargeback
            guard let gateway = gateway(of: approval.record, on: account, isDispute) else { return nil }
            // What was not to be told is told once it is.
            let isKnown = wantsChargebacks(gateway) ? standing.back.isDisputeTold : standing.back.isDisputed
            if isDispute, isKnown || approval.offset < approvals.claimsDisputesFrom { return nil }
            return WebhookNews(
                merchantID: gateway.merchant, gatewayID: gateway.gateway, event: isDispute ? .chargeback : .refunded,
                reference: approval.record.claim.reference, orderID: order.id, distinction: WebhookNews.listed, receivedAt: now)
        }
    }

    private func told(_ claim: Claim) -> ClaimBook.Standing? { claims.standing(of: claim.reference, merchant: claim.merchantID) }

    private func wantsChargebacks(_ gateway: GatewayKey) -> Bool {
        store.merchant(gateway.merchant)?.flexFactorGateways[gateway.gateway]?.includeChargebacks == true
    }

    /// The gateway that was told to have approved it, or another of the merchant's on the same account; of a dispute one that wants it told.
    private func gateway(of approval: ClaimRecord, on account: Account, _ isDispute: Bool) -> GatewayKey? {
        let merchant = approval.claim.merchantID
        let own = store.clients.filter { $0.key.merchant == merchant && Account($0.value) == account }.keys
            .sorted { $0.order < $1.order }
        let wanting = isDispute ? own.filter(wantsChargebacks) : []
        let asked = wanting.isEmpty ? own : wanting
        return asked.first { $0.gateway == approval.gatewayID } ?? asked.first
    }
}

extension GatewayKey {
    /// The same gateway is asked first on every worker.
    fileprivate var order: String { "\(merchant.text)/\(gateway.text)" }
}
