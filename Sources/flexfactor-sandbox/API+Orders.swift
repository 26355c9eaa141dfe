import Foundation
import Synchronization

/// What can be asked of an order once it is placed.
extension API {
    func capture(_ fields: Fields) -> Reply {
        guard let id = fields.text("orderId"), let amount = fields.int("amount"), let key = fields.text("idempotencyKey") else {
            return invalid([
                "OrderId": "The OrderId field is required.", "Amount": "The Amount field is required.",
                "IdempotencyKey": "The IdempotencyKey field is required.",
            ])
        }
        return world.withLock { world in
            guard let order = world.order(id) else { return unknownOrder() }
            let fits = order.state == .capturerequired && order.amount == amount
            if fits { world.move(id, to: .completed, key) }
            return Reply(
                body: jsonText(verdict(fits, code: fits ? "100" : "2001", message: fits ? "APPROVED" : "The order cannot be captured.")))
        }
    }

    /// FlexFactor's body for it is not public; this is what ASP.NET says by itself.
    func unknownOrder() -> Reply {
        Reply(
            status: 404,
            body: jsonText([
                "type": "https://tools.ietf.org/html/rfc9110#section-15.5.5", "title": "Not Found", "status": 404,
                "traceId": Self.traceID(),
            ]), contentType: "application/problem+json; charset=utf-8")
    }

    static func traceID() -> String { "00-\(UUID().uuidString.replacing("-", with: "").lowercased())-0000000000000001-00" }

    func verdict(_ isGood: Bool, code: String, message: String) -> [String: Any] {
        [
            "status": isGood ? "SUCCESS" : "FAILED", "captureStatus": isGood ? "SUCCESS" : "FAILED", "success": isGood, "result": NSNull(),
            "statusCode": NSNull(), "errors": isGood ? [] : [["item1": message, "item2": code, "item3": code, "item4": true]],
            "customProperties": [String: Any](), "responseCode": code, "responseMessage": message,
            "transactionId": UUID().uuidString.lowercased(),
        ]
    }

    func refund(_ request: Incoming, _ id: String) -> Reply {
        guard let dollars = request.fields?.double("amountToRefund") else {
            return invalid(["AmountToRefund": "The AmountToRefund field is required."])
        }
        return world.withLock { world in
            guard let order = world.order(id) else { return unknownOrder() }
            let cents = Int((dollars * 100).rounded())
            let isWhole = order.refunded + cents == order.amount
            guard order.state == .completed, cents > 0, order.refunded + cents <= order.amount, isWhole || !habits.wholeRefundsOnly else {
                return Reply(body: jsonText(verdict(false, code: "2001", message: "The amount exceeds the refundable maximum.")))
            }
            world.refund(id, cents, tellsParts: habits.partialRefundWebhooks)
            return Reply(body: jsonText(verdict(true, code: "100", message: "APPROVED")))
        }
    }

    func cancel(_ id: String) -> Reply {
        switch world.withLock({ $0.cancel(id) }) {
        case true?: Reply(body: "{}")
        case false?: invalid(["OrderId": "The order is not in a state that can be cancelled."])
        case nil: unknownOrder()
        }
    }

    func inquire(_ id: String) -> Reply {
        world.withLock { world in world.order(id).map { Reply(body: jsonText(item($0))) } ?? unknownOrder() }
    }

    func outcome(_ request: Incoming) -> Reply {
        let id = request.fields?.text("orderSessionKey") ?? ""
        return world.withLock { world in
            let order = world.order(id)
            return Reply(
                body: jsonText([
                    "status": order.map { world.status(of: $0) } ?? "NOTFOUND", "confirmationId": String(id.prefix(8)),
                    "success": order != nil, "result": NSNull(),
                    "statusCode": NSNull(), "errors": [Any](), "customProperties": [String: Any](),
                ]))
        }
    }

    func list(_ request: Incoming) -> Reply {
        let size = min(max(request.query["pageSize"].flatMap(Int.init) ?? 10, 1), habits.pageCap ?? .max)
        let page = max(request.query["pageNumber"].flatMap(Int.init) ?? 1, 1)
        let isOldestFirst = request.query["sort"]?.lowercased() == "asc"
        let statuses = (request.query["status"] ?? "").split(separator: ",").compactMap { Int($0) }
        let from = request.query["from"].flatMap { try? Date($0, strategy: .iso8601) } ?? .distantPast
        return world.withLock { world in
            let ids: [String]
            if let query = request.query["query"], !query.isEmpty, let known = habits.listFindsReferences ? world.byExternal[query] : nil {
                ids = known
            } else {
                let words = request.query["query"]?.lowercased() ?? ""
                ids = world.orders.values
                    .filter { ($0.placed >= from) && (words.isEmpty || $0.payer.lowercased().contains(words)) }
                    .filter { statuses.isEmpty || statuses.contains($0.state.rawValue) }
                    .sorted { isOldestFirst ? $0.placed < $1.placed : $0.placed > $1.placed }.map(\.id)
            }
            let all = ids.compactMap { world.order($0) }
            let shown = all.dropFirst((page - 1) * size).prefix(size)
            let pages = (all.count + size - 1) / max(size, 1)
            return Reply(
                body: jsonText([
                    "orders": [
                        "data": shown.map(item), "pageNumber": page, "pageSize": size, "pageCount": pages, "totalItemCount": all.count,
                        "isFirstPage": page == 1, "isLastPage": page >= pages, "hasNextPage": page < pages, "hasPreviousPage": page > 1,
                    ],
                    "statuses": [
                        "0": "Draft", "1": "Onhold", "2": "Cancelled", "3": "Problem", "4": "Processing", "5": "Capturerequired",
                        "6": "Returned", "7": "Completed", "8": "Chargeback",
                    ],
                    "success": true,
                ]))
        }
    }

    func item(_ order: World.Order) -> [String: Any] {
        let echo: [String: Any] =
            habits.ordersEchoReferences ? ["correlationId": order.externalID, "externalOrderId": order.externalID] : [:]
        let fields: [String: Any] = [
            "id": order.id, "correlationId": NSNull(), "referenceNumber": String(order.id.prefix(8)),
            "status": order.state.rawValue, "statusName": order.state.name, "orderPlacedDate": order.placed.formatted(.iso8601),
            "expiryDate": order.expiry.map { $0.formatted(.iso8601) } ?? NSNull(), "billingAddress": NSNull(), "shippingAddress": NSNull(),
            "email": order.email, "currencyCode": order.currency,
        ]
        return fields.merging(echo) { $1 }
    }
}
