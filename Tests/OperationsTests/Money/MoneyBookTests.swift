import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What the journal comes to in money, told as timelines.
@Suite struct MoneyBookTests {
    private static let today = Moment.in2026(0).milliseconds / 86_400_000
    private static let day: Int64 = 86_400

    private struct Timeline {
        var book = MoneyBook()

        mutating func take(
            _ order: String, _ stage: Stage, _ fate: JournalRecord.Fate, _ detail: String, _ units: Int64? = nil, on day: Int64 = 0,
            reason: String? = nil, rule: String? = nil, becomes: ResultKind? = nil, result: String? = nil,
            kind: RecoveryReference.Kind = .rerun, currency: String = "USD", campaign: String? = nil, declined: Int64? = nil,
            action: CRMAction.Name? = nil
        ) {
            let decline = JournaledDecline(
                source: "nmi", code: "201", gatewayID: "7", networkCode: nil, network: .visa, advice: nil, text: nil, textDigest: nil,
                crmClass: nil, orderType: .newSale, isCascade: !kind.isRetry, confidence: .code, campaign: campaign)
            book.take(
                JournalRecord(
                    at: .in2026(day * MoneyBookTests.day), stage: stage, merchantID: "acme",
                    reference: RecoveryReference(orderID: order, kind: kind, sequence: 1), gatewayID: stage == .intake ? nil : "42",
                    fate: fate, detail: detail, reason: reason, rule: stage == .intake ? rule ?? "table:nmi/201" : nil, attempts: 1,
                    amount: units.map { Money(minorUnits: $0, currency: Currency(currency)!) },
                    declineCode: stage == .intake ? "nmi/201" : nil, decline: stage == .intake ? decline : nil,
                    declinedAt: declined.map { .in2026($0 * MoneyBookTests.day) }, becomes: becomes,
                    resultID: result, action: action, workerID: "w"))
        }

        mutating func offers(_ order: String, _ units: Int64, on day: Int64 = 0, campaign: String? = nil) {
            take(order, .intake, .passed, "retry", units, on: day, campaign: campaign)
        }

        mutating func tells(
            _ order: String, _ kind: ResultKind, _ units: Int64? = nil, on day: Int64 = 0, reason: String? = nil,
            becomes: ResultKind? = nil,
            result: String? = nil
        ) {
            take(order, .retry, .told, kind.rawValue, units, on: day, reason: reason, becomes: becomes, result: result)
        }

        /// All of a time; all there is without one.
        func sums(from: Int64 = -100, through: Int64 = 100) -> MoneySums {
            let question = MoneyReport.Question(from: MoneyBookTests.today + from, through: MoneyBookTests.today + through)
            return MoneyReport(book, question).totals.first?.sums ?? MoneySums()
        }
    }

    private func part(_ count: Int, _ units: Int64) -> MoneySums.Part { MoneySums.Part(count: count, units: units) }

    @Test func aSaleIsCountedOnTheDayOnWhichItIsToldAndItsDeclineOnItsOwn() {
        var timeline = Timeline()
        timeline.offers("A", 4_999)
        timeline.tells("A", .approved, on: 3)
        let (first, third) = (timeline.sums(from: 0, through: 0), timeline.sums(from: 3, through: 3))
        #expect(first.declines == part(1, 4_999) && first.offered == part(1, 4_999) && first.recovered == part(1, 4_999))
        #expect(first.ended == part(1, 4_999) && first.sales == part(0, 0) && first.open.count == 0)
        #expect(third.sales == part(1, 4_999) && third.net == 4_999 && third.declines == part(0, 0))
        #expect(third.times.seconds(ofHundred: 50) == 259_200)
        // The webhook, and the look that finds the same.
        timeline.tells("A", .approved, 4_999, on: 4)
        timeline.tells("A", .approved, 4_999, on: 4, reason: "told_again")
        #expect(timeline.sums(from: 4, through: 4) == MoneySums())
    }

