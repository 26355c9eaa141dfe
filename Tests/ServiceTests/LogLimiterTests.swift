import DeclineRecovery
import Testing

@testable import Service

@Suite struct LogLimiterTests {
    private let start = Moment(milliseconds: 1_800_000_000_000)

    @Test func theSameTroubleIsToldOnceInAWhileWithTheCountOfTheRest() {
        let limiter = LogLimiter()
        #expect(limiter.admit("a", now: start) == 0)
        for second in 1..<10 { #expect(limiter.admit("a", now: start + .seconds(Int64(second))) == nil) }
        #expect(limiter.admit("b", now: start) == 0)
        #expect(limiter.admit("a", now: start + .seconds(10)) == 9)
    }

    /// Kinds that the world invents must neither fill the memory nor the log.
    @Test func inventedKindsAreOneKindOnceTheyAreTooMany() {
        let limiter = LogLimiter(most: 10)
        let told = (0..<10_000).count { limiter.admit("kind \($0)", now: start) != nil }
        #expect(told == 11)
        #expect(limiter.admit("kind 3", now: start) == nil)
        // Later there is room again.
        #expect(limiter.admit("new", now: start + .seconds(60)) == 0)
    }
}
