import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Operations

/// What is told to whoever does not watch, and when.
@Suite struct NoticeBookTests {
    private static let start = Moment(milliseconds: 1_800_000_000_000)

    /// A book, the time, and a receiver that takes what is due.
    private struct Desk {
        var book = NoticeBook(NoticeBook.Rules(fleet: "recovery", patience: .seconds(60)))
        var now = NoticeBookTests.start
        private(set) var told: [Notice] = []
        private(set) var begun: [Notice] = []

        /// Lets time pass with things as they are, looking again and again; what is due arrives.
        mutating func pass(
            _ seconds: Int64, _ facts: [NoticeFact], isWhole: Bool = true, arrives: Bool = true, every step: Int64 = 5
        ) {
            let end = now + .seconds(seconds)
            while now < end {
                now = now + .seconds(step)
                book.look(facts, isWhole: isWhole, now: now, uptime: now)
                for notice in book.due(now: now, uptime: now) {
                    if arrives { book.delivered(notice) } else { book.failed(notice, uptime: now, wish: nil, jitter: 1) }
                    if arrives, notice.event != .consoleBegun { told.append(notice) }
                    if arrives, notice.event == .consoleBegun { begun.append(notice) }
                }
            }
        }

        var events: [Notice.Event] { told.map(\.event) }
    }

    private func circuit(_ gateway: String, since seconds: Int64 = 0) -> NoticeFact {
        let since = Self.start + .seconds(seconds)
        return NoticeFact(
            .fault, "circuit_open", "gateway \(gateway)", since: since, what: "FlexFactor is away for gateway \(gateway).",
            advice: "a runbook",
            mark: "\(since.milliseconds)")
    }

    private let silent = NoticeFact(.fault, "stage_unserved", "retry", what: "No worker serves the stage retry.", advice: "Start one.")

    private func letters(_ count: Int, order: Int64, window: Int64) -> NoticeFact {
        NoticeFact(
            .fault, "dead_letters", count: count, what: "\(count) dead letters wait for an operator.", advice: "`salvage dead list`",
            mark: "\(window)/\(order)", order: order, gatheredUntil: Self.start + .seconds((window + 1) * 300))
    }

    // MARK: Flapping

    @Test func aFaultIsToldOnceItHasLastedAndItsEndOnce() {
        var desk = Desk()
        desk.pass(60, [circuit("42")])
        #expect(desk.told.isEmpty)
        desk.pass(600, [circuit("42")])
        #expect(desk.events == [.faultBegun])
        desk.pass(55, [])
        #expect(desk.events == [.faultBegun])
        desk.pass(600, [])
        #expect(desk.events == [.faultBegun, .faultOver])
        #expect(desk.told.map(\.what) == ["FlexFactor is away for gateway 42.", "Over: FlexFactor is away for gateway 42."])
        #expect(desk.told[0].id != desk.told[1].id)
    }

    @Test func whatIsGoneBeforeItLastedIsToldNobody() {
        var desk = Desk()
        desk.pass(50, [silent])
        desk.pass(600, [])
        #expect(desk.told.isEmpty)
    }

    @Test func whatComesAndGoesIsOneFaultAndOneEnd() {
        var desk = Desk()
        for _ in 0..<30 {
            desk.pass(10, [silent])
            desk.pass(10, [])
        }
        desk.pass(600, [])
        #expect(desk.events == [.faultBegun, .faultOver])
    }

    @Test func thatNothingIsKnownIsNoEnd() {
        var desk = Desk()
        desk.pass(120, [silent])
        let away = NoticeFact.brokerAway(since: desk.now)
        desk.pass(600, [away], isWhole: false)
        #expect(desk.told.map(\.kind) == ["stage_unserved", "broker_away"])
        desk.pass(120, [silent])
        #expect(desk.told.map(\.kind) == ["stage_unserved", "broker_away", "broker_away"] && desk.events.last == .faultOver)
    }

    /// A console that begins has no connection for a moment, and reads for minutes then.
    @Test func aBrokerThatIsThereIsNotAwayThoughNothingElseIsKnownYet() {
        var desk = Desk()
        desk.pass(5, [.brokerAway(since: desk.now)], isWhole: false)
        desk.pass(600, [], isWhole: false)
        #expect(desk.told.isEmpty)
    }

    @Test func whatWasSeenForAMomentHasNotLastedWhileNobodyCouldLook() {
        var desk = Desk()
        desk.pass(10, [silent])
        desk.pass(600, [], isWhole: false)
        #expect(desk.told.isEmpty)
        desk.pass(60, [])
        desk.pass(600, [])
        #expect(desk.told.isEmpty)
    }

    // MARK: Ids

