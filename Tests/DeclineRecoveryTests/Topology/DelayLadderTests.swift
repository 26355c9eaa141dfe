import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct DelayLadderTests {
    /// Walks a key down the ladder as the broker does, and adds up what it waits.
    private func walk(_ entry: DelayLadder.Entry) -> (wait: Int64, exit: String) {
        let words = entry.routingKey.split(separator: ".").map(String.init)
        func matches(_ pattern: String, _ words: [String]) -> Bool {
            let parts = pattern.split(separator: ".").map(String.init)
            return parts.dropLast().enumerated().allSatisfy { $1 == "*" || $1 == words[$0] }
        }
        var wait: Int64 = 0
        for rung in stride(from: entry.rung, through: 0, by: -1) {
            let waits = matches(DelayLadder.waitKey(rung: rung), words)
            // One way and one way only.
            #expect(waits != matches(DelayLadder.passKey(rung: rung), words))
            if waits { wait += DelayLadder.span(ofRung: rung).milliseconds }
        }
        return (wait, words.last ?? "")
    }

    @Test func everyDelayIsTheSumOfItsRungs() {
        var random = SeededRandom(seed: 8)
        let spans = [-5, 0, 1, 999, 1_000, 1_001, 60_000, 86_400_000, 21 * 86_400_000, DelayLadder.longest.milliseconds, .max / 2].map {
            Moment.Span(milliseconds: $0)
        }
        for span in spans + (0..<2_000).map({ _ in .milliseconds(Int64.random(in: 1...2_100_000_000, using: &random)) }) {
            let entry = DelayLadder.entry(after: span, to: .cascade)
            let (wait, exit) = walk(entry)
            #expect(wait == entry.delay.milliseconds && exit == "cascade")
            // Never early, and at most a second late.
            if (1..<DelayLadder.longest.milliseconds).contains(span.milliseconds) {
                #expect(entry.delay >= span && entry.delay.milliseconds - span.milliseconds < 1_000)
            }
        }
    }
}
