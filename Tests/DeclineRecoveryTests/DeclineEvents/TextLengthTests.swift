import JSON
import Testing

@testable import DeclineRecovery

/// What decides nothing is counted in characters, as the schemas count, and cut; ids are counted in bytes, and refused.
@Suite struct TextLengthTests {
    private func rejected(_ decline: DeclineText) -> [FieldError] {
        guard case .rejected(let event) = CRMMessage.decode(decline.bytes) else { return [] }
        return event.faults
    }

    private func read(_ member: String, _ text: String) throws -> DeclineEvent {
        var decline = DeclineText()
        decline.data[member] = text
        guard case .decline(let event) = CRMMessage.decode(decline.bytes) else {
            Issue.record("rejected: \(rejected(decline))")
            throw Unexpected()
        }
        return event
    }

    private struct Unexpected: Error {}

    private func address(first: String = "Ada", zip: String = "TA1") -> String {
        #"{"firstName":"\#(first)","lastName":"Byron","countryCode":"GB","addressLine1":"1 Main","city":"Troy","zipCode":"\#(zip)"}"#
    }

    // One to four bytes.
    @Test(arguments: ["x", "\u{E9}", "\u{4E2D}", "\u{1F600}"], [0, 1, 5_000])
    func noNameAndNoAddressIsTooLongForASale(letter: String, more: Int) throws {
        func text(_ limit: Int) -> String { String(repeating: letter, count: limit + more) }
        let whole =
            #"{"firstName":"\#(text(128))","lastName":"\#(text(128))","countryCode":"US","addressLine1":"\#(text(256))","#
            + #""city":"\#(text(128))","state":"\#(text(64))","zipCode":"\#(text(16))"}"#
        let event = try read("billing", whole)
        let billing = event.billing
        let kept = [billing.firstName, billing.lastName, billing.addressLine1, billing.city, billing.state ?? "", billing.zipCode]
        #expect(kept.map(\.unicodeScalars.count) == [128, 128, 256, 128, 64, 16])
        #expect(event.notes.count == (more == 0 ? 0 : 6), "\(event.notes)")
        let shipping = try read("shipping", whole)
        #expect(shipping.shipping == billing && shipping.notes.count == event.notes.count)
    }

    @Test func aLetterIsNotPartedFromItsMarks() throws {
        let event = try read("billing", address(first: "x" + String(repeating: "e\u{301}", count: 100)))
        #expect(event.billing.firstName.hasSameCodePoints(as: "x" + String(repeating: "e\u{301}", count: 63)))
    }

    /// Of longer digits nothing is kept, for a part of them may be a card's number.
    @Test func ofATextThatMustBeThereSomethingIsLeft() {
        for zip in ["", String(repeating: "1", count: 20)] {
            var decline = DeclineText()
            decline.data["billing"] = address(zip: zip)
            #expect(rejected(decline) == [FieldError(path: "$.data.billing.zipCode", message: "expected a text of 1...16 characters")])
        }
    }

    @Test func whatIsLeftOutForItsLengthIsCountedInCharactersToo() throws {
        let key = String(repeating: "\u{4E2D}", count: 256)
        let whole = try read("senseKey", "\"\(key)\"")
        #expect(whole.details.senseKey == key && whole.notes.isEmpty)
        let long = try read("senseKey", "\"\(key)x\"")
        #expect(long.details.senseKey == nil && long.notes.map(\.path) == ["$.data.senseKey"])
    }

    @Test func theCustomersAddressIsTakenFromALongListOfProxies() throws {
        let list = (["203.0.113.7"] + Array(repeating: "2001:db8::25", count: 40)).joined(separator: ", ")
        let event = try read("order", #"{"id":"A1","type":"new_sale","ipAddress":"\#(list)"}"#)
        #expect(event.order.ipAddress == "203.0.113.7" && event.notes.map(\.path) == ["$.data.order.ipAddress"])
    }

    /// They are parts of references and keys, whose length is counted so.
    @Test(arguments: ["merchantId", "siteId"]) func anIDIsCountedInBytes(member: String) throws {
        let id = String(repeating: "\u{E9}", count: 32)
        _ = try read(member, "\"\(id)\"")
        var decline = DeclineText()
        decline.data[member] = "\"\(id)x\""
        let faults = rejected(decline)
        #expect(faults.map(\.path) == ["$.data.\(member)"])
        #expect(faults.first?.message.hasSuffix("...64 bytes of UTF-8") == true)
    }

    /// A cancel that is not heard charges a customer who has left.
    @Test(arguments: [CancelCommand.type, RefundCommand.type]) func noReasonIsTooLongForACommand(type: String) {
        let reason = String(repeating: "\u{4E2D}", count: 300)
        let data = #"{"merchantId":"acme","recoveryReference":"A-R7-88123-42","reason":"\#(reason)"}"#
        switch CRMMessage.decode(Array(#"{"specversion":"1.0","id":"c-1","type":"\#(type)","data":\#(data)}"#.utf8)) {
        case .cancel: #expect(type == CancelCommand.type)
        case .refund(let command): #expect(command.reason?.unicodeScalars.count == 256)
        case .decline, .rejected, .unreadable: Issue.record("rejected")
        }
    }
}
