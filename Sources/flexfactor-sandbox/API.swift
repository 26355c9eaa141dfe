import Foundation
import Synchronization

/// A request as the server took it in.
struct Incoming: Sendable {
    let method: String
    let path: String
    let query: [String: String]
    let headers: [(String, String)]
    let body: Data
    /// The body as JSON, read once; `nil` when it is none.
    let fields: Fields?

    init(method: String, path: String, query: [String: String], headers: [(String, String)], body: Data) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        fields = Fields(body)
    }

    func header(_ name: String) -> String? { headers.first { $0.0.lowercased() == name }?.1 }
}

/// What the server does with a request.
struct Reply: Sendable {
    var status = 200
    var body = ""
    var contentType = "application/json; charset=utf-8"
    var headers: [(String, String)] = []
    var manner = Manner.whole
    /// The answer is true and remembered, but the caller gets it in this manner only: as a 500, a reset, or silence.
    var lostAs: Manner?

    func lost(_ manner: Manner) -> Reply {
        var reply = self
        reply.lostAs = manner
        return reply
    }

    /// Whether the request was carried out, so that a repeat must get the same answer.
    var isExecuted: Bool { manner.isWhole && status < 400 }

    enum Manner: Sendable {
        case whole, slow, truncated
        /// Reset instead of an answer.
        case reset
        /// Nothing for some seconds, then the end of the connection.
        case silence(seconds: Double)

        var isWhole: Bool { if case .whole = self { true } else { false } }
    }
}

/// FlexFactor's endpoints over the world.
final class API: Sendable {
    let world: Mutex<World>
    let accounts: [Account]
    let acceptsAnyone: Bool
    let problemShape: Bool
    let habits: Habits
    let onWebhooks: @Sendable ([World.Webhook], Faults) -> Void

    init(
        world: sending World, accounts: [Account], acceptsAnyone: Bool, problemShape: Bool, habits: Habits,
        onWebhooks: @escaping @Sendable ([World.Webhook], Faults) -> Void
    ) {
        self.world = Mutex(world)
        self.accounts = accounts
        self.acceptsAnyone = acceptsAnyone
        self.problemShape = problemShape
        self.habits = habits
        self.onWebhooks = onWebhooks
    }

    func handle(_ request: Incoming) -> Reply {
        let reply =
            request.path.hasPrefix("/v1/")
            ? flexFactor(request, request.path.dropFirst("/v1/".count).split(separator: "/").map(String.init)) : sandbox(request)
        sendWebhooks()
        return reply
    }

    /// Brings every order to what it is by now, so that webhooks leave without anybody asking.
    func passTime() {
        world.withLock { $0.settleDue() }
        sendWebhooks()
    }

    private func sendWebhooks() {
        let (webhooks, faults) = world.withLock { world in
            defer { world.outbox = [] }
            return (world.outbox, world.faults)
        }
        if !webhooks.isEmpty { onWebhooks(webhooks, faults) }
    }

    // MARK: Time that FlexFactor takes

    enum Arrival {
        /// Worked on for so many seconds; then `handle` is due, and after it `left`.
        case taken(seconds: Double)
        /// A request with this idempotency key is being worked on.
        case conflict
    }

    func arrived(_ request: Incoming) -> Arrival {
        guard request.path.hasPrefix("/v1/") else { return .taken(seconds: 0) }
        let endpoint = Self.endpoint(request.path.dropFirst("/v1/".count).split(separator: "/").map(String.init))
        let key = Self.key(of: request)
        return world.withLock { world in
            if let key, !world.inProgress.insert(key).inserted { return .conflict }
            return .taken(seconds: world.faults.latency(endpoint, &world.random) / 1_000)
        }
    }

    func left(_ request: Incoming) {
        guard let key = Self.key(of: request) else { return }
        world.withLock { _ = $0.inProgress.remove(key) }
    }

    private static func key(of request: Incoming) -> String? {
        guard request.method == "POST", let key = request.fields?.text("idempotencyKey") else { return nil }
        return request.path + " " + key
    }

