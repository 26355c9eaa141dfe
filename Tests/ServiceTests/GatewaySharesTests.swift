import DeclineRecovery
import TestSupport
import Testing

@testable import Service

@Suite struct GatewaySharesTests {
    private typealias Shares = GatewayShares<Int>
    private static let start = Moment(milliseconds: 1_767_225_600_000)

    private static func shares(budget: Int = 100, room: Int = 50) -> Shares { Shares(budget: budget, room: room, longest: .seconds(10)) }

    @Test func aloneAnOwnerTakesThreeQuartersAndNobodyWaitsWhileThereIsRoom() {
        var shares = Self.shares()
        let begun = (0..<120).reduce(0) { count, item in
            count + shares.arrived(item, of: "slow", freeFrom: nil, now: Self.start).begin.count
        }
        #expect(begun == 75 && shares.waitingCount == 45)
    }

    @Test(arguments: [1, 2, 3, 4, 40, 1_000])
    func whoeverComesIntoAFullHouseBeginsAtOnce(budget: Int) {
        var shares = Self.shares(budget: budget)
        for item in 0..<3_000 { _ = shares.arrived(item, of: "slow", freeFrom: nil, now: Self.start) }
        // Of fewer nothing can be kept free.
        guard budget >= 4 else { return }
        #expect(shares.arrived(-1, of: "fast", freeFrom: nil, now: Self.start).begin.map(\.item) == [-1])
    }

    @Test func twoSlowOnesLeaveRoomForAThird() {
        var shares = Self.shares(budget: 70)
        for item in 0..<500 { _ = shares.arrived(item, of: item % 2 == 0 ? "a" : "b", freeFrom: nil, now: Self.start) }
        #expect(shares.inWorkCount < 70)
        #expect(shares.arrived(-1, of: "c", freeFrom: nil, now: Self.start).begin.map(\.item) == [-1])
    }

    @Test func whatWaitsBeginsInItsOrderAsTurnsEnd() {
        var shares = Self.shares(budget: 4)
        var turns = (0..<8).flatMap { shares.arrived($0, of: "a", freeFrom: nil, now: Self.start).begin }
        #expect(turns.map(\.item) == [0, 1, 2])
        var order = turns.map(\.item)
        while !turns.isEmpty {
            let next = shares.ended(turns.removeFirst(), now: Self.start).begin
            order += next.map(\.item)
            turns += next
        }
        #expect(order == Array(0..<8) && shares.inWorkCount == 0 && shares.waitingCount == 0)
    }

    /// A burst for a FlexFactor that answers is no reason for anything.
    @Test func nothingOfAQuickOwnerIsPutOff() {
        var shares = Self.shares()
        for item in 0..<400 {
            #expect(shares.arrived(item, of: "quick", freeFrom: nil, now: Self.start + .milliseconds(400)).putOff.isEmpty)
        }
        #expect(shares.waitingCount == 325)
    }

    @Test func theLatestOfASlowOwnerMakesRoomAndComesSpacedAsItsCallsEnd() {
        var shares = Self.shares()
        for item in 0..<125 { _ = shares.arrived(item, of: "slow", freeFrom: nil, now: Self.start) }
        let later = Self.start + .seconds(4)
        var putOff: [(item: Int, until: Moment)] = []
        for item in 125..<200 { putOff += shares.arrived(item, of: "slow", freeFrom: nil, now: later).putOff }
        #expect(putOff.map(\.item) == Array(125..<200) && shares.waitingCount == 50)
        // 75 in work, four seconds each, and 50 that wait before them.
        let waits = putOff.map { ($0.until - later).milliseconds }
        #expect(waits == waits.sorted() && (2_600...2_800).contains(waits[0]) && (6_600...6_900).contains(waits[74]), "\(waits)")
        // However many, they come again soon: there may be room elsewhere, and FlexFactor may be back.
        for item in 200..<2_000 { putOff += shares.arrived(item, of: "slow", freeFrom: nil, now: later).putOff }
        #expect(putOff.last?.until == later + .seconds(10))
    }

    @Test func whoIsQuickIsNotPutOffForWhoIsSlow() {
        var shares = Self.shares()
        for item in 0..<125 { _ = shares.arrived(item, of: "slow", freeFrom: nil, now: Self.start) }
        let later = Self.start + .seconds(4)
        var putOff: [Int] = []
        for item in 1_000..<1_060 { putOff += shares.arrived(item, of: "quick", freeFrom: nil, now: later).putOff.map(\.item) }
        #expect(!putOff.isEmpty && putOff.allSatisfy { $0 < 1_000 }, "\(putOff)")
    }

