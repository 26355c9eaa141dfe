import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

/// What is paused, folded from what operators ordered.
@Suite struct PausesTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)

    private func pause(_ target: Pause.Target, for span: Moment.Span = .minutes(10), since: Moment? = nil) -> Pause {
        Pause(target, since: since ?? now, until: (since ?? now) + span, by: "ada", why: "FlexFactor charges twice")
    }

    @Test func theLastOrderOfATargetCounts() {
        var pauses = Pauses()
        #expect(pauses.isEmpty)
        for pause in [pause(.merchant("acme")), pause(.stage(.retry)), pause(.merchant("acme"), for: .minutes(5))] { pauses.take(pause) }
        #expect(pauses.inForce(at: now).map(\.target) == [.stage(.retry), .merchant("acme")])
        #expect(pauses.pause(of: "acme", through: "42", at: now)?.until == now + .minutes(5))
        #expect(pauses.pause(of: "bold", through: "42", at: now) == nil)
        pauses.take(.lifting(.merchant("acme"), at: now + .seconds(1), by: "bob", why: ""))
        #expect(pauses.inForce(at: now).map(\.target) == [.stage(.retry)])
        pauses.take(.lifting(.stage(.retry), at: now + .seconds(2), by: "bob", why: ""))
        #expect(pauses.isEmpty)
    }

    /// Where it is cut, the rest of longer digits may be a card's number, and the mark in its place is longer.
    @Test func aReasonIsNotLongerForWhatIsTakenOutOfIt() throws {
        let why = String(repeating: "ada ", count: (Pause.mostWords - 16) / 4) + CardNumbers.visa + "1230"
        let pause = Pause(.stage(.retry), since: now, until: now + .minutes(1), by: "ada", why: why)
        let told = try #require(JSONValue(parsing: pause.encoded().span)["data"]?["why"]?.string)
        #expect(told.unicodeScalars.count == Pause.mostWords && !told.contains(CardNumbers.visa))
    }

    @Test func itEndsByItself() {
        var pauses = Pauses()
        pauses.take(pause(.merchant("acme")))
        pauses.take(pause(.stage(.cascade)))
        let end = now + .minutes(10)
        #expect(pauses.pause(of: "acme", through: "42", at: end + .milliseconds(-1)) != nil)
        #expect(pauses.pause(of: "acme", through: "42", at: end) == nil)
        #expect(pauses.inForce(at: end).isEmpty)
    }

    @Test func aGatewayIsOneOfOneMerchant() {
        var pauses = Pauses()
        pauses.take(pause(.gateway("acme", "42")))
        #expect(pauses.pause(of: "acme", through: "42", at: now) != nil)
        #expect(pauses.pause(of: "acme", through: "43", at: now) == nil && pauses.pause(of: "bold", through: "42", at: now) == nil)
        // Of two that hold it, the one that ends last is told.
        pauses.take(pause(.merchant("acme"), for: .minutes(60)))
        #expect(pauses.pause(of: "acme", through: "42", at: now)?.target == .merchant("acme"))
    }

    /// Only it rests: its stages go on elsewhere.
    @Test func aWorkerThatIsPausedPausesNoStageAndNoMerchant() {
        var pauses = Pauses()
        pauses.take(pause(.worker("salvage pod-1 7")))
        pauses.take(pause(.stage(.held)))
        pauses.take(pause(.merchant("acme")))
        #expect(pauses.inForce(at: now).map(\.target) == [.stage(.held), .worker("salvage pod-1 7"), .merchant("acme")])
        #expect(pauses.pause(of: "bold", through: "42", at: now) == nil)
    }

    /// Nobody is charged again because somebody else was paused: what was paused on a stream that is gone ends at its time, or when it is said.
    @Test func aStreamThatWasMadeAnewLiftsNothing() {
        var pauses = Pauses()
        #expect(pauses.isOfNothing)
        pauses.take(Array("{}".utf8))
        #expect(!pauses.isOfNothing && pauses.isEmpty)
        pauses.take(pause(.merchant("acme")).encoded())
        pauses.take(pause(.stage(.retry)).encoded())
        // The first of the next stream.
        pauses.take(pause(.merchant("bold")).encoded())
        #expect(pauses.inForce(at: now).map(\.target) == [.stage(.retry), .merchant("acme"), .merchant("bold")])
        pauses.take(Pause.lifting(.stage(.retry), at: now, by: "bob", why: "").encoded())
        #expect(pauses.inForce(at: now).map(\.target) == [.merchant("acme"), .merchant("bold")])
        #expect(pauses.inForce(at: now + .minutes(10)).isEmpty)
    }

    /// Who hears every record twice, or reads a stream from its beginning again, ends where he was.
    @Test func aRecordThatComesTwiceChangesNothing() {
        let acme = Pause.Target.merchant("acme")
        let records = [
            pause(acme), pause(.stage(.retry)), .lifting(acme, at: now, by: "bob", why: ""), pause(acme, for: .minutes(5)),
            .lifting(.stage(.retry), at: now, by: "bob", why: ""), pause(.merchant("bold")),
        ]
        var once = Pauses()
        for record in records { once.take(record.encoded()) }
        var twice = Pauses()
        for record in records { for _ in 0..<2 { twice.take(record.encoded()) } }
        for record in records { twice.take(record.encoded()) }
        #expect(twice == once && once.inForce(at: now).map(\.target) == [acme, .merchant("bold")])
    }

    @Test func whatWasReadBeforeCountsWhereTheStreamSaysNothing() {
        var (remembered, stream) = (Pauses(), Pauses())
        for target in [Pause.Target.merchant("acme"), .merchant("bold"), .stage(.retry)] { remembered.take(pause(target)) }
        stream.take(.lifting(.merchant("bold"), at: now, by: "bob", why: ""))
        stream.take(pause(.stage(.retry), for: .minutes(5)))
        let all = stream.over(remembered)
        #expect(all.inForce(at: now).map(\.target) == [.stage(.retry), .merchant("acme")])
        #expect(all.inForce(at: now + .minutes(6)).map(\.target) == [.merchant("acme")], "the stream's own counts")
        #expect(stream.hasHeard(of: .merchant("bold")) && !stream.hasHeard(of: .merchant("acme")))
    }

    @Test func aReasonIsCut() {
        let long = Pause(.stage(.retry), since: now, until: now, by: "ada", why: String(repeating: "x", count: 100_000))
        #expect(long.why.count == 2_000 && Pause.decode(long.encoded()) == long)
    }

    /// A look that would come when its time is over comes when the pause is.
    @Test func whatIsLeftOfARetrysTimeBehindAPauseIsNotMissed() {
        let until = now + .minutes(180)
        let reference = RecoveryReference(orderID: "A1", kind: .rerun, sequence: 1)
        let recovery = Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(.sync, until: until), reference: reference,
            amount: Money(minorUnits: 4_999, currency: Currency("USD")!), declinedAt: now,
            order: RecoveredOrder(reference), verdict: DeclineVerdict(declineClass: .soft, rule: "r"), reply: nil, charge: nil,
            phase: .ready)
        let short = pause(.merchant("acme"), for: .minutes(160))
        let look = recovery.lookingAgain(at: short, now: now + .minutes(155))
        #expect(look >= short.until && look < until, "\(look)")
        let long = pause(.merchant("acme"), for: .minutes(600))
        #expect(recovery.lookingAgain(at: long, now: now + .minutes(155)) <= until)
    }

    /// The stream forgets what is older.
    @Test func noneIsLongerThanAWeek() {
        #expect(pause(.merchant("acme"), for: .days(30)).until == now + .days(7))
    }

    @Test func aRecordIsReadAsItWasWritten() throws {
        for target in [Pause.Target.merchant("acme"), .gateway("acme", "42"), .stage(.outcomes), .worker("salvage pod-1 7")] {
            let written = pause(target)
            #expect(Pause.decode(written.encoded()) == written)
            let lifting = Pause.lifting(target, at: now, by: "bob", why: "")
            #expect(Pause.decode(lifting.encoded()) == lifting && lifting.isLifting)
        }
        let foreign = String(decoding: pause(.stage(.retry)).encoded(), as: UTF8.self).replacing(
            #""stage":"retry""#, with: #""stage":"later""#)
        #expect(Pause.decode(Array(foreign.utf8)) == nil && Pause.decode(Array("{}".utf8)) == nil)
    }

    @Test func noCardNumberOfAPersonsWordsIsKept() {
        let pause = Pause(
            .merchant("acme"), since: now, until: now + .minutes(5), by: "ada 4012888888881881", why: "card 4012888888881881 charged twice")
        let kept = Pause.decode(pause.encoded())
        #expect(kept?.target == pause.target && kept?.until == pause.until)
        #expect(kept?.by.hasPrefix("ada ") == true && kept?.why.hasSuffix(" charged twice") == true)
        #expect(CardDataGuard.finding(in: "\(kept?.by ?? "") \(kept?.why ?? "")") == nil)
    }
}
