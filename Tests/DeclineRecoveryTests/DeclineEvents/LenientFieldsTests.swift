import Testing

@testable import DeclineRecovery

/// A field that decides nothing by its form never costs a sale: it is read as what it means, cut, or left out with a note.
@Suite struct LenientFieldsTests {
    private func read(_ fields: String) throws -> DeclineEvent {
        var text = DeclineText()
        text.data["decline"] = "{" + #""gatewayId":"7","responseCodeSource":"nmi","transactionId":"T1","# + fields + "}"
        guard case .decline(let event) = CRMMessage.decode(text.bytes) else {
            Issue.record("rejected: \(fields)")
            throw Unexpected()
        }
        return event
    }

    private struct Unexpected: Error {}

    /// Twenty digits are no card's number; sixteen of them are.
    @Test func aCutLeavesNoCardNumber() throws {
        let card = "4111111000007771"
        for digits in [card + "1230", "4111 1110 0000 7771 1230"] {
            let text = String(repeating: "x", count: 512 - (digits.utf8.count - (digits.contains(" ") ? 5 : 4))) + digits
            let event = try read("\"responseCode\":\"201\",\"responseText\":\"\(text)\"")
            let kept = event.decline.responseText ?? ""
            #expect(event.notes.count == 1 && kept.utf8.count < 512 && kept.allSatisfy { $0 == "x" })
        }
    }

