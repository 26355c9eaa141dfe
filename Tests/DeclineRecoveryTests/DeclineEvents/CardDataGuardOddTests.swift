import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

/// Bodies and tokens that are not as they should be.
@Suite struct CardDataGuardOddTests {
    private func redacted(_ text: String) -> String { String(decoding: CardDataGuard.redacted(Array(text.utf8)), as: UTF8.self) }

    /// Such a body is read for its answer, and what is found in it goes from its letter.
    @Test func whatBreaksARuleOfJSONIsRedactedAsItIsRead() {
        for body in [
            #"{"phone":"4111\ud83d1111\ud83d1111\ud83d1111"}"#, #"{"id":"4111\udc0011111111\udc001111"}"#,
            #"{"x":{"name":"cvv","value":"7373","value":"7373"}}"#,
        ] {
            let kept = redacted(body)
            #expect(!kept.contains("1111") && !kept.contains("7373"), "\(kept)")
        }
        let plain = #"{"name":"An\ud83d","name":"Ann"}"#
        #expect(redacted(plain) == plain)
    }

    /// What is no JSON is stored too (`unreadable`), and its token can charge the card as well.
    @Test(arguments: [
        #"{"paymentMethod":{"token":"CANARY"},}"#, #"{"paymentMethod":{"token":"CANARY"}"#,
        #"{"a":1,"a":2,"paymentMethod":{"token" : "CANARY"}}"#,
        "\u{FEFF}{\"token\":\"CANARY\"}", #"{"cvv":"CANARY"} trailing"#, #"{"card_cvv" : CANARY}"#, #"{"cvv":"CANARY","#,
        String(repeating: "[", count: 600) + #"{"token":"CANARY"}"# + String(repeating: "]", count: 600),
    ])
    func whatIsNotReadableKeepsNoTokenAndNoCode(text: String) { #expect(!redacted(text).contains("CANARY")) }

    @Test(arguments: [
        #"{"paymentMethod":{"token":["CANARY"]}}"#, #"{"paymentMethod":{"token":{"value":"CANARY"}}}"#,
        #"{"paymentMethod":{"token":777123}}"#,
    ])
    func aTokenOfAnotherKindIsNotKept(text: String) { #expect(!redacted(text).contains("CANARY") && !redacted(text).contains("777123")) }

    /// FlexFactor's ids are UUIDs. In one of some thousands the digits are a card number's, and without its id an order is not found.
    @Test(arguments: [
        "d35290d5-7668-4229-9233-7e43165233dc", "D35290D5-7668-4229-9233-7E43165233DC", "orders/d35290d5-7668-4229-9233-7e43165233dc?x=1",
    ])
    func aUUIDIsNoCardNumber(text: String) {
        #expect(CardDataGuard.finding(in: "5-7668-4229-9233-7") == .cardNumber, "its digits would be one")
        #expect(CardDataGuard.redacted(text) == text && CardDataGuard.finding(in: text) == nil)
    }

    @Test(arguments: [
        "d35290d5-7668-4229-9233-7e43165233dc4", "xd35290d5-7668-4229-9233-7e43165233dc", "d35290d5-7668-4229-9233-7e43165233dg",
        "35290d5-7668-4229-9233-7",
    ])
    func whatIsAlmostAUUIDIsLookedAt(text: String) { #expect(CardDataGuard.redacted(text) != text) }

    /// Ids without dashes: of a UUID, a database, a digest. A CRM whose events have such ids would lose one in some thousands.
    @Test(arguments: ["1a", "0f7c", "b"])
    func longHexadecimalIsNoCardNumber(start: String) {
        let number = "4000" + "0027" + "6000" + "3184"
        for length in [24, 32, 40, 64] {
            let text = start + number + String(repeating: "c0de", count: 16).prefix(length - start.count - number.count)
            #expect(CardDataGuard.finding(in: text) == nil && CardDataGuard.redacted("id " + text + ".") == "id " + text + ".", "\(text)")
            // One digit more or less, or a letter of another kind, and it is no id.
            for other in [text + "1", text + "g", "x" + text, String(text.dropLast())] {
                #expect(CardDataGuard.redacted(other) != other, "\(other)")
            }
        }
        // Two letters are no chance, and a number that is published for testing is no id's.
        #expect(CardDataGuard.finding(in: "a" + number + "b" + "00000000000000") != nil)
        #expect(CardDataGuard.finding(in: "abc" + "4242" + "4242" + "4242" + "4242" + "abcde") != nil)
    }

    /// Every form in which programs write times, in each minute: `56:00.123456+00:00` has fourteen digits, and Maestro's begin with 56.
    @Test func noTimeIsTakenForACard() {
        for minute in 0..<60 {
            for micro in stride(from: 100_003, to: 999_999, by: 9_973) {
                let (minute, hour) = (minute < 10 ? "0\(minute)" : "\(minute)", micro % 24 < 10 ? "0\(micro % 24)" : "\(micro % 24)")
                for zone in ["Z", "+00:00", "-05:30", "+0000", ""] {
                    for gap in ["T", " "] {
                        let time = "2026-11-26\(gap)\(hour):\(minute):0\(micro % 10).\(micro)\(zone)"
                        #expect(CardDataGuard.finding(in: time) == nil, "\(time)")
                    }
                }
            }
        }
        #expect(CardDataGuard.finding(in: "2026-11-26T01:56:00.123456789+00:00, and 4000" + "0027" + "6000" + "3184") != nil)
    }

    /// What only looks like one from afar may hide a number.
    @Test func whatIsNoTimeIsLookedAt() {
        for text in ["4000-00-27 60:00:31.84", "2026-11-26 4000" + ":0027:6000:3184", "2026-11-26T01:56:00.4000" + "002760003184"] {
            #expect(CardDataGuard.finding(in: text) == .cardNumber, "\(text)")
        }
    }

    @Test func noneOfManyRandomIDsIsTakenForACard() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<20_000 {
            let words = (0..<2).map { _ in String(random.next() as UInt64, radix: 16) }.map {
                String(repeating: "0", count: 16 - $0.count) + $0
            }
            #expect(CardDataGuard.finding(in: words.joined()) == nil, "\(words.joined())")
        }
    }

    /// Sealed as a token it would come back as one, and be sent to FlexFactor.
    @Test func aCardNumberInTheTokensPlaceIsNotSealed() throws {
        let number = "4000" + "0027" + "6000" + "3184"
        let bytes = CardDataGuard.redacted(Array(#"{"paymentMethod":{"token":"\#(number)"}}"#.utf8)) { _ in SealedCard("sealed") }
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"paymentMethod":{"token":"\#(CardDataMark.number)"}}"#)
    }

    /// An empty code is no card data (CRMMessage takes it), and must not keep a message from being replayed.
    @Test func anEmptySecurityCodeIsLeftAlone() {
        #expect(redacted(#"{"cvv":""}"#) == #"{"cvv":""}"#)
    }

    /// The reader takes null for absent; so must the sealing, or every letter of a CRM that writes both members needs a correction.
    @Test func aTokenBesideANullCardIsSealed() throws {
        let bytes = CardDataGuard.redacted(Array(#"{"paymentMethod":{"token":"t","encryptedCard":null}}"#.utf8)) { _ in SealedCard("sealed")
        }
        let method = try JSONValue(parsing: bytes.span)["paymentMethod"]
        #expect(
            CardDataGuard.identity(of: bytes)
                == CardDataGuard.identity(of: Array(#"{"paymentMethod":{"token":"t","encryptedCard":null}}"#.utf8)))
        #expect(method?["encryptedCard"]?.string == "sealed" && method?["token"] == nil && method?.object?.count == 1)
    }
}
