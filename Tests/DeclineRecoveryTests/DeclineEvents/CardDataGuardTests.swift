import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

@Suite struct CardDataGuardTests {
    static let brands = [
        ("4", 16), ("4", 13), ("4", 19), ("51", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3528", 16), ("3600", 14),
        ("6200", 16),
    ]

    @Test func everyBrandsNumberIsFoundHoweverItIsWritten() {
        for (start, length) in Self.brands {
            let number = CardNumbers.complete(start, length: length)
            let grouped = stride(from: 0, to: number.count, by: 4).map { String(number.dropFirst($0).prefix(4)) }
            for text in [
                number, grouped.joined(separator: " "), grouped.joined(separator: "-"), "pan=\(number);", "\"\(number)\"", "x\(number)y",
            ] {
                #expect(CardDataGuard.finding(in: text) == .cardNumber, "\(start) \(length): \(text)")
                #expect(!CardDataGuard.redacted(text).contains(number))
                #expect(CardDataGuard.finding(in: CardDataGuard.redacted(text)) == nil)
            }
        }
    }

    @Test(arguments: [
        "", "1234567890123456", "88123", "2026-01-02T03:04:05Z", "203.0.113.7", "+15550100200", "tok_4f3b9c0a",
        "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11",
    ])
    func whatIsNoCardNumberIsLeftAlone(text: String) {
        #expect(CardDataGuard.finding(in: text) == nil)
        #expect(CardDataGuard.redacted(text) == text)
    }

    @Test func aWrongCheckDigitIsNoCard() {
        let number = CardNumbers.visa
        let wrong = String(number.dropLast()) + (number.last == "0" ? "1" : "0")
        #expect(CardDataGuard.finding(in: wrong) == nil)
    }

    @Test(arguments: ["cvv", "CVC2", "card_cvv", "security-code", "verificationValue"])
    func aSecurityCodeIsKnownByItsName(name: String) {
        #expect(SecretName(name) == .securityCode)
        let redacted = String(decoding: CardDataGuard.redacted(Array(#"{"\#(name)":"999"}"#.utf8)), as: UTF8.self)
        #expect(!redacted.contains("999") && redacted.contains(CardDataMark.code))
    }

    @Test(arguments: ["cvvResultCode", "cvv_result", "citizenId", "code"])
    func aResultOfACheckIsNoSecurityCode(name: String) {
        #expect(SecretName(name) != .securityCode)
    }

    @Test func magneticStripesAreFound() {
        #expect(CardDataGuard.finding(in: "%B4000123412341234^BYRON/ADA^2912101") == .trackData)
        #expect(CardDataGuard.finding(in: ";4000123412341234=29121010000") == .trackData)
    }

    // MARK: Tokens

    private func redacted(_ text: String, sealing seal: (CardToken) -> SealedCard? = { _ in nil }) -> String {
        String(decoding: CardDataGuard.redacted(Array(text.utf8), sealing: seal), as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"paymentMethod":{"token":"CANARY","bin":"400012"}}"#, #"{"paymentMethod":{"encryptedCard":"sealed","bin":"400012"}}"#),
        (
            #"{"data":{"charge":{"paymentMethod":{"last4":"1234","token":"CANARY"}}}}"#,
            #"{"data":{"charge":{"paymentMethod":{"last4":"1234","encryptedCard":"sealed"}}}}"#
        ),
        // Only where a charge reads it; elsewhere nothing would open it again.
        (#"{"token":"CANARY"}"#, #"{"token":"[card token removed]"}"#),
        (#"{"payer":{"token":"CANARY"}}"#, #"{"payer":{"token":"[card token removed]"}}"#),
        (#"{"paymentMethod":[{"token":"CANARY"}]}"#, #"{"paymentMethod":[{"token":"[card token removed]"}]}"#),
        (#"{"paymentMethod":{"deep":{"token":"CANARY"}}}"#, #"{"paymentMethod":{"deep":{"token":"[card token removed]"}}}"#),
        // A message with both is refused; two cards in one would be refused as well.
        (
            #"{"paymentMethod":{"token":"CANARY","encryptedCard":"a.b.c.d.e"}}"#,
            #"{"paymentMethod":{"token":"[card token removed]","encryptedCard":"a.b.c.d.e"}}"#
        ),
        (#"{"paymentMethod":{"encryptedCard":"a.b.c.d.e"}}"#, #"{"paymentMethod":{"encryptedCard":"a.b.c.d.e"}}"#),
        (#"{"paymentMethod":{"token":null}}"#, #"{"paymentMethod":{"token":null}}"#),
    ])
    func aTokenIsSealedWhereItIsAPaymentMethodsAndRemovedElsewhere(text: String, sealed: String) {
        #expect(redacted(text) { _ in SealedCard("sealed") } == sealed)
        #expect(!redacted(text).contains("CANARY"))
    }

    @Test func theTokenThatIsSealedIsTheOneThatStoodThere() {
        var seen: [CardToken] = []
        _ = redacted(#"{"a":{"paymentMethod":{"token":"tok_1"}},"token":"tok_3","b":{"paymentMethod":{"token":"tok_2"}}}"#) {
            seen.append($0)
            return SealedCard("sealed")
        }
        #expect(seen == [CardToken("tok_1"), CardToken("tok_2")])
    }

    @Test func withoutAKeyATokenIsRemoved() {
        #expect(redacted(#"{"paymentMethod":{"token":"CANARY"}}"#) == #"{"paymentMethod":{"token":"[card token removed]"}}"#)
        #expect(redacted(#"{"paymentMethod":{"token":"CANARY"}}"#) { _ in nil } == #"{"paymentMethod":{"token":"[card token removed]"}}"#)
    }

    @Test func whatIsSealedIsCleanAndUnmarkedAndStaysAsItIs() throws {
        let bytes = Array(#"{"paymentMethod":{"token":"CANARY"},"n":[1,2.50,null,true,"x"]}"#.utf8)
        let once = CardDataGuard.redacted(bytes) { _ in SealedCard("sealed") }
        #expect(CardDataGuard.isClean(try JSONValue(parsing: once.span)) && !CardDataGuard.isMarked(once))
        #expect(CardDataGuard.redacted(once) == once)
    }

    /// A message is sealed anew each time it dies, and a replay sends what was sealed.
    @Test func theIdentityIsTheSameWithTheTokenInClearRemovedOrSealed() {
        func identity(_ card: String) -> String {
            let text = #"{"id":1,"paymentMethod":{"last4":"1234",\#(card)},"x":[{"y":2}]}"#
            return String(decoding: CardDataGuard.identity(of: Array(text.utf8)), as: UTF8.self)
        }
        let clear = identity(#""token":"CANARY""#)
        #expect(!clear.contains("CANARY") && clear.contains("1234") && clear.contains("[{\"y\":2}]"))
        for card in [#""token":"[card token removed]""#, #""encryptedCard":"sealed.1.b.c.d""#, #""encryptedCard":"sealed.2.b.c.d""#] {
            #expect(identity(card) == clear)
        }
        #expect(identity(#""last5":"1""#) != clear)
        // What nobody can read is told from others by its digest.
        #expect(CardDataGuard.identity(of: [0xFF, 0x31]) != CardDataGuard.identity(of: [0xFF, 0x32]))
        #expect(String(decoding: CardDataGuard.redacted([0xFF, 0x31]), as: UTF8.self).hasPrefix("[unreadable: 2 bytes, digest "))
        #expect(CardDataGuard.identity(of: Array(#"{"a":{"encryptedCard":"x"}}"#.utf8)) == Array(#"{"a":{"encryptedCard":"x"}}"#.utf8))
    }

    @Test(arguments: [
        (#"{"token":"t"}"#, false), (#"{"cvv":"1"}"#, false), (#"{"a":["\#(CardNumbers.visa)"]}"#, false),
        (#"{"a":\#(CardNumbers.visa)}"#, false),
        (#"{"\#(CardNumbers.visa)":1}"#, false), (#"{"encryptedCard":"a.b.c.d.e","last4":"1234"}"#, true),
        (#"{"cvv":null,"token":null}"#, true), ("7", true), ("null", true),
    ])
    func aValueIsCleanWhereNothingWouldBeTakenOut(text: String, isClean: Bool) throws {
        let bytes = Array(text.utf8)
        #expect(CardDataGuard.isClean(try JSONValue(parsing: bytes.span)) == isClean)
        let redacted = CardDataGuard.redacted(bytes)
        #expect(CardDataGuard.isMarked(redacted) == !isClean && !CardDataGuard.isMarked(bytes))
        #expect(CardDataGuard.isClean(try JSONValue(parsing: redacted.span)) || text.contains("token") || text.contains("cvv"))
    }

    @Test func noRedactedCopyHoldsACardWhateverSurroundsIt() {
        var random = SeededRandom(seed: 12)
        let noise: [Character] = Array("0123456789 -{}[]\",:abc\n\\u")
        for _ in 0..<3_000 {
            let (start, length) = Self.brands.randomElement(using: &random)!
            let number = CardNumbers.complete(start + String(Int.random(in: 0...999, using: &random)), length: length)
            func some() -> String { String((0..<Int.random(in: 0...8, using: &random)).map { _ in noise.randomElement(using: &random)! }) }
            let text = some() + "x" + number + "x" + some()
            #expect(!String(decoding: CardDataGuard.redacted(Array(text.utf8)), as: UTF8.self).contains(number), "\(text)")
        }
    }
}
