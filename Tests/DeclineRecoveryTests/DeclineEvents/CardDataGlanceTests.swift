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
        "https://crm.example.test", "%34%30", "&quot;", "=\n", "Q1ZWPTczNw==", "AVS:Y", "A", "x", "0000", "5A08",
        CardNumbers.dumped(CardNumbers.visa),
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

    /// Whoever doubts too soon would let a coded card through.
    @Test(arguments: UInt64(1)...10) func whatIsGivenUpEarlyIsNeverReadable(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var certain = 0
        for _ in 0..<2_000 {
            let count = Int.random(in: 12...60, using: &random)
            let oddOnes = Int.random(in: 0...3, using: &random)
            let bytes = (0..<count).map { _ in
                oddOnes > 0 && Int.random(in: 0..<8, using: &random) < oddOnes
                    ? [UInt8.random(in: 0...255, using: &random), 0, 7, 0xC3, 0xA9, 0xF0].randomElement(using: &random) ?? 0
                    : UInt8.random(in: 0x20..<0x7F, using: &random)
            }
            for start in [[], [0x1F, 0x8B, 8, 0], [0x78, 0x9C], Array("é４".utf8)] as [[UInt8]] {
                let bytes = start + bytes
                var doubt = ReadingDoubt(of: bytes.count)
                guard bytes.contains(where: { doubt.isCertain(after: $0) }) else { continue }
                certain += 1
                #expect(!bytes.withUnsafeBufferPointer { CardDataScan.isReadable($0) }, "\(bytes)")
            }
        }
        #expect(certain > 500)
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

    /// A message as a JSON value with pieces of cards as names and values, in lists and objects.
    private static func value(_ depth: Int, _ random: inout SeededRandom) -> JSONValue {
        func text() -> String {
            (0..<Int.random(in: 0...3, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        }
        switch Int.random(in: depth > 3 ? 3...7 : 0...7, using: &random) {
        case 0: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth + 1, &random) })
        case 1, 2:
            var names: [String] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let name =
                    [
                        OwnNames.names.randomElement(using: &random) ?? "",
                        ["name", "value", "data", "field", "text", "token"].randomElement(using: &random) ?? "", text(),
                    ]
                    .randomElement(using: &random) ?? ""
                if !names.contains(where: { $0.hasSameCodePoints(as: name) }) { names.append(name) }
            }
            return .object(names.map { JSONValue.Member($0, value(depth + 1, &random)) })
        case 3: return .integer([4, 41, 4_111, 737, 4_111_111_111_111_111, -1, 12_345_678_901].randomElement(using: &random) ?? 0)
        case 4: return .number(["4.111111111111111e15", "1.5", "41111111111111110000", "1e2"].randomElement(using: &random) ?? "1.5")
        case 5: return [.null, .bool(true)].randomElement(using: &random) ?? .null
        default: return .string(text())
        }
    }

    @Test(arguments: UInt64(1)...20) func aMessageThatIsNotSearchedHoldsNothingToFind(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var reasons = 0
        for _ in 0..<200 {
            let members = ["id", "subject", "data"].map { JSONValue.Member($0, Self.value(0, &random)) }
            let message = Int.random(in: 0..<4, using: &random) == 0 ? Self.value(0, &random) : .object(members)
            let sees = CardDataGlance.seesReason(in: try JSONDocument(message.bytes))
            reasons += sees ? 1 : 0
            if sees { continue }
            let found = FaultList()
            CardDataSearch.search(message, found)
            #expect(found.isEmpty, "\(String(decoding: message.bytes, as: UTF8.self))")
        }
        #expect((20...190).contains(reasons), "\(reasons)")
    }

    /// A sale as most are is not searched.
    @Test func anEventAsTheyComeIsSeenToHoldNothing() throws {
        let event = #"""
            {"specversion": "1.0", "id": "decline-approve-0000123", "source": "https://crm.example.test", "type": "com.salvage.decline.v1",
             "time": "2026-11-26T03:09:57.467192+00:00", "subject": "A-1", "data": {"merchantId": "acme", "trigger": "initial",
             "order": {"id": "A-1", "type": "new_sale", "items": [{"sku": "CREAM-50", "name": "Cream", "amount": 4999, "quantity": 1}]},
             "decline": {"gatewayId": "7", "responseCodeSource": "nmi", "responseCode": "201", "responseText": "Do not honor", "cvvResultCode": "M"},
             "payer": {"email": "ada@example.test", "phone": "+15550100"}, "paymentMethod": {"token": "tok_approve", "bin": "411111", "last4": "1111"},
             "senseKey": "3f2a77c1-d2e8-4a5f-b1c0-9d8e7f6a5b4c", "custom": {"campaign": "spring"}}}
            """#
        #expect(!CardDataGlance.seesReason(in: try JSONDocument(Array(event.utf8))))
    }

    /// Whatever the minute, so that what a decline costs does not hang on when it came.
    @Test func noTimeOfDayIsSearched() {
        for minute in 0..<1_440 {
            func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
            let time = "2026-11-26T\(two(minute / 60)):\(two(minute % 60)):\(two(minute * 7 % 60)).467192+00:00"
            #expect(!CardDataGlance.seesReason(in: time))
        }
    }

    /// None of our own names is a secret's, or holds a number.
    @Test(arguments: OwnNames.names) func ourOwnNamesAreHarmless(name: String) {
        #expect(OwnNames.contains(name) && SecretName(name) == nil && CardDataGuard.finding(in: name) == nil)
        #expect(!OwnNames.contains(name + "x") && !OwnNames.contains(name.uppercased()))
    }
}
