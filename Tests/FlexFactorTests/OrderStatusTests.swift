import DeclineRecovery
import JSON
import Testing

@testable import FlexFactor

/// How an order stands by `status` and `statusName`, whichever words and types they come in.
@Suite struct OrderStatusTests {
    private func state(_ members: String) throws -> FlexFactorOrder.State {
        let bytes = Array("{\(members)}".utf8)
        let order = try JSONValue(parsing: bytes.span)
        return OrderStatus.state(of: order)
    }

    /// The documented table, whatever letters its names have.
    @Test(
        arguments: [
            (0, "Draft", .draft), (1, "Onhold", .onHold), (2, "Cancelled", .cancelled), (3, "Problem", .problem),
            (4, "Processing", .processing), (5, "Capturerequired", .captureRequired), (6, "Returned", .returned),
            (7, "Completed", .completed),
        ] as [(Int, String, FlexFactorOrder.State)])
    func numberAndNameAreTheTables(number: Int, name: String, state: FlexFactorOrder.State) throws {
        for members in [
            #""status":\#(number),"statusName":"\#(name)""#, #""status":\#(number)"#, #""statusName":"\#(name)""#, #""status":"\#(name)""#,
            #""STATUS":\#(number),"StatusName":"\#(name.uppercased())""#, #""status":"\#(number)""#, #""status":" \#(number) ""#,
            #""status":\#(number).0"#, #""status":"\#(number)","statusName":null"#, #""status":\#(number),"statusName":"""#,
            #""status":\#(number),"statusName":"  ""#, #""status":null,"statusName":" \#(name) ""#, #""status":{},"statusName":"\#(name)""#,
            #""status":12,"statusName":"\#(name)""#, #""status":\#(number),"statusName":"Brandnew""#, #""statusName":"\#(number)""#,
        ] {
            #expect(try self.state(members) == state, "\(members)")
        }
    }

    /// The portal calls some of them otherwise (§9), and the number beside such a word is documented.
    @Test(
        arguments: [
            (1, "On hold", .onHold), (1, "ON_HOLD", .onHold), (2, "Declined", .cancelled), (2, "Canceled", .cancelled),
            (2, "Expired", .cancelled), (5, "Capture Required", .captureRequired), (6, "Refunded", .returned), (7, "Approved", .completed),
            (7, "Partially Refunded", .completed), (4, "Submitted", .processing), (7, "Chargeback", .chargeback),
            (6, "chargeback", .chargeback), (8, "Chargeback", .chargeback),
        ] as [(Int, String, FlexFactorOrder.State)])
    func aWordOfThePortalsContradictsNothing(number: Int, word: String, state: FlexFactorOrder.State) throws {
        for number in ["\(number)", #""\#(number)""#] {
            #expect(try self.state(#""status":\#(number),"statusName":"\#(word)""#) == state)
        }
    }

    /// What is paid may be said by that word alone; that it is over may not, for FlexFactor may be trying again.
    @Test func onlyWhatIsPaidIsToldByAWordOfThePortals() throws {
        #expect(try state(#""statusName":"Approved""#) == .completed && state(#""status":"APPROVED""#) == .completed)
        #expect(try state(#""statusName":"Refunded""#) == .returned)
        for word in ["Declined", "Expired", "Failed", "Voided", "Submitted", "Challenge"] {
            #expect(try state(#""statusName":"\#(word)""#) == .unrecognised(word))
        }
        #expect(try state(#""status":12,"statusName":"Approved""#) == .unrecognised("12, Approved"))
    }

