@testable import DeclineRecovery
import TestSupport
import Testing

@Suite struct CardDataGuardTests {
    static let brands = [("4", 16), ("4", 13), ("4", 19), ("51", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3528", 16), ("3600", 14), ("6200", 16)]

    @Test func everyBrandsNumberIsFoundHoweverItIsWritten() {
        for (start, length) in Self.brands {
            let number = CardNumbers.complete(start, length: length)
            let grouped = stride(from: 0, to: number.count, by: 4).map { String(number.dropFirst($0).prefix(4)) }
            for text in [number, grouped.joined(separator: " "), grouped.joined(separator: "-"), "pan=\(number);", "\"\(number)\"", "x\(number)y"] {
                #expect(CardDataGuard.finding(in: text) == .cardNumber, "\(start) \(length): \(text)")
                #expect(!CardDataGuard.redacted(text).contains(number))
                #expect(CardDataGuard.finding(in: CardDataGuard.redacted(text)) == nil)
            }
        }
    }

    @Test(arguments: ["", "1234567890123456", "88123", "2026-01-02T03:04:05Z", "203.0.113.7", "+15550100200", "tok_4f3b9c0a", "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11"])
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
        #expect(CardDataGuard.namesSecurityCode(name))
        let redacted = String(decoding: CardDataGuard.redacted(Array(#"{"\#(name)":"999"}"#.utf8)), as: UTF8.self)
        #expect(!redacted.contains("999") && redacted.contains(CardDataGuard.codeMark))
    }

    @Test(arguments: ["cvvResultCode", "cvv_result", "citizenId", "code"])
    func aResultOfACheckIsNoSecurityCode(name: String) {
        #expect(!CardDataGuard.namesSecurityCode(name))
    }

    @Test func magneticStripesAreFound() {
        #expect(CardDataGuard.finding(in: "%B4000123412341234^BYRON/ADA^2912101") == .trackData)
        #expect(CardDataGuard.finding(in: ";4000123412341234=29121010000") == .trackData)
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
