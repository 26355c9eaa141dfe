import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What the journal adds up to, told as timelines.
@Suite struct FlowBookTests {
    private static let dayLength: Int64 = 86_400
    private let today = Moment.in2026(0).milliseconds / 86_400_000

    /// The journal, and the book that is folded from it.
    private struct Timeline {
        var book = FlowBook()

        mutating func take(
            _ order: String, _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String = "", at seconds: Int64 = 0, amount: Int64? = nil,
            currency: String = "USD",
            code: String? = nil, until: Int64? = nil
        ) {
            book.take(
                JournalRecord(
                    at: .in2026(seconds), stage: stage, merchantID: "acme",
                    reference: RecoveryReference(orderID: order, kind: .sale, sequence: 0),
                    gatewayID: "42", fate: fate, detail: detail, rule: fate == .passed ? "table:nmi/202" : nil,
                    until: until.map { .in2026($0) },
                    attempts: 1,
                    amount: (amount ?? (fate == .parked ? 4_999 : nil)).map { Money(minorUnits: $0, currency: Currency(currency)!) },
                    declineCode: code, workerID: "w"))
        }

        mutating func passes(
            _ order: String, at seconds: Int64 = 0, amount: Int64? = 4_999, currency: String = "USD", code: String? = "nmi/202"
        ) {
            take(order, .intake, .passed, "cascade", at: seconds, amount: amount, currency: currency, code: code)
        }

        mutating func isTold(
            _ order: String, _ kind: ResultKind, _ stage: Stage = .cascade, at seconds: Int64 = 0, amount: Int64? = 4_999,
            until: Int64? = nil
        ) {
            take(order, stage, .told, kind.rawValue, at: seconds, amount: amount, until: until)
        }

        func open(_ order: String) -> FlowBook.Open? { book.open[MoneyBook.mark("\(order)-S0")] }
    }

    private func tally(
        _ offered: Int, _ ended: Int, _ recovered: Int, _ offeredAmounts: [String: Int64] = [:], _ recoveredAmounts: [String: Int64] = [:]
    ) -> OfferedTally {
        OfferedTally(
            offered: offered, ended: ended, recovered: recovered, offeredAmounts: offeredAmounts, recoveredAmounts: recoveredAmounts)
    }

    // MARK: Days and codes