    /// Else a declined order could be told as paid, or a paid one as expired.
    @Test(arguments: [
        (#"2"#, "COMPLETED"), ("7", "Cancelled"), (#""7""#, "Cancelled"), ("7.0", "Processing"), ("2", "Approved"), ("7", "Declined"),
        ("7", "Expired"), ("7", "Failed"), ("4", "Approved"), ("4", "Declined"), ("2", "Submitted"), ("7", "Pending"), ("2", "Chargeback"),
        ("6", "Completed"), ("7", "Refunded"), ("6", "PartiallyRefunded"), ("7", "NotFound"), ("0", "Completed"),
        (#""Completed""#, "Cancelled"),
    ])
    func whatSaysTwoThingsSaysNeither(number: String, name: String) throws {
        let said = number.filter { $0 != "\"" }
        let text = said == "7.0" ? "7" : said
        #expect(try state(#""status":\#(number),"statusName":"\#(name)""#) == .unrecognised("\(text), \(name)"))
    }

    /// As an open order it would be cancelled at the end of its time, and that may void what is paid.
    @Test func whatSaysBesidesThatItIsPaidIsUnclear() async throws {
        let world = ClientWorld()
        func page(_ members: String) async throws -> FlexFactorAnswer {
            try await world.answer(200, #"{"id":"g-1",\#(members)}"#, to: .lookUp("g-1"))
        }
        #expect(try await page(#""status":2,"statusName":"COMPLETED""#) == .failed(.unknown(.unclear("2, COMPLETED"))))
        #expect(try await page(#""status":7,"statusName":"Declined""#) == .failed(.unknown(.unclear("7, Declined"))))
        #expect(try await page(#""statusName":"Partially Refunded""#) == .failed(.unknown(.unclear("Partially Refunded"))))
        for words in [(4, "Declined"), (2, "Submitted"), (9, "Solving")] {
            let open = FlexFactorOrder(id: "g-1", state: .unrecognised("\(words.0), \(words.1)"))
            #expect(try await page(#""status":\#(words.0),"statusName":"\#(words.1)""#) == .found(open))
        }
        // So does the page of what the list shows.
        let reference = RecoveryReference(orderID: "A-1", kind: .sale, sequence: 0)
        let list = #"{"orders":{"data":[{"id":"g-1","status":7,"externalOrderId":"\#(reference.text)"}]}}"#
        let pages = ["g-1": #"{"id":"g-1","status":7,"statusName":"Cancelled"}"#]
        guard case .failed(.unknown(.unclear)) = try await world.find(reference, in: list, pages: pages) else {
            Issue.record("it was believed")
            return
        }
    }

    @Test func whatNobodyKnowsSaysNothing() throws {
        #expect(try state("") == .unrecognised("(none)"))
        #expect(try state(#""status":null,"statusName":"""#) == .unrecognised("(none)"))
        #expect(try state(#""status":8"#) == .unrecognised("8"))
        for members in [#""status":-1"#, #""status":7.5"#, #""status":true"#, #""status":[7]"#, #""status":"-7""#, #""status":1e40"#] {
            guard case .unrecognised = try state(members) else {
                Issue.record("\(members) was read")
                continue
            }
        }
        // It may be told to a person.
        let number = "41" + String(repeating: "1", count: 14)
        guard case .unrecognised(let text) = try state(#""statusName":"card \#(number)""#) else {
            Issue.record("it was read")
            return
        }
        #expect(!text.contains(number))
    }

    /// As a page, as the list shows it, and among those whose money went back.
    @Test func pagesAndListsAreReadAlike() async throws {
        let world = ClientWorld()
        let page = try await world.answer(200, #"{"id":"g-1","status":7,"statusName":"Approved"}"#, to: .lookUp("g-1"))
        #expect(page == .found(FlexFactorOrder(id: "g-1", state: .completed)))
        let orders = #"{"id":"g-1","status":"6"},{"id":"g-2","status":6,"statusName":"Refunded"},{"id":"g-3","status":7}"#
        for (more, isComplete) in [("", true), (#",{"id":"g-4","status":6,"statusName":"Completed"}"#, false)] {
            let shown = #"{"orders":{"data":[\#(orders + more)]}}"#
            let server = try await world.server { _ in ScriptedServer.response(200, shown) }
            let back = try await world.client(server).moneyBack(since: ClientWorld.Clock().now, on: world.lane, within: .seconds(60)).get()
            #expect(back.orders.map(\.id) == ["g-1", "g-2"] && back.isComplete == isComplete)
        }
    }
}
