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
    fileprivate(set) var byOrder: [String: [Approval]] = [:]
    /// Where the first claim of a list of orders stands: from there on every chargeback that was told is claimed.
    fileprivate(set) var firstList: Int64 = .max

    /// With which the name of a day begins whose list is claimed.
    static let listName = "MoneyBack"

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
                let isList = entry.body.contains(text: Approvals.listName)
                guard isList || entry.body.contains(text: ResultKind.approved.rawValue), let record = ClaimRecord.decode(entry.body) else {
                    continue
                }
                if isList, record.claim.merchantID == "" {
                    found.withLock { $0.firstList = min($0.firstList, entry.offset) }
                } else if record.claim.act.telling == .approved, let id = record.flexFactorOrderID?.text.lowercased(), wanted.contains(id) {
                    found.withLock { $0.byOrder[id, default: []].append(Approvals.Approval(record: record, offset: entry.offset)) }
                }
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
