import Foundation
import Synchronization

/// What FlexFactor does not have: the ledger, the faults, and hands to move an order with.
extension API {
    func sandbox(_ request: Incoming) -> Reply {
        switch (request.method, request.path) {
        case ("GET", "/"): return Reply(body: Self.index, contentType: "text/plain; charset=utf-8")
        case ("GET", "/sandbox/ledger"): return ledger(request)
        case ("GET", "/sandbox/ledger/summary"): return summary()
        case ("GET", "/sandbox/hung"): return Reply(body: jsonText(["count": world.withLock { $0.hung }]))
        case ("GET", "/sandbox/faults"): return encoded(world.withLock { $0.faults })
        case ("PUT", "/sandbox/faults"), ("POST", "/sandbox/faults"):
            do {
                let faults = try world.withLock { world in
                    world.faults = try world.faults.merged(with: request.body)
                    return world.faults
                }
                return encoded(faults)
            } catch {
                return Reply(status: 400, body: jsonText(["error": String(describing: error)]))
            }
        case ("POST", "/sandbox/expire-tokens"):
            world.withLock { $0.bearers = [:] }
            return Reply(body: "{}")
        case ("POST", "/sandbox/reset"):
            world.withLock { world in
                world.orders = [:]
                world.byExternal = [:]
                world.ledger = []
                world.keys = [:]
                world.faultedOnce = []
                world.faults = Faults()
            }
            return Reply(body: "{}")
        default: return moved(request)
        }
    }

    private func moved(_ request: Incoming) -> Reply {
        let parts = request.path.split(separator: "/").map(String.init)
        guard request.method == "POST", parts.count == 4, parts[0] == "sandbox", parts[1] == "orders" else { return Reply(status: 404) }
        let name = parts[2]
        return world.withLock { world in
            guard let id = world.orders[name]?.id ?? world.byExternal[name]?.last else { return Reply(status: 404) }
            switch parts[3] {
            case "complete":
                guard let order = world.order(id), [.draft, .onhold, .processing, .capturerequired].contains(order.state) else {
                    return Reply(status: 409)
                }
                world.move(id, to: .completed)
            case "cancel": world.move(id, to: .cancelled)
            case "expire": world.move(id, to: .cancelled, expired: true)
            case "refund": world.move(id, to: .returned)
            case "chargeback": world.move(id, to: .chargeback)
            default: return Reply(status: 404)
            }
            return Reply(body: "{}")
        }
    }

    private func ledger(_ request: Incoming) -> Reply {
        let wanted = request.query["orderId"]
        let entries = world.withLock { world in
            world.ledger.filter { wanted == nil || $0.externalOrderId == wanted || $0.orderId == wanted }
        }
        if request.query["format"] == "ndjson" {
            return Reply(body: entries.map { encoded($0).body + "\n" }.joined(), contentType: "application/x-ndjson")
        }
        return encoded(entries)
    }

    private func summary() -> Reply {
        let (entries, orders) = world.withLock { ($0.ledger, $0.orders.count) }
        let charges = entries.filter { $0.kind == "charge" || $0.kind == "capture" }
        let doubles = Dictionary(grouping: charges, by: \.externalOrderId).filter { $0.value.count > 1 }.keys.sorted()
        return Reply(
            body: jsonText([
                "orders": orders, "charges": charges.count, "amount": charges.map(\.amount).reduce(0, +), "chargedMoreThanOnce": doubles,
            ]))
    }

    private func encoded(_ value: some Encodable) -> Reply {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Reply(body: (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}")
    }

    private static let index = """
        flexfactor-sandbox: stands in for FlexFactor's API under /v1 (oauth2/token, tokenize, evaluate, orders, capture, refund, cancel, outcome).

        GET  /sandbox/ledger[?orderId=...][&format=ndjson]   every movement of money
        GET  /sandbox/ledger/summary                         totals, and who was charged more than once
        GET  /sandbox/hung                                   how many calls of tok_hang there were
        GET  /sandbox/faults, PUT /sandbox/faults            what goes wrong (shares of 1, latencies in ms); members left out stay as they are
        POST /sandbox/expire-tokens                          all bearer tokens end now
        POST /sandbox/orders/ID/complete|cancel|expire|refund|chargeback
        POST /sandbox/reset

        Tokens (what follows a dot is ignored, e.g. tok_approve.0001):
        \(Triggers.tokens.map { "  \($0.name): \($0.what)" }.joined(separator: "\n"))

        """
}