    /// Its turns are long because the worker or the broker is slow: putting off would be more work for both, and nobody would have gained room.
    @Test func nothingIsPutOffForAnOwnerWhoseFlexFactorIsQuick() {
        var shares = Shares(budget: 100, room: 50, longest: .seconds(10)) { ["quick": false, "slow": true][$0] }
        for item in 0..<200 { _ = shares.arrived(item, of: "quick", freeFrom: nil, now: Self.start) }
        let later = Self.start + .seconds(3)
        #expect(shares.looked(now: later).putOff.isEmpty && shares.waitingCount == 125)
        for item in 1_000..<1_100 { _ = shares.arrived(item, of: "slow", freeFrom: nil, now: later) }
        let putOff = shares.looked(now: later + .seconds(1)).putOff
        #expect(!putOff.isEmpty && putOff.allSatisfy { $0.item >= 1_000 })
        // Whatever keeps it that long, others wait as long.
        #expect(shares.looked(now: later + .seconds(2)).putOff.contains { $0.item < 1_000 })
    }

    /// It grew slow after all had come: nobody arrives any more whose arrival could tell.
    @Test func timeAloneMakesRoom() {
        var shares = Self.shares()
        for item in 0..<200 { _ = shares.arrived(item, of: "slow", freeFrom: nil, now: Self.start) }
        #expect(shares.waitingCount == 125)
        #expect(shares.looked(now: Self.start + .milliseconds(499)).putOff.isEmpty)
        #expect(shares.looked(now: Self.start + .milliseconds(500)).putOff.count == 75 && shares.waitingCount == 50)
    }

    /// A cascade whose time is over is told without a call.
    @Test func whatNeedsNoCallAnyMoreBeginsWhateverTheShareIs() {
        var shares = Self.shares(budget: 4)
        let deadline = Self.start + .seconds(60)
        for item in 0..<8 { _ = shares.arrived(item, of: "slow", freeFrom: item == 5 ? deadline : nil, now: Self.start) }
        #expect(shares.looked(now: deadline + .milliseconds(-1)).begin.isEmpty)
        #expect(shares.looked(now: deadline).begin.map(\.item) == [5])
        #expect(shares.arrived(9, of: "slow", freeFrom: deadline, now: deadline).begin.map(\.item) == [9])
    }

    @Test func nothingIsPutOffBeyondItsDeadline() {
        var shares = Self.shares(budget: 4, room: 2)
        for item in 0..<5 { _ = shares.arrived(item, of: "slow", freeFrom: nil, now: Self.start) }
        let later = Self.start + .seconds(30)
        let deadline = later + .seconds(3)
        #expect(shares.arrived(5, of: "slow", freeFrom: deadline, now: later).putOff.map(\.until) == [deadline])
    }

    @Test func atTheEndAllThatWaitIsGivenUpOnce() {
        var shares = Self.shares(budget: 4)
        let turns = (0..<8).flatMap { shares.arrived($0, of: $0 % 2 == 0 ? "a" : "b", freeFrom: nil, now: Self.start).begin }
        #expect(Set(shares.giveUp() + turns.map(\.item)) == Set(0..<8))
        #expect(shares.giveUp().isEmpty && turns.allSatisfy { shares.ended($0, now: Self.start).begin.isEmpty })
    }

    /// Whatever comes and ends in whatever order: each item has one fate, and the budget is kept.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func everyItemHasOneFate(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var shares = Self.shares(budget: 20, room: 8)
        var now = Self.start
        var turns: [Shares.Turn] = []
        var fates: [Int: Int] = [:]
        var came = 0
        func note(_ moves: Shares.Moves) {
            turns += moves.begin
            for turn in moves.begin { fates[turn.item, default: 0] += 1 }
            for (item, _) in moves.putOff { fates[item, default: 0] += 1 }
        }
        for _ in 0..<2_000 {
            now = now + .milliseconds(Int64.random(in: 0...200, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let owner = ["a", "b", "c", "d"][Int.random(in: 0..<4, using: &random)]
                note(shares.arrived(came, of: owner, freeFrom: Bool.random(using: &random) ? now + .seconds(5) : nil, now: now))
                came += 1
            case 5..<9:
                if !turns.isEmpty { note(shares.ended(turns.remove(at: Int.random(in: 0..<turns.count, using: &random)), now: now)) }
            default: note(shares.looked(now: now))
            }
            #expect(shares.inWorkCount == turns.count)
        }
        while !turns.isEmpty { note(shares.ended(turns.removeFirst(), now: now)) }
        for item in shares.giveUp() { fates[item, default: 0] += 1 }
        #expect(fates.count == came && fates.values.allSatisfy { $0 == 1 })
    }
}
