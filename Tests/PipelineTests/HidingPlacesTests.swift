import DeclineRecovery
import JSON
import TestSupport
import Testing

@testable import Pipeline

/// Whatever a publisher hides and wherever, it comes back in nothing that is kept or told.
@Suite struct HidingPlacesTests {
    private static let now = Moment(milliseconds: 1_800_000_000_000)
    private let intake = IntakeStage(
        in: .sample(ManualClock(now)), merchants: Merchants(Merchant(id: "acme", flexFactorGateways: [FlexFactorGateway(id: "42")])))

    /// Everything that leaves the worker for one message: results, replies, letters, records of the journal, and the properties of each.
    private func sinks(of place: HidingPlace) async -> [(name: String, text: String)] {
        let parts = place.message
        let message = IncomingMessage(
            body: parts.body, contentType: parts.contentType, messageID: parts.messageID, type: parts.type,
            correlationID: parts.correlationID,
            replyTo: parts.replyTo, headers: parts.headers, exchange: parts.exchange, routingKey: parts.routingKey)
        let unrouted = UnroutedStage(in: .sample(ManualClock(Self.now)))
        let unread = LetterWriter(stage: .intake, worker: .sample, cards: Vault(hasKey: false), isUnread: true)
            .deadLetter(message, because: .crashesWorkers, explanation: "", now: Self.now)
        return await [("intake", intake.handle(message)), ("unrouted", unrouted.handle(message)), ("unread", unread)].flatMap {
            stage, handled in
            handled.publishing(from: .intake, at: Self.now, worker: "w", traceparent: nil).flatMap { sent in
                [
                    ("\(stage): the body to \(sent.destination)", String(decoding: sent.body, as: UTF8.self)),
                    ("\(stage): a message id", sent.messageID),
                    ("\(stage): a correlation id", sent.correlationID ?? ""), ("\(stage): a type", sent.type),
                ]
            }
        }
    }

    @Test func nothingThatIsKeptOrToldHoldsACard() async {
        let places = HidingPlaces.all
        #expect(places.count >= 300)
        var leaks: [String] = []
        for place in places {
            for (sink, text) in await sinks(of: place) where Canary.stands(in: text, isCode: place.isCode) {
                leaks.append("\(place) -> \(sink)")
            }
        }
        #expect(leaks.isEmpty, "\(leaks.count) leaks of \(places.count) places: \(leaks.prefix(40).joined(separator: "\n"))")
    }

