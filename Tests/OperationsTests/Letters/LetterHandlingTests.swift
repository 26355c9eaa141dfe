import JSON
import TestSupport
import Testing

@testable import DeclineRecovery
@testable import Operations

/// What may be done with a letter follows from why it died and what was taken out of it.
@Suite struct LetterHandlingTests {
    private static let table: [(DeadLetterReason, LetterHandling, told: ResultKind?)] = [
        (.unreadable, .editFirst, nil), (.invalidEvent, .editFirst, .rejected), (.cardDataInClear, .editFirst, .rejected),
        (.unknownMerchant, .replay, .rejected), (.unexpectedType, .replay, nil), (.noCardKey, .replay, .rejected),
        (.cardUnusable, .replay, .rejected),
        (.attemptsSpent, .replay, .skipped), (.cancelFailed, .replay, nil), (.refusedByFlexFactor, .replay, .rejected),
        (.unroutable, .replay, nil), (.toldOtherwise, .replay, nil), (.droppedByBroker, .replay, nil), (.untrustedWebhook, .replay, nil),
        (.refundUnknown, .replay, nil), (.outcomeUnknown, .reconcile, nil),
    ]

    @Test func theTableHasEveryReason() {
        // What crashes workers depends on where.
        #expect(Set(Self.table.map(\.0) + [.crashesWorkers]) == Set(DeadLetterReason.allCases))
        #expect(Self.table.count + 1 == DeadLetterReason.allCases.count)
    }

    @Test(arguments: Stage.allCases)
    func whatCrashesWorkersMayBeChargedWhereSomebodyCharges(stage: Stage) {
        let letter = DeadLetter.sample(.crashesWorkers, stage: stage)
        #expect(letter.handling == (stage == .intake || stage == .outcomes ? .replay : .reconcile))
    }

    /// The CRM's order to cancel charges nobody, and may be carried out later.
    @Test func aCancelCommandThatCrashedWorkersIsReplayed() {
        #expect(DeadLetter.sample(.crashesWorkers, stage: .retry, type: Cancellation.type).handling == .replay)
    }

    /// Nobody was told anything of a cancel command without a merchant.
    @Test func aCommandOfAnUnknownMerchantIsAnsweredAsADeclineIs() {
        #expect(DeadLetter.sample(.unknownMerchant, body: #"{"type":"\#(CancelCommand.type)"}"#).crmWasTold == .rejected)
    }

    /// The CRM can only be told of what names its order, or has an id by which it can be called.
    @Test(
        arguments: [
            ("m-1", nil, "{}", true), (nil, "A1", "{}", true), (nil, nil, #"{"id":"d-1"}"#, true), (nil, nil, "{}", false),
            ("", nil, "[1]", false), (nil, nil, #"{"id":""}"#, false), (nil, nil, #"{"id":7}"#, false),
            (nil, nil, #"{"id":"\#(CardDataMark.number)"}"#, false),
            (nil, nil, #"{"id":"\#(String(repeating: "x", count: 129))"}"#, false),
        ] as [(String?, String?, String, Bool)])
    func whatNamesNothingWasToldToNobody(message: String?, order: String?, body: String, isTold: Bool) {
        for reason in [DeadLetterReason.invalidEvent, .cardDataInClear] {
            let letter = DeadLetter.sample(reason, message: message, body: body, order: order)
            #expect(letter.crmWasTold == (isTold ? .rejected : nil) && letter.isForCRM == isTold)
        }
    }

    @Test func whatWasCutIsNotSentAsItIs() {
        let letter = DeadLetter.sample(.unexpectedType, body: #"{"a":"#, isTruncated: true)
        #expect(letter.handling == .editFirst && letter.handlingSentence.contains("only its beginning is kept"))
    }

    @Test(arguments: table)
    func aReasonSaysWhatMayBeDone(reason: DeadLetterReason, handling: LetterHandling, told: ResultKind?) {
        for stage in Stage.allCases {
            let letter = DeadLetter.sample(reason, stage: stage)
            #expect(letter.handling == handling && letter.crmWasTold == told && reason.crmWasTold == told)
            #expect(letter.needsCRMConsent == (reason == .attemptsSpent) && reason.needsCRMConsent == letter.needsCRMConsent)
            #expect(letter.mayBeCharged == (handling == .reconcile))
        }
    }

    /// Where card data was taken out, the message can only succeed with a card put in; an unknown outcome is not sent again with one.
    @Test(arguments: table)
    func removedCardDataMeansEditFirst(reason: DeadLetterReason, handling: LetterHandling, told: ResultKind?) {
        for mark in [CardDataMark.token, CardDataMark.number, CardDataMark.code] {
            let letter = DeadLetter.sample(reason, body: #"{"data":{"paymentMethod":{"x":"\#(mark)"}}}"#)
            #expect(letter.handling == (handling == .reconcile ? .reconcile : .editFirst), "\(mark)")
        }
        #expect(DeadLetter.sample(reason, body: #"{"encryptedCard":"a.b.c.d.e","note":"[card removed]"}"#).handling == handling)
    }

    @Test(arguments: [
        (DeadLetterReason.unreadable, "{", "no JSON"), (.invalidEvent, "{}", "has faults"), (.cardDataInClear, "{}", "encryptedCard"),
        (.noCardKey, "[card token removed]", "encryptedCard"), (.noCardKey, "{}", "as soon as"), (.attemptsSpent, "{}", "`skipped`"),
        (.outcomeUnknown, "{}", "never sent again"), (.outcomeUnknown, "[card token removed]", "never sent again"),
    ])
    func theSentenceSaysWhy(reason: DeadLetterReason, body: String, words: String) {
        #expect(DeadLetter.sample(reason, body: body).handlingSentence.contains(words))
    }

    /// "Add the merchant, then replay it" is not all of it where the card is gone.
    @Test(arguments: [
        (DeadLetterReason.unknownMerchant, "[card token removed]", "card data was removed from it"),
        (.cardDataInClear, "[card number removed]", "card data was removed from it"),
        (.invalidEvent, "{}", "it has faults"), (.unreadable, "{", "no JSON"),
    ])
    func aRefusalSaysWhatIsLacking(reason: DeadLetterReason, body: String, words: String) throws {
        let summary = LetterSummary(.sample(reason, body: body), explanation: "", trace: nil, at: 0)
        let why = try #require(LetterAction.Kind.replay.refusal(of: summary))
        #expect(why.hasPrefix("it cannot succeed as it is: ") && why.contains(words))
        #expect(LetterAction.Kind.replay.refusal(of: summary, isCorrected: true) == nil)
        let group = try #require(LetterGroup.of([summary]).first)
        #expect(group.advice.hasPrefix(reason.advice) && group.advice.contains("`salvage keys seal`") == (reason == .unknownMerchant))
    }

    @Test(arguments: [
        ("", "a", false), ("a", "", false), ("a", "a", true), ("ab", "b", true), ("aaab", "aab", true), ("abab", "abb", false),
        ("ab", "abc", false),
        ("A", "a", false), ("xx[card token removed]", "[card token removed]", true), ("[card token removed", "[card token removed]", false),
    ])
    func aTextIsFoundWhereItsBytesStand(text: String, wanted: String, isThere: Bool) {
        #expect(Array(text.utf8).contains(text: wanted) == isThere)
    }
}