    @Test func aProcessThatBeginsTellsWhatIsWrongByTheSameIds() {
        var first = Desk()
        first.pass(300, [circuit("42"), silent])
        // Another console, or this one after a restart, minutes later.
        var second = Desk()
        second.now = first.now
        second.pass(300, [circuit("42"), silent])
        #expect(first.told.map(\.id) == second.told.map(\.id) && Set(first.told.map(\.id)).count == 2)
        // The same of another fleet is something else.
        var other = Desk()
        other.book = NoticeBook(NoticeBook.Rules(fleet: "shop", patience: .seconds(60)))
        other.pass(300, [circuit("42"), silent])
        #expect(Set(other.told.map(\.id)).isDisjoint(with: first.told.map(\.id)))
    }

    /// What ended while no console ran is told by none: so one that begins says how things stand.
    @Test func aProcessThatBeginsSaysOnceHowThingsStand() {
        var desk = Desk()
        desk.pass(60, [silent, circuit("1"), circuit("2")])
        #expect(desk.begun.isEmpty)
        desk.pass(600, [silent, circuit("1"), circuit("2")])
        desk.pass(600, [])
        #expect(desk.begun.map(\.what) == ["A console has begun. Wrong is: circuit_open, stage_unserved."])
        #expect(desk.begun.map(\.count) == [3] && desk.begun.first?.subjects.count == 3 && desk.begun.first?.kind == "console")
        var well = Desk()
        well.pass(50, [silent])
        well.pass(600, [])
        #expect(well.begun.map(\.what) == ["A console has begun. All is well."] && well.begun.map(\.count) == [0])
        // Who cannot look yet has nothing to say.
        var blind = Desk()
        blind.pass(600, [], isWhole: false)
        #expect(blind.begun.isEmpty)
    }

    @Test func whatComesAgainIsAnotherFact() {
        var desk = Desk()
        for _ in 0..<3 {
            desk.pass(120, [silent])
            desk.pass(300, [])
        }
        #expect(desk.events == [.faultBegun, .faultOver, .faultBegun, .faultOver, .faultBegun, .faultOver])
        #expect(Set(desk.told.map(\.id)).count == 6)
    }

    /// The second of an hour, or of a quiet night, is told though the console was restarted in between: whoever drops repeats hears of it.
    @Test(arguments: [nil, NoticeBookTests.start + .minutes(-90)])
    func whatComesAgainAfterARestartIsAnotherFact(markedAt: Moment?) {
        let fact = NoticeFact(
            .fault, "stage_unserved", "retry", what: "No worker serves the stage retry.", advice: "Start one.",
            mark: markedAt.map { "\($0.milliseconds)" }, markedAt: markedAt)
        var first = Desk()
        first.pass(300, [fact])
        first.pass(120, [])
        var second = Desk()
        second.now = first.now
        second.pass(60, [])
        second.pass(120, [fact])
        #expect(first.events == [.faultBegun, .faultOver] && second.events == [.faultBegun])
        #expect(Set((first.told + second.told).map(\.id)).count == 3)
        // Two that have run for longer, or found it as they began, tell one fact.
        var (third, fourth) = (Desk(), Desk())
        (third.now, fourth.now) = (second.now, second.now)
        third.pass(120, [fact])
        fourth.pass(120, [fact])
        #expect(third.told.map(\.id) == fourth.told.map(\.id) && third.told.map(\.id) == [first.told[0].id])
        // What was done since tells it from all others, in every process.
        second.now = third.now
        let later = NoticeFact(
            .fault, "stage_unserved", "retry", what: "No worker serves the stage retry.", advice: "Start one.", mark: "later",
            markedAt: third.now + .seconds(1))
        for facts in [[], [later]] {
            second.pass(120, facts)
            third.pass(120, facts)
        }
        #expect(second.told.last?.id == third.told.last?.id && second.told.last?.event == .faultBegun)
    }

    /// A circuit that opens and closes all night, each time since another moment.
    @Test func whatComesAndGoesForHoursIsAFewNotices() {
        var desk = Desk()
        for round in 0..<45 {
            desk.pass(120, [circuit("42", since: Int64(round) * 240)])
            desk.pass(120, [])
        }
        #expect(desk.told.count < 6 && desk.events.last != .faultOver)
        desk.pass(1_200, [])
        #expect(desk.events.last == .faultOver)
        // After a quiet hour it is like any other.
        desk.pass(3_600, [])
        desk.pass(120, [circuit("42", since: 90_000)])
        desk.pass(120, [])
        #expect(desk.events.suffix(2) == [.faultBegun, .faultOver])
    }

    // MARK: Bundling

