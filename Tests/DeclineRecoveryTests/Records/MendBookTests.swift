import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

/// Which letters are done with when the CRM sends a mended event.
@Suite struct MendBookTests {
    private let run = UUID5.numbered(900)

    private func event(_ change: (inout DeclineText) -> Void = { _ in }) throws -> DeclineEvent {
        var text = DeclineText()
        change(&text)
        guard case .decline(let event) = CRMMessage.decode(text.bytes) else { throw Fault.noDecline }
        return event
    }

    private enum Fault: Error { case noDecline }

    /// A letter of the event with something wrong about it.
    private func letter(
        _ reason: DeadLetterReason = .invalidEvent, at seconds: Int64 = 0,
        _ change: (inout DeclineText) -> Void = { $0.data["amount"] = nil }
    ) -> DeadLetter {
        var text = DeclineText()
        change(&text)
        let body = String(decoding: text.bytes, as: UTF8.self)
        let json = try? JSONValue(parsing: text.bytes.span)
        return .sample(
            reason, message: text.root["id"], body: body, merchant: json?["data"]?["merchantId"]?.string.map(MerchantID.init(_:)),
            order: json?["data"]?["order"]?["id"]?.string, at: seconds)
    }

    private func resolves(_ letter: DeadLetter, _ event: DeclineEvent, trace: UUID5? = nil) -> Bool {
        var book = MendBook()
        #expect(book.take(letter) == nil)
        let resolved = book.passed(event, as: RecoveryReference(for: event), trace: trace, at: .in2026(60))
        let again = book.passed(event, as: RecoveryReference(for: event), trace: trace, at: .in2026(61))
        #expect(again.isEmpty, "a letter is resolved once")
        return resolved == [letter.id]
    }

