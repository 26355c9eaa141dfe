import DeclineRecovery
import TestSupport
import Testing

@testable import Pipeline

/// An end was claimed and never published, for its pod died between: whoever gives its recovery up, or settles it, tells it.
@Suite struct ToldByWhoGivesUpTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let clock = ManualClock(Self.now)
    private let claims = MemoryClaims(now: Self.now)

    private func told(_ messages: [StageMessage]) -> [ResultKind] {
        messages.compactMap { if case .results(_, let kind) = $0.destination { kind } else { nil } }
    }

    /// FlexFactor accepted the cancel and showed the order as cancelled, and is away since.
    @Test(arguments: [ResultReason.cancelled, .approved(.polled)])
    func aCommandThatIsGivenUpTellsThatItWasCarriedOut(reason: ResultReason) async throws {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: .rerun, sequence: 1)
        let recovery = Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(.managed, until: Self.now + .days(5)), reference: reference,
            amount: sample.amount, declinedAt: Self.now, order: sample.order, verdict: sample.verdict, reply: nil, charge: nil,
            phase: .watching("g-1", polls: 0))
        let result = ResultEvent(of: recovery, reason, flexFactorOrderID: "g-1", at: Self.now)
        claims.append(ClaimRequest(.told(.init(reason.kind, .known)), of: recovery, telling: result, at: Self.now), by: "w-2")
        let command = Cancellation(
            merchantID: "acme", reference: reference, gateways: ["42"], since: Self.now, phase: .settling(0), word: .accepted,
            orderID: "g-1")
        let away = ScriptedFlexFactor(.failed(.unknown(.timedOut)))
        let stage = RetryStage(in: .sample(clock, claims: claims), flexFactor: away, cancels: Cancels())
        clock.pass(.days(2))
        let outcome = await stage.handle(IncomingMessage(body: command.encoded(), type: Cancellation.type))
        // Beside an approval the accepted cancel is for a person to see to.
        let isCancelled = reason == .cancelled
        let expected: [ResultKind] = isCancelled ? [.cancelled] : []
        #expect(told(outcome.publishing) == expected && outcome.hasLetter == !isCancelled)
    }

    /// The console's process died as well between its claim and what it published: the sums have the sale all the same.
    @Test func whatALetterIsSettledByIsJournaledByWhoeverTellsItAgain() async throws {
        let doubtful = Recovery.sample(order: "A1", declinedAt: Self.now).at(.unanswered)
        let body = WorkEnvelope.encode(doubtful)
        let letter = DeadLetter(
            reason: .outcomeUnknown, explanation: "", stage: .cascade, subject: DeadLetter.Subject(doubtful),
            original: DeadLetter.Original(
                exchange: "recovery.work", routingKey: "", redelivered: false, messageID: "m-1", type: WorkEnvelope.type, contentType: nil,
                correlationID: nil, replyTo: nil, headers: [], redactedBody: body, originalByteCount: body.count),
            identity: body, worker: .sample, writtenAt: Self.now)
        let reconciler = Reconciler(
            in: .sample(clock, claims: claims), flexFactor: ScriptedFlexFactor(.order(.completed)), cancels: Cancels(),
            wait: { [clock] in await clock.wait($0) }, underWay: .seconds(0))
        clock.pass(.days(2))
        var journaled: [JournalRecord] = []
        for _ in 0..<2 {
            guard case .told(.approved, let messages) = await reconciler.reconcile(letter, traceparent: nil) else {
                Issue.record("it is not told")
                return
            }
            #expect(told(messages) == [.approved])
            journaled += messages.filter { $0.destination == .journal }.compactMap { JournalRecord.decode($0.body) }
        }
        #expect(journaled.map(\.detail) == ["approved", "approved"] && journaled.last?.reason == ToldMoney.again)
        #expect(journaled.last?.amount == doubtful.amount && journaled.last?.declinedAt == Self.now)
    }
}
