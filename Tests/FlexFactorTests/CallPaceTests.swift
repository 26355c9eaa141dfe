import DeclineRecovery
import Testing

@testable import FlexFactor

@Suite struct CallPaceTests {
    private static let start = Moment(milliseconds: 1_767_225_600_000)

    private static func at(_ milliseconds: Int) -> Moment { start + .milliseconds(Int64(milliseconds)) }

    @Test func theOldestThatIsUnderWayDecides() {
        var pace = CallPace()
        #expect(!pace.isSlow(now: Self.at(60_000)))
        for second in 0..<3 { _ = pace.began(now: Self.at(1_000 * second)) }
        #expect(!pace.isSlow(now: Self.at(1_999)) && pace.isSlow(now: Self.at(2_000)))
    }

    @Test func whatHasEndedSaysNothingInWhicheverOrder() {
        var pace = CallPace()
        let calls = (0..<4).map { pace.began(now: Self.at(1_000 * $0)) }
        pace.ended(calls[1])
        #expect(pace.isSlow(now: Self.at(3_100)))
        pace.ended(calls[0])
        #expect(!pace.isSlow(now: Self.at(3_900)) && pace.isSlow(now: Self.at(4_000)))
        pace.ended(calls[3])
        pace.ended(calls[2])
        #expect(!pace.isSlow(now: Self.at(60_000)))
        let next = pace.began(now: Self.at(60_000))
        #expect(!pace.isSlow(now: Self.at(61_000)) && pace.isSlow(now: Self.at(62_000)))
        pace.ended(next)
        #expect(!pace.isSlow(now: Self.at(99_000)))
    }
}
