import TestSupport
import Testing

@testable import DeclineRecovery

/// Bytes that nobody parses: a body that is no JSON, or one that must not be read any more.
@Suite struct CardDataGuardBytesTests {
    private func redacted(_ text: String) -> String { String(decoding: CardDataGuard.redactedUnparsed(Array(text.utf8)), as: UTF8.self) }

    @Test(arguments: [
        (#"{"token":"SECRET","a":1}"#, #"{"token":"[card token removed]","a":1}"#),
        (#"{"token" : "SECRET" , "a":1"#, #"{"token" : "[card token removed]" , "a":1"#),
        (#"not JSON {"token":"SECRET"#, #"not JSON {"token":"[card token removed]""#),
        (#"{"token":"a\"SECRET\\","b":2}"#, #"{"token":"[card token removed]","b":2}"#),
        (#"{"to\u006Ben":"SECRET"}"#, #"{"to\u006Ben":"[card token removed]"}"#),
        (#"{"a":"unclosed, "token":"SECRET"}"#, #"{"a":"unclosed, "token":"[card token removed]"}"#),
        (#"{"token":SECRET,"b":2}"#, #"{"token":"[card token removed]","b":2}"#),
        (#"{"token":["SECRET",{"x":"]SECRET"}],"b":2}"#, #"{"token":"[card token removed]","b":2}"#),
        (#"{"token":{"x":"SECRET"#, #"{"token":"[card token removed]""#),
        (#"{"cvv": 917, "b":2"#, #"{"cvv": "[security code removed]", "b":2"#),
        (
            #"{"a":{"token":"SECRET"},"c":{"token":"SECRET"}"#,
            #"{"a":{"token":"[card token removed]"},"c":{"token":"[card token removed]"}"#
        ),
    ])
    func theValueOfATokenAndOfASecurityCodeGoesHoweverBrokenItsSurroundingsAre(text: String, expected: String) {
        #expect(redacted(text) == expected)
    }

    @Test(arguments: [
        "", "\"", "\"token\"", "\"token\":", "\"token\":\\", "{\"token\":null}", "{\"tokens\":\"x\"}", "token", "\"\\u00\"", "\"tok\\",
    ])
    func whatHoldsNoSecretStaysAsItIs(text: String) {
        #expect(redacted(text) == text || redacted(text).contains(CardDataMark.token))
        if !text.hasPrefix("\"token\":") { #expect(redacted(text) == text) }
    }

    @Test func cardNumbersGoAsTheyDoElsewhere() {
        #expect(redacted("x \(CardNumbers.visa) y") == "x \(CardDataMark.number) y")
    }

    @Test func whatIsNoJSONLosesItsTokenOnTheOrdinaryWayToo() {
        #expect(!String(decoding: CardDataGuard.redacted(Array(#"{"token":"SECRET""#.utf8)), as: UTF8.self).contains("SECRET"))
    }

    @Test func noCutAndNoNoiseBringsASecretThrough() {
        var random = SeededRandom(seed: 5)
        let noise = Array("\"\\:,{}[] \n0u".utf8) + [0xC3, 0x00]
        let whole = Array(#"{"data":{"paymentMethod":{"token":"SECRET-TOKEN","cvc":"SECRET-CODE","last4":"1111"}}}"#.utf8)
        for _ in 0..<5_000 {
            var bytes = whole
            // Breaks what stands before the secrets, or what comes behind them; a name that is broken is no name.
            let head = (0..<Int.random(in: 0...6, using: &random)).map { _ in noise.randomElement(using: &random)! }
            bytes = head + bytes
            bytes.removeLast(Int.random(in: 0...20, using: &random))
            let text = String(decoding: CardDataGuard.redactedUnparsed(bytes), as: UTF8.self)
            #expect(!text.contains("SECRET"), "\(String(decoding: bytes, as: UTF8.self))")
        }
    }
}
