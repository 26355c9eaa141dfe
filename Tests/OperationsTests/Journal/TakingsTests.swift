import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What was recovered on a day, as somebody counts who looks at the account.
@Suite struct TakingsTests {
    private let today = Moment.in2026(0).milliseconds / 86_400_000
    private static let day: Int64 = 86_400

    private struct Timeline {
        var book = FlowBook()

        mutating func take(_ order: String, _ fate: JournalRecord.Fate, _ detail: String, _ amount: Int64?, at seconds: Int64) {
            book.take(
                JournalRecord(
                    at: .in2026(seconds), stage: fate == .passed ? .intake : .outcomes, merchantID: "acme",
                    reference: RecoveryReference(orderID: order, kind: .rerun, sequence: 1), gatewayID: "42", fate: fate, detail: detail,
                    rule: fate == .passed ? "x" : nil, attempts: 1, amount: amount.map { Money(minorUnits: $0, currency: .usd) },
                    workerID: "w"))
        }

        mutating func sells(_ order: String, _ amount: Int64, on day: Int64, told: Int64) {
            take(order, .passed, "retry", amount, at: day * TakingsTests.day)
            take(order, .told, "approved", nil, at: told * TakingsTests.day)
        }

        subscript(_ day: Int64) -> Takings.Day? { book.takings.days[day] }
    }

    @Test func anApprovalCountsOnTheDayOnWhichItIsTold() {
        var timeline = Timeline()
        timeline.sells("A", 4_999, on: 0, told: 3)
        #expect(timeline[today] == nil && timeline[today + 3] == Takings.Day(approved: 1, net: ["USD": 4_999]))
        // The webhook, and the look that finds the same.
        timeline.take("A", .told, "approved", 4_999, at: 4 * Self.day)
        #expect(timeline[today + 4] == nil)
    }

    @Test func whatGoesBackIsTakenOffOnItsOwnDay() {
        var timeline = Timeline()
        timeline.sells("A", 5_000, on: 0, told: 0)
        timeline.take("A", .told, "refunded", 2_000, at: Self.day)
        #expect(timeline[today] == Takings.Day(approved: 1, net: ["USD": 5_000]))
        #expect(timeline[today + 1] == Takings.Day(returned: 1, net: ["USD": -2_000], gone: ["USD": 2_000]))
        // The rest, of which nobody says how much it is; and the same told again.
        timeline.take("A", .told, "chargeback", nil, at: 2 * Self.day)
        timeline.take("A", .told, "refunded", nil, at: 2 * Self.day)
        #expect(timeline[today + 2] == Takings.Day(returned: 1, net: ["USD": -3_000], gone: ["USD": 3_000]))
    }

    @Test func moreThanWasTakenDoesNotGoBack() {
        var timeline = Timeline()
        timeline.sells("A", 5_000, on: 0, told: 0)
        timeline.take("A", .told, "refunded", 9_000, at: 1)
        #expect(timeline[today] == Takings.Day(approved: 1, returned: 1, net: ["USD": 0], gone: ["USD": 5_000]))
    }

    /// Its approval is older than the journal is read.
    @Test func aRefundOfASaleLongAgoCountsAsItSays() {
        var timeline = Timeline()
        timeline.take("OLD", .told, "refunded", 700, at: 0)
        timeline.take("OLDER", .told, "refunded", nil, at: 0)
        #expect(timeline[today] == Takings.Day(returned: 2, net: ["USD": -700], gone: ["USD": 700]))
    }

    @Test func whatIsOldIsForgotten() {
        var timeline = Timeline()
        timeline.sells("A", 5_000, on: 0, told: 0)
        timeline.sells("B", 1, on: FlowBook.days + 1, told: FlowBook.days + 1)
        #expect(timeline[today] == nil && timeline[today + FlowBook.days + 1]?.net == ["USD": 1])
    }
}
