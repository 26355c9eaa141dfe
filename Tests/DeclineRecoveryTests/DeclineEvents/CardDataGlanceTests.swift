import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

/// What is not worth a search is told at a glance; that glance must never be what lets a card through.
@Suite struct CardDataGlanceTests {
    private static let pieces = [
        CardNumbers.visa, CardNumbers.complete("37", length: 15), "4", "737", "cvv", "CVV2", "card-number", "pan", "token", "apikey", "=",
        ":",
        "%3D", "&#61;", "\\u003d", "\"", ">", "<", " ", "\n", "\r\n", "-", "_", "/", "+", ";", "2026-11-26T03:56:00.123456+00:00",
        "3f2a77c1-d2e8-4a5f-b1c0-9d8e7f6a5b4c", "5f2b6c7d8e9f00112233445566778899", "decline-approve-0000123", "Straße", "４１１１", "é",
        "tok_",
        "https://crm.example.test", "%34%30", "&quot;", "=\n", "Q1ZWPTczNw==", "AVS:Y", "A", "x",
    ]

    private static func coded(_ text: String, _ random: inout SeededRandom) -> String {
        let hex = text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return Bool.random(using: &random) ? hex : Base64.encode(Array(text.utf8))
    }

    @Test(arguments: UInt64(1)...20) func wherePiecesOfCardsAreTheGlanceSeesReason(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var reasons = 0
        for _ in 0..<400 {
            var text = (0..<Int.random(in: 1...6, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? "" }.joined()
            if Int.random(in: 0..<4, using: &random) == 0 { text = Self.coded(text, &random) }
            let sees = CardDataGlance.seesReason(in: text)
            reasons += sees ? 1 : 0
            for isStrict in [true, false] where !sees {
                var scan = CardDataScan(isStrict: isStrict)
                #expect(scan.searchClosely(Array(text.utf8)).isEmpty, "\(text)")
            }
        }
        #expect((20...390).contains(reasons))
    }

    /// The texts that every event holds, or many: none of them is searched.
    @Test(arguments: [
        "2026-11-26T03:04:05.123456+00:00", "2026-11-26T03:04:05Z", "3f2a77c1-d2e8-4a5f-b1c0-9d8e7f6a5b4c", "https://crm.example.test",
        "decline-approve-0000123", "5f2b6c7d8e9f001122334455", "Do not honor", "ada@example.test", "+15550100", "1 Main Street",
        "9731184520",
        "Do not honor: 05", "4 AVS not supported for this card type",
    ])
    func whatEventsAreFullOfIsSeenToBeNothing(text: String) {
        #expect(!CardDataGlance.seesReason(in: text))
    }

    /// None of our own names is a secret's, or holds a number.
    @Test(arguments: OwnNames.names) func ourOwnNamesAreHarmless(name: String) {
        #expect(OwnNames.contains(name) && SecretName(name) == nil && CardDataGuard.finding(in: name) == nil)
        #expect(!OwnNames.contains(name + "x") && !OwnNames.contains(name.uppercased()))
    }
}
