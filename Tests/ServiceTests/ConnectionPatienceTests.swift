import NIOCore
import Testing

@testable import Service

@Suite struct ConnectionPatienceTests {
    private static let limits = ConnectionPatience.Limits(head: .seconds(10), idle: .seconds(60), body: .seconds(20), answer: .seconds(30))
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    @Test func theFirstHeadHasToComeSoon() {
        let patience = ConnectionPatience(Self.limits, now: start)
        #expect(patience.deadline == at(10) && patience.waitingSince == start)
    }

    @Test func aBodyHasItsTimeHoweverItTrickles() {
        var patience = ConnectionPatience(Self.limits, now: start)
        patience.headCame(at(9))
        #expect(patience.deadline == at(29) && patience.waitingSince == at(9))
    }

    @Test func whileWeAreAtWorkNobodyIsWaitedFor() {
        var patience = ConnectionPatience(Self.limits, now: start)
        patience.headCame(at(1))
        patience.requestEnded(at(2))
        #expect(patience.deadline == at(32) && patience.waitingSince == nil)
        patience.answered(at(5))
        #expect(patience.deadline == at(65) && patience.waitingSince == at(5))
    }

    @Test func anAnswerThatComesEarlyLengthensNoRequest() {
        var patience = ConnectionPatience(Self.limits, now: start)
        patience.headCame(at(1))
        patience.answered(at(15))
        #expect(patience.deadline == at(21))
        patience.requestEnded(at(16))
        #expect(patience.deadline == at(76))
    }

    @Test func requestsThatComeBeforeTheirTurnAreAnsweredOneByOne() {
        var patience = ConnectionPatience(Self.limits, now: start)
        patience.headCame(at(1))
        patience.requestEnded(at(1))
        patience.headCame(at(2))
        patience.requestEnded(at(2))
        patience.answered(at(3))
        #expect(patience.waitingSince == nil && patience.deadline == at(33))
        patience.answered(at(4))
        #expect(patience.waitingSince == at(4) && patience.deadline == at(64))
    }
}
