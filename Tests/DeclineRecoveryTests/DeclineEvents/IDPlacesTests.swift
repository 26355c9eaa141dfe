import TestSupport
import Testing

@testable import DeclineRecovery

/// What reads as a card number and is none, by where it stands.
@Suite struct IDPlacesTests {
    private func decode(items: String, method: String = #"{"token":"tok-1"}"#) -> (message: CRMMessage, bytes: [UInt8]) {
        var text = DeclineText()
        text.data["order"] = #"{"id":"A1","type":"new_sale","ipAddress":"203.0.113.7","items":\#(items)}"#
        text.data["paymentMethod"] = method
        return (CRMMessage.decode(text.bytes), text.bytes)
    }

    private func hasCardData(items: String, method: String = #"{"token":"tok-1"}"#) -> Bool {
        if case .rejected(let event) = decode(items: items, method: method).message { event.hasCardData } else { false }
    }

    /// Numbers of Germany's and Britain's products that begin and are as long as a brand's numbers and pass the Luhn check.
    @Test(arguments: ["4008943018522", "4003963410196", "04006858501771", "5000123457090"])
    func anArticlesNumberIsNoCard(sku: String) {
        let (message, bytes) = decode(items: #"[{"name":"Cream"},{"sku":"\#(sku)","quantity":1}]"#)
        guard case .decline(let event) = message else {
            Issue.record("rejected")
            return
        }
        #expect(event.order.items.last?.sku == sku && CardDataGuard.finding(in: sku) == .cardNumber)
        // And it stays in letters, or none of them could be replayed.
        #expect(String(decoding: CardDataGuard.redacted(bytes), as: UTF8.self).contains(sku))
    }

    @Test func anArticlesNumberMayBeANumber() {
        #expect(!hasCardData(items: #"[{"sku":4008943018522}]"#))
        #expect(hasCardData(items: #"[{"sku":4008943018522}]"#, method: #"{"token":"t","last4":8522}"#))
        #expect(hasCardData(items: #"[{"sku":\#(CardNumbers.visa)}]"#))
    }

    @Test(arguments: [
        // No article's check digit; a card's length; published for testing.
        "5000177777773", CardNumbers.visa, CardNumbers.complete("3600", length: 14), "4" + String(repeating: "2", count: 12),
        "4008943018522 4008943018522", "400-8943-018522", "0" + CardNumbers.complete("3600", length: 14),
    ])
    func aCardsNumberIsFoundAmongArticles(sku: String) {
        #expect(hasCardData(items: #"[{"sku":"\#(sku)"}]"#))
        #expect(!String(decoding: CardDataGuard.redacted(decode(items: #"[{"sku":"\#(sku)"}]"#).bytes), as: UTF8.self).contains(sku))
    }

    /// The card whose first or last digits the same message names.
    @Test(arguments: [(#""bin":"400894""#, true), (#""last4":"8522""#, true), (#""bin":"400894","last4":"1111""#, false)])
    func theEventsOwnCardIsNoArticle(digits: String, isFound: Bool) {
        #expect(hasCardData(items: #"[{"sku":"4008943018522"}]"#, method: #"{"token":"t",\#(digits)}"#) == isFound)
    }

    @Test(arguments: [
        (#"{"sku":"4008943018522"}"#, "an object that is no list"), (#"[{"name":"4008943018522"}]"#, "another member"),
        (#"[[{"sku":"4008943018522"}]]"#, "a list in the list"), (#"["4008943018522"]"#, "no object"),
    ])
    func anArticlesNumberStandsInItsPlaceAlone(items: String, what: String) {
        #expect(hasCardData(items: items), "\(what)")
    }

    /// The message's own subject is an order id; what is called so in a list is nothing that is known.
    @Test func anObjectInAListIsNotTheMessage() {
        var text = DeclineText()
        text.data["notes"] = #"[{"subject":"\#(CardNumbers.visa)"}]"#
        guard case .rejected(let event) = CRMMessage.decode(text.bytes) else {
            Issue.record("a card number was let through")
            return
        }
        #expect(event.hasCardData && event.faults.map(\.path) == ["$.data.notes[0].subject"])
        #expect(!String(decoding: CardDataGuard.redacted(text.bytes), as: UTF8.self).contains(CardNumbers.visa))
    }
}
