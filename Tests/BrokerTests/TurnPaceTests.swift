import Testing

@testable import Broker

@Suite struct TurnPaceTests {
    private static let millisecond: Int64 = 1_000_000

    @Test func turnsThatAreFewComeAtOnce() {
        var pace = TurnPace()
        for turn in 0..<100 as Range<Int64> { #expect(pace.turn(at: (1_000 + turn) * Self.millisecond) == 0) }
        // So does a handful after a silence.
        for _ in 0..<8 { #expect(pace.turn(at: 9_000 * Self.millisecond) == 0) }
    }

    @Test func turnsThatComeOneUponTheOtherAreSpacedAndNeverLong() {
        var pace = TurnPace()
        var now = 1_000 * Self.millisecond
        let begun = now
        for _ in 0..<1_000 {
            // A turn takes a tenth of a millisecond.
            let wait = pace.turn(at: now)
            #expect((0...TurnPace.interval).contains(wait))
            now += wait + Self.millisecond / 10
        }
        let perTurn = Double(now - begun) / 1_000 / Double(Self.millisecond)
        #expect((0.95...1.15).contains(perTurn))
        // A second later nothing is owed.
        #expect(pace.turn(at: now + 1_000 * Self.millisecond) == 0)
    }

    /// The clock stands or the numbers are the largest there are: it waits, and ends.
    @Test func aClockThatStandsEndsNothing() {
        var pace = TurnPace()
        for _ in 0..<10_000 { #expect((0...TurnPace.interval).contains(pace.turn(at: 0))) }
    }
}
