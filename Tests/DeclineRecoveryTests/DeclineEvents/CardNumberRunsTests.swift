import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

/// Card numbers among more digits than their own.
@Suite struct CardNumberRunsTests {
    private static let visa = CardNumbers.visa
    private static let amex = CardNumbers.complete("37", length: 15)

    private func unparsed(_ text: String) -> String { String(decoding: CardDataGuard.redactedUnparsed(Array(text.utf8)), as: UTF8.self) }

    @Test(arguments: [("4", 16), ("4", 13), ("37", 15), ("62", 19)])
    func zerosHideNoNumber(start: String, length: Int) {
        let number = CardNumbers.complete(start, length: length)
        for (before, behind) in [("0", ""), ("000", ""), ("0000", ""), ("", "0000"), ("00", "00"), ("PAN0000", ""), ("000000000000", "0")] {
            let text = "declined " + before + number + behind
            #expect(CardDataGuard.finding(in: text) == .cardNumber, "\(text)")
            #expect(!CardDataGuard.redacted(text).contains(number) && CardDataGuard.finding(in: CardDataGuard.redacted(text)) == nil)
            #expect(!unparsed("not JSON, " + text).contains(number), "\(text)")
        }
    }

    @Test(arguments: [" ", "", "\n", ", "]) func aDumpOfItsBytesHidesNoNumber(joint: String) {
        for number in [Self.visa, Self.amex, "0000" + Self.visa] {
            for text in [CardNumbers.dumped(number, joining: joint), CardNumbers.dumped("card \(number) gone", joining: joint)] {
                #expect(CardDataGuard.finding(in: text) == .cardNumber, "\(text)")
                #expect(CardDataGuard.finding(in: CardDataGuard.redacted(text)) == nil)
            }
        }
    }

    @Test func aChipsDataHidesNoNumber() {
        for text in ["5A08" + Self.visa, "5a08\(Self.visa)5F2403291231", "9F0607A00000000310105A08\(Self.visa)5F2403291231"] {
            #expect(CardDataGuard.finding(in: text) == .cardNumber && !CardDataGuard.redacted(text).contains(Self.visa), "\(text)")
            #expect(!unparsed("{" + text).contains(Self.visa))
        }
        #expect(CardDataGuard.finding(in: "5B08" + Self.visa) == nil && CardDataGuard.finding(in: "5A28" + Self.visa) == nil)
    }

    /// With its expiry behind it, as some systems write both.
    @Test(arguments: ["PAN:", "pan=", "card_number: ", "\"cardNumber\": \""]) func behindItsNameAnyLongNumberIsACards(name: String) {
        let text = name + Self.visa + "3112"
        #expect(CardDataGuard.finding(in: text) == .cardNumber && !CardDataGuard.redacted(text).contains(Self.visa))
        #expect(!unparsed("{" + text).contains(Self.visa))
    }

    @Test func aMemberOfItsNameIsTakenOutHoweverLongItIs() {
        let body = Array(#"{"pan":"\#(Self.visa)3112","cardNumber":"12345678901","note":"\#(Self.visa)3112"}"#.utf8)
        #expect(
            String(decoding: CardDataGuard.redacted(body), as: UTF8.self)
                == #"{"pan":"\#(CardDataMark.number)","cardNumber":"12345678901","note":"\#(Self.visa)3112"}"#)
    }

    /// What nobody can parse is only kept, and too much may go.
    @Test func inWhatIsNoJSONANumberIsFoundWithinALongerOne() {
        for text in [Self.visa + "3112", "7700" + Self.visa, "12345" + Self.visa + "3112000"] {
            #expect(CardDataGuard.finding(in: text) == nil && CardDataGuard.redacted(text) == text, "\(text)")
            #expect(!unparsed("not JSON, " + text).contains(Self.visa), "\(text)")
        }
    }

    /// A number in an id's place is an id, but for what is published for testing.
    @Test func zerosMakeNoIDOfATestNumber() throws {
        let test = "4" + String(repeating: "1", count: 15)
        for (order, isID) in [(Self.visa, true), ("0000" + Self.visa, true), (test, false), ("0000" + test, false)] {
            let bytes = Array(#"{"data":{"order":{"id":"\#(order)"}}}"#.utf8)
            let event = try JSONValue(parsing: bytes.span)
            #expect(IDPlaces(event).isID(.string(order), member: "id", of: "order") == isID, "\(order)")
        }
    }

    @Test(arguments: [
        "1764218883000", "0001764218883000", "1764218883000000000", "20261127045200000", "00020261127045200", "9400111899223100001234",
        "00340434161094042557", "0000000000000000", "00000000000000000000000000", "1000000000000000", "4000000000000000",
        "5000000000000000", "1Z9999W99999999999", "00000000-0000-0000-0000-000000000000", "3f2a77c1-d2e8-4a5f-b1c0-9d8e7f6a5b4c",
        "5A08", "5A0812345678",
        "34 30 31 32", "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30", "33 33 33 33", "0000-0042-1000",
        "1\(CardNumbers.visa)", "\(CardNumbers.visa)1", "\(CardNumbers.visa)3112", "00\(CardNumbers.visa)7", "7\(CardNumbers.visa)00",
    ])
    func whatIsNoNumberIsLeftAlone(text: String) {
        #expect(CardDataGuard.finding(in: text) == nil && CardDataGuard.redacted(text) == text)
    }

    /// No more than check digit and issuer leave to chance.
    @Test(arguments: ["", "0", "0000"]) func fewIDsThatZerosFillUpAreTakenForCards(zeros: String) {
        var random = SeededRandom(seed: 21)
        var found = 0
        for _ in 0..<3_000 {
            let digits = (0..<16).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
            if CardDataGuard.finding(in: "order " + zeros + digits) != nil { found += 1 }
        }
        #expect(found < 200, "\(found) of 3,000")
    }
}
