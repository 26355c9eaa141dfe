import JSON
import TestSupport
import Testing

@testable import DeclineRecovery

/// What an event's sender is told: everything at once, and never more than fits.
@Suite struct EventFaultsTests {
    private func rejected(_ text: String) throws -> RejectedEvent {
        guard case .rejected(let event) = CRMMessage.decode(Array(text.utf8)) else { throw Unexpected() }
        return event
    }

    private struct Unexpected: Error {}

    private func event(_ data: String, type: String = #""type":"com.salvage.decline.v1","#) -> String {
        #"{"specversion":"1.0","id":"e","source":"crm",\#(type)"time":"2026-01-02T03:04:05Z","data":\#(data)}"#
    }

    /// A sender who mends what was told must not be told something else then.
    @Test(arguments: [
        (
            #"{"trigger":"recycle"}"#,
            [
                "order.purchaseId", "order.billingCycle", "order.id", "recovery.reattempt", "amount.currency", "billing.city",
                "paymentMethod",
            ]
        ),
        (#"{"trigger":"rerun","order":{"type":"new_sale"}}"#, ["order.rerunNumber", "order.id", "recovery", "decline.transactionId"]),
        (
            #"{"trigger":"initial","order":{"type":"recurring"},"amount":"49.99"}"#,
            ["order.purchaseId", "order.billingCycle", "amount", "amount.minorUnits"]
        ),
        (#"{}"#, ["merchantId", "trigger", "order.id", "order.type", "decline.gatewayId", "billing.zipCode", "paymentMethod"]),
    ])
    func allFaultsAreToldInOneRound(data: String, places: [String]) throws {
        let paths = try rejected(event(data)).faults.map(\.path)
        for place in places { #expect(paths.contains("$.data." + place), "\(place) is missing in \(paths)") }
    }

    @Test func whatIsADeclineButForItsTypeIsReadLikeOne() throws {
        for type in ["", #""type":"decline","#] {
            let paths = try rejected(event(#"{"trigger":"recycle","order":{"id":"A","type":"recurring"}}"#, type: type)).faults.map(\.path)
            #expect(
                paths.contains("$.type") && paths.contains("$.data.order.purchaseId") && paths.contains("$.data.amount.minorUnits"),
                "\(paths)")
        }
        #expect(try rejected(event("{}", type: #""type":"com.salvage.decline.v2","#)).faults.map(\.path) == ["$.type"])
    }

    @Test func aCancelIsToldAllItLacks() throws {
        let event = try rejected(event("{}", type: #""type":"com.salvage.cancel.v1","#))
        #expect(event.faults.map(\.path) == ["$.data.merchantId", "$.data.orderId", "$.data.purchaseId", "$.data.billingCycle"])
        let named = try rejected(self.event(#"{"orderId":"A1"}"#, type: #""type":"com.salvage.cancel.v1","#))
        #expect(named.orderID == "A1")
    }

    /// Of what it names the sender is told, also where nothing else of it can be read.
    @Test(arguments: [CancelCommand.type, RefundCommand.type]) func aCommandsReferenceSaysOfWhichOrderItIs(type: String) throws {
        // Digits that are published for testing are nobody's order.
        let number = CardNumbers.complete("424242424242424", length: 16)
        for (reference, order, kind) in [
            ("A1-R7-88-7", "A1", .recurring), ("A1-U2", "A1", .newSale), ("nonsense", nil, nil), ("\(number)-U2", nil, .newSale),
        ] as [(String, String?, OrderType?)] {
            let read = try rejected(
                event(#"{"merchantId":7,"recoveryReference":"\#(reference)"}"#, type: #""type":"\#(type)","#))
            #expect(read.isCommand && read.orderID == order && read.orderType == kind, "\(reference)")
        }
        // A decline goes by its order alone.
        #expect(try rejected(event(#"{"recoveryReference":"A1-U2"}"#)).orderID == nil)
    }

    @Test func aNameThatIsAlmostRightIsPointedAt() throws {
        let faults = try rejected(event(#"{"merchant_id":"acme","Trigger":"initial","order":{"id":"A","type":"new_sale"},"ammount":{}}"#))
            .faults
        func message(_ path: String) -> String { faults.first { $0.path == path }?.message ?? "" }
        #expect(
            message("$.data.merchantId").contains("merchant_id") && message("$.data.trigger").contains("Trigger")
                && message("$.data.amount").contains("ammount"))
    }

    @Test func theOrderTypeIsKeptWhereItCanBeRead() throws {
        #expect(try rejected(event(#"{"order":{"id":"A","type":"new_sale"}}"#)).orderType == .newSale)
        #expect(try rejected(event(#"{"trigger":"recycle","order":{"id":"A"}}"#)).orderType == .recurring)
        #expect(try rejected(event(#"{"order":{"id":"A","type":"subscription"}}"#)).orderType == nil)
    }

    // MARK: Bounds

    @Test func aMillionFaultsAreToldAsAHundredAndTheirNumber() throws {
        let number = CardNumbers.visa
        let data = #"{"\#(String(repeating: "n", count: 100_000))":[\#(Array(repeating: number, count: 5_000).joined(separator: ","))]}"#
        let event = try rejected(event(data))
        #expect(event.hasCardData && event.faults.count == FieldError.mostTold + 1)
        #expect(event.faults.last?.message.hasSuffix("more faults are not told here") == true)
        #expect(event.faults.allSatisfy { $0.path.utf8.count <= 256 && $0.message.utf8.count <= 512 && !$0.path.contains(number) })
        let result = ResultEvent(
            subject: .event(id: "e", orderID: nil), merchantID: nil, reason: .rejected(.cardDataInClear), faults: event.faults,
            occurredAt: Moment(milliseconds: 0))
        #expect(result.encoded().count < 64 * 1_024)
    }

    /// FlexFactor's field errors come from outside as well.
    @Test func faultsFromAnywhereAreBoundedWhereTheyAreWritten() {
        let faults = (0..<5_000).map {
            FieldError(path: "$.\($0)" + String(repeating: "\u{20AC}", count: 500), message: String(repeating: "m", count: 5_000))
        }
        let result = ResultEvent(
            subject: .event(id: "e", orderID: nil), merchantID: nil, reason: .rejected(.refusedByFlexFactor), faults: faults,
            occurredAt: Moment(milliseconds: 0))
        let bytes = result.encoded()
        #expect(bytes.count < 128 * 1_024 && bytes.contains(text: "4900 more faults"))
        #expect(FieldError.told(FieldError.told(faults)) == FieldError.told(faults), "cut once is cut")
    }

    @Test func aCutFallsBetweenCharacters() {
        #expect("abc".cut(toBytes: 3) == "abc")
        #expect("\u{20AC}\u{20AC}\u{20AC}".cut(toBytes: 8) == "\u{20AC}\u{2026}")
        #expect("abcdefgh".cut(toBytes: 6) == "abc\u{2026}")
    }

    // MARK: Forms

    @Test(arguments: [
        ("4999.0", true), ("4.999e3", true), ("49990e-1", true), ("4999.5", false), ("1e400", false), ("\"4999\"", false),
        ("1e999999999999999999999", false),
    ])
    func aWholeNumberIsOneHoweverItIsWritten(text: String, isTaken: Bool) {
        var decline = DeclineText()
        decline.data["amount"] = #"{"minorUnits":\#(text),"currency":"USD"}"#
        if case .decline(let event) = CRMMessage.decode(decline.bytes) {
            #expect(isTaken && event.amount.minorUnits == 4_999)
        } else {
            #expect(!isTaken)
        }
    }

    @Test(arguments: [("USD", true), ("JPY", true), ("XXX", false), ("ABC", false), ("XAU", false), ("usd", false)])
    func aCurrencyIsARealOne(code: String, isOne: Bool) { #expect((Currency(code) != nil) == isOne) }

    @Test(arguments: [
        ("203.0.113.7:54321", "203.0.113.7"), ("203.0.113.7 ", "203.0.113.7"), ("10.0.0.1, 203.0.113.7, 198.51.100.2", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"), ("2001:db8::1%eth0", "2001:db8::1"), ("unknown, 203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "10.0.0.1"),
    ])
    func anAddressIsFoundInWhatAWebServerNoted(text: String, address: String) {
        var decline = DeclineText()
        decline.data["order"] = #"{"id":"A1","type":"new_sale","ipAddress":"\#(text)"}"#
        guard case .decline(let event) = CRMMessage.decode(decline.bytes) else {
            Issue.record("rejected")
            return
        }
        #expect(event.order.ipAddress == address && IPAddress.isValid(address))
    }

    @Test(arguments: ["", "nowhere", "203.0.113.7:", "203.0.113.7:x", "203.0.113.700", ",", "[::1", "1.2.3.4.5"])
    func whatIsNoAddressIsNone(text: String) { #expect(IPAddress.found(in: text) == nil) }

    @Test(arguments: [
        ("10.1.2.3", true), ("192.168.0.1", true), ("172.31.0.1", true), ("172.32.0.1", false), ("127.0.0.1", true), ("203.0.113.7", false),
        ("::1", true),
        ("fe80::1", true), ("fd00::1", true), ("2001:db8::1", false), ("::ffff:10.0.0.1", true), ("100.64.0.1", true),
        ("169.254.1.1", true),
    ])
    func aPrivateAddressIsKnown(address: String, isPrivate: Bool) { #expect(IPAddress.isPrivate(address) == isPrivate) }

    /// A CRM cuts a name amid an emoji; or it writes a name twice.
    @Test(arguments: [
        (#""note":"Ann \ud83d""#, "surrogate"), (#""note":1,"note":2"#, "has already"),
        (#""note":\#(String(repeating: "[", count: 40))\#(String(repeating: "]", count: 40))"#, "deeper than 32"),
    ])
    func whatNamesItselfIsAnsweredThoughItBreaksARule(member: String, word: String) throws {
        let event = try rejected(event(#"{"merchantId":"acme","order":{"id":"A","type":"new_sale"},\#(member)}"#))
        #expect(event.eventID == "e" && event.orderID == "A" && event.merchantID == "acme" && event.orderType == .newSale)
        #expect(event.faults.first?.path == "$" && event.faults.first?.message.contains(word) == true && event.faults.count > 1)
        // Card data first, wherever it hides.
        let found = try rejected(self.event(#"{"order":{"id":"A"},\#(member),"x":"\#(CardNumbers.visa)"}"#))
        #expect(found.hasCardData && found.faults.first?.path == "$.data.x")
        guard case .unreadable = CRMMessage.decode(Array("{\(member)}".utf8)) else {
            Issue.record("answered, though it names nothing")
            return
        }
    }

    @Test func goodJSONInAnotherEncodingIsNamedAndAnswered() throws {
        let text = event("{}", type: #""type":"com.salvage.cancel.v1","#)
        let utf16 = Array(text.utf16)
        let little: [UInt8] = utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let big: [UInt8] = utf16.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        let wide: [UInt8] = text.unicodeScalars.flatMap { [UInt8(truncatingIfNeeded: $0.value), 0, 0, 0] }
        let bodies: [([UInt8], String)] = [
            ([0xEF, 0xBB, 0xBF] + Array(text.utf8), "byte order mark"), ([0xFF, 0xFE] + little, "UTF-16"), (little, "UTF-16"),
            ([0xFE, 0xFF] + big, "UTF-16"),
            (big, "UTF-16"), (wide, "UTF-32"), ([0xFF, 0xFE, 0, 0] + wide, "UTF-32"),
        ]
        for (bytes, word) in bodies {
            guard case .rejected(let event) = CRMMessage.decode(bytes) else {
                Issue.record("\(word): not answered")
                continue
            }
            #expect(event.eventID == "e" && event.faults.first?.path == "$" && event.faults.first?.message.contains(word) == true)
        }
        #expect(CRMMessage.decode([0xEF, 0xBB, 0xBF, 0x7B]) == .unreadable(JSONError(.byteOrderMark, at: 0)))
    }
}
