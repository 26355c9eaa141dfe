package import DeclineRecovery
package import Pipeline
import Synchronization

/// A stream of claims in memory. It can be out of reach, and others can write to it.
package final class MemoryClaims: ClaimsPort {
    private struct State {
        var book = ClaimBook()
        var records: [ClaimRecord] = []
        var isReachable = true
        var showsFirst = true
        var firstKept: Int64 = 0
    }

    private let state = Mutex(State())
    private let now: Moment

    package init(now: Moment = Moment(milliseconds: 1_800_000_000_000)) {
        self.now = now
    }

    package var isReachable: Bool {
        get { state.withLock { $0.isReachable } }
        set { state.withLock { $0.isReachable = newValue } }
    }

    /// What stands before it has left the stream; the book knows of it.
    package var firstKept: Int64 {
        get { state.withLock { $0.firstKept } }
        set { state.withLock { $0.firstKept = newValue } }
    }

    /// Whether the first claim of a recovery can be read.
    package var showsFirst: Bool {
        get { state.withLock { $0.showsFirst } }
        set { state.withLock { $0.showsFirst = newValue } }
    }

    /// What was claimed, in a word each.
    package var words: [String] { state.withLock { $0.records.map(\.claim.act.word) } }

    /// - Parameter worker: another's claims are no pod's own.
    @discardableResult
    package func append(_ request: ClaimRequest, by worker: String) -> Claimed {
        state.withLock { state in
            let id = UInt64(state.records.count + 1)
            // What travels is what is read.
            let record = ClaimRecord.decode(request.record(id: id, at: now, worker: worker).encoded())!
            state.records.append(record)
            let verdict = state.book.take(record.claim, at: Int64(state.records.count - 1))
            let (records, book) = (state.records, state.book)
            return Claimed(id: id, verdict: verdict.map { Self.found($0, records, book) }!)
        }
    }

    package func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing? {
        state.withLock { $0.book.standing(of: Fingerprint(of: reference, merchant: merchant)) }
    }

    package func claim(_ request: ClaimRequest) async -> Claimed? { isReachable ? append(request, by: "w-1") : nil }

    package func record(at offset: Int64) async -> ClaimRecord? {
        state.withLock { $0.isReachable && offset >= $0.firstKept ? Self.found(offset, $0.records, $0.book) : nil }
    }

    private static func found(_ offset: Int64, _ records: [ClaimRecord], _ book: ClaimBook) -> ClaimRecord {
        let record = records[Int(offset)]
        return record.correcting(
            book.corrected(by: offset, Fingerprint(of: record.claim.reference, merchant: record.claim.merchantID)))
    }

    package func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim? {
        state.withLock { state in
            guard state.showsFirst else { return nil }
            return state.book.first(of: Fingerprint(of: reference, merchant: merchant)).map { state.records[Int($0)].claim }
        }
    }

    package func claims(of rebill: Debt) -> [ClaimBook.NamedClaim] { state.withLock { $0.book.claims(of: rebill) } }
}
