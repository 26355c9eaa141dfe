import DeclineRecovery
import Testing

@testable import Service

@Suite struct RecentClaimsTests {
    private func record(_ id: Claim.ID) -> ClaimRecord {
        let now = Moment(milliseconds: 1_800_000_000_000)
        return ClaimRecord(
            Claim(
                id: id, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1), debt: nil, amount: nil,
                act: .send(post: 1), at: now, until: now, worker: "w"))
    }

    /// A record in another's place would be told as its result.
    @Test func theLastTenThousandAreFoundByTheirPlaceAndNoOthers() {
        var recent = RecentClaims()
        #expect(recent[0] == nil && recent[-1] == nil)
        recent.remember(record(1), at: 5)
        #expect(recent[5]?.claim.id == 1 && recent[4] == nil && recent[10_005] == nil)
        recent.remember(record(2), at: 10_004)
        #expect(recent[5]?.claim.id == 1 && recent[10_004]?.claim.id == 2)
        recent.remember(record(3), at: 10_005)
        #expect(recent[5] == nil && recent[10_005]?.claim.id == 3)
        // The stream is read once more.
        recent.remember(record(4), at: 5)
        #expect(recent[5]?.claim.id == 4 && recent[10_005] == nil)
    }
}