    /// The search that the other test relies on finds what is there.
    @Test func theSearchFindsEveryDisguiseOfItsOwn() {
        for text in [
            "x\(HidingPlaces.number)", "4000 0027 6000 3184",
            "4\u{0}0\u{0}0\u{0}0\u{0}0\u{0}0\u{0}2\u{0}7\u{0}6\u{0}0\u{0}0\u{0}0\u{0}3\u{0}1\u{0}8\u{0}4",
            "\"\(Base64.encode(Array(HidingPlaces.number.utf8)))\"",
        ] {
            #expect(Canary.stands(in: text, isCode: false), "\(text)")
        }
        #expect(
            Canary.stands(in: "cvv: 9173", isCode: true) && !Canary.stands(in: "4000 0027", isCode: false)
                && !Canary.stands(in: "a9173b", isCode: true))
    }

    // MARK: Ids

    private func decline(order: String, method: String = #"{"token":"tok-1"}"#) -> [UInt8] {
        Array(
            #"""
            {"specversion":"1.0","id":"d-1","source":"crm","type":"com.salvage.decline.v1","time":"2026-01-02T03:04:05Z","subject":"\#(order)","data":{
            "merchantId":"acme","trigger":"initial","order":{"id":"\#(order)","type":"new_sale","ipAddress":"203.0.113.7","purchaseId":"\#(order)"},
            "decline":{"gatewayId":"7","responseCodeSource":"nmi","responseCode":"201","transactionId":"\#(order)"},"amount":{"minorUnits":4999,"currency":"USD"},
            "billing":{"firstName":"Ada","lastName":"Byron","countryCode":"US","addressLine1":"1 Main","city":"Troy","state":"NY","zipCode":"12180"},
            "paymentMethod":\#(method)}}
            """#.utf8)
    }

    /// One in twenty ids of sixteen digits that begin with 4 passes for a card number.
    @Test func anIDThatPassesForACardNumberIsAnIDWhereIDsStand() async {
        guard case .decline(let event) = CRMMessage.decode(decline(order: HidingPlaces.number)) else {
            Issue.record("a sale was lost to its order id")
            return
        }
        let told = await intake.handle(IncomingMessage(body: decline(order: HidingPlaces.number), messageID: "m"))
        #expect(event.order.id == HidingPlaces.number && told.entry.reference?.orderID == HidingPlaces.number)
        // A letter keeps it, so that the message can be replayed.
        let body = CardDataGuard.redacted(decline(order: HidingPlaces.number))
        #expect(!CardDataGuard.isMarked(Array(String(decoding: body, as: UTF8.self).replacing(CardDataMark.token, with: "").utf8)))
        let envelope = WorkEnvelope.encode(Recovery.sample(order: HidingPlaces.number, declinedAt: Self.now))
        #expect(String(decoding: CardDataGuard.redacted(envelope), as: UTF8.self).contains(#""id":"\#(HidingPlaces.number)""#))
    }

    @Test func anAddressOfAPrivateNetworkIsWorthAWarning() async {
        let plain = await intake.handle(IncomingMessage(body: decline(order: "A1"), messageID: "m"))
        let text = String(decoding: decline(order: "A2"), as: UTF8.self).replacing("203.0.113.7", with: "192.168.0.7:54321")
        let own = await intake.handle(IncomingMessage(body: Array(text.utf8), messageID: "m"))
        #expect(!plain.entry.hasPrivateAddress && own.entry.hasPrivateAddress)
    }

    @Test(arguments: [
        ("4000 0027 6000 3184", #"{"token":"t"}"#), (HidingPlaces.number, #"{"token":"t","bin":"400000","last4":"3184"}"#),
        (HidingPlaces.number, #"{"token":"t","last4":"3184"}"#),
        ("4" + String(repeating: "1", count: 15), #"{"token":"t"}"#),
    ])
    func aCardInAnIDsPlaceIsACard(order: String, method: String) {
        guard case .rejected(let event) = CRMMessage.decode(decline(order: order, method: method)) else {
            Issue.record("taken for an id")
            return
        }
        #expect(event.hasCardData && event.orderID == nil)
    }

    @Test(arguments: [
        "Transaction declined. CVV: no match", "AVS: Y, CVV: M", "2026-11-25 17:10:46.123", "Ref 4000-1234",
        "d35290d5-7668-4229-9233-7e43165233dc", "+49 30 12345679, +49 30 87654320",
        "https://example.test/orders/88123?x=12345678901", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", "token: expired",
        "1, 2, 3, 4, 5", "10.0.0.1, 203.0.113.7", "0123456789abcdef0123456789abcdef",
    ])
    func whatIsNoCardDataCostsNoSale(text: String) {
        #expect(CardDataGuard.finding(in: text) == nil && CardDataGuard.redacted(text) == text)
    }
}

/// Looks for the canaries by means of its own.
private enum Canary {
    static func stands(in text: String, isCode: Bool) -> Bool {
        ([text] + undone(text)).contains { isCode ? hasCode($0) : hasNumber($0) }
    }

    /// The number's digits, whatever Unicode calls them, up to three other characters between two.
    private static func hasNumber(_ text: String) -> Bool {
        let wanted = Array(HidingPlaces.number.utf8).map { Int($0) - 0x30 }
        let digits = text.unicodeScalars.map { scalar -> Int? in
            scalar.value < 0x80
                ? ((0x30...0x39).contains(scalar.value) ? Int(scalar.value) - 0x30 : nil)
                : scalar.properties.numericType.flatMap { $0 == .numeric ? nil : scalar.properties.numericValue.map { Int($0) } }
        }
        starts: for start in digits.indices where digits[start] == wanted[0] {
            var position = start
            for digit in wanted.dropFirst() {
                var next = position + 1
                while next < digits.count, next <= position + 4, digits[next] == nil { next += 1 }
                guard next < digits.count, next <= position + 4, digits[next] == digit else { continue starts }
                position = next
            }
            return true
        }
        return false
    }

    /// The code standing alone; within an id's letters and digits it is there by chance.
    private static func hasCode(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let wanted = Array(HidingPlaces.code.utf8)
        func isWord(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) }
        guard bytes.count >= wanted.count else { return false }
        return (0...bytes.count - wanted.count).contains { start in
            bytes[start] == wanted[0] && bytes[start..<start + wanted.count].elementsEqual(wanted)
                && (start == 0 || !isWord(bytes[start - 1]))
                && (start + wanted.count == bytes.count || !isWord(bytes[start + wanted.count]))
        }
    }

    /// What runs of Base64 hold, escapes of percent undone before.
    private static func undone(_ text: String) -> [String] {
        var runs: [String] = []
        var run = ""
        for character in text.replacing("%3D", with: "=").unicodeScalars {
            if (0x30...0x39).contains(character.value) || (0x41...0x5A).contains(character.value) || (0x61...0x7A).contains(character.value)
                || character == "+" || character == "/"
            {
                run.unicodeScalars.append(character)
            } else {
                if run.utf8.count >= 16 { runs.append(run) }
                run = ""
            }
        }
        if run.utf8.count >= 16 { runs.append(run) }
        return runs.compactMap { run in
            // With the padding that was no part of the run; without a last letter that says nothing.
            let count = run.utf8.count
            let whole = count % 4 == 1 ? String(run.dropLast()) : run + String(repeating: "=", count: (4 - count % 4) % 4)
            return (Base64.decode(whole) ?? Base64.decode(String(run.prefix(count / 4 * 4)))).map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
