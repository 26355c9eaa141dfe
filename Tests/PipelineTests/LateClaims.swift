import DeclineRecovery
import Pipeline
import Synchronization
import TestSupport

/// A pod that is behind with its reading: until a claim of its own comes by it knows nothing of what others claimed since.
final class LateClaims: ClaimsPort {
    let stream: MemoryClaims
    /// What it has read so far.
    private let read: MemoryClaims
    private let isBehind = Mutex(true)

    init(now: Moment = Moment(milliseconds: 1_800_000_000_000)) {
        stream = MemoryClaims(now: now)
        read = MemoryClaims(now: now)
    }

    private var known: MemoryClaims { isBehind.withLock { $0 } ? read : stream }

    /// What another claimed, and it has read.
    @discardableResult
    func appendRead(_ request: ClaimRequest) -> Claimed {
        read.append(request, by: "w-2")
        return stream.append(request, by: "w-2")
    }

    /// Nobody can read what was claimed first.
    func hidesFirst() { (stream.showsFirst, read.showsFirst) = (false, false) }

    func claim(_ request: ClaimRequest) async -> Claimed? {
        let claimed = await stream.claim(request)
        if claimed != nil { isBehind.withLock { $0 = false } }
        return claimed
    }

    func standing(of reference: RecoveryReference, merchant: MerchantID) -> ClaimBook.Standing? {
        known.standing(of: reference, merchant: merchant)
    }
    func record(at offset: Int64) async -> ClaimRecord? { await stream.record(at: offset) }
    func claims(of rebill: Debt) -> [ClaimBook.NamedClaim] { known.claims(of: rebill) }
    func first(of reference: RecoveryReference, merchant: MerchantID) async -> Claim? {
        await known.first(of: reference, merchant: merchant)
    }
}
