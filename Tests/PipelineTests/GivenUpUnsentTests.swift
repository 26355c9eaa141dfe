import DeclineRecovery
import TestSupport
import Testing

@testable import Pipeline

/// FlexFactor could not be reached, and the pod that claimed the end dies before anything of it is published.
@Suite struct GivenUpUnsentTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let claims = MemoryClaims()
    private let away = ScriptedFlexFactor(.failed(.notSent(.circuitOpen(until: now + .minutes(5)))))

    private var environment: StageEnvironment { .sample(ManualClock(Self.now), claims: claims) }

    private func recovery(_ kind: RecoveryReference.Kind, _ route: RecoveryRoute, failures: Int = 0) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        let reference = RecoveryReference(
            DeclineIdentity(merchantID: "acme", source: "crm", id: "d-1"), orderID: "A1", kind: kind, sequence: 1)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: route, reference: reference, amount: sample.amount, declinedAt: Self.now,
            order: sample.order, verdict: sample.verdict, reply: nil, charge: sample.charge, attempts: failures, failures: failures)
    }

    private func message(_ recovery: Recovery, _ id: String, redelivered: Bool = false) -> IncomingMessage {
        IncomingMessage(body: WorkEnvelope.encode(recovery), messageID: id, type: WorkEnvelope.type, redelivered: redelivered)
    }

    private func letters(_ outcome: StageOutcome) throws -> [DeadLetter] {
        try outcome.publishing.filter { $0.destination == .deadLetters }.map { try DeadLetter.decode($0.body).get() }
    }

    private func results(_ outcome: StageOutcome) -> [StageMessage] {
        outcome.publishing.filter { if case .results = $0.destination { true } else { false } }
    }

    /// Whoever takes its message up, or has a copy of it, tells the same and writes the very same letter: only by that somebody takes it up.
    @Test func theLetterOfARetryIsWrittenByWhoeverTellsItAgain() async throws {
        let stage = RetryStage(in: environment, flexFactor: away, cancels: Cancels())
        let spent = recovery(.rerun, .retry(.managed, until: Self.now + .days(5)), failures: RecoveryTiming().attempts)
        let lost = await stage.handle(message(spent, "work"))
        let letter = try #require(try letters(lost).first)
        #expect(letter.reason == .attemptsSpent && results(lost).count == 1)
        for again in [
            await stage.handle(message(spent, "work", redelivered: true)),
            await stage.handle(message(recovery(.rerun, .retry(.managed, until: Self.now + .days(5))), "copy")),
        ] {
            #expect(results(again) == results(lost))
            let second = try #require(try letters(again).first)
            #expect(second.id == letter.id && second.explanation == letter.explanation && second.attempts == letter.attempts)
            // It counts as not offered, as it would have.
            #expect(again.entry.fate == .deadLettered(.attemptsSpent) && again.isClaimed)
        }
        #expect(away.calls.count == 1)
    }

    /// A customer waited for a cascade, who is gone.
    @Test func aCascadeIsToldAgainWithoutALetter() async throws {
        let stage = CascadeStage(in: environment, flexFactor: away)
        let cascade = recovery(.sale, .cascade(deadline: Self.now + .seconds(60)))
        let lost = await stage.handle(message(cascade, "work"))
        let again = await stage.handle(message(cascade, "work", redelivered: true))
        #expect(results(lost).count == 1 && results(again) == results(lost))
        #expect(try letters(lost).isEmpty)
        #expect(try letters(again).isEmpty)
    }
}
