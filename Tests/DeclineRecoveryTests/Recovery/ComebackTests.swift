import TestSupport
import Testing

@testable import DeclineRecovery

/// When those come back whom an open circuit kept waiting.
@Suite struct ComebackTests {
    private static func waiting(_ number: Int, _ route: RecoveryRoute, failures: Int, now: Moment) -> Recovery {
        let sample = Recovery.sample(order: "CIRCUIT\(number)", declinedAt: now)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: route, reference: sample.reference, amount: sample.amount, declinedAt: now,
            order: sample.order,
            verdict: sample.verdict, reply: nil, charge: sample.charge, attempts: failures, failures: failures)
    }

    /// However often they failed before, and however long ago the circuit says that it is tried again.
    @Test(arguments: 0...14, [Moment.Span.seconds(-20), .seconds(0), .seconds(5), .minutes(2)])
    func aThousandRetriesDoNotComeTogether(failures: Int, reopensIn span: Moment.Span) {
        let now = Moment.in2026(0)
        let reopens = max(now, now + span)
        var perSecond: [Int64: Int] = [:]
        for number in 0..<1_000 {
            let retry = Self.waiting(number, .retry(.sync, until: now + .days(9)), failures: failures, now: now)
            let wait = retry.waitingTime(for: .notSent(.circuitOpen(until: now + span)), now: now) - reopens
            #expect((0..<600_000).contains(wait.milliseconds))
            perSecond[wait.milliseconds / 1_000, default: 0] += 1
        }
        // Evenly there would be at most 17 in a second; chance adds some.
        #expect(perSecond.values.max() ?? 0 < 45, "\(perSecond)")
        #expect(perSecond.keys.count >= 55)
    }

    @Test func whoFailedLongerIsSpreadWider() {
        let now = Moment.in2026(0)
        let longest = [0, 6, 9, 14].map { failures in
            (0..<500).map { number in
                (Self.waiting(number, .retry(.managed, until: now + .days(9)), failures: failures, now: now)
                    .waitingTime(for: .notSent(.circuitOpen(until: now)), now: now) - now).milliseconds
            }.max() ?? 0
        }
        #expect(longest == longest.sorted() && longest[0] < 60_000 && longest[3] > 500_000, "\(longest)")
    }

    /// What became of its charge has to be looked up, and the CRM waits.
    @Test func aCascadeIsLookedUpWithinHalfAMinute() {
        let now = Moment.in2026(0)
        for number in 0..<500 {
            let cascade = Self.waiting(number, .cascade(deadline: now), failures: number % 20, now: now)
            let wait = cascade.waitingTime(for: .notSent(.circuitOpen(until: now + .seconds(5))), now: now) - now
            #expect((5_000..<35_000).contains(wait.milliseconds))
        }
    }
}