    @Test func theSameEventOrTheSameOrderAndTriggerResolves() throws {
        #expect(try resolves(letter(), event()), "both")
        #expect(
            try resolves(
                letter(),
                event {
                    $0.root["id"] = #""another""#
                    $0.root["source"] = #""other""#
                }), "order and trigger")
        #expect(try resolves(letter { $0.data["order"] = #"{"type":"new_sale"}"# }, event()), "the event's id")
        #expect(try resolves(letter { $0.data["trigger"] = #""intial""# }, event()), "the event's id, where the trigger was the fault")
        #expect(
            try resolves(
                letter {
                    $0.data["merchantId"] = nil
                    $0.root["id"] = #""another""#
                }, event()), "the merchant was the fault")
        #expect(
            try resolves(letter(.unknownMerchant) { $0.data["merchantId"] = #""acmee""# }, event()),
            "the event's id, where the merchant was wrong")
        #expect(
            try resolves(
                letter {
                    $0.root["source"] = nil
                    $0.data["order"] = "7"
                }, event()), "the event's id of one merchant")
    }

    @Test func anotherDeclineResolvesNothing() throws {
        let other = try event {
            $0.root["id"] = #""another""#
            $0.data["order"] = #"{"id":"A2","type":"new_sale"}"#
        }
        #expect(!resolves(letter(), other))
        #expect(
            try !resolves(
                letter(),
                event {
                    $0.root["id"] = #""another""#
                    $0.data["merchantId"] = #""bold""#
                }), "another merchant's order of the name")
        let rerun = try event {
            $0.root["id"] = #""another""#
            $0.data["trigger"] = #""rerun""#
            $0.data["order"] = #"{"id":"A1","type":"new_sale","rerunNumber":1}"#
            $0.data["recovery"] = #"{"gatewayId":"42"}"#
        }
        #expect(!resolves(letter(), rerun), "another trigger")
        #expect(try !resolves(letter(.attemptsSpent), event()), "the CRM was told something else than to mend it")
        #expect(try !resolves(letter(.outcomeUnknown), event()))
    }

    @Test func aRebillIsMendedByTheSameChargeAlone() throws {
        func rebill(_ order: String, id: String) -> (inout DeclineText) -> Void {
            {
                $0.root["id"] = "\"\(id)\""
                $0.data["trigger"] = #""recycle""#
                $0.data["order"] = order
                $0.data["recovery"] = #"{"reattempt":4}"#
            }
        }
        let seventh = try event(rebill(#"{"id":"A1","type":"recurring","purchaseId":"88","billingCycle":7}"#, id: "mended"))
        let eighth = try event(rebill(#"{"id":"A1","type":"recurring","purchaseId":"88","billingCycle":8}"#, id: "next"))
        let whole = letter {
            rebill(#"{"id":"A1","type":"recurring","purchaseId":"88","billingCycle":7}"#, id: "faulty")(&$0)
            $0.data["amount"] = nil
        }
        #expect(resolves(whole, seventh) && !resolves(whole, eighth))
        let bare = letter { rebill(#"{"id":"A1","type":"recurring"}"#, id: "faulty")(&$0) }
        #expect(resolves(bare, seventh), "what the faulty event did not say is not asked for")
    }

    /// FlexFactor refused it, or its card did not open: intake had taken it in.
    @Test func aRecoveryThatWasRejectedLaterIsMendedAsWell() throws {
        let event = try event()
        let recovery = Recovery(
            of: event, as: RecoveryReference(for: event), by: .cascade, through: FlexFactorGateway(id: "42"),
            verdict: DeclineVerdict(declineClass: .soft, rule: "x"), policy: Policy(), reply: nil, now: .in2026(0))
        let letter = DeadLetter.sample(
            .refusedByFlexFactor, stage: .cascade, body: String(decoding: WorkEnvelope.encode(recovery), as: UTF8.self),
            reference: recovery.reference)
        #expect(try resolves(letter, self.event { $0.root["id"] = #""another""# }))
    }

    @Test func aReplayIsToldByItsRun() throws {
        let letter = letter()
        var book = MendBook()
        _ = book.take(letter)
        book.take(LetterRecord(id: .numbered(1), at: .in2026(1), by: .ada, act: .selected([letter.id], run: run, ReplayPlan(total: 1))))
        let event = try event()
        let trace = ReplayTrace.id(run: run, letter: letter.id)
        #expect(book.passed(event, as: RecoveryReference(for: event), trace: trace, at: .in2026(2)).isEmpty)
        #expect(
            book.passed(event, as: RecoveryReference(for: event), trace: nil, at: .in2026(3)) == [letter.id], "the CRM's own comes as well")
    }

    @Test func whatPeopleSawToIsLeftAlone() throws {
        for act in [LetterRecord.Act.discarded([letter().id]), .resolved([letter().id], .byHand)] {
            var book = MendBook()
            _ = book.take(letter())
            book.take(LetterRecord(id: .numbered(1), at: .in2026(1), by: .ada, act: act))
            let event = try event()
            #expect(book.passed(event, as: RecoveryReference(for: event), trace: nil, at: .in2026(2)).isEmpty && book.count == 0)
        }
    }

    /// A pod hears of a letter that another wrote only after it took the mended event in.
    @Test func anEventThatWasFasterThanItsLetterResolvesIt() throws {
        let event = try event()
        let reference = RecoveryReference(for: event)
        var book = MendBook()
        #expect(book.passed(event, as: reference, trace: nil, at: .in2026(60)).isEmpty)
        #expect(book.take(letter(at: 59)) == reference)
        #expect(book.take(letter(at: 61)) == nil, "it came after the good one")
        #expect(book.take(letter(at: -3_600)) == nil, "long ago: another event of the order may have been its repeat")
    }

    /// A pod takes events in while it reads what letters there are, however old.
    @Test func whatCameThroughBeforeTheLettersWereReadResolvesThemThen() throws {
        let event = try event()
        let reference = RecoveryReference(for: event)
        let old = letter(at: -86_400)
        let young = letter(at: 70) {
            $0.root["id"] = #""e2""#
            $0.data["amount"] = nil
        }
        let done = letter(at: -3_600) {
            $0.root["id"] = #""e3""#
            $0.data["amount"] = nil
        }
        var book = MendBook(isCaughtUp: false)
        #expect(book.take(old) == nil)
        #expect(book.passed(event, as: reference, trace: nil, at: .in2026(60)).isEmpty, "it may be resolved further on")
        #expect(book.take(done) == nil && book.take(young) == nil)
        book.take(LetterRecord(id: .numbered(1), at: .in2026(65), by: .ada, act: .discarded([done.id])))
        let resolved = book.caughtUp()
        #expect(resolved.map(\.letter) == [old.id] && resolved.map(\.by) == [reference])
        #expect(book.passed(event, as: reference, trace: nil, at: .in2026(80)) == [young.id], "from then on as ever")
    }

    @Test func aReplayResolvesItsLetterItselfAlsoAtTheBeginning() throws {
        let event = try event()
        let letter = letter()
        var book = MendBook(isCaughtUp: false)
        _ = book.passed(event, as: RecoveryReference(for: event), trace: ReplayTrace.id(run: run, letter: letter.id), at: .in2026(60))
        _ = book.take(letter)
        book.take(LetterRecord(id: .numbered(1), at: .in2026(50), by: .ada, act: .selected([letter.id], run: run, ReplayPlan(total: 1))))
        #expect(book.caughtUp().isEmpty)
    }

    @Test func theNumberOfLettersIsBounded() throws {
        var book = MendBook(limit: 10)
        for number in 0..<5_000 {
            _ = book.take(
                letter {
                    $0.root["id"] = "\"e\(number)\""
                    $0.data["order"] = #"{"id":"O\#(number)"}"#
                })
        }
        #expect(book.count == 10)
        let last = try event {
            $0.root["id"] = #""e4999""#
            $0.data["order"] = #"{"id":"O4999","type":"new_sale"}"#
        }
        #expect(book.passed(last, as: RecoveryReference(for: last), trace: nil, at: .in2026(1)).count == 1)
    }
}