    @Test func aThousandOfOneKindAreOneNotice() throws {
        var desk = Desk()
        desk.pass(70, (0..<1_000).map { circuit("g\($0)", since: $0 == 7 ? -5 : 0) })
        let notice = try #require(desk.told.first)
        #expect(desk.told.count == 1 && notice.count == 1_000 && notice.subjects.count == 20)
        // It is called by the first of them.
        #expect(notice.what == "1000 of one kind: FlexFactor is away for gateway g7." && notice.subjects.first?.name == "gateway g7")
        #expect(notice.body(of: "recovery", console: nil).count < 20_000)
        desk.pass(70, [])
        #expect(desk.events == [.faultBegun, .faultOver] && desk.told.last?.count == 1_000)
    }

    /// Whoever drops repeats by their id must not drop what stands beside the repeat.
    @Test func whatIsToldTogetherWithARepeatIsNoRepeat() {
        var alone = Desk()
        alone.pass(70, [circuit("a")])
        var lost = Desk()
        // The receiver acted on the first, and its answer was lost.
        lost.pass(70, [circuit("a")], arrives: false)
        lost.pass(70, [circuit("a"), circuit("b", since: 70)], arrives: false)
        lost.pass(700, [circuit("a"), circuit("b", since: 70)])
        #expect(lost.told.first?.count == 2 && alone.told.first?.count == 1)
        #expect(lost.told.first?.id != alone.told.first?.id)
        var anew = Desk()
        anew.pass(70, [circuit("a"), circuit("b", since: 70)])
        #expect(anew.told.first?.id == lost.told.first?.id)
    }

    @Test func lettersAreGatheredAndToldAgainWhenThereAreMore() {
        var desk = Desk()
        desk.pass(100, [letters(1, order: 1, window: 0)])
        desk.pass(190, [letters(900, order: 900, window: 0)])
        // All of the first five minutes are one notice, some seconds after their end.
        #expect(desk.told.isEmpty)
        desk.pass(30, [letters(900, order: 900, window: 0)])
        #expect(desk.told.map(\.count) == [900])
        // Nothing is new, or less is left: silence.
        desk.pass(600, [letters(900, order: 900, window: 0)])
        desk.pass(600, [letters(3, order: 20, window: 0)])
        #expect(desk.told.count == 1)
        desk.pass(600, [letters(4, order: 901, window: 5)])
        #expect(desk.events == [.faultBegun, .faultGrown] && desk.told.last?.count == 4)
        // Whoever begins now tells the newest by the same id.
        var second = Desk()
        second.now = desk.now
        second.pass(600, [letters(4, order: 901, window: 5)])
        #expect(second.events == [.faultBegun] && second.told.map(\.id) == desk.told.suffix(1).map(\.id))
        // A letter whose writer's clock is far ahead waits no longer than others.
        desk.pass(400, [letters(5, order: 902, window: 1_000)])
        #expect(desk.told.last?.count == 5)
    }

    /// One that is overdue and stays so must not hide that all are.
    @Test func whatHasNoNewestIsToldAgainWhenItIsTenTimesAsMuch() {
        func overdue(_ count: Int, since seconds: Int64 = 0, order: Int64) -> NoticeFact {
            NoticeFact(
                .fault, "overdue", since: Self.start + .seconds(seconds), count: count, what: "\(count) are due.", advice: "a runbook",
                mark: "\((Self.start + .seconds(seconds)).milliseconds)", order: order)
        }
        var desk = Desk()
        desk.pass(300, [overdue(1, order: 0)])
        desk.pass(300, [overdue(9, order: 0)])
        #expect(desk.events == [.faultBegun])
        // For a moment.
        desk.pass(30, [overdue(10, order: 1)])
        desk.pass(300, [overdue(9, order: 0)])
        #expect(desk.events == [.faultBegun])
        desk.pass(300, [overdue(4_000, since: 7, order: 3)])
        desk.pass(300, [overdue(900, since: 7, order: 2)])
        desk.pass(300, [overdue(5_000, since: 7, order: 3)])
        #expect(desk.events == [.faultBegun, .faultGrown] && desk.told.last?.count == 4_000)
        desk.pass(300, [])
        #expect(desk.events.last == .faultOver && Set(desk.told.map(\.id)).count == 3)
    }

    /// Two of one hour, and a restart within the second: its end is no repeat of the first one's.
    @Test func anEndAfterARestartIsNoRepeat() {
        var first = Desk()
        for facts in [[silent], [], [silent]] { first.pass(150, facts) }
        #expect(first.events == [.faultBegun, .faultOver, .faultBegun])
        var second = Desk()
        second.now = first.now
        second.pass(150, [silent])
        second.pass(150, [])
        #expect(second.events == [.faultBegun, .faultOver])
        let heard = Set(first.told.map(\.id))
        #expect(second.told.last.map { !heard.contains($0.id) } == true)
    }

