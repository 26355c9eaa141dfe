import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Pipeline

/// One decline that comes in two forms, as a live sale and as a rerun: one of them runs and tells the one result, whatever becomes of both.
@Suite struct OtherFormTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private static let underWay = StageOutcome.Kind.ignored("its recovery is under way")
    private let claims = MemoryClaims(now: now)
    private let clock = ManualClock(now)
    private let paid = ScriptedFlexFactor(.evaluated(.approved, "g-1"))
    private let reply = ReplyAddress(queue: "amq.gen-1", correlationID: "c-1")

    /// - Parameter mode: of the rerun; `nil` for the live sale.
    private func recovery(_ mode: MITMode? = nil, reply: ReplyAddress? = nil) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let was = sample.charge!
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: mode == nil ? .sale : .rerun,
            sequence: mode == nil ? 0 : 1)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: mode.map { .retry($0, until: Self.now + .days(5)) } ?? sample.route,
            charge: Charge(
                reference: reference, isMerchantInitiated: mode != nil, isRecurring: false, expiry: nil, customerIP: was.customerIP,
                amount: was.amount, declinedAt: Self.now, decline: was.decline, payer: was.payer, billing: was.billing, shipping: nil,
                paymentMethod: was.paymentMethod, items: []), order: sample.order, verdict: sample.verdict, reply: reply)
    }

    private func handle(_ recovery: Recovery, _ flexFactor: ScriptedFlexFactor) async -> StageOutcome {
        let message = IncomingMessage(body: WorkEnvelope.encode(recovery), type: WorkEnvelope.type)
        let environment = StageEnvironment.sample(clock, claims: claims)
        if case .cascade = recovery.route {
            return await CascadeStage(in: environment, flexFactor: flexFactor).handle(message)
        }
        return await RetryStage(in: environment, flexFactor: flexFactor, cancels: Cancels()).handle(message)
    }

    private func parked(_ handled: StageOutcome) throws -> Recovery {
        let message = try #require(handled.publishing.first { if case .delayed = $0.destination { true } else { false } })
        guard case .recovery(let recovery) = WorkEnvelope.decode(message.body) else { throw CancellationError() }
        return recovery
    }

    @discardableResult
    private func claim(_ act: Claim.Act, _ recovery: Recovery, telling result: ResultEvent? = nil) -> Claimed {
        claims.append(ClaimRequest(act, of: recovery, telling: result, at: Self.now), by: "w-2")
    }

    /// FlexFactor has its order.
    private func take(_ recovery: Recovery) { claim(.exists(answering: claim(.send(post: 1), recovery).id), recovery) }

    @Test(arguments: [(nil, .managed), (nil, .sync), (.managed, nil), (.sync, nil)] as [(MITMode?, MITMode?)])
    func aRepeatInAnotherFormIsLeftToTheOneThatRuns(runs: MITMode?, comes: MITMode?) async throws {
        let first = recovery(runs)
        take(first)
        for _ in 0..<2 {
            let left = await handle(recovery(comes), paid)
            #expect(left.publishing.isEmpty && left.entry.fate == Self.underWay && left.entry.other == first.reference)
            let line = left.journal(from: .retry, at: Self.now, worker: "w-1", traceparent: nil)
            let record = try #require(line.flatMap { JournalRecord.decode($0.body) })
            #expect(record.otherForm == first.reference && record.reference == recovery(comes).reference)
        }
        #expect(paid.calls.isEmpty && claims.words == ["send", "exists", "send", "send"])
        #expect(claims.standing(of: recovery(comes).reference, merchant: "acme")?.isUnderWay == true)
    }

    /// A request that nobody has heard of may be withdrawn, or refused for faults that the other form does not have: then that one goes on.
    @Test(
        arguments: [
            (nil, .managed, false), (nil, .sync, false), (.managed, nil, false), (.sync, nil, false),
            (nil, .managed, true), (nil, .sync, true), (.managed, nil, true), (.sync, nil, true),
        ] as [(MITMode?, MITMode?, Bool)])
    func aRepeatWaitsForARequestAloneAndTakesItsPlace(runs: MITMode?, comes: MITMode?, isRefused: Bool) async throws {
        let (first, second) = (recovery(runs), recovery(comes))
        let sent = claim(.send(post: 1), first)
        let waiting = await handle(second, paid)
        let kept = try parked(waiting)
        guard waiting.publishing.count == 1, case .delayed(let stage, let span)? = waiting.publishing.first?.destination else {
            Issue.record("\(waiting.publishing)")
            return
        }
        // A customer may be waiting.
        #expect(stage == (comes == nil ? .cascade : .retry) && (comes == nil ? span < .seconds(5) : span == .seconds(5)))
        #expect(kept.charge != nil && paid.calls.isEmpty)
        claim(isRefused ? .refused(sent.id, isLast: true) : .unsent(sent.id), first)
        let told = await handle(kept, paid)
        #expect(try told.results().first?["data"]?["result"]?.string == "success")
        #expect(try await handle(first, paid).results() == told.results() && paid.calls.count == 1)
    }

    /// What is not known for days is not asked for every few seconds.
    @Test func aRetryAsksEverMoreRarelyAndAtItsEndNoMore() async throws {
        claim(.send(post: 1), recovery())
        var rerun = recovery(.managed)
        for (passed, wait) in [(0, 5), (100, 25), (86_400, 1_800)] as [(Int64, Int64)] {
            clock.pass(.seconds(passed))
            let waiting = await handle(rerun, paid)
            guard case .delayed(_, let span)? = waiting.publishing.first?.destination else {
                Issue.record("\(waiting.entry.fate)")
                return
            }
            #expect(span == .seconds(wait))
            rerun = try parked(waiting)
        }
        clock.pass(.days(5))
        let left = await handle(rerun, paid)
        #expect(left.publishing.isEmpty && left.entry.fate == Self.underWay && paid.calls.isEmpty)
    }

    /// The first withdrew its request, and the second goes out before it comes again: then the first is the repeat.
    @Test func eachIsLeftOnlyToOneThatRuns() async throws {
        let (first, second) = (recovery(), recovery(.managed))
        let one = claim(.send(post: 1), first)
        let kept = try parked(await handle(second, paid))
        claim(.unsent(one.id), first)
        let two = claim(.send(post: 1), second)
        _ = try parked(await handle(first, paid))
        claim(.unsent(two.id), second)
        take(second)
        #expect(await handle(first, paid).entry.other == second.reference)
        let event = ResultEvent(of: second, .approved(.notified), at: Self.now)
        claim(.told(.init(.approved, .known)), second, telling: event)
        for repeated in [first, kept] { #expect(try await handle(repeated, paid).results().map { $0["id"]?.string } == [event.id]) }
        #expect(paid.calls.isEmpty)
    }

    /// Nobody hears `in_recovery`, nor that its time is over, of a decline that runs under another name.
    @Test func whatIsTooLateIsLeftAsWell() async {
        claim(.send(post: 1), recovery(.managed))
        clock.pass(.seconds(61))
        let late = await handle(recovery(), paid)
        #expect(late.publishing.isEmpty && late.entry.fate == Self.underWay && paid.calls.isEmpty)
    }

    @Test func whoWaitsAtTheCheckoutIsAnsweredByWhatTheOtherTells() async throws {
        let rerun = recovery(.managed)
        take(rerun)
        let waiting = await handle(recovery(reply: reply), paid)
        let kept = try parked(waiting)
        #expect(try waiting.results().isEmpty && kept.reply == reply && kept.phase == .due && kept.charge != nil)
        let event = ResultEvent(of: rerun, .approved(.notified), at: Self.now)
        claim(.told(.init(.approved, .known)), rerun, telling: event)
        let answered = await handle(kept, paid)
        let answer = try #require(answered.publishing.first { $0.destination == .reply(queue: reply.queue) })
        #expect(answer.messageID == event.id && answer.correlationID == reply.correlationID && paid.calls.isEmpty)
        #expect(try answered.results().map { $0["id"]?.string } == [event.id])
    }

    /// For as long as the customer waits, and no longer.
    @Test func atTheDeadlineNobodyWaitsAnyMore() async throws {
        take(recovery(.managed))
        var kept = try parked(await handle(recovery(reply: reply), paid))
        clock.pass(.seconds(59))
        let last = await handle(kept, paid)
        guard case .delayed(_, let rest)? = last.publishing.first?.destination else {
            Issue.record("\(last.entry.fate)")
            return
        }
        #expect(rest <= .seconds(1))
        kept = try parked(last)
        clock.pass(.seconds(1))
        let left = await handle(kept, paid)
        #expect(left.publishing.isEmpty && left.entry.fate == Self.underWay && paid.calls.isEmpty)
    }

    @Test func whileItWaitsItMayTakeThePlaceOfTheOther() async throws {
        let rerun = recovery(.sync)
        let sent = claim(.send(post: 1), rerun)
        let kept = try parked(await handle(recovery(reply: reply), paid))
        claim(.unsent(sent.id), rerun)
        let told = await handle(kept, paid)
        #expect(try told.results().first?["data"]?["result"]?.string == "success")
        #expect(try await handle(rerun, paid).results() == told.results() && paid.calls.count == 1)
    }

    /// It was asked of FlexFactor for long enough: the next denial settles that there is none.
    private func denied(_ sale: Recovery, seen: Claim.ID) -> Recovery {
        Recovery(
            merchantID: "acme", gatewayID: "42", route: sale.route, reference: sale.reference, amount: sale.amount, declinedAt: Self.now,
            order: sale.order, verdict: sale.verdict, reply: nil, charge: nil, phase: .reconciling(nil, .cancel),
            evidence: OrderEvidence(order: .denied(since: Self.now), seen: seen))
    }

    /// Both were in hand, and nothing of the one was sent: it asked FlexFactor, and tells no end beside the other's.
    @Test func whoKnowsThatNothingArrivedLeavesTheEndToTheOther() async throws {
        let sale = recovery()
        let sent = claim(.send(post: 1), sale)
        claim(.unsent(sent.id), sale)
        claim(.send(post: 1), recovery(.managed))
        clock.pass(.minutes(10))
        let left = await handle(denied(sale, seen: sent.id), ScriptedFlexFactor(.noSuchOrder))
        #expect(left.publishing.isEmpty && left.entry.fate == Self.underWay && left.entry.other == recovery(.managed).reference)
    }

    /// A request that stands keeps the other form out, and FlexFactor's word that it never arrived is the end of both.
    @Test func whatStandsAndNeverArrivedIsTold() async throws {
        let sale = recovery()
        let sent = claim(.send(post: 1), sale)
        let kept = try parked(await handle(recovery(.managed), paid))
        clock.pass(.minutes(10))
        let told = await handle(denied(sale, seen: sent.id), ScriptedFlexFactor(.noSuchOrder))
        #expect(told.kinds == [.skipped] && claims.words.suffix(2) == ["told", "told"])
        #expect(try await handle(kept, paid).results() == told.results() && paid.calls.isEmpty)
    }

    /// Another mapping would skip it by now.
    @Test func intakeLeavesItToTheOneThatRunsAsWell() async throws {
        claim(.send(post: 1), recovery(.managed))
        let event =
            #"{"specversion":"1.0","id":"d-1","source":"crm","type":"com.salvage.decline.v1","time":"2027-01-15T08:00:00Z","data":{"#
            + #""merchantId":"acme","trigger":"initial","order":{"id":"A1","type":"new_sale","ipAddress":"203.0.113.7"},"#
            + #""decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"252","transactionId":"T-1"},"#
            + #""amount":{"minorUnits":4999,"currency":"USD"},"billing":{"firstName":"Ada","lastName":"B","countryCode":"DE","#
            + #""addressLine1":"1","city":"X","zipCode":"1"},"paymentMethod":{"token":"t"}}}"#
        let merchant = Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", cascadeAll: true)], gateways: [Gateway(id: "7", type: "nmi")])
        let left = await IntakeStage(in: .sample(clock, claims: claims), merchants: Merchants(merchant)).handle(
            IncomingMessage(body: Array(event.utf8), messageID: "d-1", exchange: "declines"))
        #expect(left.publishing.isEmpty && left.entry.fate == Self.underWay && left.entry.other == recovery(.managed).reference)
    }
}
