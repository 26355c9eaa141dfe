import DeclineRecovery
import JSON
import Pipeline
import TestSupport
import Testing

@testable import Operations

/// What it costs not to act is said of every letter, and true.
@Suite struct LetterStakesTests {
    private static let start = OperatorWorld.start
    private static let merchants = Merchants(
        Merchant(
            id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42", expiryDays: 9)], gateways: [Gateway(id: "7", type: "nmi")]))

    private func stakes(_ letter: DeadLetter, after span: Moment.Span = .days(1)) -> LetterStakes {
        LetterStakes(letter, merchants: Self.merchants, now: Self.start + span)
    }

    @Test func ofADeclineWhoseCustomerWaitsTheTimeIsTold() {
        let letter = OperatorWorld.declined("A")
        let now = stakes(letter, after: .seconds(20))
        #expect(now.amount == Money(minorUnits: 4_999, currency: .usd) && now.money == .untouched && now.customerWaits)
        #expect(now.until == Self.start + .seconds(60))
        #expect(now.sentences.first == "USD 49.99 was not charged for this message: it is lost as a sale unless somebody acts.")
        let later = stakes(letter)
        #expect(!later.customerWaits && later.sentences.contains { $0.contains("As a rerun it can still be tried") })
    }

    @Test func ofARerunTheDaysAreTold() {
        let stakes = stakes(OperatorWorld.declined("A", trigger: #""rerun","recovery":{"gatewayId":"42"}"#, order: #","rerunNumber":1"#))
        #expect(stakes.until == nil && !stakes.customerWaits && stakes.sentences.contains { $0.contains("for 9 days") })
    }

    @Test func ofARecoveryItsOwnTimeIsTold() {
        let letter = OperatorWorld.letter("A")
        let before = stakes(letter, after: .seconds(1))
        #expect(before.money == .untouched && before.until == Self.start + .seconds(60) && before.customerWaits)
        #expect(stakes(letter).sentences.contains { $0.contains("Its time is over") })
    }

    @Test(arguments: [
        (DeadLetterReason.outcomeUnknown, LetterStakes.Whereabouts.mayBeTaken, "may have been taken, and nobody knows"),
        (.toldOtherwise, .taken, "the customer pays twice"), (.refundUnknown, .mayBeReturned, "nobody knows whether it was"),
        (.crashesWorkers, .mayBeTaken, "may have been taken"), (.attemptsSpent, .untouched, "may have charged it by its own rules"),
    ])
    func whereTheMoneyIsTheReasonSays(reason: DeadLetterReason, money: LetterStakes.Whereabouts, said: String) {
        let stakes = stakes(OperatorWorld.letter("A", reason))
        #expect(stakes.money == money && stakes.sentences.contains { $0.contains(said) }, "\(stakes.sentences)")
        #expect(money == .untouched || stakes.until == nil && !stakes.customerWaits)
    }

    /// What came to the wrong queue, and nobody can read.
    @Test func whatNobodyCanReadIsNotSaidToBeUncharged() {
        let letter = DeadLetter.sample(.unexpectedType, stage: .retry, merchant: "acme", order: "A", at: 1)
        #expect(stakes(letter).money == .mayBeTaken)
    }

    /// Faults elsewhere in a message do not hide what it is about.
    @Test func anAmountIsReadBesideFaults() {
        let letter = OperatorWorld.declined("A", trigger: "7", reason: .invalidEvent)
        let stakes = stakes(letter)
        #expect(stakes.amount?.minorUnits == 4_999 && stakes.sentences.contains { $0.contains("may send it again by itself") })
    }

    @Test(arguments: DeadLetterReason.allCases, Stage.allCases)
    func everyLetterHasSomethingAtStake(reason: DeadLetterReason, stage: Stage) {
        for body in ["", "{}", "[1]", #"{"data":{"amount":{"minorUnits":-1,"currency":"?"}}}"#] {
            let letter = DeadLetter(
                reason: reason, explanation: "", stage: stage, subject: DeadLetter.Subject(),
                original: DeadLetter.Original(
                    exchange: "", routingKey: "", redelivered: false, messageID: nil, type: nil, contentType: nil, correlationID: nil,
                    replyTo: nil, headers: [], redactedBody: Array(body.utf8), originalByteCount: body.utf8.count),
                identity: [], worker: .sample, writtenAt: Self.start)
            #expect(!stakes(letter).sentences.isEmpty && stakes(letter).amount == nil)
        }
    }
}