    // MARK: Pauses

    private func pause(_ since: Int64, until: Int64) -> NoticeFact {
        NoticeFact(
            .pause, "merchant", "merchant acme", since: Self.start + .seconds(since), until: Self.start + .seconds(until),
            what: "Paused: merchant acme.", advice: "", mark: "\(since)")
    }

    @Test func aPauseIsToldAtOnceAndHowItEnded() {
        var desk = Desk()
        desk.pass(5, [pause(0, until: 100)])
        #expect(desk.events == [.pauseBegun])
        // Ordered anew: the old one ends and the new one begins.
        desk.pass(5, [pause(6, until: 200)])
        #expect(Set(desk.events.suffix(2)) == [.pauseBegun, .pauseOver] && desk.told.count == 3)
        desk.pass(190, [pause(6, until: 200)])
        desk.pass(5, [])
        #expect(desk.told.last?.what == "The pause of merchant acme is over." && desk.told.count == 4)
        desk.pass(5, [pause(206, until: 900)])
        desk.pass(5, [])
        #expect(desk.told.last?.what == "The pause of merchant acme was lifted, or ordered anew.")
    }

    // MARK: A receiver that is slow, away, or refuses

    @Test func aTryIsRepeatedEverLaterAndSpread() {
        var book = NoticeBook(NoticeBook.Rules(fleet: "recovery", patience: .seconds(1)))
        var now = Self.start
        book.look([silent], isWhole: true, now: now, uptime: now)
        now = now + .seconds(2)
        book.look([silent], isWhole: true, now: now, uptime: now)
        var waits: [Int64] = []
        for _ in 0..<12 {
            if let begun = book.due(now: now, uptime: now).first(where: { $0.event == .consoleBegun }) { book.delivered(begun) }
            let notice = book.due(now: now, uptime: now).first
            #expect(notice?.kind == "stage_unserved")
            if let notice { book.failed(notice, uptime: now, wish: nil, jitter: 1) }
            #expect(book.waiting(now: now, uptime: now) == 1)
            let failedAt = now
            while book.due(now: now, uptime: now).isEmpty { now = now + .seconds(1) }
            waits.append((now - failedAt).milliseconds / 1_000)
        }
        #expect(waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300])
        // Not all at once; and as late as the receiver wishes, within an hour.
        let tries: [(Double, Moment.Span?, Int64)] = [(0, nil, 150), (1, .seconds(900), 900), (1, .days(9), 3_600)]
        for (jitter, wish, expected) in tries {
            var another = book
            if let notice = another.due(now: now, uptime: now).first { another.failed(notice, uptime: now, wish: wish, jitter: jitter) }
            #expect(another.due(now: now, uptime: now + .seconds(expected - 1)).isEmpty)
            #expect(another.due(now: now, uptime: now + .seconds(expected)).count == 1)
        }
    }

    @Test func whatIsToldAfterAnOutageIsWhatIsWrongThen() {
        var desk = Desk()
        desk.pass(300, [circuit("1")], arrives: false)
        desk.pass(300, [circuit("2")], arrives: false)
        desk.pass(3_600, [circuit("3"), letters(7, order: 7, window: 0)], arrives: false)
        // Of what began and ended meanwhile nobody hears.
        desk.pass(600, [circuit("3"), letters(9, order: 9, window: 0)])
        #expect(desk.told.map(\.kind).sorted() == ["circuit_open", "dead_letters"])
        #expect(desk.told.map(\.count).sorted() == [1, 9])
    }

    @Test func anEndIsTriedForADayAndNeverToldBeforeItsBeginning() {
        var desk = Desk()
        desk.pass(120, [circuit("1")])
        desk.pass(3_600, [], arrives: false)
        desk.pass(400, [])
        #expect(desk.events == [.faultBegun, .faultOver])
        desk.pass(120, [circuit("2")])
        desk.pass(86_700, [], arrives: false, every: 60)
        desk.pass(400, [])
        #expect(desk.events == [.faultBegun, .faultOver, .faultBegun])
        #expect(desk.book.waiting(now: desk.now, uptime: desk.now) == 0)
    }

    @Test func aReceiverThatIsAwayForLongLeavesLittleBehind() {
        var desk = Desk()
        for round in 0..<50 { desk.pass(130, (0..<50).map { circuit("\(round)-\($0)") }, arrives: false, every: 10) }
        // All of the kind, and how the console found the fleet.
        #expect(desk.book.waiting(now: desk.now, uptime: desk.now) == 2)
    }
}