    private static func endpoint(_ parts: [String]) -> String {
        switch parts.first {
        case "oauth2": "token"
        case "orders" where parts.count == 3: parts[2] == "refund" ? "refund" : "cancel"
        case let name?: name
        case nil: ""
        }
    }

    // MARK: Faults around an endpoint

    private func flexFactor(_ request: Incoming, _ parts: [String]) -> Reply {
        let endpoint = Self.endpoint(parts)
        let (faults, kind) = world.withLock { world in (world.faults, world.faults.draw(endpoint, &world.random)) }
        if faults.outage { return Reply(manner: .reset) }
        switch kind {
        case .throttle: return Reply(status: 429, headers: [("retry-after", String(faults.retryAfterSeconds))])
        case .errorBefore: return Reply(status: 503, body: "<html>Service Unavailable</html>", contentType: "text/html")
        case .resetBefore: return Reply(manner: .reset)
        case nil: return serve(request, parts)
        case .errorAfter, .resetAfter, .timeoutAfter, .html, .slowBody, .truncated: break
        }
        var reply = serve(request, parts)
        switch kind {
        case .errorAfter: reply = Reply(status: 502, body: "<html>Bad Gateway</html>", contentType: "text/html")
        case .html: reply = Reply(body: "<html>maintenance</html>", contentType: "text/html")
        case .resetAfter: reply.manner = .reset
        case .timeoutAfter: reply.manner = .silence(seconds: faults.timeoutSeconds)
        case .slowBody: reply.manner = .slow
        case .truncated: reply.manner = .truncated
        default: break
        }
        return reply
    }

    // MARK: Endpoints

    private func serve(_ request: Incoming, _ parts: [String]) -> Reply {
        if request.method == "POST", parts == ["oauth2", "token"] { return token(request) }
        if parts == ["tokenize"] { return request.method == "POST" ? tokenize(request) : Reply(status: 405) }
        guard let account = authorised(request) else { return Reply(status: 401) }
        if let key = account.requestKey,
            let why = Signature.check(method: request.method, header: request.header, body: request.body, key: key)
        {
            return Reply(status: 401, body: jsonText(["error": why]))
        }
        let isPost = request.method == "POST"
        switch (parts.first, parts.count) {
        case ("evaluate", 1): return isPost ? keyed(request) { evaluate($0, account) } : Reply(status: 405)
        case ("transmit", 1):
            return isPost ? Reply(body: jsonText(["success": true, "status": 0, "transmitId": UUID().uuidString])) : Reply(status: 405)
        case ("capture", 1): return isPost ? keyed(request) { capture($0) } : Reply(status: 405)
        case ("outcome", 1): return isPost ? outcome(request) : Reply(status: 405)
        case ("orders", 1): return isPost ? Reply(status: 405) : list(request)
        case ("orders", 2): return isPost ? Reply(status: 405) : inquire(parts[1])
        case ("orders", 3) where isPost:
            switch parts[2] {
            case "cancel": return keyed(request) { [self] _ in cancel(parts[1]) }
            case "external-cancel":
                let id = world.withLock { $0.byExternal[parts[1]]?.last }
                return keyed(request) { [self] _ in cancel(id ?? "") }
            case "refund": return refund(request, parts[1])
            default: return Reply(status: 404)
            }
        case ("orders", 3): return Reply(status: 405)
        default: return Reply(status: 404)
        }
    }

    private func authorised(_ request: Incoming) -> Account? {
        guard let header = request.header("authorization"), header.hasPrefix("Bearer ") else { return nil }
        let bearer = String(header.dropFirst(7))
        guard let grant = world.withLock({ $0.bearers[bearer] }), grant.expires > Date() else { return nil }
        return accounts.first { $0.mid == grant.mid }
    }

