import DeclineRecovery
import TestSupport
import Testing

/// Whoever's clock is ahead: what others judge by is not let go of.
@Suite struct ForgettingTimeTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let ahead = now + .days(60)

    /// Caught up with claims of others that were made then.
    private func time(_ heard: Moment..., now: Moment = ForgettingTimeTests.now) -> ForgettingTime {
        var time = ForgettingTime()
        for at in heard { time.heard(at) }
        time.caughtUp(now: now, uptime: .seconds(100))
        return time
    }

    @Test func aRightClockGoesOn() {
        let time = time(Self.now)
        #expect(time.limit(now: Self.now + .days(3), uptime: .seconds(100 + 3 * 86_400)) == Self.now + .days(3))
        #expect(time.limit(now: Self.now + .milliseconds(1_500), uptime: .milliseconds(101_500)) == Self.now + .milliseconds(1_500))
    }

    /// It was right as the process began, or it never was.
    @Test(arguments: [ForgettingTimeTests.now, ForgettingTimeTests.ahead])
    func anOwnClockThatIsAheadLetsNothingGo(then: Moment) {
        #expect(time(Self.now, now: then).limit(now: Self.ahead, uptime: .seconds(105)) == Self.now + .seconds(5))
    }

    @Test func anothersClockThatIsAheadLetsNothingGo() {
        #expect(time(Self.ahead).limit(now: Self.now, uptime: .seconds(100)) == Self.now)
        // One that claims as much as it likes, and this process on the same machine: one who is right is enough.
        var busy = ForgettingTime()
        for number in 0..<1_000 { busy.heard(number % 100 == 0 ? Self.now : Self.ahead) }
        #expect(busy.limit(now: Self.ahead, uptime: .seconds(1)) == Self.now)
        busy.caughtUp(now: Self.ahead, uptime: .seconds(1))
        #expect(busy.limit(now: Self.ahead, uptime: .seconds(2)) == Self.now + .seconds(1))
        // What comes later decides nothing: all of a fleet may be set by one bad time server.
        for _ in 0..<1_000 { busy.heard(Self.ahead) }
        #expect(busy.limit(now: Self.ahead, uptime: .seconds(3)) == Self.now + .seconds(2))
    }

    @Test func aStreamThatWasQuietIsLetGoOfLater() {
        let time = time(Self.now + .days(-9))
        #expect(time.limit(now: Self.now, uptime: .seconds(100)) == Self.now + .days(-9))
        #expect(time.limit(now: Self.now + .days(30), uptime: .seconds(100 + 30 * 86_400)) == Self.now + .days(21))
    }

    @Test func whereNobodyHasClaimedItGoesByItsOwnBeginning() {
        #expect(ForgettingTime().limit(now: Self.now, uptime: .seconds(1)) == nil)
        #expect(time().limit(now: Self.ahead, uptime: .seconds(160)) == Self.now + .seconds(60))
    }

    /// As the stream is read from its beginning, what had ended by then is let go of by its own time.
    @Test func beforeItHasCaughtUpItGoesByWhatItReads() {
        var time = ForgettingTime()
        for day in 0..<200 { time.heard(Self.now + .days(Int64(day - 200))) }
        #expect(time.limit(now: Self.now, uptime: .seconds(1)) == Self.now + .days(-100))
    }

    /// A bad time server: paid debts would be charged again.
    @Test func whatWasPaidIsRememberedThroughAJumpOfTheClock() throws {
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1)
        var book = ClaimBook()
        _ = book.take(
            Claim(
                id: 1, merchantID: "acme", reference: reference, debt: nil, amount: nil, act: .told(Claim.Told(.approved, .known)),
                at: Self.now,
                until: Self.now + .days(33), worker: "w"), at: 0)
        let limit = try #require(time(Self.now).limit(now: Self.ahead, uptime: .seconds(101)))
        book.forget(before: limit)
        #expect(book.standing(of: Fingerprint(of: reference, merchant: "acme"))?.told?.kind == .approved)
    }
}
