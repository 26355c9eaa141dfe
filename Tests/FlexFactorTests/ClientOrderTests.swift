import DeclineRecovery
import Testing

@testable import FlexFactor

/// What is learned of an order: by its id, by lists, by a cancel of our reference.
@Suite struct ClientOrderTests {
    private let world = ClientWorld()
    private let reference = RecoveryReference(orderID: "A-1", kind: .sale, sequence: 0)

    private func found(_ id: FlexFactorOrderID, _ state: FlexFactorOrder.State) -> FlexFactorAnswer {
        .found(FlexFactorOrder(id: id, state: state, echo: reference))
    }

    @Test func ordersAreFoundByTheReferenceTheyEcho() async throws {
        let other =
            #"{"id":"g-0","status":7,"externalOrderId":"A-1-S0","orderId":"\#(reference.text)","referenceNumber":"\#(reference.text)"}"#
        for list in [
            #"{"orders":{"data":[\#(other),{"id":"g-1","statusName":"Cancelled","externalOrderId":"\#(reference.text)"}]}}"#,
            #"{"orders":[\#(other),{"id":"g-1","status":2,"ExternalOrderReference":"\#(reference.text)"}]}"#,
            #"{"orders":[\#(other),{"id":"g-1","status":2,"correlationId":"\#(reference.text)"}]}"#,
            #"{"orders":[{"id":"g-1","status":2,"externalId":"7f3c2a10-0000-4000-8000-00000000ab01","correlationId":"\#(reference.text)"}]}"#,
        ] {
            #expect(try await world.find(reference, in: list) == found("g-1", .cancelled))
        }
        // Of several, the one that took money is the truth.
        let several =
            #"{"orders":[{"id":"g-1","status":2,"externalOrderId":"\#(reference.text)"},{"id":"g-2","status":7,"externalOrderId":"\#(reference.text)"}]}"#
        #expect(try await world.find(reference, in: several) == found("g-2", .completed))
        // Its silence proves nothing; orderId and referenceNumber are FlexFactor's own.
        for list in [#"{"orders":{"data":[]}}"#, #"{"orders":[\#(other)]}"#, #"{"orders":[{"id":"g-1","status":7}]}"#] {
            #expect(try await world.answer(200, list, to: .find(reference)) == .notListed)
        }
        for (status, body, type) in [
            (200, #"{"results":[]}"#, "application/json"), (200, "<html>", "text/html"), (404, "", "text/html"), (403, "", "text/html"),
        ] {
            guard case .failed(.unknown) = try await world.answer(status, body, type: type, to: .find(reference)) else {
                Issue.record("\(status) \(body) is no list")
                return
            }
        }
    }

    @Test func everyPageIsLookedAtAndThenWhatWasPlacedSince() async throws {
        let page: @Sendable (String, Bool) -> String = { item, hasNext in #"{"orders":{"data":[\#(item)],"hasNextPage":\#(hasNext)}}"# }
        let ours = #"{"id":"g-1","status":7,"externalOrderId":"\#(reference.text)"}"#
        let other = #"{"id":"g-0","status":7}"#
        let own = "/v1/orders/g-1"
        let paged = try await world.server {
            ScriptedServer.response(
                200, $0.path == own ? ours : $0.path.hasSuffix("pageNumber=2") ? page(ours, false) : page(other, true))
        }
        #expect(await world.perform(try world.client(paged), .find(reference)) == found("g-1", .completed))
        #expect(
            paged.requests.suffix(3).map(\.path)
                == (1...2).map { "/v1/orders?query=A~2D1-S0&mid=\(ClientWorld.mid)&pageSize=50&pageNumber=\($0)" } + [own]
        )
        let since = try await world.server {
            ScriptedServer.response(200, $0.path == own ? ours : $0.path.contains("query=") ? page(other, false) : page(ours, false))
        }
        #expect(await world.perform(try world.client(since), .find(reference, since: ClientWorld.Clock().now)) == found("g-1", .completed))
        #expect(since.requests.suffix(2).first?.path.contains("from=2026-01-02T02%3A59%3A06") == true)
        // A list without an end is not followed without an end.
        let endless = try await world.server { _ in ScriptedServer.response(200, page(other, true)) }
        #expect(await world.perform(try world.client(endless), .find(reference)) == .notListed)
        #expect(endless.requests.count == 21)
    }

    /// A list may show one order under two references, each to another lane or on another page. Whose it is and how it stands its page says.
    @Test func whatAListShowsTheOrdersOwnPageConfirms() async throws {
        func page(_ status: Int, _ echo: String?) -> String {
            #"{"id":"g-1","status":\#(status)\#(echo.map { #","correlationId":"\#($0)""# } ?? "")}"#
        }
        let list = #"{"orders":{"data":[\#(page(7, reference.text))]}}"#
        for (own, expected) in [
            (page(7, reference.text), found("g-1", .completed)), (page(4, reference.text), found("g-1", .processing)),
            (page(7, nil), found("g-1", .completed)), (page(7, "7f3c2a10-0000-4000-8000-00000000ab01"), found("g-1", .completed)),
            (page(7, "B-S0"), .notListed), (page(2, "B-S0"), .notListed),
            (#"{"id":"g-1","status":7,"statusName":"Cancelled"}"#, .failed(.unknown(.unclear("7, Cancelled")))),
        ] as [(String, FlexFactorAnswer)] {
            #expect(try await world.find(reference, in: list, pages: ["g-1": own]) == expected, "\(own)")
        }
        // What cannot be seen there is not known.
        for (status, body) in [(200, "<html>"), (403, ""), (503, ""), (404, #"{"title":"Not Found","status":404,"traceId":"00-1"}"#)] {
            let server = try await world.server {
                $0.path == "/v1/orders/g-1" ? ScriptedServer.response(status, body) : ScriptedServer.response(200, list)
            }
            guard case .failed(.unknown(.unconfirmed)) = await world.perform(try world.client(server), .find(reference)) else {
                Issue.record("\(status) \(body) confirms nothing")
                continue
            }
        }
    }

    /// Each page of a list is a request that FlexFactor counts.
    @Test func everyPageWaitsForItsTurn() async throws {
        let clock = ClientWorld.Clock()
        let server = try await world.server { _ in
            ScriptedServer.response(200, #"{"orders":{"data":[{"id":"g-0","status":7}],"hasNextPage":true}}"#)
        }
        // The next turn after those that come at once is a hundred seconds away.
        let answer = await world.perform(try world.client(server, clock: clock, rate: 0.01), .find(reference), clock: clock)
        #expect(answer == .notListed)
        #expect(server.requests.count { $0.path.hasPrefix("/v1/orders") } < 6)
    }

    /// The status of a dispute has no documented number: the list's own map of numbers tells it. And a server that knows no filter is believed
    /// by the orders' own words.
    @Test(arguments: [true, false]) func ordersWhoseMoneyWentBackAreListedPageByPage(filters: Bool) async throws {
        let orders = (0..<120).map { (id: "o-\($0)", status: $0 % 3 == 0 ? 6 : $0 % 3 == 1 ? 7 : 9) }
        let server = try await world.server { request in
            let query = Dictionary(
                request.path.split(separator: "?")[1].split(separator: "&").map {
                    ($0.split(separator: "=")[0], $0.split(separator: "=")[1])
                },
                uniquingKeysWith: { first, _ in first })
            guard let status = query["status"].flatMap({ Int($0) }), let page = query["pageNumber"].flatMap({ Int($0) }) else {
                return ScriptedServer.response(400)
            }
            let all = filters ? orders.filter { $0.status == status } : orders
            let shown = all.dropFirst((page - 1) * 25).prefix(25)
            let items = shown.map {
                #"{"id":"\#($0.id)","status":\#($0.status),"statusName":"\#([6: "Returned", 7: "Completed", 9: "Chargeback"][$0.status]!)"}"#
            }
            return ScriptedServer.response(
                200,
                #"{"orders":{"data":[\#(items.joined(separator: ","))],"hasNextPage":\#(page * 25 < all.count)},"statusNames":{"6":"Returned","7":"Completed","9":"Chargeback"}}"#
            )
        }
        let found = try await world.client(server).moneyBack(since: ClientWorld.Clock().now, on: world.lane, within: .seconds(60)).get()
        #expect(found.isComplete)
        #expect(Set(found.orders.map(\.id.text)) == Set(orders.filter { $0.status != 7 }.map(\.id)))
        let broken = try await world.server { _ in ScriptedServer.response(200, "<html>", type: "text/html") }
        guard
            case .failure(.unknown(.unreadable)) = try await world.client(broken).moneyBack(
                since: ClientWorld.Clock().now, on: world.lane, within: .seconds(60))
        else {
            Issue.record("expected that nothing is known")
            return
        }
    }

    @Test func anOrderSaysWhenItWasPlaced() async throws {
        let placed = try await world.answer(
            200, #"{"id":"g-1","status":7,"orderPlacedDate":"2026-01-02T03:04:05.678901Z"}"#, to: .lookUp("g-1"))
        #expect(placed == .found(FlexFactorOrder(id: "g-1", state: .completed, placedAt: Moment(rfc3339: "2026-01-02T03:04:05.678Z"))))
        let unclear = try await world.answer(200, #"{"id":"g-1","status":7,"orderPlacedDate":"yesterday"}"#, to: .lookUp("g-1"))
        #expect(unclear == .found(FlexFactorOrder(id: "g-1", state: .completed)))
    }

    /// It is not ours to tell of, and none of ours is absent because of it.
    @Test func anOrderOfAnotherAccountIsNoAnswer() async throws {
        for own in [ClientWorld.mid, ClientWorld.mid.uppercased(), ""] {
            guard case .found = try await world.answer(200, #"{"id":"g-1","status":7,"MID":"\#(own)"}"#, to: .lookUp("g-1")) else {
                Issue.record("\(own) is no other")
                return
            }
        }
        let other = "00000000-6b1a-4c5f-9a55-0d6a1c7b2e11"
        let shown = try await world.answer(200, #"{"id":"g-1","status":7,"mid":"\#(other)"}"#, to: .lookUp("g-1"))
        #expect(shown == .failed(.unknown(.otherAccount)))
        let listed = #"{"orders":{"data":[{"id":"g-1","status":6,"mid":"\#(other)","externalOrderId":"\#(reference.text)"}]}}"#
        #expect(try await world.answer(200, listed, to: .find(reference)) == .notListed)
        let lister = try await world.server { _ in ScriptedServer.response(200, listed) }
        let back = try await world.client(lister).moneyBack(since: ClientWorld.Clock().now, on: world.lane, within: .seconds(60)).get()
        #expect(back.orders.isEmpty && back.isComplete)
    }

    /// An order counts only for the id that was asked for.
    @Test func anotherOrderIsNoAnswer() async throws {
        #expect(
            try await world.answer(200, #"{"id":"G-1","status":7}"#, to: .lookUp("g-1"))
                == .found(FlexFactorOrder(id: "G-1", state: .completed)))
        guard case .failed(.unknown(.unreadable)) = try await world.answer(200, #"{"id":"g-2","status":7}"#, to: .lookUp("g-1")) else {
            Issue.record("another order was taken for ours")
            return
        }
        #expect(try await world.answer(404, #"{"title":"Not Found","status":404,"traceId":"00-1"}"#, to: .lookUp("g-1")) == .noSuchOrder)
        #expect(try await world.answer(404, #"{"message":"Not Found"}"#, to: .lookUp("g-1")) == .failed(.unknown(.barred(status: 404))))
    }

    @Test(arguments: [
        (200, "", FlexFactorAnswer.cancelAccepted), (200, "{}", .cancelAccepted), (200, #"{"success":true,"errors":[]}"#, .cancelAccepted),
        (400, #"{"OrderId":["The order is not in a state that can be cancelled."],"TraceId":["00-1"]}"#, .cancelRefused),
        (422, #"{"title":"The order was already completed","traceId":"00-1"}"#, .cancelRefused),
        (200, #"{"success":false,"status":"FAILED","errors":[{"item1":"The order cannot be cancelled","item2":"1"}]}"#, .cancelRefused),
        (404, #"{"title":"Not Found","status":404,"traceId":"00-1"}"#, .noSuchOrder),
        (400, #"{"OrderId":["Order not found."]}"#, .noSuchOrder),
        (404, "<html>Not Found</html>", .failed(.unknown(.barred(status: 404)))), (404, "", .failed(.unknown(.barred(status: 404)))),
        (404, #"{"message":"Not Found"}"#, .failed(.unknown(.barred(status: 404)))), (403, "", .failed(.unknown(.barred(status: 403)))),
        (400, "{}", .failed(.unknown(.barred(status: 400)))), (409, "{}", .failed(.conflict)),
        (
            400, #"{"IdempotencyKey":["The IdempotencyKey field is required."]}"#,
            .failed(.refused(status: 400, [FieldError(path: "IdempotencyKey", message: "The IdempotencyKey field is required.")]))
        ),
    ])
    func aCancelByOurReferenceProvesAnOrderOrNone(status: Int, body: String, expected: FlexFactorAnswer) async throws {
        #expect(try await world.answer(status, body, to: .cancelByReference(reference)) == expected)
    }

    @Test func aPageInThePlaceOfAYesIsNone() async throws {
        guard
            case .failed(.unknown(.unreadable)) = try await world.answer(
                200, "<html>maintenance</html>", type: "text/html", to: .cancelByReference(reference))
        else {
            Issue.record("expected unknown")
            return
        }
    }
}