    @Test(arguments: [
        (#""responseCode":201"#, "201"), (#""responseCode":" 201""#, " 201"), (#""responseCode":"""#, ""),
        (#""responseText":"Declined""#, ""), (#""responseCode":200.0"#, "200.0"),
    ])
    func aCodeIsReadAsPeopleWriteIt(fields: String, code: String) throws {
        let event = try read(fields)
        #expect(event.decline.responseCode == code && event.notes.isEmpty)
    }

    @Test func anAdviceMayComeWithItsWords() throws {
        let event = try read(#""responseCode":"05","merchantAdviceCode":"01 : New account information available""#)
        #expect(event.decline.merchantAdviceCode == "01 : New account information available" && event.notes.isEmpty)
    }

    @Test(
        arguments: [
            ("avsResultCode", "4 AVS not supported for this card type", "4"), ("cvvResultCode", "M - Match found", "M"),
            ("cavvResultCode", "nothing of that kind", nil),
        ] as [(String, String, String?)])
    func aResultIsItsCodeAloneOrLeftOut(name: String, value: String, code: String?) throws {
        let event = try read(#""responseCode":"201","\#(name)":"\#(value)""#)
        let decline = event.decline
        #expect(
            ["avsResultCode": decline.avsResultCode, "cvvResultCode": decline.cvvResultCode, "cavvResultCode": decline.cavvResultCode][name]
                == code)
        #expect(event.notes.count == 1 && event.notes.first?.path.hasSuffix(name) == true, "\(event.notes)")
    }

    @Test func aLongTextIsCutAndAWordThatNobodyKnowsLeftOut() throws {
        let text = "Declined " + String(repeating: "é", count: 600)
        let event = try read(#""responseCode":"201","responseText":"\#(text)","responseType":"maybe","networkCode":["05"]"#)
        #expect(event.decline.responseText.map { $0.unicodeScalars.count == 512 && $0.hasPrefix("Declined é") } == true)
        #expect(event.decline.crmClass == nil && event.decline.networkCode == nil && event.notes.count == 3, "\(event.notes)")
    }

    @Test(arguments: [("Soft Decline", DeclineClass.soft), ("SOFT_DECLINE", .soft), ("hard-decline", .hard)])
    func theCRMsClassIsReadAsPeopleWriteIt(word: String, expected: DeclineClass) throws {
        let event = try read(#""responseCode":"201","responseType":"\#(word)""#)
        #expect(event.decline.crmClass == expected && event.notes.isEmpty)
    }

    // MARK: Beside the decline

    private func event(_ member: String, _ text: String) throws -> DeclineEvent {
        var decline = DeclineText()
        decline.data[member] = text
        guard case .decline(let event) = CRMMessage.decode(decline.bytes) else {
            Issue.record("rejected: \(member) \(text)")
            throw Unexpected()
        }
        return event
    }

    private func notes(_ event: DeclineEvent) -> [String] { event.notes.map(\.path) }

    @Test func aPayerIsPassedOnAsFarAsItGoes() throws {
        let phone = "+1 415 555 0100 ext. 12345, ask for Ada"
        let text = #"{"id":12345,"email":"ada@example.test","phone":"\#(phone)","birthdate":"1990-01-02T00:00:00Z"}"#
        let payer = try event("payer", text)
        #expect(payer.payer == Payer(id: "12345", email: "ada@example.test", phone: String(phone.prefix(32)), birthdate: "1990-01-02"))
        #expect(notes(payer) == ["$.data.payer.phone", "$.data.payer.birthdate"])
        let long = try event("payer", #"{"id":"\#(String(repeating: "7", count: 65))","email":["ada@example.test"],"phone":""}"#)
        #expect(long.payer == Payer(phone: "") && notes(long) == ["$.data.payer.id", "$.data.payer.email"])
    }

    /// Some programs write an empty object as a list.
    @Test(arguments: ["payer", "shipping", "threeDSecure", "subscription"], ["[]", "7", #""none""#])
    func whatIsNoObjectIsLeftOut(member: String, text: String) throws {
        let event = try event(member, text)
        #expect(event.payer == Payer() && event.shipping == nil && event.details == ChargeDetails())
        #expect(notes(event) == ["$.data.\(member)"])
    }

    @Test func aShippingAddressThatIsNotWholeIsLeftOut() throws {
        let event = try event("shipping", #"{"firstName":"Ada","lastName":"Byron","countryCode":"GB","city":"London"}"#)
        #expect(event.shipping == nil)
        #expect(notes(event) == ["$.data.shipping.addressLine1", "$.data.shipping.zipCode", "$.data.shipping"])
        let names = #""firstName":"A","lastName":"B","countryCode":"GB","addressLine1":"1","city":"C","zipCode":"Z""#
        let whole = try self.event("shipping", #"{\#(names),"state":5,"phone":44207123456}"#)
        #expect(whole.shipping?.state == "5" && whole.shipping?.phone == "44207123456" && whole.notes.isEmpty)
    }

    /// Where the customer is billed decides whether FlexFactor takes it at all.
    @Test func aBillingAddressIsWhole() {
        var decline = DeclineText()
        decline.data["billing"] = #"{"firstName":"Ada","lastName":"Byron","countryCode":"US","addressLine1":"1 Main","city":"Troy"}"#
        guard case .rejected(let event) = CRMMessage.decode(decline.bytes) else {
            Issue.record("taken")
            return
        }
        #expect(event.faults.map(\.path) == ["$.data.billing.zipCode", "$.data.billing.state"])
    }

    @Test func itemsAreReadOneByOne() throws {
        let sku = String(repeating: "s", count: 65)
        let items = #"[{"sku":17,"amount":49.99,"quantity":"2"},"cream",{"sku":"\#(sku)","name":"Cream","amount":4999,"quantity":-1},{}]"#
        let event = try event("order", #"{"id":"A1","type":"new_sale","items":\#(items)}"#)
        #expect(
            event.order.items == [
                Order.Item(sku: "17", name: nil, amount: nil, quantity: 2),
                Order.Item(sku: nil, name: "Cream", amount: 4_999, quantity: nil),
                Order.Item(sku: nil, name: nil, amount: nil, quantity: nil),
            ])
        let list = "$.data.order.items"
        #expect(notes(event) == ["\(list)[0].amount", "\(list)[1]", "\(list)[2].sku", "\(list)[2].quantity"])
        let many = try self.event("order", #"{"id":"A1","type":"new_sale","items":[{}\#(String(repeating: ",{}", count: 200))]}"#)
        #expect(many.order.items.count == 200 && notes(many) == [list])
        let none = try self.event("order", #"{"id":"A1","type":"new_sale","items":{"sku":"x"}}"#)
        #expect(none.order.items.isEmpty && notes(none) == [list])
    }

    @Test func aPaymentMethodIsReadAsProgramsWriteIt() throws {
        let brand = "Visa " + String(repeating: "x", count: 40)
        let text = #"{"token":"t","bin":411111,"last4":1111,"holderName":["Ada"],"brand":"\#(brand)"}"#
        let event = try event("paymentMethod", text)
        let method = event.paymentMethod
        #expect(method.bin == "411111" && method.last4 == "1111" && method.holderName == nil && method.brand == String(brand.prefix(32)))
        #expect(notes(event) == ["$.data.paymentMethod.holderName", "$.data.paymentMethod.brand"])
        let masked = try self.event("paymentMethod", #"{"token":"t","last4":"**** 1111"}"#)
        #expect(masked.paymentMethod.last4 == nil && notes(masked) == ["$.data.paymentMethod.last4"])
    }

    @Test func whatFlexFactorTakesBesidesIsPassedOnOrLeftOut() throws {
        let long = String(repeating: "x", count: 257)
        let secure = try event("threeDSecure", #"{"threeDsVersion":2.2,"ecommerceIndicator":"05","xid":"\#(long)","enrolled":true}"#)
        #expect(secure.details.threeDSecure?.fields.map(\.value) == ["2.2", "05"])
        #expect(notes(secure) == ["$.data.threeDSecure.xid", "$.data.threeDSecure.enrolled"])
        let rebill = try event("subscription", #"{"id":77,"price":"49.99","paymentNumber":"3"}"#)
        #expect(rebill.details.subscription?.id == "77" && rebill.details.subscription?.price == nil)
        #expect(rebill.details.subscription?.paymentNumber == 3 && notes(rebill) == ["$.data.subscription.price"])
        let nameless = try event("subscription", #"{"interval":"monthly"}"#)
        #expect(nameless.details.subscription == nil && notes(nameless) == ["$.data.subscription"])
        #expect(try event("senseKey", #""\#(long)""#).details.senseKey == nil)
        #expect(try event("descriptor", #""\#(long)""#).details.descriptor == String(long.prefix(64)))
    }
}
