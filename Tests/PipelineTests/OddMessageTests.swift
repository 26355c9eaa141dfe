import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Pipeline

/// Messages that stand where they do not belong, or hold what they should not.
@Suite struct OddMessageTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let merchant = Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])

    private func forecast(_ body: [UInt8], _ stage: Stage) -> Forecast.Verdict {
        Forecaster(merchants: Merchants(merchant), now: Self.now).forecast(body, at: stage).verdict
    }

    /// The stage makes a letter of it (`unexpected_type`).
    @Test func aRecoveryOnAnothersQueueFails() throws {
        let recovery = Recovery.sample(declinedAt: Self.now)
        #expect(forecast(WorkEnvelope.encode(recovery), .retry) == .fails)
        #expect(forecast(WorkEnvelope.encode(recovery.at(.due, route: .retry(.managed, until: Self.now + .days(9)))), .cascade) == .fails)
        let cancellation = Cancellation(
            merchantID: "acme", reference: try #require(RecoveryReference("A1-U1")), gateways: ["42"], since: Self.now)
        #expect(forecast(cancellation.encoded(), .cascade) == .fails)
    }

    /// Without a card key the letter's token is a mark; it must not be posted as a token.
    @Test func aRetryWhoseTokenWasRemovedIsNotChargedWithTheMark() async {
        let recovery = Recovery.sample(declinedAt: Self.now).at(.unanswered, route: .retry(.sync, until: Self.now + .days(9)))
        let body = CardDataGuard.redacted(WorkEnvelope.encode(recovery))
        let letter = DeadLetter(
            reason: .outcomeUnknown, explanation: "", stage: .retry,
            original: DeadLetter.Original(
                exchange: "", routingKey: "", redelivered: false, messageID: nil, type: WorkEnvelope.type, contentType: nil,
                correlationID: nil, replyTo: nil,
                headers: [], redactedBody: body, originalByteCount: 0),
            identity: body, worker: .sample, writtenAt: Self.now)
        let clock = ManualClock(Self.now)
        let reconciler = Reconciler(
            in: .sample(clock, cards: Vault(hasKey: false)), flexFactor: ScriptedFlexFactor(.noSuchOrder), cancels: Cancels(),
            wait: { await clock.wait($0) })
        guard case .handedBack(_, let messages) = await reconciler.reconcile(letter, traceparent: nil),
            case .recovery(var taken)? = messages.first.map({ WorkEnvelope.decode($0.body) })
        else { return }
        // Looked for, and not there: what does the stage do then?
        _ = taken.next(now: Self.now, timing: RecoveryTiming())
        _ = taken.learned(.noSuchOrder, now: Self.now, timing: RecoveryTiming())
        if case .call(.evaluate(let charge, _)) = taken.next(now: Self.now, timing: RecoveryTiming()) {
            #expect(charge.paymentMethod.card != .token(CardToken(CardDataMark.token)))
        }
    }

    /// Headers and properties are stored as well.
    @Test func aHeaderThatHoldsASecurityCodeOrATokenKeepsNeither() throws {
        let writer = LetterWriter(stage: .intake, worker: .sample, cards: Vault(hasKey: false))
        let outgoing = writer.letter(
            IncomingMessage(body: [], headers: [("cvv", "CANARY"), ("token", "CANARY")]), because: .unreadable, explanation: "",
            now: Self.now)
        #expect(!String(decoding: outgoing.body, as: UTF8.self).contains("CANARY"))
    }

    @Test func aMessageIDThatIsACardNumberIsNotStored() throws {
        let number = try #require((0...9).map { "4000123412341" + "00\($0)" }.first { CardDataGuard.finding(in: $0) == .cardNumber })
        let writer = LetterWriter(stage: .intake, worker: .sample, cards: Vault(hasKey: false))
        let outgoing = writer.letter(
            IncomingMessage(body: [], messageID: "order \(number)", correlationID: number, routingKey: number), because: .unreadable,
            explanation: "", now: Self.now)
        #expect(!String(decoding: outgoing.body, as: UTF8.self).contains(number))
    }
}
