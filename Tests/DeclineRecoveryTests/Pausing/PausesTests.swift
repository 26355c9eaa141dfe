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
        #expect(pauses.isPaused(.retry, at: now) && !pauses.isPaused(.cascade, at: now))
        #expect(pauses.pause(of: "bold", through: "42", at: now) == nil)
        pauses.take(.lifting(.merchant("acme"), at: now + .seconds(1), by: "bob", why: ""))
        #expect(pauses.inForce(at: now).map(\.target) == [.stage(.retry)])
        pauses.take(.lifting(.stage(.retry), at: now + .seconds(2), by: "bob", why: ""))
        #expect(pauses.isEmpty)
    }

    @Test func itEndsByItself() {
        var pauses = Pauses()
        pauses.take(pause(.merchant("acme")))
        pauses.take(pause(.stage(.cascade)))
        let end = now + .minutes(10)
        #expect(pauses.pause(of: "acme", through: "42", at: end + .milliseconds(-1)) != nil)
        #expect(pauses.pause(of: "acme", through: "42", at: end) == nil && !pauses.isPaused(.cascade, at: end))
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
        #expect(!pauses.isPaused(.cascade, at: now) && pauses.pause(of: "bold", through: "42", at: now) == nil)
    }

    /// What was paused on a stream that is gone is paused no more.
    @Test func aStreamThatWasMadeAnewBeginsAnew() {
        var pauses = Pauses()
        pauses.take(pause(.merchant("acme")).encoded(), at: 0)
        pauses.take(pause(.stage(.retry)).encoded(), at: 1)
        pauses.take(Array("{}".utf8), at: 2)
        #expect(pauses.inForce(at: now).count == 2)
        pauses.take(pause(.merchant("bold")).encoded(), at: 0)
        #expect(pauses.inForce(at: now).map(\.target) == [.merchant("bold")])
    }

    /// Who reads twice hears every record twice.
    @Test func aRecordThatComesTwiceChangesNothing() {
        var pauses = Pauses()
        for (offset, target) in [Pause.Target.merchant("acme"), .stage(.retry), .merchant("bold")].enumerated() {
            for _ in 0..<2 { pauses.take(pause(target).encoded(), at: Int64(offset + 1)) }
        }
        #expect(pauses.inForce(at: now).count == 3)
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
}
