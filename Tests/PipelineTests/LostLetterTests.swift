import DeclineRecovery
import TestSupport
import Testing

@testable import Pipeline

/// A pod claims a payment that stands against what was told, and dies before anything of it is published.
@Suite struct LostLetterTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let claims = MemoryClaims()

    private var environment: StageEnvironment { .sample(ManualClock(Self.now), claims: claims) }

    private func reference(_ id: String) -> RecoveryReference {
        RecoveryReference(DeclineIdentity(merchantID: "acme", source: "crm", id: id), orderID: "A1", kind: .rerun, sequence: 1)
    }

    private func recovery(_ id: String) -> Recovery {
        let sample = Recovery.sample(order: "A1", declinedAt: Self.now)
        return Recovery(
            merchantID: "acme", gatewayID: "42", route: .retry(.managed, until: Self.now + .days(5)), reference: reference(id),
            amount: sample.amount, declinedAt: Self.now, order: sample.order, verdict: sample.verdict, reply: nil, charge: nil,
            phase: .watching("g-1", polls: 0))
    }

    private func claim(_ act: Claim.Act, _ recovery: Recovery, telling reason: ResultReason? = nil) {
        let result = reason.map { ResultEvent(of: recovery, $0, flexFactorOrderID: "g-1", at: Self.now) }
        claims.append(ClaimRequest(act, of: recovery, telling: result, at: Self.now), by: "w-2")
    }

    /// How the payment is met: by a webhook, by the recovery's own look, or by the look of a command to cancel it.
    enum Way: CaseIterable { case webhook, look, command }

    private func meet(_ way: Way, redelivered: Bool = false) async -> StageOutcome {
        let paid = ScriptedFlexFactor(.order(.completed))
        switch way {
        case .webhook:
            let news = WebhookNews(
                merchantID: "acme", gatewayID: "42", event: .completed, reference: reference("d-1"), orderID: "g-1", receivedAt: Self.now)
            let merchants = Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")]))
            return await OutcomeStage(in: environment, flexFactor: paid, merchants: merchants, cancels: Cancels()).handle(
                IncomingMessage(body: news.encoded(), messageID: "news", type: WebhookNews.type, redelivered: redelivered))
        case .look:
            return await RetryStage(in: environment, flexFactor: paid, cancels: Cancels()).handle(
                IncomingMessage(
                    body: WorkEnvelope.encode(recovery("d-1")), messageID: "work", type: WorkEnvelope.type, redelivered: redelivered))
        case .command:
            let command = Cancellation(
                merchantID: "acme", reference: reference("d-1"), gateways: ["42"], since: Self.now, phase: .settling(0), word: .accepted)
            return await RetryStage(in: environment, flexFactor: paid, cancels: Cancels()).handle(
                IncomingMessage(body: command.encoded(), messageID: "command", type: Cancellation.type, redelivered: redelivered))
        }
    }

    private func letters(_ outcome: StageOutcome) throws -> [DeadLetter] {
        try outcome.publishing.filter { $0.destination == .deadLetters }.map { message in
            let letter = try DeadLetter.decode(message.body).get()
            #expect(message.messageID == letter.id.description && letter.reason == .toldOtherwise)
            return letter
        }
    }

    private func results(_ outcome: StageOutcome) -> [String] {
        outcome.publishing.compactMap { if case .results = $0.destination { $0.messageID } else { nil } }
    }

    /// It was told as expired; the message comes again, to whoever lives.
    @Test(arguments: Way.allCases) func itsLetterIsWrittenByWhoeverTellsItAgain(way: Way) async throws {
        claim(.told(.init(.expired, .known)), recovery("d-1"), telling: .expired(.atExpiry))
        let lost = await meet(way)
        let letter = try #require(try letters(lost).first)
        for other in Way.allCases {
            let again = await meet(other, redelivered: other == way)
            #expect(again.entry.hasLetter, "it is counted")
            #expect(results(again) == results(lost), "\(other)")
            // By whichever message: it is one letter.
            #expect(try letters(again).map(\.id) == [letter.id], "\(other)")
            #expect(try letters(again).first?.explanation == letter.explanation, "\(other)")
        }
    }

    /// The debt was paid by another recovery before.
    @Test(arguments: Way.allCases) func soIsTheLetterOfASecondPayment(way: Way) async throws {
        claim(.send(post: 1), recovery("d-1"))
        claim(.exists(answering: nil), recovery("d-1"))
        claim(.told(.init(.approved, .known)), recovery("d-0"), telling: .approved(.notified))
        let lost = await meet(way)
        let letter = try #require(try letters(lost).first)
        #expect(letter.explanation.contains("a second time"))
        let again = await meet(way, redelivered: true)
        #expect(results(again) == results(lost))
        #expect(try letters(again).map(\.id) == [letter.id])
    }

    @Test(arguments: Way.allCases) func whatStandsAgainstNothingIsToldAgainWithoutALetter(way: Way) async throws {
        claim(.send(post: 1), recovery("d-1"))
        claim(.exists(answering: nil), recovery("d-1"))
        let first = await meet(way)
        let again = await meet(way, redelivered: true)
        #expect(results(again) == results(first) && results(first).count == 1)
        #expect(!first.entry.hasLetter)
        #expect(try letters(first).isEmpty)
        #expect(try letters(again).isEmpty)
    }
}
