import Broker
import DeclineRecovery
import JSON
import Pipeline
import Synchronization

/// What was told of FlexFactor's orders as approved, as far as the stream of claims goes back.
struct Approvals: Sendable {
    struct Approval: Sendable {
        let record: ClaimRecord
        let offset: Int64
    }

    /// Of each order all, by its id in lower case: what was told is claimed again whenever somebody would tell it once more.
    private(set) var byOrder: [String: [Approval]] = [:]
    /// From where on every chargeback that was told is claimed: the first claim of a list of orders, or the first request that says when its
    /// charge was declined. Workers that claimed neither claimed no chargebacks.
    private(set) var claimsDisputesFrom: Int64 = .max

    /// With which the name of a day begins whose list is claimed.
    static let listName = "MoneyBack"
    /// In a result, which a claim holds as a text, these quotes are escaped.
    private static let declinedAt = "\"declinedAt\":"

    /// Takes the next claim in.
    ///
    /// - Parameter wanted: the orders' ids, in lower case.
    mutating func take(_ body: [UInt8], at offset: Int64, wanted: Set<String>) {
        let mayBegin = claimsDisputesFrom == .max && (body.contains(text: Self.listName) || body.contains(text: Self.declinedAt))
        guard mayBegin || body.contains(text: ResultKind.approved.rawValue), let record = ClaimRecord.decode(body) else { return }
        let claim = record.claim
        if mayBegin, claim.merchantID == "" || claim.declinedAt != nil { claimsDisputesFrom = offset }
        if claim.act.telling == .approved, let id = record.flexFactorOrderID?.text.lowercased(), wanted.contains(id) {
            byOrder[id, default: []].append(Approval(record: record, offset: offset))
        }
    }

    subscript(order: FlexFactorOrderID) -> [Approval] { byOrder[order.text.lowercased()] ?? [] }
}

extension ClaimTail {
    /// Reads all claims, on the connection that follows them: a little at a time.
    func approvals(of orders: [FlexFactorOrder]) async throws(BrokerError) -> Approvals {
        let wanted = Set(orders.map { $0.id.text.lowercased() })
        if wanted.isEmpty { return Approvals() }
        guard let (link, names) = session.withLock({ $0 }), let end = try await link.lastOffset(of: names.claims) else {
            // There are claims: whoever asks has just made one.
            throw .timedOut(what: "the end of the stream of claims")
        }
        let found = Mutex(Approvals())
        let reading = try await link.read(names.claims, from: .first, prefetch: 200) { entries in
            for entry in entries where entry.properties.type == ClaimRecord.type {
                found.withLock { $0.take(entry.body, at: entry.offset, wanted: wanted) }
            }
        }
        do throws(BrokerError) {
            try await reading.reach(end, patience: 30)
        } catch {
            await reading.end()
            throw error
        }
        await reading.end()
        return found.withLock { $0 }
    }
}
