import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Pipeline

@Suite struct LetterWriterTests {
    private let now = Moment(milliseconds: 1_800_000_000_000)
    private static let body = Array(
        #"{"data":{"order":{"id":"A1"},"paymentMethod":{"token":"tok_CANARY","last4":"1234"},"note":{"token":"tok_CANARY"},"cvv":"987"}}"#
            .utf8)

    private func message(_ body: [UInt8] = body, id: String? = nil, redelivered: Bool = false) -> IncomingMessage {
        IncomingMessage(
            body: body, contentType: "application/json", messageID: id, type: "t", correlationID: "c", replyTo: "amq.gen-1",
            traceparent: "trace",
            headers: [("source", "crm")], exchange: "recovery.declines", routingKey: "decline.initial", redelivered: redelivered)
    }

    private func letter(
        _ message: IncomingMessage, _ vault: Vault, _ stage: Stage = .intake, _ reason: DeadLetterReason = .noCardKey
    ) throws -> DeadLetter {
        let writer = LetterWriter(stage: stage, worker: .sample, cards: vault)
        let outgoing = writer.letter(
            message, because: reason, explanation: "why", faults: [FieldError(path: "$.a", message: "wrong")],
            subject: DeadLetter.Subject(merchantID: "acme", orderID: "A1"), attempts: 2, now: now)
        let letter = try DeadLetter.decode(outgoing.body).get()
        #expect(outgoing.destination == .deadLetters && outgoing.type == DeadLetter.type && outgoing.traceparent == "trace")
        #expect(outgoing.messageID == letter.id.description)
        return letter
    }