    private func token(_ request: Incoming) -> Reply {
        guard let fields = request.fields, let key = fields.text("appKey"), let secret = fields.text("appSecret") else {
            return invalid(["AppKey": "The AppKey field is required.", "AppSecret": "The AppSecret field is required."])
        }
        guard let account = accounts.first(where: { $0.appKey == key && $0.appSecret == secret }) ?? (acceptsAnyone ? accounts[0] : nil)
        else {
            return invalid(["AppKey": "The credentials are not valid."])
        }
        let now = Date()
        let (bearer, expires) = world.withLock { world in
            let expires = now.addingTimeInterval(world.faults.tokenSeconds)
            let bearer = Bearer.make(account, now: now, expires: expires)
            world.bearers[bearer] = World.Grant(mid: account.mid, expires: expires)
            return (bearer, expires)
        }
        return Reply(
            body: jsonText([
                "accessToken": bearer, "refreshToken": UUID().uuidString, "expires": Int(expires.timeIntervalSince1970 * 1_000),
                "id": UUID().uuidString.lowercased(), "session": NSNull(), "daysToEnforceMFA": NSNull(), "skipAvailable": NSNull(),
                "success": true,
                "result": NSNull(), "status": NSNull(), "statusCode": NSNull(), "errors": [Any](), "customProperties": [String: Any](),
            ]))
    }

    private func tokenize(_ request: Incoming) -> Reply {
        // Some clients name account and key in the query, some come with a bearer token instead.
        let isKnown =
            request.query["mid"].map { mid in
                acceptsAnyone
                    || accounts.contains {
                        $0.mid == mid && ($0.environmentKey == nil || $0.environmentKey == request.query["environment"])
                    }
            } ?? (authorised(request) != nil)
        guard isKnown else { return Reply(status: 401) }
        guard let fields = request.fields else { return invalid(["": "The body is not JSON."]) }
        let card = fields.object("payment_method").object("credit_card")
        guard let number = card.text("number") else { return invalid(["PaymentMethod.CreditCard.Number": "The Number field is required."]) }
        let token = UUID().uuidString.lowercased()
        world.withLock { $0.vault[token] = number }
        let method: [String: Any] = [
            "token": token, "created_at": now(), "updated_at": now(), "last_four_digits": String(number.suffix(4)),
            "first_six_digits": String(number.prefix(8)), "first_name": card.text("first_name") ?? "",
            "last_name": card.text("last_name") ?? "",
            "month": card.int("month") ?? 0, "year": card.int("year") ?? 0,
        ]
        return Reply(
            body: jsonText([
                "transaction": ["succeeded": true, "token": NSNull(), "payment_method": method], "cardBinInfo": NSNull(), "success": true,
                "result": NSNull(), "status": NSNull(), "statusCode": NSNull(), "errors": [Any](), "customProperties": [String: Any](),
            ]))
    }

