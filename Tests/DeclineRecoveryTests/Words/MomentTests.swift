import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct MomentTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-01-02T03:04:06Z", 1_767_323_046_000), ("2026-01-02T03:04:06.789Z", 1_767_323_046_789),
        ("2026-01-02T03:04:06.7891234Z", 1_767_323_046_789), ("2026-01-02T05:04:06+02:00", 1_767_323_046_000),
        ("2026-01-01T22:34:06-04:30", 1_767_323_046_000), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("2000-02-29T23:59:59z", 951_868_799_000),
        ("1969-12-31T23:59:59.999Z", -1),
    ])
    func anRFC3339TimeIsRead(text: String, milliseconds: Int64) {
        #expect(Moment(rfc3339: text) == Moment(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "", "2026-01-02", "2026-01-02T03:04:06", "2026-13-02T03:04:06Z", "2026-02-29T00:00:00Z", "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:06.Z", "2026-01-02T03:04:06+2:00", "yesterday", "2026-01-02T03:04:06Zjunk", "２０２６-01-02T03:04:06Z",
    ])
    func whatIsNoTimeIsNone(text: String) {
        #expect(Moment(rfc3339: text) == nil)
    }

    @Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max])
    func reckoningEndsAtTheEndsOfTheScale(number: Int64) {
        let moment = Moment(milliseconds: number)
        for other in [Int64.min, -1, 0, 1, .max] {
            let (sum, isTooMuch) = number.addingReportingOverflow(other)
            #expect((moment + .milliseconds(other)).milliseconds == (isTooMuch ? (other < 0 ? .min : .max) : sum))
            let (difference, isTooFar) = number.subtractingReportingOverflow(other)
            #expect((moment - Moment(milliseconds: other)).milliseconds == (isTooFar ? (other < 0 ? .max : .min) : difference))
        }
        for span in [Moment.Span.seconds(number), .minutes(number), .days(number)] where number != 0 {
            #expect((span.milliseconds < 0) == (number < 0))
        }
        #expect(DelayLadder.entry(after: .milliseconds(number), to: .retry).delay <= DelayLadder.longest)
        #expect(!moment.rfc3339.isEmpty && !moment.rfc1123.isEmpty)
    }

    @Test func everyMomentComesBack() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<5_000 {
            let moment = Moment(milliseconds: Int64.random(in: -2_000_000_000_000...8_000_000_000_000, using: &random))
            #expect(Moment(rfc3339: moment.rfc3339) == moment)
            let second = Moment(milliseconds: moment.milliseconds / 1_000 * 1_000)
            #expect(Moment(rfc1123: second.rfc1123) == second)
        }
    }
}