    @Test func aLetterHoldsTheMessageAndHowItCame() throws {
        let letter = try letter(message(id: "m-1", redelivered: true), Vault(hasKey: true), .retry, .cardUnusable)
        #expect(
            letter.reason == .cardUnusable && letter.stage == .retry && letter.attempts == 2 && letter.explanation == "why"
                && letter.writtenAt == now
        )
        #expect(
            letter.faults == [FieldError(path: "$.a", message: "wrong")] && letter.subject.merchantID == "acme" && letter.worker == .sample)
        let original = letter.original
        #expect(
            original.exchange == "recovery.declines" && original.routingKey == "decline.initial" && original.redelivered
                && original.messageID == "m-1")
        #expect(
            original.type == "t" && original.contentType == "application/json" && original.correlationID == "c"
                && original.replyTo == "amq.gen-1")
        #expect(
            original.headers == [DeadLetter.Original.Header(name: "source", value: "crm")] && original.originalByteCount == Self.body.count)
    }

    @Test func noStoredBodyHoldsATokenOrASecurityCode() throws {
        for vault in [Vault(hasKey: true), Vault(hasKey: false)] {
            let text = String(decoding: try letter(message(), vault).encoded(), as: UTF8.self)
            #expect(!text.contains("CANARY") && !text.contains("987"))
        }
    }

    /// The broker takes no letter that is too long, and would break the connection off for it again and again.
    @Test(arguments: ["\u{1}", "a", "\u{20AC}", "{\"token\":\"CANARY\"}"])
    func ofAHugeBodyTheBeginningIsKept(filling: String) throws {
        let body = Array(String(repeating: filling, count: (3 << 20) / filling.utf8.count).utf8)
        let letter = try letter(message(body, id: "m-1"), Vault(hasKey: true), .intake, .unreadable)
        #expect(letter.original.isTruncated && letter.original.originalByteCount == body.count && letter.handling == .editFirst)
        #expect(letter.encoded().count < 1 << 20)
        #expect(String(validating: letter.original.redactedBody, as: UTF8.self) != nil)
        #expect(!String(decoding: letter.encoded(), as: UTF8.self).contains("CANARY"))
    }

    @Test func aCardNumberAtTheCutIsNotKeptInPart() throws {
        let number = "4000" + "0027" + "6000" + "3184"
        for offset in 0...20 {
            let body = Array(
                (String(repeating: "a ", count: JSONLimits().bytes / 2).dropLast(offset) + number + String(repeating: "b", count: 5_000))
                    .utf8)
            let letter = try letter(message(body, id: "m-1"), Vault(hasKey: true), .intake, .unreadable)
            #expect(!letter.original.redactedBody.contains(text: "40000027"), "\(offset)")
        }
    }

    @Test func theSameIDOfAnotherSourceIsAnotherLetter() throws {
        let ids = try ["a", "b"].map { try letter(message(Array(#"{"source":"\#($0)"}"#.utf8), id: "1"), Vault(hasKey: true)).id }
        #expect(ids[0] != ids[1])
    }

    @Test func aVaultThatSealsMakesAnEncryptedCardOfTheToken() throws {
        let sealed = try letter(message(), Vault(hasKey: true))
        let method = sealed.original.json?["data"]?["paymentMethod"]
        #expect(method?["encryptedCard"]?.string == "sealed.1.b.c.d" && method?["token"] == nil && method?["last4"]?.string == "1234")
        // Only where a charge would read it.
        #expect(sealed.original.json?["data"]?["note"]?["token"]?.string == CardDataMark.token)

        let removed = try letter(message(), Vault(hasKey: false))
        #expect(
            removed.original.json?["data"]?["paymentMethod"]?["token"]?.string == CardDataMark.token && removed.handling == .editFirst)
    }

    /// A message without marks may be sent again as it is: sealing is what makes a replay possible.
    @Test func aSealedMessageMayBeReplayedAndARemovedTokenMustBePutBack() throws {
        let plain = message(Array(#"{"paymentMethod":{"token":"tok_CANARY"}}"#.utf8))
        #expect(try letter(plain, Vault(hasKey: true)).handling == .replay)
        #expect(try letter(plain, Vault(hasKey: false)).handling == .editFirst)
    }

    @Test func theIDIsTheSameHoweverTheTokenWasSealed() throws {
        let vault = Vault(hasKey: true)
        let letters = try [
            letter(message(), vault), letter(message(redelivered: true), vault), letter(message(), Vault(hasKey: false)),
            letter(message(), Vault(hasKey: true)),
        ]
        #expect(Set(letters.map(\.id)).count == 1)
        #expect(letters[0].original.redactedBody != letters[1].original.redactedBody)
        #expect(try letter(message(id: "m-1"), vault).id != letters[0].id)
        #expect(try letter(message(id: "m-1"), vault).id == letter(message(Array("{}".utf8), id: "m-1"), Vault(hasKey: false)).id)
        #expect(try letter(message(Array(#"{"data":{"order":{"id":"A2"}}}"#.utf8)), vault).id != letters[0].id)
    }

    @Test func aReplayThatDiesOfTheSameCauseIsTheSameLetter() throws {
        let vault = Vault(hasKey: true)
        let first = try letter(message(Array(#"{"paymentMethod":{"token":"tok_CANARY","last4":"1234"}}"#.utf8)), vault)
        let replayed = try letter(message(first.original.redactedBody), vault)
        #expect(replayed.id == first.id)
        #expect(try letter(message(Array(#"{"paymentMethod":{"token":"tok_CANARY","last4":"1235"}}"#.utf8)), vault).id != first.id)
    }

    @Test func aRecoveryOnItsWayComesBackFromItsLetter() throws {
        let recovery = Recovery.sample(declinedAt: now)
        let letter = try letter(message(WorkEnvelope.encode(recovery)), Vault(hasKey: true), .cascade, .outcomeUnknown)
        guard case .recovery(let back) = WorkEnvelope.decode(letter.original.redactedBody) else {
            Issue.record("the letter holds no recovery")
            return
        }
        #expect(back.charge?.paymentMethod.card == .encrypted(SealedCard("sealed.1.b.c.d")))
        #expect(back.reference == recovery.reference && back.charge?.billing == recovery.charge?.billing)
    }

    @Test func aCardNumberInAHeaderIsRemoved() throws {
        let number = "4000123412341" + "234"
        let valid = (0...9).map { "4000123412341\("00")\($0)" }.first { CardDataGuard.finding(in: $0) == .cardNumber }
        let found = try #require(valid)
        let writer = LetterWriter(stage: .intake, worker: .sample, cards: Vault(hasKey: false))
        let outgoing = writer.letter(
            IncomingMessage(body: [0xFF], headers: [("pan", .string(found)), ("plain", .string(number))]), because: .unreadable,
            explanation: "", now: now)
        let letter = try DeadLetter.decode(outgoing.body).get()
        #expect(
            letter.original.headers[0].value == .string(CardDataMark.number)
                && String(decoding: letter.original.redactedBody, as: UTF8.self).hasPrefix("[unreadable: 1 bytes"))
    }

    @Test func whatNobodyCanBeAnsweredAboutIsALetterAndNothingElse() throws {
        let writer = LetterWriter(stage: .outcomes, worker: .sample, cards: Vault(hasKey: false))
        let handled = writer.deadLetter(
            message(id: "m-1"), because: .unexpectedType, explanation: "why", subject: DeadLetter.Subject(merchantID: "acme"), attempts: 4,
            now: now)
        #expect(handled.publishing.count == 1 && handled.publishing[0].destination == .deadLetters)
        #expect(
            handled.entry.fate == .deadLettered(.unexpectedType) && handled.entry.merchantID == "acme" && handled.entry.attempts == 4)
        let letter = try DeadLetter.decode(handled.publishing[0].body).get()
        #expect(letter.stage == .outcomes && letter.reason == .unexpectedType && letter.attempts == 4)
    }

    /// The broker takes no letter that is too long, and marks can make a body longer than it came.
    @Test(arguments: [
        "\"cvv\":1,", "\\", "\u{1}x", "%34", "4000 0027 6000 3184 ",
    ])
    func aLetterStaysBelowAMegabyteWhateverItsBodyBecomes(filling: String) throws {
        let body = Array(String(repeating: filling, count: JSONLimits().bytes / filling.utf8.count).utf8)
        let headers = (0..<500).map { ("h\($0)", JSONValue.string(String(repeating: "v", count: 1_000))) }
        let writer = LetterWriter(stage: .intake, worker: .sample, cards: Vault(hasKey: false))
        let faults = (0..<5_000).map { FieldError(path: "$.\($0)", message: String(repeating: "m", count: 600)) }
        let outgoing = writer.letter(
            IncomingMessage(body: body, messageID: "m", headers: headers), because: .invalidEvent,
            explanation: String(repeating: "e", count: 100_000), faults: faults,
            now: now)
        #expect(outgoing.body.count < 1 << 20)
        let letter = try DeadLetter.decode(outgoing.body).get()
        #expect(letter.original.headers.last?.name == "(more headers)" && letter.faults.last?.message.contains("more faults") == true)
    }

    @Test func ofABodyThatWasCutOnTheWayTheLengthIsKept() throws {
        let letter = try letter(
            IncomingMessage(body: Self.body, byteCount: 30_000_000, messageID: "m", traceparent: "trace"), Vault(hasKey: true))
        #expect(
            letter.original.isTruncated && letter.original.originalByteCount == 30_000_000
                && !String(decoding: letter.encoded(), as: UTF8.self).contains("CANARY"))
    }

    /// Headers and properties are stored as well.
    @Test func aHeaderThatHoldsASecurityCodeOrATokenKeepsNeither() throws {
        let writer = LetterWriter(stage: .intake, worker: .sample, cards: Vault(hasKey: false))
        let outgoing = writer.letter(
            IncomingMessage(body: [], headers: [("cvv", "CANARY"), ("token", "CANARY")]), because: .unreadable, explanation: "",
            now: now)
        #expect(!String(decoding: outgoing.body, as: UTF8.self).contains("CANARY"))
    }

    @Test func aMessageIDThatIsACardNumberIsNotStored() throws {
        let number = try #require((0...9).map { "4000123412341" + "00\($0)" }.first { CardDataGuard.finding(in: $0) == .cardNumber })
        let writer = LetterWriter(stage: .intake, worker: .sample, cards: Vault(hasKey: false))
        let outgoing = writer.letter(
            IncomingMessage(body: [], messageID: "order \(number)", correlationID: number, routingKey: number), because: .unreadable,
            explanation: "", now: now)
        #expect(!String(decoding: outgoing.body, as: UTF8.self).contains(number))
    }
}
