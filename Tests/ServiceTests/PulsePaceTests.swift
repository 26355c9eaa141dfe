import Testing

@testable import Broker
@testable import Service

@Suite struct PulsePaceTests {
    private static func refused(_ code: UInt16) -> PublishError {
        .returned(code: code, text: "refused", exchange: "recovery.pulse", routingKey: "")
    }

    /// Beats until something may be said.
    private func rest(_ pace: inout PulsePace) -> Int {
        for beat in 1...1_000 where pace.beats() { return beat }
        return .max
    }

    /// However long it was gone, a worker is heard of within ten seconds of its coming back.
    @Test func whatIsGoneIsAskedForOftenAndSpokenToOnlyWhereItStands() {
        var pace = PulsePace()
        pace.said(Self.refused(404))
        var rests: Set<Int> = []
        for _ in 0..<500 {
            rests.insert(rest(&pace))
            pace.missed()
        }
        #expect(rests == [5] && pace.isGone)
        pace.said(nil)
        let next = rest(&pace)
        #expect(next == 1 && !pace.isGone)
    }

    @Test func whatFailsOtherwiseGrowsRare() {
        var pace = PulsePace()
        var rests: [Int] = []
        for _ in 0..<10 {
            pace.said(Self.refused(403))
            rests.append(rest(&pace))
        }
        #expect(rests == [2, 4, 8, 16, 32, 64, 128, 150, 150, 150] && !pace.isGone)
        pace.said(nil)
        let next = rest(&pace)
        #expect(next == 1)
    }
}
