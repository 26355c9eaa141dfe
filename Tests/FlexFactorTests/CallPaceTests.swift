import DeclineRecovery
import Testing

@testable import FlexFactor

@Suite struct CallPaceTests {
    private static let start = Moment(milliseconds: 1_767_225_600_000)

    /// Calls one after the other, each as long as this, and one more under way for as long.
    private static func pace(of milliseconds: Int64, calls: Int = 50) -> (pace: CallPace, now: Moment) {
        var (pace, now) = (CallPace(), start)
        for _ in 0..<calls {
            let call = pace.began(now: now)
            now = now + .milliseconds(milliseconds)
            pace.ended(call, now: now)
        }
        _ = pace.began(now: now)
        return (pace, now + .milliseconds(milliseconds))
    }

    @Test(arguments: [(200, false), (400, false), (600, true), (5_000, true)] as [(Int64, Bool)])
    func whatCallsTakeAsARuleDecides(milliseconds: Int64, isSlow: Bool) {
        let (pace, now) = Self.pace(of: milliseconds)
        #expect(pace.isSlow(now: now) == isSlow)
    }

    @Test func aLateOneAmongQuickOnesIsNotSlowAndOneThatHangsIs() {
        let (pace, now) = Self.pace(of: 100)
        #expect(!pace.isSlow(now: now + .milliseconds(1_000)))
        #expect(pace.isSlow(now: now + .milliseconds(2_000)))
    }

    /// Nobody can tell of a FlexFactor that has hung since the first call but those that are under way.
    @Test func whereNoneHasEndedTheOldestDecides() {
        var pace = CallPace()
        for second in 0..<3 { _ = pace.began(now: Self.start + .seconds(Int64(second))) }
        #expect(!pace.isSlow(now: Self.start + .milliseconds(1_999)) && pace.isSlow(now: Self.start + .seconds(2)))
    }

    @Test func whoWasSlowAndHasNothingUnderWayIsNot() {
        var (pace, now) = Self.pace(of: 5_000)
        pace.ended(50, now: now)
        #expect(!pace.isSlow(now: now))
        _ = pace.began(now: now)
        #expect(!pace.isSlow(now: now + .milliseconds(100)))
    }

    /// However they end: what is asked about is the oldest that is left.
    @Test func theyMayEndInAnyOrder() {
        var pace = CallPace()
        let calls = (0..<4).map { pace.began(now: Self.start + .seconds(Int64($0))) }
        let now = Self.start + .milliseconds(3_100)
        pace.ended(calls[1], now: now)
        #expect(pace.isSlow(now: now))
        pace.ended(calls[0], now: now)
        // The third is 1.1 s old, and two have taken 2.1 and 3.1 s: 500 ms on average, for the first beginning counts as none.
        #expect(!pace.isSlow(now: now))
        pace.ended(calls[2], now: now + .seconds(3))
        pace.ended(calls[3], now: now + .seconds(3))
        #expect(!pace.isSlow(now: now + .seconds(60)))
    }
}
