import Broker
import DeclineRecovery
import JSON
import Pipeline
import Synchronization

extension ClaimTail {
    /// What was told of FlexFactor's orders as approved, as far as the stream goes back, by the orders' ids in lower case. Reads all claims.
    func approvals(of orders: Set<String>) async throws(BrokerError) -> [String: ClaimRecord] {
        guard let (link, names) = session.withLock({ $0 }), let end = try await link.lastOffset(of: names.claims) else { return [:] }
        let found = Mutex<[String: ClaimRecord]>([:])
        let reading = try await link.read(names.claims, from: .first, prefetch: 1_000) { entries in
            for entry in entries where entry.properties.type == ClaimRecord.type && entry.body.contains(text: Self.approved) {
                guard let record = ClaimRecord.decode(entry.body), record.claim.act.telling == .approved,
                    let id = record.flexFactorOrderID?.text.lowercased(), orders.contains(id)
                else { continue }
                found.withLock { $0[id] = record }
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

    private static let approved = ResultKind.approved.rawValue
}