    private func evaluate(_ fields: Fields, _ account: Account) -> Reply {
        let transaction = fields.object("transaction")
        let method = fields.object("paymentMethod")
        var faults: [String: String] = [:]
        func require(_ path: String, _ isThere: Bool) {
            if !isThere { faults[path] = "The \(path.split(separator: ".").last ?? "") field is required." }
        }
        if fields.text("orderId") == nil { faults["OrderId"] = "Merchant's orderId is required" }
        require("IsDeclined", fields.has("isDeclined"))
        require("IdempotencyKey", fields.text("idempotencyKey") != nil)
        for name in ["Id", "ResponseCode", "AvsResultCode", "CvvResultCode", "CavvResultCode", "ResponseCodeSource"] {
            require("Transaction." + name, transaction.text(name) != nil)
        }
        require("Transaction.Amount", transaction.int("amount") != nil)
        require("PaymentMethod.CardNumber", method.text("cardNumber") != nil)
        let isMIT = fields.bool("isMIT") ?? false
        // A sync account answers at once whatever it is sent; a managed one wants to know until when.
        let expiry = account.mode == "sync" ? nil : fields.date("expiryDateUtc")
        if habits.refuseOddAmounts, let amount = transaction.int("amount"), !(11..<20_000).contains(amount) {
            faults["Transaction.Amount"] = "The field Amount must be between 11 and 19999."
        }
        if fields.has("expiryDateUtc") || isMIT && account.mode == "managed", account.mode != "sync", expiry == nil {
            faults["ExpiryDateUtc"] = "The field ExpiryDateUtc is invalid."
        }
        guard faults.isEmpty, let externalID = fields.text("orderId"), let number = method.text("cardNumber") else {
            return invalid(faults)
        }

        let card = method.bool("token") == true ? world.withLock { $0.vault[number] } ?? number : number
        let (fate, fault) = Triggers.fate(
            card: card, isMIT: isMIT, hasExpiry: expiry != nil, phone: fields.object("payer").text("phone"),
            isAuthorization: fields.text("transactionType")?.lowercased() == "authorization")
        let isFirst = world.withLock { fault != nil && $0.faultedOnce.insert(externalID).inserted }
        func execute() -> Reply {
            let (order, status) = world.withLock { world in
                world.place(
                    mid: account.mid, externalID: externalID, fate: fate, amount: transaction.int("amount") ?? 0,
                    currency: transaction.text("currency") ?? "USD",
                    isMIT: isMIT, expiry: expiry, key: fields.text("idempotencyKey"), email: fields.object("payer").text("email") ?? "",
                    payer: ["firstName", "lastName"].compactMap { fields.object("billingInformation").text($0) }.joined(separator: " "))
            }
            return Reply(
                body: jsonText([
                    "orderSessionKey": order.id, "orderId": order.id, "senseKey": fields.text("senseKey").map { $0 as Any } ?? NSNull(),
                    "success": true,
                    "result": "Success", "status": status, "statusCode": NSNull(), "errors": [Any](), "customProperties": [String: Any](),
                ]))
        }
        guard let fault, isFirst || fault == .hang else { return execute() }
        switch fault {
        case .hang:
            return world.withLock { world in
                world.hung += 1
                return Reply(manner: .silence(seconds: world.faults.timeoutSeconds))
            }
        case .errorBefore: return Reply(status: 500, body: "{}")
        case .resetBefore: return Reply(manner: .reset)
        case .timeoutAfter: return execute().lost(.silence(seconds: world.withLock { $0.faults.timeoutSeconds }))
        case .resetAfter: return execute().lost(.reset)
        case .errorAfter: return execute().lost(.whole)
        }
    }

    /// Runs something under its idempotency key: the same key and payload get the same answer for 24 hours, another payload 409.
    private func keyed(_ request: Incoming, _ run: (Fields) -> Reply) -> Reply {
        guard let fields = request.fields else { return invalid(["": "The body is not JSON."]) }
        guard let name = Self.key(of: request) else { return run(fields) }
        let fingerprint = Signature.contentHash(request.body)
        let known = world.withLock { world in
            world.keys[name].flatMap { world.clock.now().timeIntervalSince($0.at) < 86_400 ? $0 : nil }
        }
        if let known {
            return known.fingerprint == fingerprint
                ? Reply(status: known.status, body: known.body)
                : Reply(status: 409, body: jsonText(["title": "The idempotency key was used with another payload."]))
        }
        let reply = run(fields)
        if reply.isExecuted {
            world.withLock { world in
                world.keys[name] = World.Remembered(fingerprint: fingerprint, status: reply.status, body: reply.body, at: world.clock.now())
            }
        }
        guard let manner = reply.lostAs else { return reply }
        return manner.isWhole ? Reply(status: 500, body: "{}") : Reply(manner: manner)
    }

    func invalid(_ faults: [String: String]) -> Reply {
        let map: [String: Any] = faults.mapValues { [$0] }
        let trace = Self.traceID()
        if problemShape {
            return Reply(
                status: 400,
                body: jsonText(["status": 400, "title": "One or more validation errors occurred.", "traceId": trace, "errors": map]),
                contentType: "application/problem+json; charset=utf-8")
        }
        return Reply(status: 400, body: jsonText(map.merging(["TraceId": [trace]]) { first, _ in first }))
    }

    private func now() -> String { world.withLock { $0.clock.now().formatted(.iso8601) } }
}