    /// Nobody's amount ends the report.
    @Test func amountsThatNobodyPaysEndNothing() throws {
        var timeline = Timeline()
        for order in ["A", "B", "C"] {
            timeline.offers(order, .max)
            timeline.tells(order, .approved, .max, on: 1)
            timeline.tells(order, .refunded, .max, on: 2, result: order)
        }
        for order in ["X", "Y", "Z"] { timeline.tells(order, .chargeback, .max, on: 3, result: order) }
        let sums = timeline.sums()
        #expect(sums.sales.count == 3 && sums.sales.units > 0 && sums.chargedBack.count == 3)
        // What the stream holds of them is no amount at all.
        let record = JournalRecord(
            at: .in2026(0), stage: .retry, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1),
            gatewayID: nil, fate: .told, detail: "approved", attempts: 1, amount: Money(minorUnits: .max, currency: Currency("USD")!),
            workerID: "w")
        #expect(JournalRecord.decode(record.encoded())?.amount == nil)
    }

    /// A row is of one currency.
    @Test func whatIsPaidInAnotherCurrencyIsNoPartOfTheDeclinesRow() {
        var timeline = Timeline()
        timeline.take("A", .intake, .passed, "retry", 5_000, currency: "JPY")
        timeline.take("A", .retry, .told, "approved", 3_300, on: 1, currency: "USD")
        let rows = MoneyReport(timeline.book, MoneyReport.Question(from: 0, through: 100_000)).totals
        #expect(rows.first { $0.currency == "JPY" }?.sums.recovered == part(1, 5_000))
        #expect(rows.first { $0.currency == "USD" }?.sums.sales == part(1, 3_300))
    }

    /// FlexFactor's own word of what it took goes before what was declined.
    @Test func theAmountThatWasTakenCounts() {
        var timeline = Timeline()
        timeline.offers("A", 5_000)
        timeline.tells("A", .approved, 4_500)
        #expect(timeline.sums().sales == part(1, 4_500) && timeline.sums().offered == part(1, 5_000))
        timeline.tells("B", .approved)
        #expect(MoneyReport(timeline.book, .init(from: 0, through: .max >> 32)).totals.map(\.sums.unpriced) == [1, 0])
    }

    @Test func whatGoesBackIsTakenOffOnItsOwnDayEachResultOnce() {
        var timeline = Timeline()
        timeline.offers("A", 5_000)
        timeline.tells("A", .approved)
        timeline.tells("A", .refunded, 2_000, on: 1, result: "A/refunded/1")
        timeline.tells("A", .refunded, 2_000, on: 1, reason: "told_again", result: "A/refunded/1")
        timeline.tells("A", .refunded, 500, on: 1, result: "A/refunded/2")
        #expect(timeline.sums(from: 0, through: 0).net == 5_000)
        #expect(timeline.sums(from: 1, through: 1).refunded == part(2, 2_500))
        // The rest, of which nobody says how much it is; and more than is there.
        timeline.tells("A", .chargeback, on: 2, result: "A/chargeback/1")
        timeline.tells("A", .refunded, 9_000, on: 2, result: "A/refunded/3")
        #expect(timeline.sums(from: 2, through: 2).chargedBack == part(1, 2_500))
        #expect(timeline.sums().net == 0)
    }

    /// FlexFactor's news did not say how much: it is a part, and the whole is what is told of the whole.
    @Test func aPartOfWhichNobodyKnowsTheAmountIsNotAllOfTheSale() {
        var timeline = Timeline()
        timeline.offers("A", 4_999)
        timeline.tells("A", .approved, 4_999)
        timeline.take("A", .outcomes, .told, "refunded", result: "A/refunded/1", action: .recordRefund)
        #expect(timeline.sums().refunded == part(1, 0) && timeline.sums().net == 4_999)
        timeline.take("A", .outcomes, .told, "refunded", result: "A/refunded/listed", action: .reverseSale)
        #expect(timeline.sums().refunded == part(2, 4_999) && timeline.sums().net == 0)
    }

    @Test func aRefundThatOnlyIsToldAgainIsCountedAsWell() {
        var timeline = Timeline()
        timeline.offers("A", 5_000)
        timeline.tells("A", .approved)
        timeline.tells("A", .refunded, 700, reason: "told_again", result: "A/refunded/1")
        #expect(timeline.sums().refunded == part(1, 700))
    }

    /// Its approval is older than the journal is read.
    @Test func aRefundOfASaleLongAgoCountsAsItSays() {
        var timeline = Timeline()
        timeline.tells("OLD", .refunded, 700, result: "r1")
        #expect(timeline.sums().refunded == part(1, 700) && timeline.sums().net == -700)
    }

    @Test func whatIsNotOfferedSaysWhy() {
        var timeline = Timeline()
        timeline.take("A", .intake, .told, "skipped", 100, reason: "hard_decline")
        timeline.take("B", .intake, .told, "skipped", 200, reason: "hard_decline", rule: "unknown")
        timeline.take("C", .intake, .told, "skipped", 300, reason: "in_recovery (A-U1)")
        timeline.take("C", .intake, .told, "skipped", 300, reason: "told_again")
        // FlexFactor was away: found out later, counted on the day of the decline.
        timeline.offers("D", 400)
        timeline.tells("D", .skipped, 400, on: 1, reason: "flexfactor_unavailable")
        timeline.offers("E", 500)
        timeline.take("E", .retry, .deadLettered, "attempts_spent", on: 1)
        let sums = timeline.sums(from: 0, through: 0)
        #expect(sums.declines == part(5, 1_500) && sums.notOffered == part(5, 1_500) && sums.offered == part(0, 0))
        let report = MoneyReport(timeline.book, .init(from: 0, through: .max >> 32))
        #expect(
            report.reasons.map { "\($0.word) \($0.part.count) \($0.part.units)" } == [
                "flexfactor_unavailable 2 900", "in_recovery 1 300", "unknown_code 1 200", "hard_decline 1 100",
            ])
        #expect(report.unknownCodes.map(\.word) == ["nmi/201"] && report.reasons.allSatisfy { !$0.sentence.isEmpty })
        // Somebody takes it up.
        timeline.take("E", .retry, .parked, "resting", 500, on: 2)
        timeline.tells("E", .correction, 500, on: 3, reason: "approved_by_webhook", becomes: .approved)
        #expect(timeline.sums().notOffered == part(4, 1_000) && timeline.sums().recovered == part(1, 500))
    }

    /// A repeat says that it is one: the reason is that of the first telling, also where a letter alone told it.
    @Test func whyItWasNotOfferedIsNotThatItIsToldAgain() {
        var timeline = Timeline()
        timeline.offers("A", 100)
        timeline.take("A", .retry, .deadLettered, "attempts_spent")
        timeline.take("A", .retry, .told, "skipped", 100, on: 1, reason: "told_again")
        // What told it first never reached the journal.
        timeline.offers("B", 200)
        timeline.take("B", .retry, .told, "skipped", 200, on: 1, reason: "told_again")
        timeline.take("B", .intake, .told, "skipped", 200, on: 2, reason: "told_again")
        func reasons() -> [String] {
            MoneyReport(timeline.book, .init(from: 0, through: .max >> 32)).reasons.map { "\($0.word) \($0.part.count) \($0.part.units)" }
        }
        #expect(reasons() == ["flexfactor_unavailable 2 300"])
        // The letter may still be taken up.
        timeline.take("A", .retry, .parked, "resting", 100, on: 2)
        #expect(reasons() == ["flexfactor_unavailable 1 200"] && timeline.sums().open == part(1, 100))
    }

    /// Beyond what it keeps it has nothing, however far back its records went.
    @Test func itSaysFromWhenOnItKnows() {
        var timeline = Timeline()
        timeline.offers("A", 100)
        #expect(timeline.book.knownSince == .in2026(0))
        timeline.offers("B", 7, on: 402)
        #expect(timeline.book.since == .in2026(0) && timeline.book.knownSince == .in2026(2 * Self.day))
        #expect(timeline.sums(through: 2).declines == part(0, 0))
    }

    @Test func whatEndsWithoutMoneyHasEnded() {
        var timeline = Timeline()
        timeline.offers("A", 100)
        timeline.offers("A", 100)
        timeline.offers("B", 200)
        timeline.offers("C", 300)
        timeline.tells("A", .declined)
        timeline.tells("A", .declined, reason: "told_again")
        timeline.take("B", .retry, .rejected, "refused_by_flexfactor")
        let sums = timeline.sums()
        #expect(sums.declines == part(3, 600) && sums.ended == part(2, 300) && sums.open == part(1, 300) && sums.sales == part(0, 0))
    }

    /// The recovery goes on, whatever became of what was said about it.
    @Test(arguments: [
        ("cancel_failed", Stage.retry), ("refund_unknown", .retry), ("invalid_event", .intake), ("untrusted_webhook", .outcomes),
    ])
    func theLetterOfACommandEndsNoRecovery(reason: String, stage: Stage) {
        var timeline = Timeline()
        timeline.offers("A", 100)
        timeline.take("A", stage, .deadLettered, reason)
        #expect(timeline.sums().open == part(1, 100))
    }

    /// A record of old names no kind; its reason does.
    @Test func aCorrectionToAnApprovalIsASale() {
        var timeline = Timeline()
        timeline.offers("A", 100)
        timeline.tells("A", .expired)
        timeline.tells("A", .correction, 100, on: 1, reason: "approved_by_webhook")
        #expect(timeline.sums(from: 1, through: 1).sales == part(1, 100))
        timeline.tells("A", .correction, 100, on: 2, reason: "told_again", becomes: .approved)
        #expect(timeline.sums().sales == part(1, 100))
    }

    /// Who took it in died, and who told it first died as well: what is told again is all that there is.
    @Test func whatOnlyIsToldAgainCountsWhereItCannotHaveBeenToldBefore() {
        var timeline = Timeline()
        timeline.offers("FIRST", 1)
        timeline.take("A", .retry, .told, "approved", 100, on: 1, reason: "told_again", declined: 1)
        timeline.take("A", .retry, .told, "approved", 100, on: 1, reason: "told_again", declined: 1)
        timeline.take("OLD", .retry, .told, "approved", 100, on: 1, reason: "told_again", declined: -1)
        timeline.take("OLDER", .retry, .told, "approved", 100, on: 1, reason: "told_again")
        #expect(timeline.sums().sales == part(1, 100))
    }

    @Test func aRefundCommandIsNoDecline() {
        var timeline = Timeline()
        timeline.book.take(
            JournalRecord(
                at: .in2026(0), stage: .intake, merchantID: "acme", reference: RecoveryReference(orderID: "A", kind: .rerun, sequence: 1),
                gatewayID: nil, fate: .passed, detail: "retry", attempts: 0, amount: Money(minorUnits: 100, currency: .usd), workerID: "w"))
        #expect(timeline.sums() == MoneySums())
    }

    @Test func whatIsOldIsForgotten() {
        var timeline = Timeline()
        timeline.offers("A", 100)
        timeline.tells("A", .approved)
        // A chargeback may take months, and still is of this sale.
        timeline.tells("A", .chargeback, on: 80, result: "A/chargeback/1")
        #expect(timeline.sums().chargedBack == part(1, 100))
        timeline.offers("B", 7, on: 399)
        #expect(timeline.sums(through: 500).declines == part(2, 107) && timeline.sums(through: 500).sales == part(1, 100))
        timeline.offers("C", 9, on: 401)
        #expect(timeline.sums(through: 500).declines == part(2, 16) && timeline.sums(through: 500).sales == part(0, 0))
    }

    // MARK: Reports

    @Test func rowsAreByWhatIsAskedForAndCurrenciesAreKeptApart() {
        var timeline = Timeline()
        timeline.offers("A", 100, campaign: "c-1")
        timeline.take("B", .intake, .passed, "cascade", 5_000, kind: .sale, currency: "JPY", campaign: "c-2")
        timeline.offers("C", 300, on: 1)
        timeline.tells("A", .approved, on: 1)
        timeline.take("B", .cascade, .told, "approved", 5_000, on: 1, kind: .sale, currency: "JPY")
        func rows(_ groups: MoneyReport.Group..., currency: String? = nil) -> [String] {
            let question = MoneyReport.Question(from: 0, through: .max >> 32, groups: groups, currency: currency)
            return MoneyReport(timeline.book, question).rows.map {
                ($0.keys + [$0.currency, String($0.sums.declines.count), String($0.sums.sales.units)]).joined(separator: " ")
            }
        }
        #expect(rows() == ["JPY 1 5000", "USD 2 100"])
        #expect(rows(.day) == ["2026-01-01 JPY 1 0", "2026-01-01 USD 1 0", "2026-01-02 JPY 0 5000", "2026-01-02 USD 1 100"])
        #expect(rows(.campaign, currency: "USD") == ["c-1 USD 1 100", " USD 1 0"])
        #expect(rows(.route, .trigger) == ["cascade initial JPY 1 5000", "retry rerun USD 2 100"])
        #expect(rows(.month, .merchant, .brand, .code, .declinedGateway, currency: "JPY") == ["2026-01 acme visa nmi/201 7 JPY 1 5000"])
    }

    @Test func theTableOfAFileIsExactAndHarmless() throws {
        var timeline = Timeline()
        timeline.offers("A", 123_456_789_012, campaign: "=1+1,\"x\"")
        timeline.tells("A", .approved)
        timeline.tells("A", .refunded, 5, result: "r")
        let lines = MoneyReport(timeline.book, .init(from: 0, through: .max >> 32, groups: [.campaign])).csv.split(separator: "\r\n")
        let heading = try #require(lines.first)
        #expect(lines.count == 2 && lines[1].hasPrefix("\"'=1+1,\"\"x\"\"\",USD,1,1234567890.12,1,1234567890.12,0,0.00,0,0.00,"))
        #expect(lines[1].contains(",1,0.05,0,0.00,1234567890.07,"))
        #expect(heading.split(separator: ",").count == lines[1].split(separator: ",", omittingEmptySubsequences: false).count - 1)
    }

    @Test(arguments: [
        (4_999, "USD", "49.99"), (5, "USD", "0.05"), (-5, "USD", "-0.05"), (300, "JPY", "300"), (1_234, "BHD", "1.234"),
        (12_345, "UYW", "1.2345"), (0, "", "0.00"),
    ])
    func anAmountIsWrittenAsItIs(units: Int64, currency: String, text: String) { #expect(Money.decimal(units, currency) == text) }

    @Test func aQuestionIsReadOrRefusedInWords() throws {
        let now = Moment.in2026(10 * Self.day)
        func days(_ words: [String: String]) throws -> [String] {
            let question = try MoneyReport.Question(words, now: now)
            return [question.from, question.through].map(MoneyReport.text(ofDay:))
        }
        #expect(try days([:]) == ["2025-12-13", "2026-01-11"] && days(["days": "1"]) == ["2026-01-11", "2026-01-11"])
        #expect(try days(["month": "2025-12"]) == ["2025-12-01", "2025-12-31"])
        #expect(try days(["from": "2024-02-29", "through": "2024-03-01"]) == ["2024-02-29", "2024-03-01"])
        for words in [
            ["from": "2026-02-30"], ["month": "2025-12", "from": "2025-12-01"], ["from": "2025-12-01", "days": "3"],
            ["month": "2025-12", "days": "x"], ["from": "x"], ["days": "0"], ["month": "2026-13"], ["by": "day,weather"],
            ["currency": "XYZ"],
            ["from": "2026-03-01"],
        ] {
            #expect(throws: MoneyReport.Question.Fault.self, "\(words)") { try MoneyReport.Question(words, now: now) }
        }
        #expect(try MoneyReport.Question(["by": "day,code,day", "currency": "usd"], now: now).groups == [.day, .code])
    }
}