    @Test func whatIsTakenInIsOfferedAndUnderWay() throws {
        var timeline = Timeline()
        timeline.passes("A", at: 7)
        #expect(
            timeline.book.dayTallies == [today: tally(1, 0, 0, ["USD": 4_999])]
                && timeline.book.codeTallies == ["nmi/202": tally(1, 0, 0, ["USD": 4_999])])
        let open = try #require(timeline.open("A"))
        #expect(open.phase == "" && open.until == nil && open.unknownSince == nil && open.merchantID == "acme" && open.day == today)
    }

    @Test(arguments: [
        (ResultKind.approved, 1), (.declined, 0), (.expired, 0), (.cancelled, 0), (.rejected, 0),
    ])
    func aFinalResultEndsARecovery(kind: ResultKind, recovered: Int) {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.isTold("A", kind)
        let expected = tally(1, 1, recovered, ["USD": 4_999], recovered == 1 ? ["USD": 4_999] : [:])
        #expect(
            timeline.book.dayTallies == [today: expected] && timeline.book.codeTallies == ["nmi/202": expected]
                && timeline.book.open.isEmpty)
    }

    @Test(arguments: [ResultKind.submitted, .refunded, .chargeback, .nothingToCancel])
    func newsThatIsNotFinalEndsNothing(kind: ResultKind) {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.isTold("A", kind)
        #expect(timeline.book.dayTallies[today] == tally(1, 0, 0, ["USD": 4_999]) && timeline.open("A") != nil)
    }

    @Test func everyCurrencyAndEveryCodeIsCountedForItself() {
        var timeline = Timeline()
        timeline.passes("A", amount: 100)
        timeline.passes("B", amount: 20, currency: "EUR")
        timeline.passes("C", amount: 3, code: "stripe/do_not_honor")
        timeline.passes("D", amount: nil, code: nil)
        timeline.isTold("B", .approved)
        timeline.isTold("C", .approved, amount: 3)
        timeline.isTold("D", .approved, amount: nil)
        #expect(timeline.book.dayTallies == [today: tally(4, 3, 3, ["USD": 103, "EUR": 20], ["USD": 3, "EUR": 20])])
        #expect(
            timeline.book.codeTallies == [
                "nmi/202": tally(2, 1, 1, ["USD": 100, "EUR": 20], ["EUR": 20]),
                "stripe/do_not_honor": tally(1, 1, 1, ["USD": 3], ["USD": 3]),
            ])
    }

    /// A retry's end counts where its beginning does: that day's rate is what was recovered of what was offered then.
    @Test func anEndCountsForTheDayOnWhichItWasTakenIn() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.passes("B", at: 3 * Self.dayLength)
        timeline.isTold("A", .approved, .retry, at: 9 * Self.dayLength)
        #expect(
            timeline.book.dayTallies == [today: tally(1, 1, 1, ["USD": 4_999], ["USD": 4_999]), today + 3: tally(1, 0, 0, ["USD": 4_999])])
    }

    @Test func aDayIsADayInUTC() {
        var timeline = Timeline()
        timeline.passes("A", at: Self.dayLength - 1)
        timeline.passes("B", at: Self.dayLength)
        #expect(timeline.book.dayTallies.keys.sorted() == [today, today + 1])
    }

    @Test func aFinalThatIsToldTwiceCountsOnce() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.isTold("A", .approved)
        let before = timeline.book.dayTallies
        timeline.isTold("A", .approved, .outcomes, at: 60, amount: nil)
        timeline.isTold("A", .declined, .retry, at: 2 * Self.dayLength)
        #expect(timeline.book.dayTallies == before && timeline.book.open.isEmpty)
        // Nor is it offered or put away again.
        timeline.passes("A", at: 3 * Self.dayLength)
        timeline.take("A", .cascade, .parked, "unanswered", at: 3 * Self.dayLength, until: 5 * Self.dayLength)
        #expect(timeline.book.dayTallies == before && timeline.book.open.isEmpty)
    }

    @Test func aDeclineThatIsTakenInTwiceIsOfferedOnce() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.take("A", .cascade, .parked, "unanswered", at: 1, until: 9)
        timeline.passes("A", at: 2)
        #expect(timeline.book.dayTallies == [today: tally(1, 0, 0, ["USD": 4_999])] && timeline.open("A")?.phase == "unanswered")
    }

    @Test func whatIntakeSkipsOrRejectsWasNeverOffered() {
        for (fate, detail) in [(JournalRecord.Fate.told, "skipped"), (.rejected, "unknown_merchant"), (.deadLettered, "unreadable")] {
            var timeline = Timeline()
            timeline.take("A", .intake, fate, detail, amount: 4_999, code: "nmi/202")
            #expect(timeline.book.dayTallies.isEmpty && timeline.book.codeTallies.isEmpty && timeline.book.open.isEmpty, "\(fate)")
        }
    }

    /// It was handed back, and never offered.
    @Test func whatIsSkippedLaterIsUnderWayNoMoreAndWasNotOffered() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.isTold("A", .skipped)
        #expect(timeline.book.dayTallies.isEmpty && timeline.book.open.isEmpty)
    }

    /// The journal may begin in the middle of a recovery's life, or have its records in another order.
    @Test(arguments: [(ResultKind.approved, 1), (.declined, 0)])
    func anEndIsOfferedAsSoonAsItsBeginningIsKnown(kind: ResultKind, recovered: Int) {
        var timeline = Timeline()
        timeline.isTold("A", kind, at: Self.dayLength)
        #expect(timeline.book.dayTallies.isEmpty && timeline.book.codeTallies.isEmpty && timeline.book.open.isEmpty)
        timeline.passes("A")
        timeline.passes("A")
        let expected = tally(1, 1, recovered, ["USD": 4_999], recovered == 1 ? ["USD": 4_999] : [:])
        #expect(
            timeline.book.dayTallies == [today: expected] && timeline.book.codeTallies == ["nmi/202": expected]
                && timeline.book.open.isEmpty)
    }

    /// A webhook knows no amount.
    @Test func anApprovalByWebhookTakesTheAmountFromIntakesRecord() {
        var timeline = Timeline()
        timeline.passes("A", amount: 700)
        timeline.isTold("A", .submitted, .retry, at: 10, until: 600)
        timeline.isTold("A", .approved, .outcomes, at: Self.dayLength, amount: nil)
        let expected = tally(1, 1, 1, ["USD": 700], ["USD": 700])
        #expect(timeline.book.dayTallies == [today: expected] && timeline.book.codeTallies == ["nmi/202": expected])
    }

    @Test func whatFellOutIsUnderWayNoMore() {
        for (stage, fate) in [(Stage.cascade, JournalRecord.Fate.deadLettered), (.retry, .rejected)] {
            var timeline = Timeline()
            timeline.passes("A")
            timeline.take("A", stage, fate, "refused_by_flexfactor")
            #expect(timeline.book.dayTallies[today] == tally(1, 1, 0, ["USD": 4_999]) && timeline.book.open.isEmpty)
        }
    }

    @Test func whatIsIgnoredOrPassedOnWithinChangesNothing() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.take("A", .outcomes, .ignored, "informational: order.created")
        timeline.take("A", .cascade, .passed, "cascade")
        timeline.take("A", .cascade, .foreign("brand_new"))
        #expect(timeline.book.dayTallies == [today: tally(1, 0, 0, ["USD": 4_999])] && timeline.open("A")?.phase == "")
    }

    // MARK: Under way

    @Test func whatIsPutAwaySaysInWhichPhaseAndUntilWhen() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.isTold("A", .submitted, .retry, at: 5, until: 600)
        #expect(
            timeline.open("A")?.phase == "submitted" && timeline.open("A")?.until == .in2026(600) && timeline.open("A")?.unknownSince == nil
        )
        timeline.take("A", .retry, .parked, "watching", at: 600, until: 1_800)
        #expect(
            timeline.open("A")?.phase == "watching" && timeline.open("A")?.until == .in2026(1_800))
    }

    @Test(arguments: [
        ("unanswered", true), ("capturing", true), ("reconciling", true), ("seeking", true), ("due", false), ("ready", false),
        ("watching", false),
        ("resting", false),
        ("closing", false), ("closed", false), ("cancelling", false), ("submitted", false),
    ])
    func someWaitingRecoveriesMayHaveBeenCharged(phase: String, isUnknown: Bool) {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.take("A", .retry, .parked, phase, at: 30, until: 60)
        #expect((timeline.open("A")?.unknownSince == .in2026(30)) == isUnknown && (timeline.open("A")?.unknownSince == nil) == !isUnknown)
    }

    @Test func unknownIsCountedFromItsBeginningUntilItIsKnown() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.take("A", .retry, .parked, "unanswered", at: 30, until: 60)
        timeline.take("A", .retry, .parked, "seeking", at: 90, until: 120)
        #expect(timeline.open("A")?.unknownSince == .in2026(30))
        timeline.take("A", .retry, .parked, "watching", at: 130, until: 600)
        #expect(timeline.open("A")?.unknownSince == nil)
        timeline.take("A", .retry, .parked, "seeking", at: 700, until: 800)
        #expect(timeline.open("A")?.unknownSince == .in2026(700))
        timeline.isTold("A", .approved, .retry, at: 800)
        #expect(timeline.open("A") == nil)
    }

    @Test func aRecoveryThatIsFirstHeardOfWhileItWaitsIsUnderWayAndNotOffered() {
        var timeline = Timeline()
        timeline.take("A", .retry, .parked, "watching", at: 30, amount: 5, until: 60)
        #expect(timeline.open("A")?.until == .in2026(60) && timeline.book.dayTallies.isEmpty)
    }

    // MARK: Forgetting

    @Test func whatIsOlderThanARetryCanLiveIsForgotten() {
        var timeline = Timeline()
        timeline.passes("A")
        timeline.passes("B")
        timeline.isTold("B", .approved)
        timeline.passes("C", at: Self.dayLength)
        // On the last day that it is kept for, a late repeat is still known.
        timeline.isTold("B", .approved, at: FlowBook.days * Self.dayLength)
        #expect(timeline.book.dayTallies[today]?.recovered == 1 && timeline.open("A") != nil)
        timeline.passes("D", at: (FlowBook.days + 1) * Self.dayLength)
        #expect(timeline.book.open.values.map(\.reference.text).sorted() == ["C-S0", "D-S0"])
    }

    // MARK: The last hour

    @Test func theLastHoursFlowIsToldMinuteByMinute() {
        var timeline = Timeline()
        timeline.passes("A", at: 10)
        timeline.passes("B", at: 59)
        timeline.take("C", .intake, .told, "skipped", at: 61)
        timeline.isTold("A", .approved, at: 61)
        timeline.take("B", .cascade, .parked, "unanswered", at: 3_599)
        let flow = timeline.book.flow(now: .in2026(3_599))
        #expect(flow.count == 60 && flow.first?.minute == .in2026(0) && flow.last?.minute == .in2026(3_540))
        #expect(
            flow[0].counts == [.intake: 2] && flow[1].counts == [.intake: 1, .cascade: 1] && flow[2].counts == [:]
                && flow[59].counts == [.cascade: 1]
        )
        #expect(timeline.book.fates(of: .intake, now: .in2026(3_599)) == [.passed: 2, .told: 1])
        #expect(timeline.book.fates(of: .cascade, now: .in2026(3_599)) == [.told: 1, .parked: 1])
        #expect(timeline.book.fates(of: .retry, now: .in2026(3_599)) == [:])
        // A minute later the first is out of sight.
        #expect(timeline.book.flow(now: .in2026(3_600))[0].counts == [.intake: 1, .cascade: 1])
        #expect(timeline.book.fates(of: .intake, now: .in2026(3_600)) == [.told: 1])
        #expect(timeline.book.flow(now: .in2026(90_000)).allSatisfy { $0.counts.isEmpty })
    }

    @Test func aBusyHourIsWholeHoweverLongTheJournalIs() {
        var timeline = Timeline()
        for second in stride(from: Int64(0), to: 3 * 3_600, by: 5) { timeline.take("A", .outcomes, .ignored, "x", at: second) }
        #expect(timeline.book.flow(now: .in2026(3 * 3_600 - 1)).allSatisfy { $0.counts == [.outcomes: 12] })
        #expect(timeline.book.fates(of: .outcomes, now: .in2026(3 * 3_600 - 1)) == [.ignored: 720])
    }

    @Test func everyFinishedMessageFlowsThoughItsRecoveryHasEnded() {
        var timeline = Timeline()
        timeline.isTold("A", .approved)
        timeline.isTold("A", .approved)
        #expect(timeline.book.flow(now: .in2026(0)).last?.counts == [.cascade: 2])
    }
}
