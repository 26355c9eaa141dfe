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
        let text = "Declined " + String(repeating: "é", count: 500)
        let event = try read(#""responseCode":"201","responseText":"\#(text)","responseType":"maybe","networkCode":["05"]"#)
        #expect(event.decline.responseText.map { $0.utf8.count <= 512 && $0.hasPrefix("Declined é") } == true)
        #expect(event.decline.crmClass == nil && event.decline.networkCode == nil && event.notes.count == 3, "\(event.notes)")
    }

    @Test(arguments: [("Soft Decline", DeclineClass.soft), ("SOFT_DECLINE", .soft), ("hard-decline", .hard)])
    func theCRMsClassIsReadAsPeopleWriteIt(word: String, expected: DeclineClass) throws {
        let event = try read(#""responseCode":"201","responseType":"\#(word)""#)
        #expect(event.decline.crmClass == expected && event.notes.isEmpty)
    }
}
